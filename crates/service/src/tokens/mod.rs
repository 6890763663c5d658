//! Access tokens: signed JWTs (RFC 9068) that any service can verify through the JWKS.

mod claims;
mod jwk;
mod key_rotation;
mod key_set;
mod provider;
mod refresh;
mod seal;
mod signing_key;
#[cfg(test)]
mod tests;
mod verified;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use usher_domain::{
    KeyState, PlainToken, RoleName, Session, SessionId, SigningAlgorithm, SigningKeyRecord, Timestamp, TokenId, UserId,
    Username,
};
use usher_storage::{SigningKeyStore, StorageError};

pub use self::refresh::RefreshClaims;
use self::{
    claims::Claims,
    key_set::KeySet,
    refresh::RefreshTokens,
    seal::Sealer,
    signing_key::{ACCESS_TOKEN_TYPE, SigningKey},
    verified::digest_of,
};
use crate::{Environment, MasterKey, metrics};

/// The longest token that is made or looked at, in bytes: it fits into a request's head of 16 KiB.
const MAX_TOKEN_LENGTH: usize = 8 * 1024;

/// How far the clocks of two nodes may be apart.
pub(crate) const LEEWAY: Duration = Duration::from_secs(5);

/// How often at most the keys are read anew because somebody shows a token of an unknown one.
const RELOAD_PAUSE: Duration = Duration::from_secs(1);

/// How often the keys are read at the start until there are some. The second time finds those of
/// whoever was first.
const OPEN_ATTEMPTS: u32 = 5;

/// How access tokens are made.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// `iss`, compared exactly.
    pub issuer: String,
    /// `aud`, compared exactly.
    pub audience: String,
    /// The one algorithm that is signed with and accepted.
    pub algorithm: SigningAlgorithm,
    /// How long a token is good.
    pub access_ttl: Duration,
    /// How long a key signs before another one takes its place. None: until somebody asks for it.
    pub key_rotation: Option<Duration>,
}

/// Whom a token is for, and what it says about him to other services.
#[derive(Debug, Clone)]
pub struct AccessGrant<'a> {
    /// `sub`.
    pub user: UserId,
    /// `sid`.
    pub session: SessionId,
    /// `ver`.
    pub epoch: i64,
    /// `username`.
    pub username: &'a Username,
    /// `roles`.
    pub roles: &'a [RoleName],
    /// `permissions`, by name.
    pub permissions: &'a [String],
}

/// A token that was just signed.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The JWT.
    pub token: PlainToken,
    /// How long it is good from now.
    pub expires_in: Duration,
    /// The login that it belongs to.
    pub session: SessionId,
}

/// A refresh token that was just made.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    /// The JWT.
    pub token: PlainToken,
    /// How long it is good from now.
    pub expires_in: Duration,
}

/// What a good token says. Our own routes ask it only whom to look up: everything else they take from
/// the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessClaims {
    /// `sub`.
    pub user: UserId,
    /// `sid`.
    pub session: SessionId,
    /// `ver`.
    pub epoch: i64,
    /// `jti`.
    pub token: TokenId,
    /// `exp`.
    pub expires_at: Timestamp,
}

/// A token that is no good; why is for nobody to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token is not valid")]
pub struct InvalidToken;

/// A token whose signature is good, whatever the time.
#[derive(Debug, Clone)]
struct Verified {
    claims: AccessClaims,
    not_before: Timestamp,
}

/// Why a token is no good, as far as it matters to us.
enum Unverified {
    /// It names a key that we do not have, or do not have yet.
    UnknownKey,
    Invalid,
}

impl From<Unverified> for InvalidToken {
    fn from(_: Unverified) -> Self {
        Self
    }
}

/// Why keys could not be had or used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The keys in the database were sealed with another master key.
    #[error("the signing keys in the database were sealed with another master key")]
    WrongMasterKey,
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A key could not be made or used; a defect.
    #[error("the signing key could not be used")]
    Key,
    /// There is no active key of the configured algorithm any more.
    #[error("the database holds no active signing key of the configured algorithm")]
    NoActiveKey,
    /// So many roles and permissions that the token would be longer than 8 KiB.
    #[error("the access token would be too long")]
    TooLong,
}

/// Signs and verifies access tokens.
pub struct TokenIssuer {
    store: Arc<dyn SigningKeyStore + Send + Sync>,
    sealer: Sealer,
    settings: TokenSettings,
    validation: Validation,
    environment: Environment,
    keys: RwLock<Arc<KeySet>>,
    refresh: RefreshTokens,
    /// Held while the keys are read, so that an older answer of the database never replaces a newer one.
    reloading: tokio::sync::Mutex<()>,
    /// From when on keys may be read for the sake of an unknown one, on the monotonic clock.
    next_reload: Mutex<Duration>,
}

