//! Access tokens: signed JWTs (RFC 9068) that any service can verify through the JWKS.

use std::{sync::Arc, time::Duration};

use usher_domain::{PlainToken, RoleName, SessionId, SigningAlgorithm, Timestamp, TokenId, UserId, Username};
use usher_storage::{SigningKeyStore, StorageError};

use crate::{Environment, MasterKey};

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

/// What a good token says. Our own routes ask it only whom to look up: everything else they take from
/// the database.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[error("the access token is not valid")]
pub struct InvalidToken;

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
}

/// Signs and verifies access tokens.
#[derive(Debug)]
pub struct TokenIssuer {}

impl TokenIssuer {
    /// Loads the signing keys, or makes the first one; of several processes that start at once on an
    /// empty database all end with the same set.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn open(
        store: Arc<dyn SigningKeyStore + Send + Sync>,
        master_key: &MasterKey,
        settings: TokenSettings,
        environment: Environment,
    ) -> Result<Self, TokenError> {
        todo!("{}{master_key:?}{settings:?}{environment:?}", std::mem::size_of_val(&store))
    }

    /// Signs a token.
    ///
    /// # Errors
    /// [`TokenError::Key`].
    pub fn issue(&self, grant: &AccessGrant<'_>) -> Result<AccessToken, TokenError> {
        todo!("{grant:?}")
    }

    /// Checks a token: form, algorithm, key, signature, type, issuer, audience, every claim, time.
    ///
    /// # Errors
    /// [`InvalidToken`].
    pub fn verify(&self, token: &str) -> Result<AccessClaims, InvalidToken> {
        todo!("{}", token.len())
    }

    /// The public keys as a JWK set (RFC 7517, 5), in JSON.
    #[must_use]
    pub fn jwks(&self) -> Arc<str> {
        todo!()
    }
}
