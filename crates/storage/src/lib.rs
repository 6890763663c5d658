#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod activity;
mod error;
mod mail;
mod one_time_tokens;
mod roles;
mod sessions;
mod signing_keys;
mod users;

#[cfg(feature = "contract")]
pub mod contract;
#[cfg(feature = "memory")]
mod memory;
#[cfg(feature = "seaorm")]
mod seaorm;

pub use activity::{ActivityQueries, ActivityWrites};
pub use error::{Constraint, StorageError};
pub use mail::{MailQueries, MailWrites};
#[cfg(feature = "memory")]
pub use memory::MemoryBackend;
pub use one_time_tokens::{OneTimeTokenQueries, OneTimeTokenWrites};
pub use roles::{RoleQueries, RoleWrites};
#[cfg(feature = "seaorm")]
pub use seaorm::{BackupError, ConnectSettings, Engine, MigrationState, PoolUsage, PostgresTransport, SeaOrmBackend};
pub use sessions::{SessionQueries, SessionWrites};
pub use signing_keys::SigningKeyStore;
pub use users::{UserQueries, UserWrites};

use async_trait::async_trait;

/// The result of everything that touches storage.
pub type StorageResult<T> = Result<T, StorageError>;

/// All reads: what a backend answers at any time, and a [`Transaction`] from within.
pub trait Queries:
    UserQueries + RoleQueries + SessionQueries + OneTimeTokenQueries + MailQueries + ActivityQueries
{
}

impl<T> Queries for T where
    T: UserQueries + RoleQueries + SessionQueries + OneTimeTokenQueries + MailQueries + ActivityQueries + ?Sized
{
}

/// All changes: what only a [`Transaction`] does.
pub trait Writes: UserWrites + RoleWrites + SessionWrites + OneTimeTokenWrites + MailWrites + ActivityWrites {}

impl<T> Writes for T where
    T: UserWrites + RoleWrites + SessionWrites + OneTimeTokenWrites + MailWrites + ActivityWrites + ?Sized
{
}

/// A place where users rest.
///
/// What a backend promises, and what the suite of the feature `contract` asks of it:
///
/// - **Reads** see what was committed, each read for itself.
/// - **A transaction** sees its own writes, nobody else sees them before [`Transaction::commit`], and
///   without it they are gone: a transaction that is dropped rolls back.
/// - **After any error** a transaction is poisoned: `commit` answers an error and nothing stays.
///   So it should be after a write that was left half-way, its future dropped.
/// - **Guarded writes** (those that answer `bool`) are compare-and-swaps: of any number that race,
///   one wins.
/// - **Locking reads** (`*_for_update`, [`RoleWrites::role_lock`]) hold everybody else's off until the
///   transaction ends.
/// - **A fresh backend** holds the two built-in roles and nothing else.
/// - **No decisions**: ids, times and hashes arrive finished, and no rule of the domain is known here.
#[async_trait]
pub trait UsersStorageBackend: Queries + SigningKeyStore + Send + Sync + 'static {
    /// Opens a transaction. Writing transactions of one SQLite database queue up for each other.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] where the database cannot be reached in time.
    async fn begin(&self) -> StorageResult<Box<dyn Transaction>>;

    /// Asks whether the database answers.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] where it does not.
    async fn ping(&self) -> StorageResult<()>;
}

/// Writes that take effect together or not at all. Dropped without [`commit`](Self::commit), it rolls
/// back.
#[async_trait]
pub trait Transaction: Queries + Writes + Send + Sync {
    /// Makes everything permanent.
    ///
    /// # Errors
    /// Whatever the database says, in which case nothing was written, unless the connection was lost
    /// inside the commit ([`StorageError::Unavailable`]); [`StorageError::Poisoned`] after an earlier
    /// error.
    async fn commit(self: Box<Self>) -> StorageResult<()>;
}
