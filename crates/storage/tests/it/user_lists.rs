//! What the schema copies for lists is right from the start, also for accounts that were there before.

use usher_domain::{Direction, PageSize, RoleName, SequentialIds, StatusFilter, Timestamp, UserFilter, UserOrder};
use usher_storage::{SeaOrmBackend, UserQueries, UsersStorageBackend};

use crate::sample::{databases, user};

/// Accounts that are older than the lists are listed like any other.
#[tokio::test]
async fn accounts_from_before_the_lists_are_listed() {
    for database in databases().await {
        let backend = database.backend().await;
        let ids = SequentialIds::default();
        let transaction = backend.begin().await.unwrap();
        for (name, created_at) in [("Cyd", 2), ("ada", 3), ("bob", 1)] {
            let mut user = user(&ids, name);
            user.created_at = Timestamp::from_micros(created_at);
            transaction.user_insert(&user).await.unwrap();
        }
        transaction.commit().await.unwrap();

        backend.migrate_down(steps_since("user_lists", &backend).await).await.unwrap();
        backend.migrate().await.unwrap();

        let holders = UserFilter { role: Some(RoleName::USER), ..UserFilter::default() };
        let active = UserFilter { status: Some(StatusFilter::Active), ..UserFilter::default() };
        for filter in [holders, active] {
            assert_eq!(oldest_first(&backend, &filter).await, ["bob", "Cyd", "ada"]);
            assert_eq!(by_username(&backend, &filter).await, ["ada", "bob", "Cyd"]);
        }
    }
}

/// How many steps there are from that one on.
async fn steps_since(name: &str, backend: &SeaOrmBackend) -> u32 {
    let steps = backend.migration_state().await.unwrap();
    let before = steps.iter().take_while(|step| !step.name.ends_with(name)).count();
    (steps.len() - before).try_into().unwrap()
}

async fn oldest_first(backend: &SeaOrmBackend, filter: &UserFilter) -> Vec<String> {
    listed(backend, filter, &UserOrder::CreatedAt { direction: Direction::Ascending, after: None }).await
}

async fn by_username(backend: &SeaOrmBackend, filter: &UserFilter) -> Vec<String> {
    listed(backend, filter, &UserOrder::Username { direction: Direction::Ascending, after: None }).await
}

async fn listed(backend: &SeaOrmBackend, filter: &UserFilter, order: &UserOrder) -> Vec<String> {
    let page = backend.user_page(filter, order, PageSize::MAX).await.unwrap();
    page.items.iter().map(|user| user.username.to_string()).collect()
}
