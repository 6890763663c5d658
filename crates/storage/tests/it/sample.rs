//! What the tests are made of.

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, QueryResult, Statement, TryGetable};
use usher_domain::{Metadata, NewUser, RoleName, SequentialIds, Timestamp, UserId};
use usher_storage::contract::TestDatabase;

/// An empty database on each engine that there is.
pub(crate) async fn databases() -> Vec<TestDatabase> {
    [Some(TestDatabase::sqlite()), TestDatabase::postgres().await].into_iter().flatten().collect()
}

pub(crate) fn user(ids: &SequentialIds, username: &str) -> NewUser {
    NewUser {
        id: UserId::generate(ids),
        username: username.parse().unwrap(),
        email: None,
        email_verified_at: None,
        full_name: None,
        external_id: None,
        metadata: Metadata::default(),
        password_hash: None,
        roles: vec![RoleName::USER],
        must_change_password: false,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

/// A connection past the backend.
pub(crate) async fn raw(database: &TestDatabase) -> DatabaseConnection {
    Database::connect(database.url()).await.unwrap()
}

/// The first column of all rows.
pub(crate) async fn column<T: TryGetable>(connection: &DatabaseConnection, sql: &str) -> Vec<T> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let first = |row: QueryResult| row.try_get_by_index(0).unwrap();
    connection.query_all_raw(statement).await.unwrap().into_iter().map(first).collect()
}
