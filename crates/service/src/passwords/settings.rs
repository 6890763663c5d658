use std::{fmt, num::NonZero, thread, time::Duration};

use zeroize::{Zeroize, ZeroizeOnDrop};

/// How new passwords are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// bcrypt at this cost: 4-15, and 10 or more outside of tests (OWASP Password Storage).
    Bcrypt {
        /// log2 of the number of rounds.
        cost: u32,
    },
    /// argon2id with m = 19456 KiB, t = 2, p = 1 (OWASP Password Storage).
    Argon2id,
}

/// A secret that every hash is keyed with, kept outside of the database.
///
/// 32 random bytes or more, in any spelling: a part of its digest rests beside every hash, which
/// helps to guess a short one.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Pepper(String);

impl Pepper {
    /// Takes the text as it is.
    #[must_use]
    pub fn new(secret: String) -> Self {
        Self(secret)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper([redacted])")
    }
}

/// How passwords are hashed, and how much of that at once.
#[derive(Debug, Clone)]
pub struct PasswordSettings {
    /// For new hashes.
    pub algorithm: HashAlgorithm,
    /// The key of the pre-hash; a public label without one.
    pub pepper: Option<Pepper>,
    /// How many threads hash; one at least.
    pub threads: usize,
    /// How much work may wait: jobs beyond it are turned away at once. At zero nothing waits.
    pub queue: Duration,
    /// The scheduling priority of the hashing threads: 0 normal, 19 lowest. Linux only.
    pub nice: i32,
}

impl Default for PasswordSettings {
    /// bcrypt at cost 12 without a pepper, one thread per core somewhat below normal priority, two
    /// seconds of waiting work. Somewhat, because other requests should not wait behind a hash, but
    /// logins must not starve behind other requests: where these kept every core busy, a login took
    /// 1.5 s at 5, 5 s at 10 and 13 s at 19, against 1 s at 0.
    fn default() -> Self {
        Self {
            algorithm: HashAlgorithm::Bcrypt { cost: 12 },
            pepper: None,
            threads: thread::available_parallelism().map_or(1, NonZero::get),
            queue: Duration::from_secs(2),
            nice: 5,
        }
    }
}

/// A setting that no hasher can be made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordSettingsError {
    /// The cost is not within 4-15.
    #[error("the bcrypt cost must be from 4 to 15")]
    Cost,
    /// No thread was asked for, or the system gives fewer than were.
    #[error("the hashing threads could not be started")]
    Threads,
}
