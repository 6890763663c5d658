//! The threads that hash, and the queue in front of them.

use std::{
    pin::Pin,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use futures_util::{FutureExt, future::Future};
use usher_domain::{Clock, PasswordHash, PlainPassword, Timestamp};
use usher_service::{Environment, HashError, PasswordHasher, PasswordSettings};

use crate::passwords::{cheap, hash};

/// A clock that every job looks at before it begins, which is where the test can hold it.
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
    /// By how much the monotonic clock moves at every look.
    step: Duration,
    looks: AtomicU64,
    panics: AtomicBool,
    /// Lets go of the channel together with the clock.
    _held: Option<mpsc::Sender<()>>,
}

impl Gate {
    fn new(open: bool) -> Self {
        Self {
            open: Mutex::new(open),
            opened: Condvar::new(),
            step: Duration::ZERO,
            looks: AtomicU64::new(0),
            panics: AtomicBool::new(false),
            _held: None,
        }
    }

    fn set(&self, open: bool) {
        *self.open.lock().unwrap() = open;
        self.opened.notify_all();
    }
}

impl Clock for Gate {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn monotonic(&self) -> Duration {
        // Only the threads that hash wait, not those who ask them to.
        if !thread::current().name().is_some_and(|name| name.starts_with("usher-hash")) {
            return Duration::ZERO;
        }
        assert!(!self.panics.swap(false, Ordering::SeqCst), "the clock is broken, once");
        let _open = self.opened.wait_while(self.open.lock().unwrap(), |open| !*open).unwrap();
        self.step * u32::try_from(self.looks.fetch_add(1, Ordering::SeqCst)).unwrap()
    }
}

fn gated(settings: &PasswordSettings, gate: Arc<Gate>) -> PasswordHasher {
    PasswordHasher::new(settings, &Environment { clock: gate, ..Environment::mock().0 }).unwrap()
}

type Job<'a> = Pin<Box<dyn Future<Output = Result<PasswordHash, HashError>> + 'a>>;

/// Begins to hash; what is refused is refused here.
fn begin(hasher: &PasswordHasher) -> Result<Job<'_>, HashError> {
    let mut job: Job<'_> = Box::pin(hasher.hash(PlainPassword::new("Correct1!".to_owned())));
    match job.as_mut().now_or_never() {
        Some(Err(refused)) => Err(refused),
        Some(Ok(_)) => panic!("the gate is closed, yet a job was done"),
        None => Ok(job),
    }
}

/// Proves: IN-13
#[tokio::test]
async fn a_full_queue_turns_away_at_once() {
    let gate = Arc::new(Gate::new(false));
    let hasher = gated(&PasswordSettings { queue: Duration::ZERO, ..cheap() }, gate.clone());
    let admitted = begin(&hasher).unwrap();

    let refused = begin(&hasher).map(drop).unwrap_err();
    assert!(matches!(refused, HashError::Busy { retry_after } if retry_after >= Duration::from_secs(1)));
    assert_eq!(hasher.stats().refused, 1);

    gate.set(true);
    admitted.await.unwrap();
    hash(&hasher, "Correct1!").await;
    assert_eq!(hasher.stats().work, 2 * 16, "the refused job was never done");
}

/// Proves: IN-13
#[tokio::test]
async fn as_many_wait_as_can_be_done_in_the_time_of_the_queue() {
    let gate = Arc::new(Gate::new(false));
    // A hash of cost 12 is estimated at 240 ms, one of cost 4 at 1/256 of that.
    let settings = PasswordSettings { queue: Duration::from_millis(5), threads: 2, ..cheap() };
    let hasher = gated(&settings, gate.clone());
    let jobs: Vec<_> = (0..2 + 2 * 5).map(|_| begin(&hasher).unwrap()).collect();
    assert!(begin(&hasher).is_err());
    gate.set(true);
    for job in jobs {
        job.await.unwrap();
    }
}

