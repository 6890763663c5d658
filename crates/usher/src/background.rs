//! What a server does besides serving.

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::future::join_all;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use usher_service::{MailDispatcher, Purger, Revocations, Sweeper, Swept, TokenIssuer};

use crate::start_error::chain;

/// How long after the end of a purge the next one begins.
const PURGE_PAUSE: Duration = Duration::from_secs(60 * 60);

/// How long after what has expired was removed it is looked for again.
const SWEEP_PAUSE: Duration = Duration::from_secs(60 * 60);

/// How long a process may be behind with the signing keys; a minute is allowed.
const KEYS_PAUSE: Duration = Duration::from_secs(10);

/// How often other services are told what they could not be told before.
const CATCH_UP_PAUSE: Duration = Duration::from_secs(1);

/// How long a mail waits at most before sending it is begun.
const MAIL_PAUSE: Duration = Duration::from_secs(1);

/// How often what was counted is put in order, also where nobody asks for it: its memory grows until then.
const UPKEEP_PAUSE: Duration = Duration::from_secs(5);

/// How long what a job is at may take once the server stops: a mail that is on its way should not be sent again.
const LAST_WORK: Duration = Duration::from_secs(5);

/// What is to be done.
pub(crate) struct Jobs {
    pub(crate) purger: Purger,
    pub(crate) sweeper: Sweeper,
    /// None where there is no mail.
    pub(crate) dispatcher: Option<MailDispatcher>,
    pub(crate) tokens: Arc<TokenIssuer>,
    pub(crate) revocations: Revocations,
    /// None where nothing is counted.
    pub(crate) recorder: Option<PrometheusHandle>,
}

/// Jobs, each in a task of its own. They end with this value at the latest.
pub(crate) struct Background {
    stop: watch::Sender<bool>,
    jobs: Vec<JoinHandle<()>>,
}

impl Background {
    /// Does each job now, and again after its pause.
    pub(crate) fn start(jobs: Jobs) -> Self {
        let Jobs { purger, sweeper, dispatcher, tokens, revocations, recorder } = jobs;
        let (stop, stopped) = watch::channel(false);
        let mut jobs = vec![
            tokio::spawn(again_and_again(PURGE_PAUSE, stopped.clone(), move || purge(purger.clone()))),
            tokio::spawn(again_and_again(SWEEP_PAUSE, stopped.clone(), move || sweep(sweeper.clone()))),
            tokio::spawn(again_and_again(KEYS_PAUSE, stopped.clone(), move || keep_keys(tokens.clone()))),
            tokio::spawn(again_and_again(CATCH_UP_PAUSE, stopped.clone(), move || catch_up(revocations.clone()))),
        ];
        if let Some(dispatcher) = dispatcher {
            // Apart from each other: a mail server that hangs keeps nobody's wish from being looked at.
            let (answering, stopping) = (dispatcher.clone(), stopped.clone());
            let answer = move || answer_mail_requests(answering.clone());
            let send = move || send_mails(dispatcher.clone(), stopping.clone());
            jobs.push(tokio::spawn(again_and_again(MAIL_PAUSE, stopped.clone(), answer)));
            jobs.push(tokio::spawn(again_and_again(MAIL_PAUSE, stopped.clone(), send)));
        }
        if let Some(recorder) = recorder {
            jobs.push(tokio::spawn(again_and_again(UPKEEP_PAUSE, stopped, move || put_in_order(recorder.clone()))));
        }
        Self { stop, jobs }
    }

    /// Lets each job finish what it is at, if that does not take long, and waits until all have ended.
    pub(crate) async fn stop(mut self) {
        // Nobody listens any more where all jobs have ended.
        let _ = self.stop.send(true);
        join_all(self.jobs.iter_mut().map(async |job| {
            if timeout(LAST_WORK, &mut *job).await.is_err() {
                job.abort();
                // That it was broken off is no news.
                let _ = job.await;
            }
        }))
        .await;
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        for job in &self.jobs {
            job.abort();
        }
    }
}

async fn again_and_again<Work: Future<Output = ()>>(
    pause: Duration,
    mut stopped: watch::Receiver<bool>,
    job: impl Fn() -> Work,
) {
    while !*stopped.borrow() {
        job().await;
        // Ended by time, or because the server stops.
        let _ = timeout(pause, stopped.wait_for(|stopped| *stopped)).await;
    }
}

async fn put_in_order(recorder: PrometheusHandle) {
    recorder.run_upkeep();
}

async fn purge(purger: Purger) {
    match purger.run_once().await {
        Ok(0) => tracing::debug!("no account was deleted long enough ago to be purged"),
        Ok(purged) => tracing::info!(purged, "deleted accounts were purged"),
        Err(error) => tracing::error!(error = chain(&error), "deleted accounts could not be purged"),
    }
}

async fn sweep(sweeper: Sweeper) {
    match sweeper.run_once().await {
        Ok(Swept { tokens, sessions, entries }) => {
            tracing::debug!(tokens, sessions, entries, "what has expired was removed");
        }
        Err(error) => tracing::error!(error = chain(&error), "what has expired could not be removed"),
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

async fn answer_mail_requests(dispatcher: MailDispatcher) {
    loop {
        match dispatcher.answer_requests().await {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => {
                tracing::error!(error = chain(&error), "wishes for mails could not be answered");
                return;
            }
        }
    }
}

async fn send_mails(dispatcher: MailDispatcher, stopping: watch::Receiver<bool>) {
    while !*stopping.borrow() {
        match dispatcher.send_next().await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::error!(error = chain(&error), "mails could not be sent");
                return;
            }
        }
    }
}
