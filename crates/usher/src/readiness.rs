use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::timeout;
use usher_api::{ReadinessProbe, async_trait};
use usher_storage::{SeaOrmBackend, UsersStorageBackend};

use crate::database;

/// Whether requests can be served: the database answers, its schema is there, and nobody has asked the
/// server to stop.
pub(crate) struct Readiness {
    backend: Arc<SeaOrmBackend>,
    patience: Duration,
    migrated: AtomicBool,
    draining: AtomicBool,
}

impl Readiness {
    /// The database is given as long as this to answer.
    pub(crate) fn new(backend: Arc<SeaOrmBackend>, patience: Duration) -> Self {
        Self { backend, patience, migrated: AtomicBool::new(false), draining: AtomicBool::new(false) }
    }

    /// From now on the answer is no.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    async fn database_answers(&self) -> bool {
        matches!(timeout(self.patience, self.backend.ping()).await, Ok(Ok(())))
    }

    /// Steps are never taken back under a running server, so one yes is enough.
    async fn schema_is_there(&self) -> bool {
        if self.migrated.load(Ordering::Relaxed) {
            return true;
        }
        let there = matches!(timeout(self.patience, database::missing_steps(&self.backend)).await, Ok(Ok(0)));
        self.migrated.store(there, Ordering::Relaxed);
        there
    }
}

#[async_trait]
impl ReadinessProbe for Readiness {
    async fn unready(&self) -> Vec<&'static str> {
        if self.is_draining() {
            return vec!["draining"];
        }
        if !self.database_answers().await {
            return vec!["database"];
        }
        if !self.schema_is_there().await {
            return vec!["migrations"];
        }
        Vec::new()
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}
