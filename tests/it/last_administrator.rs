//! Two requests at once, each against another one of the last two administrators.

use std::sync::Arc;

use tokio::sync::Barrier;
use usher_domain::{Actor, RoleName, User, UserId};
use usher_service::{
    Environment, HashAlgorithm, PasswordHasher, PasswordSettings, Revocations, Throttle, UserDraft, UsersError,
    UsersManager, UsersSettings,
};
use usher_storage::{RoleQueries, UsersStorageBackend, contract::TestDatabase};
use usher_tests::PASSWORD;

const ROUNDS: usize = 200;

/// The ways to take an administrator away.
async fn take_away(users: &UsersManager, way: usize, id: UserId) -> Result<(), UsersError> {
    let system = Actor::system();
    match way % 4 {
        0 => users.set_roles(&system, id, &["user".to_owned()], None).await.map(drop),
        1 => users.deactivate_user(&system, id, None).await.map(drop),
        2 => users.delete_user(&system, id, None).await.map(drop),
        _ => users.purge_user(&system, id, None).await,
    }
}

async fn administrator(users: &UsersManager, name: String) -> User {
    let draft = UserDraft {
        username: name,
        password: Some(usher_domain::PlainPassword::new(PASSWORD.to_owned())),
        roles: Some(vec!["admin".to_owned()]),
        ..UserDraft::default()
    };
    users.create_user(&Actor::system(), draft).await.unwrap()
}

async fn race(database: TestDatabase) {
    let backend = Arc::new(database.backend().await);
    let environment = Environment::system();
    let cheap = PasswordSettings { algorithm: HashAlgorithm::Bcrypt { cost: 4 }, ..PasswordSettings::default() };
    let hasher = Arc::new(PasswordHasher::new(&cheap, &environment).unwrap());
    let (revocations, throttle) = (Revocations::in_process(&environment), Throttle::off(&environment));
    let users =
        UsersManager::new(backend.clone(), hasher, revocations, throttle, UsersSettings::default(), environment);

    for round in 0..ROUNDS {
        let pair =
            [administrator(&users, format!("one{round}")).await, administrator(&users, format!("two{round}")).await];
        let barrier = Arc::new(Barrier::new(2));
        let raced = pair.clone().into_iter().zip([round, round / 4]).map(|(admin, way)| {
            let (users, barrier) = (users.clone(), barrier.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                take_away(&users, way, admin.id).await
            })
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
        let transaction = backend.begin().await.unwrap();
        assert_eq!(transaction.role_count_active_holders(&RoleName::ADMIN).await.unwrap(), 1, "round {round}");
        for admin in pair {
            transaction.user_purge(admin.id).await.unwrap();
        }
        transaction.commit().await.unwrap();
    }
    assert_eq!(backend.role_all().await.unwrap().len(), 2);
}

/// Proves: AZ-04
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_the_last_two_administrators_stays_on_sqlite() {
    race(TestDatabase::sqlite()).await;
}

/// Proves: AZ-04
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_the_last_two_administrators_stays_on_postgres() {
    if let Some(database) = TestDatabase::postgres().await {
        race(database).await;
    }
}
