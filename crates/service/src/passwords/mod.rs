//! Passwords: hashed and checked on threads of their own, never on one that serves requests.

use std::time::Duration;

use usher_domain::{PasswordHash, PlainPassword};

/// How new passwords are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// bcrypt at this cost: 4-15, and 10 or more outside of tests.
    Bcrypt {
        /// log2 of the number of rounds.
        cost: u32,
    },
    /// argon2id with m = 19456 KiB, t = 2, p = 1 (OWASP Password Storage).
    Argon2id,
}

/// A secret that every hash is keyed with, kept outside of the database.
#[derive(Clone)]
pub struct Pepper(String);

impl std::fmt::Debug for Pepper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
    /// How many threads hash.
    pub threads: usize,
    /// How much work may wait: jobs beyond it are turned away at once.
    pub queue: Duration,
    /// The scheduling priority of the hashing threads: 0 normal, 19 lowest. Linux only.
    pub nice: i32,
}

/// A setting that no hasher can be made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordSettingsError {
    /// The cost is not within 4-15.
    #[error("the bcrypt cost must be from 4 to 15")]
    Cost,
}

/// Why a password was neither hashed nor checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Too much waits already.
    #[error("too many passwords are waiting to be checked")]
    Busy {
        /// When to come back.
        retry_after: Duration,
    },
    /// The threads are gone.
    #[error("the hashing threads have stopped")]
    Stopped,
}

/// What checking a password showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// It is the password.
    Match {
        /// The stored form is not what would be made today: hash anew.
        outdated: bool,
    },
    /// It is not, or there is none.
    NoMatch,
}

/// Hashes and checks passwords.
#[derive(Debug)]
pub struct PasswordHasher {}

impl PasswordHasher {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`PasswordSettingsError`].
    pub fn new(settings: PasswordSettings) -> Result<Self, PasswordSettingsError> {
        todo!("{settings:?}")
    }

    /// Hashes a new password with a fresh salt.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn hash(&self, password: PlainPassword) -> Result<PasswordHash, HashError> {
        todo!("{password:?}")
    }

    /// Checks a password. Without a stored hash, or with one that cannot be executed, it takes as long
    /// as with one and does not match.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn verify(
        &self,
        password: PlainPassword,
        stored: Option<PasswordHash>,
    ) -> Result<Verification, HashError> {
        todo!("{password:?}{stored:?}")
    }
}
