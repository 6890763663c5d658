//! What a server does besides serving.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::{task::JoinHandle, time::sleep};
use usher_service::{Purger, Revocations, TokenIssuer};

use crate::start_error::chain;

/// How long after the end of a purge the next one begins.
const PURGE_PAUSE: Duration = Duration::from_secs(60 * 60);

/// How long a process may be behind with the signing keys; a minute is allowed.
const KEYS_PAUSE: Duration = Duration::from_secs(10);

/// How often other services are told what they could not be told before.
const CATCH_UP_PAUSE: Duration = Duration::from_secs(1);

/// Jobs, each in a task of its own. They end with this value at the latest.
pub(crate) struct Background(Vec<JoinHandle<()>>);

impl Background {
    /// Does each job now, and again after its pause.
    pub(crate) fn start(purger: Purger, tokens: Arc<TokenIssuer>, revocations: Revocations) -> Self {
        Self(vec![
            tokio::spawn(again_and_again(PURGE_PAUSE, move || purge(purger.clone()))),
            tokio::spawn(again_and_again(KEYS_PAUSE, move || keep_keys(tokens.clone()))),
            tokio::spawn(again_and_again(CATCH_UP_PAUSE, move || catch_up(revocations.clone()))),
        ])
    }

    /// Breaks the jobs off, and waits until they are.
    pub(crate) async fn stop(mut self) {
        for job in &mut self.0 {
            job.abort();
            // That it was broken off is no news.
            let _ = job.await;
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        for job in &self.0 {
            job.abort();
        }
    }
}

async fn again_and_again<Work: Future<Output = ()>>(pause: Duration, job: impl Fn() -> Work) {
    loop {
        job().await;
        sleep(pause).await;
    }
}

async fn purge(purger: Purger) {
    match purger.run_once().await {
        Ok(0) => tracing::debug!("no account was deleted long enough ago to be purged"),
        Ok(purged) => tracing::info!(purged, "deleted accounts were purged"),
        Err(error) => tracing::error!(error = chain(&error), "deleted accounts could not be purged"),
    }
}

async fn keep_keys(tokens: Arc<TokenIssuer>) {
    if let Err(error) = tokens.keep_keys().await {
        tracing::error!(error = chain(&error), "the signing keys could not be kept up to date");
    }
}

async fn catch_up(revocations: Revocations) {
    revocations.catch_up().await;
}
