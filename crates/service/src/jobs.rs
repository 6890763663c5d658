//! What is to be done now and again, without anybody asking for it. When is up to the caller.

use std::{sync::Arc, time::Duration};

use usher_storage::UsersStorageBackend;

use crate::{Environment, Failure, UsersError, UsersManager, transact::transact};

/// The most rows that are removed in one transaction, so that nobody waits long for it.
const BATCH: u64 = 500;

/// For how long a session is kept after its end: whoever signed in from a network within it is known there.
const SESSION_RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Deletes for ever whoever was softly deleted long enough ago.
#[derive(Clone)]
pub struct Purger {
    users: UsersManager,
    retention: Duration,
}

impl Purger {
    /// A softly deleted account can be restored for as long as `retention`.
    #[must_use]
    pub fn new(users: UsersManager, retention: Duration) -> Self {
        Self { users, retention }
    }

    /// Deletes until nobody is left whose time is over; answers how many accounts it was. Several
    /// processes may do this at once. Dropped half-way, it has deleted some of them.
    ///
    /// # Errors
    /// [`UsersError::Failure`]; those before it are gone.
    pub async fn run_once(&self) -> Result<usize, UsersError> {
        let mut purged = 0;
        loop {
            match self.users.purge_expired(self.retention).await? {
                0 => return Ok(purged),
                some => purged += some,
            }
        }
    }
}

/// Removes what has expired and is of no use any more: one-time tokens, with them sign-ups that nobody
/// completed, sessions, and entries of the activity log.
#[derive(Clone)]
pub struct Sweeper {
    backend: Arc<dyn UsersStorageBackend>,
    activity_retention: Duration,
    environment: Environment,
}

/// What a [`Sweeper`] has removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// One-time tokens.
    pub tokens: u64,
    /// Sessions.
    pub sessions: u64,
    /// Entries of the activity log.
    pub entries: u64,
}

impl Swept {
    /// Whether there may be more of anything.
    fn is_full(&self) -> bool {
        [self.tokens, self.sessions, self.entries].contains(&BATCH)
    }

    fn and(self, other: Self) -> Self {
        Self {
            tokens: self.tokens + other.tokens,
            sessions: self.sessions + other.sessions,
            entries: self.entries + other.entries,
        }
    }
}

impl Sweeper {
    /// Removes from this backend. Entries of the activity log are kept for as long as `activity_retention`.
    #[must_use]
    pub fn new(backend: Arc<dyn UsersStorageBackend>, activity_retention: Duration, environment: Environment) -> Self {
        Self { backend, activity_retention, environment }
    }

    /// Removes until nothing is left that has expired. Several processes may do this at once. Dropped half-way,
    /// it has removed some.
    ///
    /// # Errors
    /// [`Failure`]; what was removed before it is gone.
    pub async fn run_once(&self) -> Result<Swept, Failure> {
        let mut swept = Swept::default();
        loop {
            let batch = self.sweep_batch().await?;
            swept = swept.and(batch);
            if !batch.is_full() {
                return Ok(swept);
            }
        }
    }

    async fn sweep_batch(&self) -> Result<Swept, Failure> {
        let now = self.environment.clock.now();
        transact(&*self.backend, &self.environment, |transaction| async move {
            let tokens = transaction.one_time_token_delete_expired(now, BATCH).await?;
            let sessions = transaction.session_delete_expired(now - SESSION_RETENTION, BATCH).await?;
            let entries = transaction.activity_delete_before(now - self.activity_retention, BATCH).await?;
            transaction.commit(Swept { tokens, sessions, entries }).await
        })
        .await
    }
}