/// Proves: IN-13
#[tokio::test]
async fn the_bound_follows_how_long_jobs_really_take() {
    let gate = Arc::new(Gate { step: Duration::from_secs(1), ..Gate::new(true) });
    let hasher = gated(&PasswordSettings { queue: Duration::from_secs(3), ..cheap() }, gate.clone());
    for _ in 0..100 {
        hash(&hasher, "Correct1!").await;
    }
    gate.set(false);
    let jobs: Vec<_> = std::iter::from_fn(|| begin(&hasher).ok()).take(100).collect();
    assert!((1 + 2..=1 + 3).contains(&jobs.len()), "{} jobs of a second each in a queue of three", jobs.len());
    gate.set(true);
}

#[tokio::test]
async fn a_job_whose_caller_went_away_is_not_done() {
    let gate = Arc::new(Gate::new(false));
    let hasher = gated(&cheap(), gate.clone());
    let running = begin(&hasher).unwrap();
    drop(begin(&hasher).unwrap());
    let waiting = begin(&hasher).unwrap();
    gate.set(true);
    running.await.unwrap();
    waiting.await.unwrap();

    let stats = hasher.stats();
    assert_eq!(stats.abandoned, 1);
    assert_eq!(stats.work, 2 * 16);
}

#[tokio::test]
async fn callers_who_went_away_make_room() {
    let gate = Arc::new(Gate::new(false));
    let hasher = gated(&PasswordSettings { queue: Duration::from_millis(1), ..cheap() }, gate.clone());
    let running = begin(&hasher).unwrap();
    // Until the thread has taken the first job, it waits as well.
    while hasher.stats().running == 0 {
        tokio::task::yield_now().await;
    }
    let gone = begin(&hasher).unwrap();
    assert!(begin(&hasher).is_err());
    drop(gone);
    let admitted = begin(&hasher).unwrap();
    gate.set(true);
    running.await.unwrap();
    admitted.await.unwrap();
    assert_eq!(hasher.stats().abandoned, 1);
}

#[tokio::test]
async fn a_panic_costs_one_job_and_no_thread() {
    let gate = Arc::new(Gate::new(true));
    gate.panics.store(true, Ordering::SeqCst);
    let hasher = gated(&cheap(), gate);
    let broken_off = hasher.hash(PlainPassword::new("Correct1!".to_owned())).await;
    assert_eq!(broken_off.unwrap_err(), HashError::Stopped);
    hash(&hasher, "Correct1!").await;
    assert_eq!(hasher.stats().running, 0);
}

#[tokio::test]
async fn the_threads_end_with_the_hasher() {
    let (held, notice) = mpsc::channel();
    let gate = Arc::new(Gate { _held: Some(held), ..Gate::new(true) });
    let hasher = gated(&PasswordSettings { threads: 3, ..cheap() }, gate);
    hash(&hasher, "Correct1!").await;
    assert_eq!(notice.try_recv(), Err(mpsc::TryRecvError::Empty));
    drop(hasher);
    let end = notice.recv_timeout(Duration::from_secs(30));
    assert_eq!(end, Err(mpsc::RecvTimeoutError::Disconnected), "the last thread lets go of the clock");
}

#[test]
fn nothing_is_hashed_at_the_start() {
    let hasher = gated(&PasswordSettings::default(), Arc::new(Gate::new(true)));
    assert_eq!(hasher.stats(), usher_service::HashStats::default());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_threads_give_way_to_others() {
    /// No other test asks for it.
    const NICE: i32 = 7;
    let hasher = gated(&PasswordSettings { nice: NICE, ..cheap() }, Arc::new(Gate::new(true)));
    hash(&hasher, "Correct1!").await;
    let found = std::fs::read_dir("/proc/self/task").unwrap().any(|task| {
        // A thread may end while we look.
        let stat = std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap_or_default();
        // proc_pid_stat(5): the name is field 2, in parentheses, and nice is field 19.
        stat.split_once(") ").is_some_and(|(name, rest)| {
            name.contains("(usher-hash-") && rest.split(' ').nth(16) == Some(&NICE.to_string())
        })
    });
    assert!(found);
}
