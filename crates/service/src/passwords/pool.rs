//! Threads of our own and the bounded queue in front of them.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tokio::sync::oneshot;
use tracing::Instrument;
use usher_domain::Clock;

use super::{HashError, HashStats, PasswordSettings, PasswordSettingsError};
use crate::metrics;

/// How many jobs wait at most, however cheap they are: a bound on memory.
const MOST_WAITING: usize = 10_000;

/// The weight of the past in the moving average of a job's duration, against 1 for the newest job.
const WEIGHT_OF_PAST: u32 = 7;

/// The threads. They end when this is dropped, each after the job that it is at.
pub(super) struct Pool(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    clock: Arc<dyn Clock>,
    threads: usize,
    queue: Duration,
}

struct State {
    waiting: VecDeque<Waiting>,
    running: usize,
    mean: Duration,
    stopping: bool,
    finished: u64,
    abandoned: u64,
    refused: u64,
}

struct Waiting {
    job: Box<dyn Job>,
    /// On the monotonic clock.
    since: Duration,
}

/// Work and who waits for it. Done in two steps, so that a job is counted before it is answered.
trait Job: Send {
    fn is_abandoned(&self) -> bool;
    fn run(&mut self);
    fn reply(self: Box<Self>);
}

struct Task<T, F> {
    work: Option<F>,
    answer: Option<T>,
    reply: oneshot::Sender<T>,
}

impl<T: Send, F: FnOnce() -> T + Send> Job for Task<T, F> {
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(&mut self) {
        self.answer = self.work.take().map(|work| work());
    }

    fn reply(self: Box<Self>) {
        if let Some(answer) = self.answer {
            // An error says that the caller went away meanwhile.
            let _ = self.reply.send(answer);
        }
    }
}

impl Pool {
    /// `estimate` is how long a job takes, for as long as none was measured.
    pub(super) fn start(
        settings: &PasswordSettings,
        estimate: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PasswordSettingsError> {
        if settings.threads == 0 {
            return Err(PasswordSettingsError::Threads);
        }
        let pool = Self(Arc::new(Shared {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                running: 0,
                mean: estimate,
                stopping: false,
                finished: 0,
                abandoned: 0,
                refused: 0,
            }),
            changed: Condvar::new(),
            clock,
            threads: settings.threads,
            queue: settings.queue,
        }));
        for number in 1..=settings.threads {
            let shared = Arc::clone(&pool.0);
            let nice = settings.nice;
            thread::Builder::new()
                .name(format!("usher-hash-{number}"))
                .spawn(move || {
                    lower_priority(nice);
                    shared.work();
                })
                .map_err(|_| PasswordSettingsError::Threads)?;
        }
        Ok(pool)
    }

    /// Has the work done by one of the threads. A caller who stops waiting before it began has it
    /// dropped.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let (reply, answer) = oneshot::channel();
        self.0.submit(Box::new(Task { work: Some(work), answer: None, reply }))?;
        let answer = answer.instrument(tracing::debug_span!("hash password"));
        answer.await.map_err(|_| HashError::Stopped)
    }

    pub(super) fn stats(&self) -> HashStats {
        let state = self.0.lock();
        HashStats {
            waiting: state.waiting.len(),
            running: state.running,
            finished: state.finished,
            abandoned: state.abandoned,
            refused: state.refused,
            work: 0,
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.0.lock().stopping = true;
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn submit(&self, job: Box<dyn Job>) -> Result<(), HashError> {
        let since = self.clock.monotonic();
        let mut state = self.lock();
        if state.is_full(self) {
            state.sweep();
        }
        if state.is_full(self) {
            state.refused += 1;
            return Err(HashError::Busy { retry_after: self.queue.max(Duration::from_secs(1)) });
        }
        state.waiting.push_back(Waiting { job, since });
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    fn work(&self) {
        while let Some(Waiting { mut job, since }) = self.next() {
            let done = catch_unwind(AssertUnwindSafe(|| {
                let started = self.clock.monotonic();
                job.run();
                (started.saturating_sub(since), self.clock.monotonic().saturating_sub(started))
            }));
            if done.is_err() {
                tracing::error!("a password hash job panicked");
            }
            let (waited, took) = done.unwrap_or_default();
            metrics::hashed(waited, took);
            self.finish(took);
            job.reply();
        }
    }

    fn next(&self) -> Option<Waiting> {
        let mut state = self.lock();
        while !state.stopping {
            match state.waiting.pop_front() {
                Some(waiting) if waiting.job.is_abandoned() => state.abandoned += 1,
                Some(waiting) => {
                    state.running += 1;
                    return Some(waiting);
                }
                None => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
        None
    }

    fn finish(&self, took: Duration) {
        let mut state = self.lock();
        state.running -= 1;
        state.finished += 1;
        // Neither a panic nor a clock that stands still has measured anything.
        if !took.is_zero() {
            state.mean = (state.mean * WEIGHT_OF_PAST + took) / (WEIGHT_OF_PAST + 1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_full(&self, shared: &Shared) -> bool {
        let per_thread = shared.queue.as_nanos() / self.mean.as_nanos().max(1);
        let waiting = usize::try_from(per_thread).unwrap_or(usize::MAX).saturating_mul(shared.threads);
        self.running + self.waiting.len() >= shared.threads + waiting.min(MOST_WAITING)
    }

    /// Makes room: nobody waits for these any more.
    fn sweep(&mut self) {
        let before = self.waiting.len();
        self.waiting.retain(|waiting| !waiting.job.is_abandoned());
        self.abandoned += (before - self.waiting.len()) as u64;
    }
}

/// On Linux the priority is each thread's own, whatever POSIX says (setpriority(2), "C library/kernel
/// differences").
#[cfg(target_os = "linux")]
fn lower_priority(nice: i32) {
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), nice) {
        tracing::warn!(%error, nice, "the priority of a hashing thread could not be set");
    }
}

#[cfg(not(target_os = "linux"))]
fn lower_priority(_nice: i32) {}
