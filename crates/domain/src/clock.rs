//! Time as a parameter: nothing in usher reads the system clock but the one implementation of
//! [`Clock`] that production is given.

use std::{
    fmt,
    ops::{Add, Sub},
    str::FromStr,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use serde::{Serialize, Serializer};

/// A moment in UTC with a resolution of one microsecond, the finest that every engine keeps.
///
/// Rendered as RFC 3339 with `Z` and always six digits, so that texts sort as the moments do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);

    /// The moment that many microseconds after the Unix epoch; beyond the years -9999 to 9999 the
    /// nearest moment that can be written.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Self(jiff::Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        }))
    }

    /// Whole microseconds since the Unix epoch: the form that rests in databases.
    #[must_use]
    pub fn as_micros(self) -> i64 {
        self.0.as_microsecond()
    }

    /// Whole seconds since the Unix epoch, rounded down: the form of JWT dates (RFC 7519, 2).
    #[must_use]
    pub fn as_secs(self) -> i64 {
        self.as_micros().div_euclid(1_000_000)
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        u64::try_from(self.as_micros().saturating_sub(earlier.as_micros()))
            .map_or(Duration::ZERO, Duration::from_micros)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self::from_micros(self.as_micros().saturating_add(micros(duration)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self::from_micros(self.as_micros().saturating_sub(micros(duration)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;

    /// Reads RFC 3339 with any offset; what is finer than a microsecond is dropped.
    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        let parsed: jiff::Timestamp = text.parse()?;
        Ok(Self::from_micros(parsed.as_microsecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What time it is. Expiry is judged by [`now`](Clock::now); timers, caches and throttles by
/// [`monotonic`](Clock::monotonic), which no administrator and no NTP can set back.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock.
    fn now(&self) -> Timestamp;
    /// Time since some fixed moment of this process; never goes backward.
    fn monotonic(&self) -> Duration;
}

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct MockClock {
    wall_micros: AtomicI64,
    monotonic_micros: AtomicI64,
}

impl MockClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { wall_micros: AtomicI64::new(now.as_micros()), monotonic_micros: AtomicI64::new(0) }
    }

    /// Lets time pass, on both clocks.
    pub fn advance(&self, by: Duration) {
        self.wall_micros.fetch_add(micros(by), Ordering::SeqCst);
        self.monotonic_micros.fetch_add(micros(by), Ordering::SeqCst);
    }

    /// Sets the wall clock, also backward, as an administrator would. The monotonic one stays.
    pub fn set_wall(&self, now: Timestamp) {
        self.wall_micros.store(now.as_micros(), Ordering::SeqCst);
    }
}

impl Default for MockClock {
    /// Noon of 1 January 2030: late enough that no token of a real clock is still good.
    fn default() -> Self {
        Self::at(Timestamp::from_micros(1_893_499_200_000_000))
    }
}

impl Clock for MockClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.wall_micros.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.monotonic_micros.load(Ordering::SeqCst)).unwrap_or(0))
    }
}
