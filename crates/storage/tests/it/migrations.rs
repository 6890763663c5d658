use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use tokio::{sync::Barrier, task::JoinSet};
use usher_domain::UserScope;
use usher_storage::{
    ConnectSettings, Engine, RoleQueries, SeaOrmBackend, StorageError, UserQueries, UsersStorageBackend,
    contract::TestDatabase,
};

use crate::sample::{column, databases, raw, user};

/// Everything that the schema is made of, as text.
async fn schema(connection: &DatabaseConnection) -> Vec<String> {
    let sql = match connection.get_database_backend() {
        DbBackend::Sqlite => "SELECT type || ' ' || coalesce(sql, name) FROM sqlite_master ORDER BY 1",
        _ => {
            "SELECT concat_ws(' ', 'column', table_name, column_name, ordinal_position, data_type,
                              character_maximum_length, is_nullable, column_default, collation_name)
               FROM information_schema.columns WHERE table_schema = 'public'
             UNION ALL
             SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid))
               FROM pg_constraint WHERE connamespace = 'public'::regnamespace
             UNION ALL
             SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
             ORDER BY 1"
        }
    };
    column(connection, sql).await
}

async fn connected(database: &TestDatabase) -> SeaOrmBackend {
    SeaOrmBackend::connect(ConnectSettings::new(database.url())).await.unwrap()
}

async fn applied(backend: &SeaOrmBackend) -> Vec<bool> {
    backend.migration_state().await.unwrap().iter().map(|step| step.applied).collect()
}

/// Down takes away all that up has made, step by step, and up makes it again just the same.
#[tokio::test]
async fn up_down_and_up_again_lead_to_the_same_schema() {
    for database in databases().await {
        let backend = database.backend().await;
        let connection = raw(&database).await;
        let full = schema(&connection).await;
        assert!(full.iter().any(|part| part.contains("users_username_key_unique")), "{full:#?}");

        let steps = applied(&backend).await.len();
        for taken_back in 1..=steps {
            backend.migrate_down(1).await.unwrap();
            let still = applied(&backend).await.into_iter().filter(|&applied| applied).count();
            assert_eq!(still, steps - taken_back);
        }
        let empty = schema(&connection).await;
        assert!(empty.iter().all(|part| part.contains("seaql_migrations")), "{empty:#?}");

        backend.migrate().await.unwrap();
        assert_eq!(schema(&connection).await, full);
    }
}

/// The state of a database can be asked for without changing it.
#[tokio::test]
async fn the_state_of_an_empty_database_is_that_nothing_is_applied() {
    for database in databases().await {
        let backend = connected(&database).await;
        let state = backend.migration_state().await.unwrap();
        assert!(state.iter().all(|step| !step.applied));
        assert_eq!(state[0].name, "m20261121_000001_accounts");
        assert_eq!(schema(&raw(&database).await).await, Vec::<String>::new());
        backend.migrate().await.unwrap();
        assert!(applied(&backend).await.into_iter().all(|applied| applied));
    }
}

/// A process of the version before runs on the schema of the version after, but does not take
/// back what it does not know.
#[tokio::test]
async fn steps_of_a_later_version_are_passed_over() {
    for database in databases().await {
        let backend = database.backend().await;
        let connection = raw(&database).await;
        let later = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m99991231_000001_later', 0)";
        connection.execute_unprepared(later).await.unwrap();

        backend.migrate().await.unwrap();
        assert!(applied(&backend).await.into_iter().all(|applied| applied));
        let refused = backend.migrate_down(1).await;
        assert!(matches!(refused, Err(StorageError::Backend(_))), "{refused:?}");
        assert!(applied(&backend).await.into_iter().all(|applied| applied));
        let steps = column::<String>(&connection, "SELECT version FROM seaql_migrations").await;
        assert_eq!(steps.len(), applied(&backend).await.len() + 1);
    }
}

/// What is there survives a start with nothing to do.
#[tokio::test]
async fn migrating_again_changes_nothing() {
    for database in databases().await {
        let backend = database.backend().await;
        let ada = user(&Default::default(), "ada");
        let transaction = backend.begin().await.unwrap();
        transaction.user_insert(&ada).await.unwrap();
        transaction.commit().await.unwrap();
        backend.migrate().await.unwrap();
        assert!(backend.user_by_id(ada.id, UserScope::Existing).await.unwrap().is_some());
        assert_eq!(backend.role_all().await.unwrap().len(), 2);
    }
}

/// Of several that start at once on a fresh database each comes up, and the schema is made once.
///
/// Proves: OP-08
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn first_starts_at_once_make_one_schema() {
    for _ in 0..5 {
        for database in databases().await {
            let start = Arc::new(Barrier::new(6));
            let mut starting = JoinSet::new();
            for _ in 0..6 {
                let (start, url) = (Arc::clone(&start), database.url().to_owned());
                starting.spawn(async move {
                    start.wait().await;
                    let backend = SeaOrmBackend::connect(ConnectSettings::new(url)).await?;
                    backend.migrate().await?;
                    Ok::<_, StorageError>(backend)
                });
            }
            for started in starting.join_all().await {
                let backend = started.unwrap();
                assert!(applied(&backend).await.into_iter().all(|applied| applied));
                assert_eq!(backend.role_all().await.unwrap().len(), 2);
            }
        }
    }
}

/// The kind of database is told by its URL.
#[tokio::test]
async fn a_backend_knows_its_engine() {
    for database in databases().await {
        let engine = connected(&database).await.engine();
        assert_eq!(Engine::of_url(database.url()), Some(engine));
    }
    assert_eq!(Engine::of_url("mysql://localhost/usher"), None);
    assert_eq!(Engine::of_url("data/usher.db"), None);
}
