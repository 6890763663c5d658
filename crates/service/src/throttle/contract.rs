//! The suite that every form of [`RateLimiter`] passes, also one of your own.
//!
//! [`suite!`] stamps every case as a test of its own:
//!
//! ```
//! mod tests {
//!     use usher_service::{Environment, MemoryRateLimiter};
//!
//!     usher_service::throttle::contract::suite!(memory, async {
//!         let (environment, clock) = Environment::mock();
//!         (MemoryRateLimiter::new(&environment), clock)
//!     });
//! }
//! ```
//!
//! The second argument is evaluated for each test and yields a limiter that has seen nothing, and the
//! clock that it goes by. See [`Fixture`] for what else it can be.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests, although they are no test build")]

use std::{any::Any, future::Future, sync::Arc, time::Duration};

use tokio::{runtime, sync::Barrier, task::JoinSet};
use usher_domain::{Clock, MockClock};

use super::{Decision, Limit, LimitKey, RateLimiter, Refusal, Try};

#[doc(inline)]
pub use crate::__throttle_suite as suite;

/// The form that a case is about.
pub type Limiter = Arc<dyn RateLimiter>;

/// What moves its time.
pub type Time = Arc<MockClock>;

/// A limiter that has seen nothing, the clock that it goes by, and what must live as long as it does.
///
/// Made from a limiter and its clock, from these two and a guard (such as what cleans up after the
/// test), or from an `Option` of such three, where `None` says that there is nothing to test against on
/// this machine: whoever says so also prints it.
pub struct Fixture(Option<(Limiter, Time, Box<dyn Any>)>);

impl<L: RateLimiter> From<(L, Time)> for Fixture {
    fn from((limiter, time): (L, Time)) -> Self {
        (limiter, time, ()).into()
    }
}

impl<L: RateLimiter, G: 'static> From<(L, Time, G)> for Fixture {
    fn from((limiter, time, guard): (L, Time, G)) -> Self {
        Self(Some((Arc::new(limiter), time, Box::new(guard))))
    }
}

impl<L: RateLimiter, G: 'static> From<Option<(L, Time, G)>> for Fixture {
    fn from(all: Option<(L, Time, G)>) -> Self {
        all.map_or(Self(None), Self::from)
    }
}

/// Runs a case on a limiter, on a runtime of several threads: cases that race must really do so.
///
/// # Panics
/// If the case fails.
pub fn run<C: Future<Output = ()>>(fixture: impl Future<Output = Fixture>, case: impl FnOnce(Limiter, Time) -> C) {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        if let Fixture(Some((limiter, time, _guard))) = fixture.await {
            case(limiter, time).await;
        }
    });
}

/// Stamps the whole suite for one form, in a module of the given name.
#[doc(hidden)]
#[macro_export]
macro_rules! __throttle_suite {
    ($name:ident, $fresh:expr) => {
        async fn $name() -> $crate::throttle::contract::Fixture {
            ::std::convert::Into::into($fresh.await)
        }

        mod $name {
            use super::$name as fresh;

            $crate::__throttle_cases!();
        }
    };
}

