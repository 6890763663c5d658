//! What a server does besides serving.

use std::time::Duration;

use tokio::{task::JoinHandle, time::sleep};
use usher_service::Purger;

use crate::start_error::chain;

/// How long after the end of a purge the next one begins.
pub(crate) const PURGE_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Work in a task of its own, which ends with this value at the latest.
pub(crate) struct Background(JoinHandle<()>);

impl Background {
    /// Purges now, and again after each pause.
    pub(crate) fn purge(purger: Purger, pause: Duration) -> Self {
        Self(tokio::spawn(async move {
            loop {
                match purger.run_once().await {
                    Ok(0) => tracing::debug!("no account was deleted long enough ago to be purged"),
                    Ok(purged) => tracing::info!(purged, "deleted accounts were purged"),
                    Err(error) => tracing::error!(error = chain(&error), "deleted accounts could not be purged"),
                }
                sleep(pause).await;
            }
        }))
    }

    /// Breaks the work off, and waits until it is.
    pub(crate) async fn stop(mut self) {
        self.0.abort();
        // That it was broken off is no news.
        let _ = (&mut self.0).await;
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.0.abort();
    }
}
