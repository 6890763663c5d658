use std::{fmt, time::Duration};

/// How often something may be tried for one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// So many tries in a window.
    pub limit: u32,
    /// How long a window is.
    pub window: Duration,
    /// How the tries are spread.
    pub pace: Pace,
}

/// How tries are spread over a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Evenly: this many at once, and then one after another as the window passes.
    Steady {
        /// How many at once.
        burst: u32,
    },
    /// All at once; after the last of them a wait, which doubles with each further try until there was
    /// none for a window.
    Waits {
        /// The first wait.
        min: Duration,
        /// The longest wait.
        max: Duration,
    },
}

impl Limit {
    /// One that is never reached.
    pub const OFF: Self = Self::steady(0, 0, Duration::ZERO);

    /// `limit` in a window, `burst` of them at once.
    #[must_use]
    pub const fn steady(limit: u32, burst: u32, window: Duration) -> Self {
        Self { limit, window, pace: Pace::Steady { burst } }
    }

    /// `limit` at once, then waits that double.
    #[must_use]
    pub const fn waits(limit: u32, window: Duration, min: Duration, max: Duration) -> Self {
        Self { limit, window, pace: Pace::Waits { min, max } }
    }

    /// Whether it limits anything.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.limit == 0
    }
}

/// What is limited, for whom: a name for the kind, a digest for the rest, because the rest may be a
/// mistyped password.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LimitKey {
    kind: &'static str,
    digest: [u8; 16],
}

impl LimitKey {
    /// Takes a digest that nobody can undo without a key.
    #[must_use]
    pub const fn new(kind: &'static str, digest: [u8; 16]) -> Self {
        Self { kind, digest }
    }

    /// What is limited, such as `login_account`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind
    }
}

impl fmt::Display for LimitKey {
    /// `kind:digest`, in hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:032x}", self.kind, u128::from_be_bytes(self.digest))
    }
}

impl fmt::Debug for LimitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One try: what it counts towards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Try {
    /// Whose.
    pub key: LimitKey,
    /// How many there may be.
    pub limit: Limit,
}

/// Whether tries may go ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Each is counted.
    Allowed,
    /// None is counted.
    Refused(Vec<Refusal>),
}

/// A try that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Whose.
    pub key: LimitKey,
    /// When to come back.
    pub wait: Duration,
}
