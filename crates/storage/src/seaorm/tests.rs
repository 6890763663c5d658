//! What can only be seen from inside: settings of connections, numbers and plans of queries.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, Statement,
    prelude::Uuid,
    sea_query::{PostgresQueryBuilder, SimpleExpr},
};
use usher_domain::{EmailAddress, RoleName, SessionId, UserId, UserScope, Username};

use super::{SeaOrmBackend, entities::users::Column, error::failed, sessions::WITH_USER, users::select};
use crate::{SessionQueries, StorageError, UserQueries, UsersStorageBackend, contract::TestDatabase};

/// A backend on each engine that there is, with its database.
async fn backends() -> Vec<(SeaOrmBackend, TestDatabase)> {
    let mut backends = Vec::new();
    for database in [Some(TestDatabase::sqlite()), TestDatabase::postgres().await].into_iter().flatten() {
        backends.push((database.backend().await, database));
    }
    backends
}

async fn rows(pool: &DatabaseConnection, sql: &str) -> Vec<sea_orm::QueryResult> {
    pool.query_all_raw(Statement::from_string(pool.get_database_backend(), sql)).await.unwrap()
}

#[tokio::test]
async fn sqlite_connections_are_set_up_for_safety() {
    let database = TestDatabase::sqlite();
    let backend = database.backend().await;
    for (pool, query_only) in [(&backend.source.writer, 0), (&backend.source.reader, 1)] {
        let mode: String = rows(pool, "PRAGMA journal_mode").await[0].try_get_by_index(0).unwrap();
        assert_eq!(mode, "wal");
        for (pragma, value) in
            [("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000), ("query_only", query_only)]
        {
            let set: i32 = rows(pool, &format!("PRAGMA {pragma}")).await[0].try_get_by_index(0).unwrap();
            assert_eq!(set, value, "{pragma}");
        }
    }
}

#[tokio::test]
async fn postgres_connections_have_their_limits() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let backend = database.backend().await;
    for (setting, value) in [
        ("statement_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "5s"),
        ("default_transaction_isolation", "read committed"),
    ] {
        let set: String =
            rows(&backend.source.reader, &format!("SHOW {setting}")).await[0].try_get_by_index(0).unwrap();
        assert_eq!(set, value, "{setting}");
    }
}

#[tokio::test]
async fn reading_an_account_is_one_query() {
    let id = UserId::from_uuid(Uuid::nil());
    let username: Username = "ada".parse().unwrap();
    let email: EmailAddress = "ada@example.org".parse().unwrap();
    for (mut backend, _database) in backends().await {
        let queries = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&queries);
        backend.source.reader.set_metric_callback(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        backend.user_by_id(id, UserScope::Existing).await.unwrap();
        assert_eq!(queries.swap(0, Ordering::Relaxed), 1);
        backend.user_by_username(&username, UserScope::Existing).await.unwrap();
        assert_eq!(queries.swap(0, Ordering::Relaxed), 1);
        backend.user_by_email(&email, UserScope::Existing).await.unwrap();
        assert_eq!(queries.swap(0, Ordering::Relaxed), 1);
        backend.session_with_user(SessionId::from_uuid(Uuid::nil())).await.unwrap();
        assert_eq!(queries.swap(0, Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn look_ups_go_through_indexes() {
    let by = |filter: SimpleExpr| select(UserScope::Existing, filter).build(PostgresQueryBuilder);
    let look_ups = [
        by(Column::Id.eq(Uuid::nil())),
        by(Column::UsernameKey.eq("ada")),
        by(Column::EmailKey.eq("ada@example.org")),
        (WITH_USER.clone(), sea_orm::Values(vec![Uuid::nil().into()])),
    ];
    for (backend, _database) in backends().await {
        let pool = &backend.source.reader;
        let (explain, column, scan) = match backend.engine() {
            super::Engine::Sqlite => ("EXPLAIN QUERY PLAN", 3, "SCAN"),
            super::Engine::Postgres => ("EXPLAIN", 0, "Seq Scan on users"),
        };
        // Without rows PostgreSQL would rather read whole tables.
        let transaction = backend.source.begin().await.unwrap();
        if backend.engine() == super::Engine::Postgres {
            transaction.execute_unprepared("SET LOCAL enable_seqscan = off").await.unwrap();
        }
        for (text, values) in look_ups.clone() {
            let explained = format!("{explain} {text}");
            let statement = Statement::from_sql_and_values(pool.get_database_backend(), explained, values.0);
            let plan = transaction.query_all_raw(statement).await.unwrap();
            let plan: Vec<String> = plan.iter().map(|row| row.try_get_by_index(column).unwrap()).collect();
            assert!(!plan.is_empty() && !plan.iter().any(|step| step.contains(scan)), "{plan:#?}");
        }
    }
}

#[tokio::test]
async fn another_process_that_writes_is_contention() {
    let database = TestDatabase::sqlite();
    let (ours, theirs) = (database.backend().await, database.backend().await);
    let _open = theirs.begin().await.unwrap();
    rows(&ours.source.writer, "PRAGMA busy_timeout = 0").await;
    assert!(matches!(ours.begin().await.map(drop), Err(StorageError::Contention)));
}

#[tokio::test]
async fn a_full_disk_is_unavailable_and_nothing_is_lost() {
    let database = TestDatabase::sqlite();
    let backend = database.backend().await;
    let pages: i64 = rows(&backend.source.writer, "PRAGMA page_count").await[0].try_get_by_index(0).unwrap();
    rows(&backend.source.writer, &format!("PRAGMA max_page_count = {pages}")).await;

    let mut role = usher_domain::Role::built_in(usher_domain::Timestamp::UNIX_EPOCH)[0].clone();
    role.name = RoleName::parse("large").unwrap();
    role.granted = (0..20_000).map(|n| format!("area{n}:{}", "x".repeat(50)).parse().unwrap()).collect();
    let transaction = backend.begin().await.unwrap();
    let full = transaction.role_insert(&role).await;
    assert!(matches!(full, Err(StorageError::Unavailable(_))), "{full:?}");
    drop(transaction);

    rows(&backend.source.writer, "PRAGMA max_page_count = 1000000").await;
    let transaction = backend.begin().await.unwrap();
    transaction.role_insert(&role).await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn an_error_shows_no_row() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let backend = database.backend().await;
    let half = "INSERT INTO users (id, username, password_hash) VALUES (gen_random_uuid(), 'ada', 'a secret')";
    let refused = failed(backend.source.writer.execute_unprepared(half).await.unwrap_err());
    let shown = format!("{refused:?}");
    assert!(matches!(refused, StorageError::Backend(_)) && shown.contains("23502"), "{shown}");
    assert!(!shown.contains("a secret"), "{shown}");
}