impl TokenIssuer {
    /// Loads the signing keys, or makes the first one; of several processes that start at once on an
    /// empty database all end with the same set. Where the database has only keys of another algorithm
    /// than is configured now, a new one replaces them.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn open(
        store: Arc<dyn SigningKeyStore + Send + Sync>,
        master_key: &MasterKey,
        settings: TokenSettings,
        environment: Environment,
    ) -> Result<Self, TokenError> {
        provider::install();
        let sealer = Sealer::new(master_key)?;
        let keys = open_key_set(&*store, settings.algorithm, &sealer, &environment).await?;
        let validation = validation(&settings);
        let refresh = RefreshTokens::new(master_key, &settings.issuer);
        let keys = RwLock::new(Arc::new(keys));
        Ok(Self {
            store,
            sealer,
            settings,
            validation,
            environment,
            keys,
            refresh,
            reloading: tokio::sync::Mutex::default(),
            next_reload: Mutex::default(),
        })
    }

    /// Follows a change of the keys in the database. After an error the keys are as before.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn reload(&self) -> Result<(), TokenError> {
        let _turn = self.reloading.lock().await;
        self.read_keys().await
    }

    /// Only while `reloading` is held.
    async fn read_keys(&self) -> Result<(), TokenError> {
        let records = self.store.signing_keys().await?;
        if self.keys().is_of(&records) {
            return Ok(());
        }
        let keys = KeySet::unseal(&records, self.settings.algorithm, &self.sealer)?.ok_or(TokenError::NoActiveKey)?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        Ok(())
    }

    /// Signs a token.
    ///
    /// # Errors
    /// [`TokenError::Key`], [`TokenError::TooLong`].
    pub fn issue(&self, grant: &AccessGrant<'_>) -> Result<AccessToken, TokenError> {
        let now = self.environment.clock.now();
        let claims = Claims {
            iss: self.settings.issuer.clone(),
            aud: self.settings.audience.clone(),
            sub: grant.user,
            exp: (now + self.settings.access_ttl).as_secs(),
            iat: now.as_secs(),
            nbf: now.as_secs(),
            jti: TokenId::generate(&*self.environment.ids),
            sid: grant.session,
            ver: grant.epoch,
            roles: grant.roles.iter().map(ToString::to_string).collect(),
            permissions: grant.permissions.to_vec(),
            username: grant.username.to_string(),
        };
        let token = self.keys().active().ok_or(TokenError::NoActiveKey)?.sign(&claims)?;
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(TokenError::TooLong);
        }
        Ok(AccessToken { token: PlainToken::new(token), expires_in: self.settings.access_ttl, session: grant.session })
    }

    /// Checks a token: form, algorithm, key, signature, type, issuer, audience, every claim, time.
    ///
    /// # Errors
    /// [`InvalidToken`].
    pub fn verify(&self, token: &str) -> Result<AccessClaims, InvalidToken> {
        Ok(self.check(token)?)
    }

    /// As [`verify`](Self::verify). A token of a key that is not known yet may be one that another
    /// process signed with a new key: then the keys are read anew, once a second at most, and whoever
    /// comes meanwhile waits for them.
    ///
    /// # Errors
    /// [`InvalidToken`].
    pub(crate) async fn verify_with_latest_keys(&self, token: &str) -> Result<AccessClaims, InvalidToken> {
        match self.check(token) {
            Err(Unverified::UnknownKey) => {
                self.look_for_new_keys().await;
                Ok(self.check(token)?)
            }
            checked => Ok(checked?),
        }
    }

    async fn look_for_new_keys(&self) {
        let Ok(_turn) = self.reloading.try_lock() else {
            drop(self.reloading.lock().await);
            return;
        };
        if self.may_reload()
            && let Err(error) = self.read_keys().await
        {
            tracing::warn!(error = ?error, "the signing keys could not be read");
        }
    }

    /// The refresh token of a session as it is now: the same session gives the same token.
    ///
    /// # Errors
    /// [`TokenError::Key`].
    pub fn refresh_token(&self, session: &Session) -> Result<RefreshToken, TokenError> {
        let token = self.refresh.issue(session)?;
        Ok(RefreshToken { token, expires_in: session.idle_expires_at.since(self.environment.clock.now()) })
    }

    /// Checks a refresh token by itself: form, signature, issuer, audience, time. What its session says
    /// is another matter.
    ///
    /// # Errors
    /// [`InvalidToken`].
    pub fn verify_refresh_token(&self, token: &PlainToken) -> Result<RefreshClaims, InvalidToken> {
        if token.expose().len() > MAX_TOKEN_LENGTH {
            return Err(InvalidToken);
        }
        self.refresh.verify(token, self.environment.clock.now())
    }

    fn check(&self, token: &str) -> Result<AccessClaims, Unverified> {
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(Unverified::Invalid);
        }
        let keys = self.keys();
        let digest = digest_of(token);
        let known = keys.verified.get(&digest);
        let is_new = known.is_none();
        metrics::token_cache(!is_new);
        let verified = known.map_or_else(|| self.check_signature(&keys, token), Ok)?;
        let now = self.environment.clock.now();
        if now >= verified.claims.expires_at + LEEWAY || now + LEEWAY < verified.not_before {
            return Err(Unverified::Invalid);
        }
        let claims = verified.claims;
        if is_new {
            keys.verified.insert(digest, verified);
        }
        Ok(claims)
    }

    /// Everything but the time.
    fn check_signature(&self, keys: &KeySet, token: &str) -> Result<Verified, Unverified> {
        let invalid = |_| Unverified::Invalid;
        let header = decode_header(token).map_err(invalid)?;
        // RFC 9068 (4) lets the type be spelt in other ways, but nobody but us signs these tokens.
        if header.typ.as_deref() != Some(ACCESS_TOKEN_TYPE) || header.crit.is_some() {
            return Err(Unverified::Invalid);
        }
        let kid = header.kid.ok_or(Unverified::Invalid)?;
        let key = keys.get(&kid).ok_or(Unverified::UnknownKey)?;
        let claims: Claims = decode(token, &key.decoding, &self.validation).map_err(invalid)?.claims;
        let moment = |secs: i64| Timestamp::from_micros(secs.saturating_mul(1_000_000));
        let not_before = moment(claims.nbf);
        let claims = AccessClaims {
            user: claims.sub,
            session: claims.sid,
            epoch: claims.ver,
            token: claims.jti,
            expires_at: moment(claims.exp),
        };
        Ok(Verified { claims, not_before })
    }

    fn may_reload(&self) -> bool {
        let now = self.environment.clock.monotonic();
        let mut next = self.next_reload.lock().unwrap_or_else(PoisonError::into_inner);
        let may = *next <= now;
        if may {
            *next = now + RELOAD_PAUSE;
        }
        may
    }

    /// The public keys as a JWK set (RFC 7517, 5), in JSON.
    #[must_use]
    pub fn jwks(&self) -> Arc<str> {
        Arc::clone(&self.keys().jwks)
    }

    fn keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for TokenIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenIssuer").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What `jsonwebtoken` checks. It reads the system's clock, so time is not among it.
