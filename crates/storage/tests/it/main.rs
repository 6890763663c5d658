//! The suite of the contract on every backend, and what each engine needs besides.

#![expect(clippy::unwrap_used, reason = "tests")]

mod backup;
mod failures;
mod migrations;
mod postgres_transport;
mod sample;
mod sqlite;
mod user_lists;

use usher_storage::{
    ConnectSettings, MemoryBackend, SeaOrmBackend,
    contract::{TestDatabase, suite},
};

suite!(memory, async { MemoryBackend::new() });

suite!(sqlite_file, async { migrated(TestDatabase::sqlite()).await });

suite!(sqlite_in_memory, async {
    let backend = SeaOrmBackend::connect(ConnectSettings::new("sqlite::memory:")).await.unwrap();
    backend.migrate().await.unwrap();
    backend
});

suite!(postgres, async {
    match TestDatabase::postgres().await {
        Some(database) => Some(migrated(database).await),
        None => None,
    }
});

async fn migrated(database: TestDatabase) -> (SeaOrmBackend, TestDatabase) {
    (database.backend().await, database)
}
