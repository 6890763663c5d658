use std::{ops::Deref, time::Duration};

use tracing::Instrument;
use usher_domain::ActivityEntry;
use usher_storage::{StorageError, Transaction, UsersStorageBackend};

use crate::{Environment, Failure};

/// How often a transaction is run before contention is given up on.
const ATTEMPTS: u32 = 3;

/// The longest pause before a transaction is run again; the pause itself is random.
const LONGEST_PAUSE_MICROS: u128 = 20_000;

/// Why a transaction is not to be committed.
pub(crate) enum Rollback<E> {
    /// A rule of the domain forbids it.
    Refused(E),
    /// The database failed.
    Storage(StorageError),
}

impl<E> From<StorageError> for Rollback<E> {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// A transaction that [`transact`] opened. Dropped, it rolls back.
pub(crate) struct OpenTransaction(Box<dyn Transaction>);

impl Deref for OpenTransaction {
    type Target = dyn Transaction;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl OpenTransaction {
    /// Makes everything permanent, in a task of its own: a caller who goes away cannot stop it
    /// half-way. Answers the value.
    pub(crate) async fn commit<T, E>(self, value: T) -> Result<T, Rollback<E>> {
        self.commit_then(value, async {}).await
    }

    /// As [`commit`](Self::commit), and in the same task does what follows from it.
    pub(crate) async fn commit_then<T, E>(
        self,
        value: T,
        follow_up: impl Future<Output = ()> + Send + 'static,
    ) -> Result<T, Rollback<E>> {
        let committed = self.0.commit();
        let task = tokio::spawn(async move {
            committed.await?;
            follow_up.await;
            Ok::<_, StorageError>(())
        });
        match task.await {
            Ok(committed) => committed?,
            Err(panicked) => return Err(StorageError::Backend(Box::new(panicked)).into()),
        }
        Ok(value)
    }
}

/// Runs `work` in a transaction, which `work` commits at its end. Where somebody else was in the way,
/// the whole of it is run again: nothing outside of the transaction may happen in it.
pub(crate) async fn transact<T, E, F, Work>(
    backend: &dyn UsersStorageBackend,
    environment: &Environment,
    work: F,
) -> Result<T, E>
where
    E: From<Failure>,
    F: Fn(OpenTransaction) -> Work,
    Work: Future<Output = Result<T, Rollback<E>>>,
{
    let mut attempt = 1;
    loop {
        let done = async {
            match backend.begin().await {
                Ok(transaction) => work(OpenTransaction(transaction)).await,
                Err(error) => Err(Rollback::Storage(error)),
            }
        };
        let done = done.instrument(tracing::debug_span!("transaction", attempt)).await;
        match done {
            Ok(value) => return Ok(value),
            Err(Rollback::Refused(refusal)) => return Err(refusal),
            Err(Rollback::Storage(StorageError::Contention)) if attempt < ATTEMPTS => {
                attempt += 1;
                tokio::time::sleep(random_pause(environment)).await;
            }
            Err(Rollback::Storage(error)) => return Err(Failure::from(error).into()),
        }
    }
}

/// Adds an entry to the activity log that belongs to no other change.
pub(crate) async fn write_down(
    backend: &dyn UsersStorageBackend,
    environment: &Environment,
    entry: &ActivityEntry,
) -> Result<(), Failure> {
    transact(backend, environment, |transaction| async move {
        transaction.activity_append(entry).await?;
        transaction.commit(()).await
    })
    .await
}

fn random_pause(environment: &Environment) -> Duration {
    let random = environment.ids.next_uuid().as_u128() % LONGEST_PAUSE_MICROS;
    Duration::from_micros(u64::try_from(random).unwrap_or(0))
}
