//! Bringing the schema up to date, and looking at where it stands.

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use usher_migration::{Migrator, MigratorTrait};

use super::{Engine, SeaOrmBackend, error::failed};
use crate::{StorageError, StorageResult};

/// Any number will do, as long as it stays the same: all versions must lock the same.
const ADVISORY_LOCK: i64 = 0x7573_6865_7200_0001;

/// One step of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationState {
    /// Its name.
    pub name: String,
    /// Whether the database has it.
    pub applied: bool,
}

impl SeaOrmBackend {
    /// Brings the schema up to date, all steps in one transaction. Of several processes that start at
    /// once one does it, and the others wait.
    ///
    /// # Errors
    /// Those of the database; the schema is then what it was.
    pub async fn migrate(&self) -> StorageResult<()> {
        let transaction = self.begin_migration().await?;
        Migrator::up(&transaction, None).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    /// Takes the last steps back, and with them what their tables hold.
    ///
    /// # Errors
    /// [`StorageError::Backend`] if the database has steps that only a later version of usher knows,
    /// else those of the database; the schema is then what it was.
    pub async fn migrate_down(&self, steps: u32) -> StorageResult<()> {
        let transaction = self.begin_migration().await?;
        let known = Migrator::names();
        let applied = Migrator::applied_names(&transaction).await.map_err(failed)?;
        if let Some(later) = applied.iter().find(|name| !known.contains(name)) {
            return Err(StorageError::Backend(format!("only a later version can take back {later}").into()));
        }
        Migrator::down(&transaction, Some(steps)).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    /// Where the schema stands: every step that this version knows, oldest first. Changes nothing.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn migration_state(&self) -> StorageResult<Vec<MigrationState>> {
        let applied = Migrator::applied_names(&self.source.reader).await.map_err(failed)?;
        let state = |name| MigrationState { applied: applied.contains(&name), name };
        Ok(Migrator::names().into_iter().map(state).collect())
    }

    /// A transaction that nobody else's migration runs beside. SQLite has no other writer anyway.
    async fn begin_migration(&self) -> StorageResult<DatabaseTransaction> {
        let transaction = self.source.begin().await?;
        match self.source.engine {
            Engine::Sqlite => {}
            Engine::Postgres => {
                let lock = format!(
                    "SET LOCAL statement_timeout = 0;
                     SET LOCAL idle_in_transaction_session_timeout = 0;
                     SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"
                );
                transaction.execute_unprepared(&lock).await.map_err(failed)?;
            }
        }
        Ok(transaction)
    }
}
