//! The slow functions, with their bounds.

use std::{fmt, time::Duration};

use argon2::{
    Algorithm, Argon2, MIN_SALT_LEN, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::phc::{self, Output, Salt},
};
use base64::Engine;
use bcrypt::BASE_64;
use ring::rand::{SecureRandom, SystemRandom};

use super::HashAlgorithm;

/// The greatest cost that is executed.
pub(super) const BCRYPT_MAX_COST: u32 = 15;
/// The least cost that there is.
pub(super) const BCRYPT_MIN_COST: u32 = 4;

const ARGON2_MAX_MEMORY_KIB: u32 = 1024 * 1024;
const ARGON2_MAX_PASSES: u32 = 10;
const ARGON2_MAX_LANES: u32 = 16;

/// For new hashes: m = 19456 KiB, t = 2, p = 1 (OWASP Password Storage).
const ARGON2: Params = Params::DEFAULT;

/// The version that a PHC string without one means: 1.0, before strings named it.
const ARGON2_UNNAMED_VERSION: u32 = 0x10;

/// One of the slow functions with its parameters, its salt and what came out.
pub(super) enum Function {
    Bcrypt { cost: u32, text: String },
    Argon2 { params: Params, hash: Box<phc::PasswordHash> },
}

/// Why a stored form is not executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unusable {
    /// Not a form that we know.
    Malformed,
    /// It would cost too much.
    OutOfBounds,
}

impl HashAlgorithm {
    /// How long it takes one core of the reference machine.
    pub(super) fn estimate(self) -> Duration {
        match self {
            Self::Bcrypt { cost } => Duration::from_millis(240) * (1 << cost) / (1 << 12),
            Self::Argon2id => Duration::from_millis(13),
        }
    }
}

impl Function {
    /// Reads `$2b$...`, `$argon2id$...` and their like.
    pub(super) fn parse(text: &str) -> Result<Self, Unusable> {
        match text.split('$').nth(1) {
            Some("2a" | "2b" | "2y") => Self::parse_bcrypt(text),
            Some("argon2id" | "argon2i") => Self::parse_argon2(text),
            _ => Err(Unusable::Malformed),
        }
    }

    fn parse_bcrypt(text: &str) -> Result<Self, Unusable> {
        let parts: bcrypt::HashParts = text.parse().map_err(|_| Unusable::Malformed)?;
        match parts.get_cost() {
            ..BCRYPT_MIN_COST => Err(Unusable::Malformed),
            cost @ BCRYPT_MIN_COST..=BCRYPT_MAX_COST => Ok(Self::Bcrypt { cost, text: text.to_owned() }),
            _ => Err(Unusable::OutOfBounds),
        }
    }

    fn parse_argon2(text: &str) -> Result<Self, Unusable> {
        let mut hash = phc::PasswordHash::new(text).map_err(|_| Unusable::Malformed)?;
        let version = *hash.version.get_or_insert(ARGON2_UNNAMED_VERSION);
        let params = Params::try_from(&hash).map_err(|_| Unusable::Malformed)?;
        // The function itself would refuse these too, but in no time, which shows from outside.
        let salted = hash.salt.as_ref().is_some_and(|salt| salt.len() >= MIN_SALT_LEN);
        if !salted || hash.hash.is_none() || Version::try_from(version).is_err() {
            return Err(Unusable::Malformed);
        }
        if params.m_cost() > ARGON2_MAX_MEMORY_KIB
            || params.t_cost() > ARGON2_MAX_PASSES
            || params.p_cost() > ARGON2_MAX_LANES
        {
            return Err(Unusable::OutOfBounds);
        }
        Ok(Self::Argon2 { params, hash: Box::new(hash) })
    }

    /// Executes the algorithm on the input, with a fresh salt. Nothing if the algorithm refuses, which is a
    /// defect.
    pub(super) fn compute(algorithm: HashAlgorithm, input: &[u8]) -> Option<Self> {
        let salt = random::<16>();
        match algorithm {
            HashAlgorithm::Bcrypt { cost } => {
                let text = bcrypt::hash_with_salt(input, cost, salt).ok()?.to_string();
                Some(Self::Bcrypt { cost, text })
            }
            HashAlgorithm::Argon2id => {
                let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, ARGON2);
                let hash = argon2.hash_password_with_salt(input, &salt).ok()?;
                Some(Self::Argon2 { params: ARGON2, hash: Box::new(hash) })
            }
        }
    }

    /// What [`compute`](Self::compute) might have given for an input that nobody knows.
    pub(super) fn make_up(algorithm: HashAlgorithm) -> Option<Self> {
        match algorithm {
            HashAlgorithm::Bcrypt { cost } => {
                let salt = BASE_64.encode(random::<16>());
                let digest = BASE_64.encode(random::<23>());
                Some(Self::Bcrypt { cost, text: format!("$2b${cost:02}${salt}{digest}") })
            }
            HashAlgorithm::Argon2id => {
                let hash = phc::PasswordHash {
                    algorithm: Algorithm::Argon2id.ident(),
                    version: Some(Version::V0x13.into()),
                    params: (&ARGON2).try_into().ok()?,
                    salt: Some(Salt::new(&random::<16>()).ok()?),
                    hash: Some(Output::new(&random::<32>()).ok()?),
                };
                Some(Self::Argon2 { params: ARGON2, hash: Box::new(hash) })
            }
        }
    }

    /// Executes it again and compares, in constant time.
    pub(super) fn verify(&self, input: &[u8]) -> bool {
        match self {
            Self::Bcrypt { text, .. } => bcrypt::verify(input, text).unwrap_or(false),
            Self::Argon2 { hash, .. } => Argon2::default().verify_password(input, &**hash).is_ok(),
        }
    }

    /// What one execution costs: bcrypt rounds, or KiB times passes.
    pub(super) fn work(&self) -> u64 {
        match self {
            Self::Bcrypt { cost, .. } => 1 << cost,
            Self::Argon2 { params, .. } => u64::from(params.m_cost()) * u64::from(params.t_cost()),
        }
    }

    /// Whether the algorithm would do it the same way.
    pub(super) fn is_by(&self, algorithm: HashAlgorithm) -> bool {
        match (self, algorithm) {
            (Self::Bcrypt { cost, .. }, HashAlgorithm::Bcrypt { cost: wanted }) => *cost == wanted,
            (Self::Argon2 { params, hash }, HashAlgorithm::Argon2id) => {
                hash.algorithm == Algorithm::Argon2id.ident()
                    && hash.version == Some(Version::V0x13.into())
                    && (params.m_cost(), params.t_cost(), params.p_cost())
                        == (ARGON2.m_cost(), ARGON2.t_cost(), ARGON2.p_cost())
            }
            (Self::Bcrypt { .. }, HashAlgorithm::Argon2id) | (Self::Argon2 { .. }, HashAlgorithm::Bcrypt { .. }) => {
                false
            }
        }
    }
}

impl fmt::Display for Function {
    /// The stored form of the function alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bcrypt { text, .. } => f.write_str(text),
            Self::Argon2 { hash, .. } => hash.fmt(f),
        }
    }
}

#[expect(clippy::expect_used, reason = "without randomness no salt can be made: better to stop")]
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the system's random source answers");
    bytes
}
