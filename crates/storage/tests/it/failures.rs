//! What happens when things go wrong between a backend and its database.

use std::{future::poll_fn, net::TcpListener, pin::pin, task::Poll, time::Duration};

use sea_orm::{ConnectionTrait, TransactionTrait};
use usher_domain::{SequentialIds, Timestamp, UserId, UserScope};
use usher_storage::{
    ConnectSettings, SeaOrmBackend, StorageError, StorageResult, UserQueries, UsersStorageBackend,
    contract::TestDatabase,
};

use crate::sample::{column, databases, raw, user};

/// A backend of that many connections, with two accounts.
async fn with_two_accounts(database: &TestDatabase, settings: ConnectSettings) -> (SeaOrmBackend, [UserId; 2]) {
    database.backend().await.close().await;
    let backend = SeaOrmBackend::connect(settings).await.unwrap();
    let ids = SequentialIds::default();
    let accounts = [user(&ids, "ada"), user(&ids, "bob")];
    let transaction = backend.begin().await.unwrap();
    for account in &accounts {
        transaction.user_insert(account).await.unwrap();
    }
    transaction.commit().await.unwrap();
    (backend, accounts.map(|account| account.id))
}

fn is_unavailable<T>(result: &StorageResult<T>) -> bool {
    matches!(result, Err(StorageError::Unavailable(_)))
}

/// Starts on something and leaves it at the first place where it waits; answers whether it did wait
/// or was done at once.
async fn interrupt<T>(doing: impl Future<Output = T>) -> bool {
    let mut doing = pin!(doing);
    poll_fn(|context| Poll::Ready(doing.as_mut().poll(context).is_pending())).await
}

/// A write that was left half-way cannot be committed.
#[tokio::test]
async fn an_interrupted_write_poisons_the_transaction() {
    for database in databases().await {
        let backend = database.backend().await;
        let ids = SequentialIds::default();
        let mut interrupted = 0;
        while interrupted < 10 {
            let ada = user(&ids, "ada");
            let transaction = backend.begin().await.unwrap();
            if interrupt(transaction.user_insert(&ada)).await {
                interrupted += 1;
                let after = transaction.user_any().await;
                assert!(matches!(after, Err(StorageError::Poisoned)), "{after:?}");
                assert!(matches!(transaction.commit().await, Err(StorageError::Poisoned)));
                assert!(!backend.user_any().await.unwrap());
            }
        }
    }
}

/// Reads that are left half-way do no harm to those after them.
#[tokio::test]
async fn an_interrupted_read_does_no_harm() {
    for database in databases().await {
        let settings = ConnectSettings { max_connections: Some(1), ..ConnectSettings::new(database.url()) };
        let (backend, [ada, bob]) = with_two_accounts(&database, settings).await;
        for _ in 0..10 {
            interrupt(backend.user_by_id(ada, UserScope::Existing)).await;
            let found = backend.user_by_id(bob, UserScope::Existing).await.unwrap().unwrap();
            assert_eq!(found.user.id, bob);
        }
    }
}

/// A transaction whose opening was left half-way is not left open on the server.
#[tokio::test]
async fn an_interrupted_begin_leaves_no_transaction_open() {
    for database in databases().await {
        let settings = ConnectSettings { max_connections: Some(1), ..ConnectSettings::new(database.url()) };
        let (backend, [ada, _]) = with_two_accounts(&database, settings).await;
        for _ in 0..10 {
            interrupt(backend.begin()).await;
            let read = backend.user_by_id(ada, UserScope::Existing).await.unwrap();
            assert!(read.is_some());
            if backend.engine() == usher_storage::Engine::Postgres {
                let open = "SELECT state FROM pg_stat_activity
                            WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
                assert_eq!(column::<String>(&raw(&database).await, open).await, Vec::<String>::new());
            }
        }
    }
}

/// Who finds no connection within the time is told that the database is not available.
#[tokio::test]
async fn no_free_connection_is_unavailable() {
    for database in databases().await {
        let settings = ConnectSettings {
            max_connections: Some(1),
            acquire_timeout: Duration::from_millis(500),
            ..ConnectSettings::new(database.url())
        };
        let (backend, _) = with_two_accounts(&database, settings).await;
        let transaction = backend.begin().await.unwrap();
        assert!(is_unavailable(&backend.begin().await.map(drop)));
        drop(transaction);
        backend.begin().await.unwrap();
    }
}

