//! What becomes of a password before the slow function, and how that is written beside its result.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::hmac;
use usher_domain::{PasswordHash, PlainPassword};
use zeroize::Zeroizing;

use super::{
    HashAlgorithm, Pepper, Verification,
    function::{Function, Unusable},
};

/// How our own stored forms begin: the scheme and its version.
const PREFIX: &str = "usher$1$";

/// Stands in place of a pepper's id where there is none.
const NO_PEPPER: &str = "-";

/// The key of the pre-hash where there is no pepper. Public; it only keeps our digests apart from
/// those of others.
const PUBLIC_KEY: &[u8] = b"usher/v1/password";

const PEPPER_ID_LABEL: &[u8] = b"usher/v1/pepper-id";

/// Makes stored forms and checks passwords against them. Slow: for the hashing threads only.
pub(super) struct Scheme {
    algorithm: HashAlgorithm,
    public_key: hmac::Key,
    pepper: Option<PepperKey>,
    dummy: Function,
    work: AtomicU64,
}

struct PepperKey {
    id: String,
    key: hmac::Key,
}

impl PepperKey {
    fn new(pepper: &Pepper) -> Self {
        let digest = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, pepper.as_bytes()), PEPPER_ID_LABEL);
        // 32 bits tell one pepper from the next, and say too little about it to confirm a guess.
        let id = digest.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        Self { id, key: hmac::Key::new(hmac::HMAC_SHA384, pepper.as_bytes()) }
    }
}

/// What a stored form is made of.
struct Stored<'a> {
    input: Input<'a>,
    function: Function,
}

/// What the slow function was fed with.
enum Input<'a> {
    /// By us: the pre-hash, under the pepper of this id.
    PreHash { pepper: Option<&'a str> },
    /// By others: the password itself.
    Password,
}

impl<'a> Stored<'a> {
    fn parse(text: &'a str) -> Result<Self, Unusable> {
        let Some(ours) = text.strip_prefix(PREFIX) else {
            return Ok(Self { input: Input::Password, function: Function::parse(text)? });
        };
        let (pepper, function) =
            ours.find('$').and_then(|end| ours.split_at_checked(end)).ok_or(Unusable::Malformed)?;
        let pepper = Some(pepper).filter(|id| *id != NO_PEPPER);
        Ok(Self { input: Input::PreHash { pepper }, function: Function::parse(function)? })
    }
}

impl Scheme {
    /// Nothing if the algorithm refuses its parameters, which is a defect.
    pub(super) fn new(algorithm: HashAlgorithm, pepper: Option<&Pepper>) -> Option<Self> {
        Some(Self {
            algorithm,
            public_key: hmac::Key::new(hmac::HMAC_SHA384, PUBLIC_KEY),
            pepper: pepper.map(PepperKey::new),
            dummy: Function::make_up(algorithm)?,
            work: AtomicU64::new(0),
        })
    }

    /// What all executions together cost so far.
    pub(super) fn work(&self) -> u64 {
        self.work.load(Ordering::Relaxed)
    }

    /// Nothing if the algorithm refuses, which is a defect.
    pub(super) fn hash(&self, password: &PlainPassword) -> Option<PasswordHash> {
        let (pepper, key) =
            self.pepper.as_ref().map_or((NO_PEPPER, &self.public_key), |pepper| (&pepper.id, &pepper.key));
        let function = Function::compute(self.algorithm, pre_hash(key, password).as_bytes())?;
        self.work.fetch_add(function.work(), Ordering::Relaxed);
        Some(PasswordHash::from_stored(format!("{PREFIX}{pepper}{function}")))
    }

    pub(super) fn verify(&self, password: &PlainPassword, stored: Option<&PasswordHash>) -> Verification {
        let Some((stored, key)) = stored.and_then(|stored| self.read(stored)) else {
            self.execute(&self.dummy, pre_hash(&self.public_key, password).as_bytes());
            return Verification::NoMatch;
        };
        let matches = match key {
            Some(key) => self.execute(&stored.function, pre_hash(key, password).as_bytes()),
            None => self.execute_foreign(&stored.function, password),
        };
        // No password may hold it, and bcrypt repeats its input with a U+0000 in between: to it
        // "ab" and "ab\0ab" are the same.
        if !matches || password.as_typed().contains('\0') {
            return Verification::NoMatch;
        }
        Verification::Match { outdated: !self.is_current(&stored) }
    }

    /// The stored form, and the key of the pre-hash if it needs one. Nothing where it cannot be
    /// executed.
    fn read<'a>(&'a self, stored: &'a PasswordHash) -> Option<(Stored<'a>, Option<&'a hmac::Key>)> {
        let stored = match Stored::parse(stored.expose()) {
            Ok(stored) => stored,
            Err(Unusable::Malformed) => {
                tracing::warn!("a stored password hash is of no form that is known");
                return None;
            }
            Err(Unusable::OutOfBounds) => {
                tracing::warn!("a stored password hash would cost too much and is not executed");
                return None;
            }
        };
        let key = match (&stored.input, &self.pepper) {
            (Input::Password, _) => None,
            (Input::PreHash { pepper: None }, _) => Some(&self.public_key),
            (Input::PreHash { pepper: Some(id) }, Some(pepper)) if *id == pepper.id => Some(&pepper.key),
            (Input::PreHash { pepper: Some(_) }, _) => {
                tracing::warn!("a stored password hash was made with another pepper");
                return None;
            }
        };
        Some((stored, key))
    }

    fn is_current(&self, stored: &Stored<'_>) -> bool {
        let input_is_current = match stored.input {
            Input::PreHash { pepper } => pepper == self.pepper.as_ref().map(|pepper| pepper.id.as_str()),
            Input::Password => false,
        };
        input_is_current && stored.function.is_by(self.algorithm)
    }

    /// Others hash what was typed; some normalise it first. bcrypt reads 72 bytes of it, there as
    /// here, until the login that succeeds replaces the hash by one of ours.
    fn execute_foreign(&self, function: &Function, password: &PlainPassword) -> bool {
        let typed = password.as_typed();
        self.execute(function, typed.as_bytes()) || {
            let normalized = password.normalized();
            *normalized != typed && self.execute(function, normalized.as_bytes())
        }
    }

    fn execute(&self, function: &Function, input: &[u8]) -> bool {
        self.work.fetch_add(function.work(), Ordering::Relaxed);
        function.verify(input)
    }
}

/// 64 characters, whatever the password's length: within the 72 bytes that bcrypt reads, and without
/// the U+0000 that it repeats its input with.
fn pre_hash(key: &hmac::Key, password: &PlainPassword) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(hmac::sign(key, password.normalized().as_bytes())))
}