fn validation(settings: &TokenSettings) -> Validation {
    let mut validation = Validation::new(match settings.algorithm {
        SigningAlgorithm::EdDsa => Algorithm::EdDSA,
        SigningAlgorithm::Es256 => Algorithm::ES256,
    });
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
    validation.set_issuer(&[&settings.issuer]);
    validation.set_audience(&[&settings.audience]);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

/// Reads the keys, and where there is none to sign with, offers one of its own and reads again:
/// whoever was first wins, for all.
async fn open_key_set(
    store: &(dyn SigningKeyStore + Send + Sync),
    algorithm: SigningAlgorithm,
    sealer: &Sealer,
    environment: &Environment,
) -> Result<KeySet, TokenError> {
    for _ in 0..OPEN_ATTEMPTS {
        let records = store.signing_keys().await?;
        if let Some(keys) = KeySet::unseal(&records, algorithm, sealer)? {
            return Ok(keys);
        }
        let now = environment.clock.now();
        let first = new_key(algorithm, sealer, KeyState::Active, now, now)?;
        store.signing_keys_replace(&records, &[first], None).await?;
    }
    Err(StorageError::Contention.into())
}

/// A new key, sealed.
fn new_key(
    algorithm: SigningAlgorithm,
    sealer: &Sealer,
    state: KeyState,
    created_at: Timestamp,
    activates_at: Timestamp,
) -> Result<SigningKeyRecord, TokenError> {
    let private_key = SigningKey::generate(algorithm)?;
    let jwk = SigningKey::parse(algorithm, &private_key)?.jwk;
    Ok(SigningKeyRecord {
        private_key: sealer.seal(&jwk.kid, &private_key)?,
        public_jwk: serde_json::to_string(&jwk).map_err(|_| TokenError::Key)?,
        kid: jwk.kid,
        algorithm,
        state,
        created_at,
        activates_at,
        retires_at: None,
    })
}