/// A closed backend answers nothing any more.
#[tokio::test]
async fn a_closed_backend_is_unavailable() {
    for database in databases().await {
        let backend = database.backend().await;
        backend.close().await;
        assert!(is_unavailable(&backend.ping().await));
        assert!(is_unavailable(&backend.user_any().await));
        assert!(is_unavailable(&backend.begin().await.map(drop)));
    }
}

/// Where no server answers, nothing is available.
#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = ConnectSettings::new(format!("postgres://postgres@127.0.0.1:{port}/usher"));
    let refused = SeaOrmBackend::connect(settings).await;
    assert!(is_unavailable(&refused), "{refused:?}");
}

/// A statement that waits longer than it may is given up, and the database is said to be
/// unavailable.
#[tokio::test]
async fn a_statement_that_takes_too_long_is_unavailable() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let settings =
        ConnectSettings { statement_timeout: Duration::from_millis(100), ..ConnectSettings::new(database.url()) };
    let (backend, [ada, _]) = with_two_accounts(&database, settings).await;
    let others = raw(&database).await.begin().await.unwrap();
    others.execute_unprepared("SELECT 1 FROM users FOR UPDATE").await.unwrap();
    let transaction = backend.begin().await.unwrap();
    let waited = transaction.user_by_id_for_update(ada, UserScope::Existing).await;
    assert!(is_unavailable(&waited), "{waited:?}");
    assert!(matches!(transaction.commit().await, Err(StorageError::Poisoned)));
}

/// Two transactions that wait for each other are contention, for one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_is_contention() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let (backend, [ada, bob]) = with_two_accounts(&database, ConnectSettings::new(database.url())).await;
    let (first, second) = (backend.begin().await.unwrap(), backend.begin().await.unwrap());
    first.user_by_id_for_update(ada, UserScope::Existing).await.unwrap();
    second.user_by_id_for_update(bob, UserScope::Existing).await.unwrap();
    let (first, second) = tokio::join!(
        async {
            let locked = first.user_by_id_for_update(bob, UserScope::Existing).await;
            drop(first);
            locked
        },
        async {
            let locked = second.user_by_id_for_update(ada, UserScope::Existing).await;
            drop(second);
            locked
        }
    );
    let contention = |result: &StorageResult<_>| matches!(result, Err(StorageError::Contention));
    assert!(contention(&first) != contention(&second), "{first:?} {second:?}");
}

/// Connections that the server has cut are told as unavailable, and replaced.
#[tokio::test]
async fn cut_connections_are_replaced() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let settings = ConnectSettings { max_connections: Some(2), ..ConnectSettings::new(database.url()) };
    let (backend, [ada, _]) = with_two_accounts(&database, settings).await;
    let transaction = backend.begin().await.unwrap();
    transaction.user_set_roles(ada, &[], Timestamp::UNIX_EPOCH).await.unwrap();
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    raw(&database).await.execute_unprepared(cut).await.unwrap();

    let committed = transaction.commit().await;
    assert!(is_unavailable(&committed), "{committed:?}");
    let mut answers = 0;
    for _ in 0..4 {
        let found = backend.user_by_id(ada, UserScope::Existing).await;
        if !is_unavailable(&found) {
            assert_eq!(found.unwrap().unwrap().user.version, 1);
            answers += 1;
        }
    }
    assert!(answers >= 2, "at most the two connections that were open fail");
}

/// A transaction that is left idle is ended by the server.
#[tokio::test]
async fn an_idle_transaction_is_ended() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let settings =
        ConnectSettings { statement_timeout: Duration::from_millis(100), ..ConnectSettings::new(database.url()) };
    let (backend, [ada, _]) = with_two_accounts(&database, settings).await;
    let transaction = backend.begin().await.unwrap();
    transaction.user_set_roles(ada, &[], Timestamp::UNIX_EPOCH).await.unwrap();
    // Waits for the lock, and so until the transaction is gone.
    let connection = raw(&database).await;
    connection.execute_unprepared("UPDATE users SET version = 7 WHERE username_key = 'ada'").await.unwrap();
    let committed = transaction.commit().await;
    assert!(is_unavailable(&committed), "{committed:?}");
    assert_eq!(backend.user_by_id(ada, UserScope::Existing).await.unwrap().unwrap().user.version, 7);
}
