//! Several requests at once, each against another one of the last administrators.

use std::sync::Arc;

use usher_domain::{Actor, ClientInfo, RoleName, SessionId, User, UserId};
use usher_service::{UsersError, UsersManager};
use usher_storage::{RoleQueries, UsersStorageBackend, contract::TestDatabase};

use crate::managers::{Managers, ROUNDS, Start};

/// The ways to take an administrator away.
async fn take_away(users: &UsersManager, actor: &Actor, way: usize, id: UserId) -> Result<(), UsersError> {
    match way % 4 {
        0 => users.set_roles(actor, id, &["user".to_owned()], None).await.map(drop),
        1 => users.deactivate_user(actor, id, None).await.map(drop),
        2 => users.delete_user(actor, id, None).await.map(drop),
        _ => users.purge_user(actor, id, None).await,
    }
}

async fn active_administrators(managers: &Managers) -> u64 {
    let transaction = managers.backend.begin().await.unwrap();
    transaction.role_count_active_holders(&RoleName::ADMIN).await.unwrap()
}

async fn purge(managers: &Managers, users: impl IntoIterator<Item = User>) {
    let transaction = managers.backend.begin().await.unwrap();
    for user in users {
        transaction.user_purge(user.id).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

async fn race_two(database: TestDatabase) {
    let managers = Managers::on(&database).await;
    for round in 0..ROUNDS {
        let mut pair = Vec::new();
        for name in ["one", "two"] {
            pair.push(managers.user(&format!("{name}{round}"), &["admin"]).await);
        }
        let start = Start::of(2);
        let raced = pair.clone().into_iter().zip([round, round / 4]).map(|(admin, way)| {
            let users = managers.users.clone();
            start.race(async move { take_away(&users, &Actor::system(), way, admin.id).await })
        });
        let mut refused = 0;
        for one in raced.collect::<Vec<_>>() {
            match one.await.unwrap() {
                Ok(()) => {}
                Err(UsersError::LastAdmin) => refused += 1,
                Err(other) => panic!("round {round}: {other:?}"),
            }
        }
        assert_eq!(refused, 1, "round {round}");
        assert_eq!(active_administrators(&managers).await, 1, "round {round}");
        purge(&managers, pair).await;
    }
    assert_eq!(managers.backend.role_all().await.unwrap().len(), 2);
}

/// Each takes the next one away, while a role goes that all of them hold.
async fn race_three(database: TestDatabase) {
    let managers = Managers::on(&database).await;
    for round in 0..ROUNDS {
        let deputy = managers.role(&format!("deputy{round}"), &["texts:edit"]).await;
        let mut ring = Vec::new();
        for name in ["one", "two", "three"] {
            ring.push(managers.user(&format!("{name}{round}"), &["admin", deputy.as_str(), "user"]).await);
        }
        let start = Start::of(4);
        let mut raced = Vec::new();
        for (n, way) in [round, round / 4, round / 16].into_iter().enumerate() {
            let session = SessionId::generate(&*managers.environment.ids);
            let actor = Actor::user(Arc::new(ring[n].clone()), session, ClientInfo::default());
            let (users, next) = (managers.users.clone(), ring[(n + 1) % ring.len()].id);
            raced.push(start.race(async move { take_away(&users, &actor, way, next).await }));
        }
        let (roles, name) = (managers.roles.clone(), deputy.clone());
        let deletion = start.race(async move { roles.delete(&Actor::system(), &name, true, None).await });

        let mut refused = 0;
        for one in raced {
            match one.await.unwrap() {
                Ok(()) => {}
                Err(UsersError::LastAdmin) => refused += 1,
                Err(other) => panic!("round {round}: {other:?}"),
            }
        }
        assert_eq!(refused, 1, "round {round}");
        deletion.await.unwrap().unwrap();
        assert_eq!(active_administrators(&managers).await, 1, "round {round}");
        assert_eq!(managers.backend.role_by_name(&deputy).await.unwrap(), None, "round {round}");
        purge(&managers, ring).await;
    }
}

/// Proves: AZ-04
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_the_last_two_administrators_stays_on_sqlite() {
    race_two(TestDatabase::sqlite()).await;
}

/// Proves: AZ-04
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_the_last_two_administrators_stays_on_postgres() {
    if let Some(database) = TestDatabase::postgres().await {
        race_two(database).await;
    }
}

/// Proves: AZ-04
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_three_administrators_who_take_each_other_away_one_stays_on_sqlite() {
    race_three(TestDatabase::sqlite()).await;
}

/// Proves: AZ-04
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_three_administrators_who_take_each_other_away_one_stays_on_postgres() {
    if let Some(database) = TestDatabase::postgres().await {
        race_three(database).await;
    }
}
