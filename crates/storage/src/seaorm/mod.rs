//! SQLite and PostgreSQL through SeaORM.
//!
//! What queries run on is a [`Source`]: the pools, or an open transaction. Reads are written once,
//! for either; writes are for transactions alone.

mod activity;
#[cfg(test)]
mod activity_list_tests;
mod backup;
mod connect;
mod entities;
mod error;
#[cfg(test)]
mod list_tests;
mod mail;
#[cfg(test)]
mod mail_tests;
mod migrate;
mod one_time_tokens;
mod postgres_transport;
mod removal;
mod roles;
mod row;
#[cfg(test)]
mod session_tests;
mod sessions;
mod settings;
mod signing_keys;
#[cfg(test)]
mod tests;
mod usage;
mod user_lists;
mod user_search;
mod users;

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, StatementBuilder,
    TransactionOptions, TransactionTrait, sea_query::SelectStatement,
};

use crate::{StorageError, StorageResult, Transaction, UsersStorageBackend};
pub use backup::BackupError;
use error::failed;
pub use migrate::MigrationState;
pub use postgres_transport::PostgresTransport;
use row::Row;
pub use settings::{ConnectSettings, Engine};
pub use usage::PoolUsage;

/// A backend on SQLite or PostgreSQL.
///
/// `S` is what its queries run on: the pools, or an open transaction.
pub struct SeaOrmBackend<S = Pools> {
    source: S,
}

impl SeaOrmBackend {
    /// Opens the pools, and with them the first connection. The schema is left as it is: see
    /// [`migrate`](Self::migrate).
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] where nothing answers or the file cannot be opened,
    /// [`StorageError::Backend`] for a URL or credentials that are wrong.
    pub async fn connect(settings: ConnectSettings) -> StorageResult<Self> {
        Ok(Self { source: Pools::connect(&settings).await? })
    }

    /// What kind of database it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.source.engine
    }

    /// How much of each pool of connections is in use.
    #[must_use]
    pub fn pools(&self) -> Vec<PoolUsage> {
        self.source.usage()
    }

    /// Closes all connections, once what they are at is done. Whatever is asked afterwards is
    /// answered [`StorageError::Unavailable`].
    pub async fn close(&self) {
        for pool in [&self.source.reader, &self.source.writer] {
            if let Err(error) = pool.close_by_ref().await {
                tracing::debug!(%error, "closing the database failed");
            }
        }
    }
}

impl<S> fmt::Debug for SeaOrmBackend<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeaOrmBackend").finish_non_exhaustive()
    }
}

#[async_trait]
impl UsersStorageBackend for SeaOrmBackend {
    async fn begin(&self) -> StorageResult<Box<dyn Transaction>> {
        let source = OpenTransaction { transaction: self.source.begin().await?, poisoned: AtomicBool::new(false) };
        Ok(Box::new(SeaOrmBackend { source }))
    }

    async fn ping(&self) -> StorageResult<()> {
        self.source.reader.ping().await.map_err(failed)
    }
}

impl SeaOrmBackend<OpenTransaction> {
    /// Runs a change; answers how many rows it touched.
    async fn change(&self, change: &impl StatementBuilder) -> StorageResult<u64> {
        Ok(self.source.connection().execute(change).await.map_err(failed)?.rows_affected())
    }
}

#[async_trait]
impl Transaction for SeaOrmBackend<OpenTransaction> {
    async fn commit(self: Box<Self>) -> StorageResult<()> {
        self.source.check()?;
        self.source.transaction.commit().await.map_err(failed)
    }
}

/// What queries can run on.
trait Source: Send + Sync {
    type Connection: ConnectionTrait + Send + Sync;

    fn connection(&self) -> &Self::Connection;

    /// Sees a query through.
    fn run<T: Send>(
        &self,
        query: impl Future<Output = StorageResult<T>> + Send,
    ) -> impl Future<Output = StorageResult<T>> + Send;

    /// Every row of a query, as the value that it holds.
    fn read_all<T: Send>(
        &self,
        query: &SelectStatement,
        read: fn(Row<'_>) -> StorageResult<T>,
    ) -> impl Future<Output = StorageResult<Vec<T>>> + Send {
        self.run(async move {
            let rows = self.connection().query_all(query).await.map_err(failed)?;
            rows.iter().map(|row| read(Row::new(row, 0))).collect()
        })
    }
}

/// The connections of a backend.
pub struct Pools {
    engine: Engine,
    reader: DatabaseConnection,
    writer: DatabaseConnection,
}

impl Pools {
    /// Opens a transaction, in a task of its own: sqlx would put a connection back into the pool with
    /// the transaction still open, if it were interrupted before PostgreSQL has answered.
    async fn begin(&self) -> StorageResult<DatabaseTransaction> {
        let writer = self.writer.clone();
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let begun = tokio::spawn(async move { writer.begin_with_options(options).await });
        begun.await.map_err(|stopped| StorageError::Unavailable(Box::new(stopped)))?.map_err(failed)
    }
}

impl Source for Pools {
    type Connection = DatabaseConnection;

    fn connection(&self) -> &DatabaseConnection {
        &self.reader
    }

    async fn run<T: Send>(&self, query: impl Future<Output = StorageResult<T>> + Send) -> StorageResult<T> {
        query.await
    }
}

/// A transaction, and whether it can still be committed. Dropped, it rolls back.
pub struct OpenTransaction {
    transaction: DatabaseTransaction,
    poisoned: AtomicBool,
}

impl OpenTransaction {
    fn check(&self) -> StorageResult<()> {
        if self.poisoned.load(Ordering::Acquire) { Err(StorageError::Poisoned) } else { Ok(()) }
    }
}

impl Source for OpenTransaction {
    type Connection = DatabaseTransaction;

    fn connection(&self) -> &DatabaseTransaction {
        &self.transaction
    }

    /// An error poisons the transaction, and so does a query that is dropped half-way.
    async fn run<T: Send>(&self, query: impl Future<Output = StorageResult<T>> + Send) -> StorageResult<T> {
        self.check()?;
        let unfinished = Unfinished(&self.poisoned);
        let answer = query.await?;
        std::mem::forget(unfinished);
        Ok(answer)
    }
}

/// Poisons its transaction when dropped.
struct Unfinished<'t>(&'t AtomicBool);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
