//! Signing in, and knowing again who signed in.

mod authenticate;
mod login;

use std::{sync::Arc, time::Duration};

use usher_domain::{Permissions, SessionId, UserInDB, ValidationError, permissions};
use usher_storage::{StorageError, UsersStorageBackend};

pub use login::{Login, LoginRequest};

use crate::{
    AccessGrant, AccessToken, DerivedKey, Environment, Failure, MasterKey, PasswordHasher, Purpose, TokenIssuer,
};

/// How long a login lasts.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// A session ends when it is not renewed for this long.
    pub refresh_idle_ttl: Duration,
    /// A session ends after this long in any case.
    pub refresh_absolute_ttl: Duration,
}

impl Default for AuthSettings {
    /// 14 and 30 days (NIST SP 800-63B-4, AAL1).
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self { refresh_idle_ttl: DAY * 14, refresh_absolute_ttl: DAY * 30 }
    }
}

/// Why somebody was not let in.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// No name, or one that is too long to be looked at.
    #[error(transparent)]
    Invalid(#[from] ValidationError),
    /// Unknown, wrong, deactivated or deleted: one answer for all.
    #[error("the name or the password is not correct")]
    InvalidCredentials,
    /// The default password came through a proxy, so this is not the machine that it was meant for.
    #[error("the default password works only on the machine that usher runs on: set bootstrap.admin_password")]
    DefaultPasswordFromElsewhere,
    /// The access token is not good, or not any more.
    #[error("the access token is not valid")]
    Unauthenticated,
    /// Not the caller's fault.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StorageError> for AuthError {
    fn from(error: StorageError) -> Self {
        Self::Failure(error.into())
    }
}

/// Lets people in, and knows them again by their access token.
#[derive(Clone)]
pub struct AuthManager {
    backend: Arc<dyn UsersStorageBackend>,
    hasher: Arc<PasswordHasher>,
    tokens: Arc<TokenIssuer>,
    identifier_digest: DerivedKey,
    settings: AuthSettings,
    environment: Environment,
}

impl AuthManager {
    /// A manager over a backend.
    #[must_use]
    pub fn new(
        backend: Arc<dyn UsersStorageBackend>,
        hasher: Arc<PasswordHasher>,
        tokens: Arc<TokenIssuer>,
        master_key: &MasterKey,
        settings: AuthSettings,
        environment: Environment,
    ) -> Self {
        let identifier_digest = master_key.derive(Purpose::DigestIdentifiers);
        Self { backend, hasher, tokens, identifier_digest, settings, environment }
    }

    /// Signs an access token for a session of this account, with what other services may know: nothing
    /// beyond the name while the password must be changed, and for an administrator every permission
    /// by its name.
    ///
    /// # Errors
    /// [`AuthError::Failure`].
    pub async fn access_token(&self, account: &UserInDB, session: SessionId) -> Result<AccessToken, AuthError> {
        let user = &account.user;
        let (roles, permissions) = if user.must_change_password {
            (&[][..], Vec::new())
        } else {
            (&user.roles[..], self.permission_names(&user.permissions).await?)
        };
        let grant = AccessGrant {
            user: user.id,
            session,
            epoch: account.token_epoch,
            username: &user.username,
            roles,
            permissions: &permissions,
        };
        Ok(self.tokens.issue(&grant).map_err(Failure::from)?)
    }

    /// Every permission by its name; for an administrator all of ours and all that any role names.
    async fn permission_names(&self, held: &Permissions) -> Result<Vec<String>, AuthError> {
        let held = match held {
            Permissions::Only(held) => held.clone(),
            Permissions::All => {
                let roles = self.backend.role_all().await?;
                permissions::ALL.iter().cloned().chain(roles.into_iter().flat_map(|role| role.granted)).collect()
            }
        };
        Ok(held.iter().map(|permission| permission.as_str().to_owned()).collect())
    }
}
