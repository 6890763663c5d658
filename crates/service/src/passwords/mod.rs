//! Passwords: hashed and checked on threads of their own, never on one that serves requests.
//!
//! What rests in the database names how it was made:
//!
//! ```text
//! usher$1$<pepper id, or ->$2b$<cost>$<salt and digest>
//! usher$1$<pepper id, or ->$argon2id$v=19$m=19456,t=2,p=1$<salt>$<digest>
//! ```
//!
//! that is `slow(base64(HMAC-SHA-384(key, NFKC(password))))`, where the key is the pepper or else a
//! public label. The pepper's id is a short digest of it. Verified as well are the forms of others
//! over the password itself: bcrypt `$2a$`, `$2b$`, `$2y$` and the PHC strings of argon2id and argon2i.

mod function;
mod pool;
mod scheme;
mod settings;

use std::{fmt, sync::Arc, time::Duration};

use usher_domain::{PasswordHash, PlainPassword};

use crate::Environment;

use self::{
    function::{BCRYPT_MAX_COST, BCRYPT_MIN_COST},
    pool::Pool,
    scheme::Scheme,
};
pub use settings::{HashAlgorithm, PasswordSettings, PasswordSettingsError, Pepper};

/// Why a password was neither hashed nor checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Too much waits already.
    #[error("too many passwords are waiting to be checked")]
    Busy {
        /// When to come back: by then all that waits now is done.
        retry_after: Duration,
    },
    /// The thread that was at it broke down; a defect.
    #[error("the hashing of a password was broken off")]
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

/// What the hashing threads did since the start, and have before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HashStats {
    /// Jobs that no thread has begun.
    pub waiting: usize,
    /// Jobs that a thread is at.
    pub running: usize,
    /// Jobs that were done, or broken off by a defect.
    pub finished: u64,
    /// Jobs that were dropped before they began, because the caller had gone away.
    pub abandoned: u64,
    /// Jobs that were turned away.
    pub refused: u64,
    /// What the jobs cost: bcrypt rounds (2 to the cost), or for argon2 KiB of memory times passes.
    pub work: u64,
}

/// Hashes and checks passwords. The threads end when it is dropped.
pub struct PasswordHasher {
    scheme: Arc<Scheme>,
    pool: Pool,
}

impl PasswordHasher {
    /// Starts the threads. Nothing is hashed: how long a job takes is estimated until one was measured.
    ///
    /// # Errors
    /// [`PasswordSettingsError`].
    pub fn new(settings: &PasswordSettings, environment: &Environment) -> Result<Self, PasswordSettingsError> {
        if let HashAlgorithm::Bcrypt { cost } = settings.algorithm
            && !(BCRYPT_MIN_COST..=BCRYPT_MAX_COST).contains(&cost)
        {
            return Err(PasswordSettingsError::Cost);
        }
        let scheme = Scheme::new(settings.algorithm, settings.pepper.as_ref()).ok_or(PasswordSettingsError::Cost)?;
        let pool = Pool::start(settings, settings.algorithm.estimate(), Arc::clone(&environment.clock))?;
        Ok(Self { scheme: Arc::new(scheme), pool })
    }

    /// Hashes a new password with a fresh salt. One that holds U+0000 will never match: the policy
    /// refuses it before.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn hash(&self, password: PlainPassword) -> Result<PasswordHash, HashError> {
        let scheme = Arc::clone(&self.scheme);
        self.pool.run(move || scheme.hash(&password)).await?.ok_or(HashError::Stopped)
    }

    /// Checks a password. Without a stored hash, or with one that cannot be executed, it takes as long
    /// as with one of today's and does not match.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn verify(
        &self,
        password: PlainPassword,
        stored: Option<PasswordHash>,
    ) -> Result<Verification, HashError> {
        let scheme = Arc::clone(&self.scheme);
        self.pool.run(move || scheme.verify(&password, stored.as_ref())).await
    }

    /// What the threads are at.
    #[must_use]
    pub fn stats(&self) -> HashStats {
        HashStats { work: self.scheme.work(), ..self.pool.stats() }
    }
}

impl fmt::Debug for PasswordHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PasswordHasher").field(&self.stats()).finish()
    }
}