/// Defines the cases, and the macro that [`suite!`] stamps them with: each name is written once.
macro_rules! cases {
    ($($(#[$doc:meta])+ pub async fn $case:ident($limiter:ident: Limiter, $time:ident: Time) $body:block)+) => {
        $($(#[$doc])+ pub async fn $case($limiter: Limiter, $time: Time) $body)+

        #[doc(hidden)]
        #[macro_export]
        macro_rules! __throttle_cases {
            () => {
                $(
                    #[test]
                    fn $case() {
                        $crate::throttle::contract::run(fresh(), $crate::throttle::contract::$case);
                    }
                )+
            };
        }
    };
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const QUARTER: Duration = Duration::from_secs(15 * 60);

/// The least that time can pass by.
const A_BIT: Duration = Duration::from_micros(1);

/// Five, then waits.
const WAITS: Limit = Limit::waits(5, QUARTER, SECOND, QUARTER);

/// Thirty a minute, one each two seconds; three at once.
const STEADY: Limit = Limit::steady(30, 3, MINUTE);

/// How many race, and how often.
const RACERS: usize = 50;
const ROUNDS: u128 = 25;

cases! {
    /// Tries within the limit go ahead; the next one waits.
    ///
    /// Proves: LG-05
    pub async fn the_try_after_the_last_one_waits(limiter: Limiter, _time: Time) {
        use_up(&limiter, one(1)).await;
        assert_eq!(wait(&limiter, one(1)).await, Some(SECOND));
    }

    /// Each further try doubles the wait, up to the longest.
    ///
    /// Proves: LG-05
    pub async fn waits_double_up_to_the_longest(limiter: Limiter, time: Time) {
        use_up(&limiter, one(1)).await;
        for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512].into_iter().chain([900; 70]) {
            let expected = Duration::from_secs(seconds);
            assert_eq!(wait(&limiter, one(1)).await, Some(expected));
            time.advance(expected - A_BIT);
            assert_eq!(wait(&limiter, one(1)).await, Some(A_BIT), "just before {seconds} s are over");
            time.advance(A_BIT);
            assert_eq!(wait(&limiter, one(1)).await, None, "after {seconds} s");
        }
        for _ in 0..3 {
            time.advance(QUARTER);
            assert_eq!(wait(&limiter, one(1)).await, None, "also for somebody who never asked how long");
        }
    }

    /// Whoever goes on trying during a wait makes it no longer.
    ///
    /// Proves: LG-05
    pub async fn tries_during_a_wait_are_not_counted(limiter: Limiter, time: Time) {
        use_up(&limiter, one(1)).await;
        for _ in 0..20 {
            assert_eq!(wait(&limiter, one(1)).await, Some(SECOND));
        }
        time.advance(SECOND / 2);
        for _ in 0..20 {
            assert_eq!(wait(&limiter, one(1)).await, Some(SECOND / 2));
        }
        time.advance(SECOND / 2);
        assert_eq!(wait(&limiter, one(1)).await, None);
        assert_eq!(wait(&limiter, one(1)).await, Some(SECOND * 2));
    }

    /// Fifty in an hour from everywhere, and never a lock: whoever waits gets in.
    ///
    /// Proves: LG-06
    pub async fn however_many_there_were_it_is_a_wait_and_no_lock(limiter: Limiter, time: Time) {
        let account = Try { limit: Limit::waits(50, MINUTE * 60, SECOND, QUARTER), ..one(1) };
        for number in 0..50 {
            assert_eq!(wait(&limiter, account).await, None, "try {number}");
        }
        for _ in 0..60 {
            let told = wait(&limiter, account).await.unwrap();
            assert!(told <= QUARTER, "{told:?}");
            time.advance(told);
            assert_eq!(wait(&limiter, account).await, None);
        }
    }

    /// When there was no try for a window, it begins anew.
    pub async fn a_quiet_window_forgets(limiter: Limiter, time: Time) {
        for number in 0..4 {
            assert_eq!(wait(&limiter, one(1)).await, None, "try {number}");
        }
        time.advance(QUARTER - A_BIT);
        assert_eq!(wait(&limiter, one(1)).await, None);
        assert_eq!(wait(&limiter, one(1)).await, Some(SECOND), "it was not quiet for long enough");

        time.advance(SECOND + QUARTER - A_BIT);
        assert_eq!(wait(&limiter, one(1)).await, None);
        assert_eq!(wait(&limiter, one(1)).await, Some(SECOND * 2), "it is quiet once the wait is over");

        time.advance(SECOND * 2 + QUARTER);
        use_up(&limiter, one(1)).await;
        assert_eq!(wait(&limiter, one(1)).await, Some(SECOND));
    }

    /// Success clears one key and no other.
    ///
    /// Proves: LG-05
    pub async fn what_is_forgiven_is_forgiven_for_one_key_only(limiter: Limiter, time: Time) {
        for number in [1, 2] {
            use_up(&limiter, one(number)).await;
        }
        let steady = Try { limit: STEADY, ..one(3) };
        for _ in 0..3 {
            assert_eq!(wait(&limiter, steady).await, None);
        }
        time.advance(SECOND);
        assert_eq!(wait(&limiter, one(1)).await, None);
        for key in [one(1).key, steady.key, one(4).key] {
            limiter.forgive(&key).await;
        }
        use_up(&limiter, one(1)).await;
        assert_eq!(wait(&limiter, one(1)).await, Some(SECOND));
        assert_eq!(wait(&limiter, steady).await, None);
        assert_eq!(wait(&limiter, one(2)).await, None);
        assert_eq!(wait(&limiter, one(2)).await, Some(SECOND * 2));
    }

    /// A try that is taken back makes room for one.
    pub async fn one_that_is_taken_back_is_not_counted(limiter: Limiter, time: Time) {
        limiter.take_back(&one(1)).await;
        for _ in 0..5 {
            assert_eq!(wait(&limiter, one(1)).await, None);
            limiter.take_back(&one(1)).await;
        }
        use_up(&limiter, one(1)).await;
        limiter.take_back(&one(1)).await;
        assert_eq!(wait(&limiter, one(1)).await, None);
        assert_eq!(wait(&limiter, one(1)).await, Some(SECOND));

        time.advance(SECOND);
        assert_eq!(wait(&limiter, one(1)).await, None);
        assert_eq!(wait(&limiter, one(1)).await, Some(SECOND * 2));
        limiter.take_back(&one(1)).await;
        assert_eq!(wait(&limiter, one(1)).await, Some(SECOND), "the wait of one try less");
        time.advance(SECOND);
        assert_eq!(wait(&limiter, one(1)).await, None);
        assert_eq!(wait(&limiter, one(1)).await, Some(SECOND * 2));
    }

    /// The same with a steady pace.
    pub async fn one_that_is_taken_back_from_a_steady_pace_is_not_counted(limiter: Limiter, _time: Time) {
        let steady = Try { limit: STEADY, ..one(1) };
        limiter.take_back(&steady).await;
        for _ in 0..3 {
            assert_eq!(wait(&limiter, steady).await, None);
        }
        limiter.take_back(&steady).await;
        assert_eq!(wait(&limiter, steady).await, None);
        assert_eq!(wait(&limiter, steady).await, Some(SECOND * 2));
    }

    /// A burst at once, then one for each step of the window; it is told to the microsecond when.
    ///
    /// Proves: LG-07
    pub async fn a_steady_pace_is_a_burst_and_then_one_for_each_step(limiter: Limiter, time: Time) {
        let network = Try { limit: Limit::steady(30, 20, MINUTE), ..one(1) };
        for number in 0..20 {
            assert_eq!(wait(&limiter, network).await, None, "try {number}");
        }
        for _ in 0..5 {
            assert_eq!(wait(&limiter, network).await, Some(SECOND * 2));
            time.advance(SECOND * 2 - A_BIT);
            assert_eq!(wait(&limiter, network).await, Some(A_BIT));
            time.advance(A_BIT);
            assert_eq!(wait(&limiter, network).await, None);
        }
        time.advance(SECOND * 5);
        for _ in 0..2 {
            assert_eq!(wait(&limiter, network).await, None);
        }
        assert_eq!(wait(&limiter, network).await, Some(SECOND));

        time.advance(MINUTE * 60);
        for number in 0..20 {
            assert_eq!(wait(&limiter, network).await, None, "try {number} after an hour");
        }
        assert_eq!(wait(&limiter, network).await, Some(SECOND * 2), "an hour saves up no more than a burst");
    }

    /// A window that does not divide evenly is no reason to let more through.
    pub async fn steps_are_as_fine_as_the_clock(limiter: Limiter, time: Time) {
        let thirds = Try { limit: Limit::steady(3, 1, SECOND), ..one(1) };
        assert_eq!(wait(&limiter, thirds).await, None);
        time.advance(Duration::from_micros(333_333));
        assert!(wait(&limiter, thirds).await.is_some());
        time.advance(A_BIT);
        assert_eq!(wait(&limiter, thirds).await, None);
    }

    /// Of several keys all count the try, or none does; each that refuses is named, with its own wait.
    pub async fn several_keys_are_all_or_nothing(limiter: Limiter, time: Time) {
        let (pair, account) = (one(1), Try { limit: Limit::waits(2, QUARTER, SECOND * 3, QUARTER), ..one(2) });
        let network = Try { limit: STEADY, ..one(3) };
        let all = [pair, account, network];
        for _ in 0..2 {
            assert_eq!(limiter.reserve(&all).await, Decision::Allowed);
        }
        let by_account = Refusal { key: account.key, wait: SECOND * 3 };
        for _ in 0..10 {
            assert_eq!(limiter.reserve(&all).await, Decision::Refused(vec![by_account]));
        }
        assert_eq!(wait(&limiter, network).await, None, "it has counted two");
        let by_network = Refusal { key: network.key, wait: SECOND * 2 };
        assert_eq!(limiter.reserve(&all).await, Decision::Refused(vec![by_account, by_network]));
        for number in 2..5 {
            assert_eq!(wait(&limiter, pair).await, None, "it has counted {number}");
        }
        assert_eq!(wait(&limiter, pair).await, Some(SECOND));

        time.advance(SECOND * 3);
        assert_eq!(limiter.reserve(&all).await, Decision::Allowed);
        let by_pair = Refusal { key: pair.key, wait: SECOND * 2 };
        let by_account = Refusal { key: account.key, wait: SECOND * 6 };
        let by_network = Refusal { key: network.key, wait: SECOND };
        assert_eq!(limiter.reserve(&all).await, Decision::Refused(vec![by_pair, by_account, by_network]));
    }

    /// A limit of zero is none, by itself and beside others.
    pub async fn a_limit_that_is_off_is_never_reached(limiter: Limiter, _time: Time) {
        let off = [Limit::OFF, Limit { limit: 0, ..WAITS }, Limit { limit: 0, ..STEADY }];
        let off = off.map(|limit| Try { limit, ..one(1) });
        for _ in 0..100 {
            assert_eq!(limiter.reserve(&off).await, Decision::Allowed);
        }
        assert_eq!(limiter.reserve(&[]).await, Decision::Allowed);
        let [first, ..] = off;
        limiter.take_back(&first).await;
        let beside = [first, one(2)];
        for _ in 0..5 {
            assert_eq!(limiter.reserve(&beside).await, Decision::Allowed);
        }
        let by_other = Refusal { key: one(2).key, wait: SECOND };
        assert_eq!(limiter.reserve(&beside).await, Decision::Refused(vec![by_other]));
    }

    /// The same digest of another kind is another key.
    pub async fn kinds_are_told_apart(limiter: Limiter, _time: Time) {
        let other = Try { key: LimitKey::new("another_kind", 1_u128.to_be_bytes()), ..one(1) };
        use_up(&limiter, one(1)).await;
        use_up(&limiter, other).await;
        assert_eq!(wait(&limiter, one(1)).await, Some(SECOND));
        limiter.forgive(&other.key).await;
        assert_eq!(wait(&limiter, one(1)).await, Some(SECOND));
    }

    /// A limit that was set differently meanwhile holds from now on.
    pub async fn another_limit_for_a_key_holds_at_once(limiter: Limiter, _time: Time) {
        use_up(&limiter, one(1)).await;
        let steady = Try { limit: STEADY, ..one(1) };
        for _ in 0..3 {
            assert_eq!(wait(&limiter, steady).await, None);
        }
        assert_eq!(wait(&limiter, steady).await, Some(SECOND * 2));
        limiter.take_back(&one(1)).await;
        assert_eq!(wait(&limiter, steady).await, Some(SECOND * 2));
        let shorter = Limit::waits(5, QUARTER, SECOND, SECOND * 4);
        use_up(&limiter, one(1)).await;
        assert_eq!(wait(&limiter, Try { limit: shorter, ..one(1) }).await, Some(SECOND));
    }

    /// A wall clock that is set back leaves nobody outside for longer than the longest wait altogether.
    pub async fn a_clock_that_is_set_back_locks_nobody_out(limiter: Limiter, time: Time) {
        let waits = Try { limit: Limit::waits(1, QUARTER, SECOND, SECOND * 8), ..one(1) };
        let steady = Try { limit: Limit::steady(30, 1, MINUTE), ..one(2) };
        for (one, longest) in [(waits, SECOND * 8), (steady, SECOND * 2)] {
            assert_eq!(wait(&limiter, one).await, None);
            time.set_wall(time.now() - MINUTE * 60);
            let told = wait(&limiter, one).await.unwrap();
            assert!(told <= longest, "{told:?}");
            time.advance(told);
            assert_eq!(wait(&limiter, one).await, None);
            assert!(wait(&limiter, one).await.is_some(), "and the limit is still there");
        }
    }

    /// What was counted before is forgotten as early as ever.
    pub async fn a_clock_that_is_set_back_keeps_no_window_from_being_quiet(limiter: Limiter, time: Time) {
        let waits = Try { limit: Limit::waits(1, QUARTER, SECOND, SECOND * 8), ..one(1) };
        assert_eq!(wait(&limiter, waits).await, None);
        time.set_wall(time.now() - MINUTE * 60);
        assert!(wait(&limiter, waits).await.is_some());
        time.advance(SECOND * 8 + QUARTER);
        assert_eq!(wait(&limiter, waits).await, None);
        assert_eq!(wait(&limiter, waits).await, Some(SECOND));
    }

    /// Of many that come at once exactly as many get through as may.
    ///
    /// Proves: LG-10
    pub async fn those_who_race_do_not_overrun_the_limit(limiter: Limiter, _time: Time) {
        for round in 0..ROUNDS {
            let steady = Try { limit: Limit::steady(5, 5, QUARTER), ..one(1_000 + round) };
            for racing in [vec![one(round)], vec![steady], vec![one(2_000 + round), steady_of(3_000 + round)]] {
                assert_eq!(admitted_of_racers(&limiter, racing).await, 5, "in round {round}");
            }
        }
    }
}

/// A key that every case has for itself, limited by waits.
fn one(number: u128) -> Try {
    Try { key: LimitKey::new("kind", number.to_be_bytes()), limit: WAITS }
}

/// One that would let ten through at once.
fn steady_of(number: u128) -> Try {
    Try { limit: Limit::steady(10, 10, QUARTER), ..one(number) }
}

/// How long one try is to wait, if it is.
async fn wait(limiter: &Limiter, one: Try) -> Option<Duration> {
    match limiter.reserve(&[one]).await {
        Decision::Allowed => None,
        Decision::Refused(refusals) => match refusals.as_slice() {
            [Refusal { key, wait }] if *key == one.key => Some(*wait),
            others => panic!("{others:?} are refused instead of {}", one.key),
        },
    }
}

/// Makes the tries that are within [`WAITS`].
async fn use_up(limiter: &Limiter, one: Try) {
    for number in 0..5 {
        assert_eq!(wait(limiter, one).await, None, "try {number}");
    }
}

/// How many get through of many that all start at the same moment.
async fn admitted_of_racers(limiter: &Limiter, tries: Vec<Try>) -> usize {
    let barrier = Arc::new(Barrier::new(RACERS));
    let mut racers = JoinSet::new();
    for _ in 0..RACERS {
        let (limiter, barrier, tries) = (Arc::clone(limiter), Arc::clone(&barrier), tries.clone());
        racers.spawn(async move {
            barrier.wait().await;
            limiter.reserve(&tries).await == Decision::Allowed
        });
    }
    racers.join_all().await.into_iter().filter(|admitted| *admitted).count()
}
