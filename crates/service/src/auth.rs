//! Signing in, and knowing again who signed in.

mod authenticate;
mod login;
mod logout;
mod refresh;

use std::{sync::Arc, time::Duration};

use usher_domain::{
    Action, Actor, ClientInfo, Details, Permissions, RotationPolicy, Session, SessionId, UserInDB, ValidationError,
};
use usher_storage::{StorageError, UsersStorageBackend};

pub use login::LoginRequest;
pub use logout::{LogoutScope, LogoutTokens};
pub use refresh::Tokens;

use crate::{
    AccessGrant, AccessToken, Environment, Failure, Outbox, PasswordHasher, Revocations, Throttle, TokenIssuer,
    revocations::Change, roles::known_permissions, throttle::Admission,
};

/// How long a login lasts.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// A session ends when it is not renewed for this long.
    pub refresh_idle_ttl: Duration,
    /// A session ends after this long in any case.
    pub refresh_absolute_ttl: Duration,
    /// For how long a refresh token that was used is answered with the same successor again, which may
    /// have been lost on its way. Zero: never.
    pub refresh_grace: Duration,
}

impl Default for AuthSettings {
    /// 14 and 30 days (NIST SP 800-63B-4, AAL1), and ten seconds.
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self { refresh_idle_ttl: DAY * 14, refresh_absolute_ttl: DAY * 30, refresh_grace: Duration::from_secs(10) }
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
    /// Too many tries: nothing was looked at.
    #[error("too many attempts: try again later")]
    TooManyAttempts {
        /// When to come back.
        retry_after: Duration,
    },
    /// The default password came through a proxy, so this is not the machine that it was meant for.
    #[error("the default password works only on the machine that usher runs on: set bootstrap.admin_password")]
    DefaultPasswordFromElsewhere,
    /// The access token is not good, or not any more.
    #[error("the access token is not valid")]
    Unauthenticated,
    /// The refresh token is not good, or not any more.
    #[error("the refresh token is not valid")]
    RefreshTokenInvalid,
    /// The refresh token was used before: somebody has a copy of it, and its session was ended.
    #[error("the refresh token was used before, so its session was ended")]
    RefreshTokenReused,
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
    revocations: Revocations,
    throttle: Throttle,
    outbox: Outbox,
    settings: AuthSettings,
    environment: Environment,
}

impl AuthManager {
    /// A manager over a backend. It sends no mail.
    #[must_use]
    pub fn new(
        backend: Arc<dyn UsersStorageBackend>,
        hasher: Arc<PasswordHasher>,
        tokens: Arc<TokenIssuer>,
        revocations: Revocations,
        throttle: Throttle,
        settings: AuthSettings,
        environment: Environment,
    ) -> Self {
        Self { backend, hasher, tokens, revocations, throttle, outbox: Outbox::off(), settings, environment }
    }

    /// The same, and mails go into this outbox.
    #[must_use]
    pub fn with_outbox(self, outbox: Outbox) -> Self {
        Self { outbox, ..self }
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
            Permissions::All => known_permissions(&self.backend.role_all().await?),
        };
        Ok(held.iter().map(|permission| permission.as_str().to_owned()).collect())
    }

    /// Both tokens of a session.
    pub(crate) async fn tokens_of(&self, account: UserInDB, session: &Session) -> Result<Tokens, AuthError> {
        let access = self.access_token(&account, session.id).await?;
        let refresh = self.tokens.refresh_token(session).map_err(Failure::from)?;
        Ok(Tokens { user: account.user, access, refresh })
    }

    /// What is to be done once a change of sessions is committed.
    pub(crate) fn announce(&self, change: Change) -> impl Future<Output = ()> + Send + 'static {
        self.revocations.announce(change)
    }

    fn rotation_policy(&self) -> RotationPolicy {
        RotationPolicy { grace: self.settings.refresh_grace, idle_ttl: self.settings.refresh_idle_ttl }
    }

    /// Writes down that somebody tried what he may not, once a minute for each thing.
    ///
    /// # Errors
    /// [`AuthError::Failure`].
    pub async fn note_denied(&self, actor: &Actor, what: &str) -> Result<(), AuthError> {
        let Some(user) = actor.user_id() else { return Ok(()) };
        let entry = || {
            let details = Details::default().with("route", what);
            self.environment.entry_by(actor, Action::AuthAccessDenied).failed().with_details(details)
        };
        let (kind, who) = (Action::AuthAccessDenied.as_str(), format!("{user} {what}"));
        Ok(self.throttle.note_once(kind, &who, &*self.backend, &self.environment, entry).await?)
    }

    /// Refuses whoever was not admitted. It is written down with a digest of the name that was meant, if there
    /// was one: nothing was looked up, so nobody knows whose it is.
    async fn require_admission(
        &self,
        admission: Admission,
        name: Option<&str>,
        client: &ClientInfo,
    ) -> Result<(), AuthError> {
        let entry = |details: Details| {
            let details = match name {
                Some(name) => details.with("identifier_digest", self.throttle.digest(name)),
                None => details,
            };
            self.environment.entry_from(client, Action::AuthThrottled).with_details(details)
        };
        match self.throttle.note_refusal(admission, &*self.backend, &self.environment, entry).await? {
            Some(retry_after) => Err(AuthError::TooManyAttempts { retry_after }),
            None => Ok(()),
        }
    }
}
