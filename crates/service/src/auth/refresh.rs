use usher_domain::{
    Action, ClientInfo, Details, MailKind, PlainToken, Revocation, RevokeReason, Rotation, RotationVerdict, Session,
    SessionId, User, UserInDB,
};
use usher_storage::StorageError;

use super::{AuthError, AuthManager};
use crate::{
    AccessToken, RefreshClaims, RefreshToken, mail::Addressee, metrics, revocations::Change, transact::transact,
};

/// How often a refresh looks again because somebody else has renewed the session. Once is enough, unless
/// the grace is over meanwhile.
const ATTEMPTS: u32 = 3;

/// Both tokens of a session, and whose it is.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The account.
    pub user: User,
    /// The access token, for requests.
    pub access: AccessToken,
    /// The refresh token, for the next tokens.
    pub refresh: RefreshToken,
}

/// A refresh token that is good, and what it is for.
pub(super) struct Refreshable {
    pub(super) session: Session,
    pub(super) account: UserInDB,
    /// None where the successor was made before.
    pub(super) rotation: Option<Rotation>,
}

impl AuthManager {
    /// Renews a session: the next access token, with what the account may do now, and the next refresh
    /// token. The one that was presented is good no more, except that for a moment it gets the same
    /// successor again. Costs one write.
    ///
    /// # Errors
    /// [`AuthError::TooManyAttempts`]; [`AuthError::RefreshTokenInvalid`];
    /// [`AuthError::RefreshTokenReused`], and the session has ended.
    /// After [`AuthError::Failure`] the token is as good as before, unless the connection was lost
    /// inside the commit: repeating within the grace is safe.
    pub async fn refresh(&self, token: &PlainToken, client: &ClientInfo) -> Result<Tokens, AuthError> {
        let outcome = self.admit_and_refresh(token, client).await;
        metrics::refresh(&outcome);
        outcome
    }

    async fn admit_and_refresh(&self, token: &PlainToken, client: &ClientInfo) -> Result<Tokens, AuthError> {
        let claims = self.known_refresh_token(token);
        let session = claims.as_ref().ok().map(|claims| claims.session);
        self.require_admission(self.throttle.admit_refresh(session, client.ip).await, None, client).await?;
        let claims = claims?;
        for _ in 0..ATTEMPTS {
            let Refreshable { session, account, rotation } = self.judge(&claims, client).await?;
            let Some(rotation) = rotation else {
                return self.tokens_of(account, &session).await;
            };
            let id = session.id;
            // Made before the rotation is written: nothing may fail after it.
            let tokens = self.tokens_of(account, &session.rotated(rotation)).await?;
            if self.rotate(id, rotation).await? {
                return Ok(tokens);
            }
        }
        Err(StorageError::Contention.into())
    }

    /// What a refresh token of ours says, whatever it is good for.
    pub(super) fn known_refresh_token(&self, token: &PlainToken) -> Result<RefreshClaims, AuthError> {
        self.tokens.verify_refresh_token(token).map_err(|_| AuthError::RefreshTokenInvalid)
    }

    /// What a refresh token is good for. One that was used before ends its session here and now.
    pub(super) async fn judge(&self, claims: &RefreshClaims, client: &ClientInfo) -> Result<Refreshable, AuthError> {
        let found = self.backend.session_with_user(claims.session).await?;
        let found = found.filter(|(session, _)| session.user_id == claims.user);
        let (session, account) = found.ok_or(AuthError::RefreshTokenInvalid)?;
        let now = self.environment.clock.now();
        let rotation = match session.judge_refresh(claims.generation, now, self.rotation_policy()) {
            RotationVerdict::Rotate(rotation) => Some(rotation),
            RotationVerdict::Repeat => None,
            RotationVerdict::Invalid => return Err(AuthError::RefreshTokenInvalid),
            RotationVerdict::Reused => {
                self.end_reused(&session, &account.user, claims.generation, client).await?;
                return Err(AuthError::RefreshTokenReused);
            }
        };
        if !account.user.is_active() {
            return Err(AuthError::RefreshTokenInvalid);
        }
        Ok(Refreshable { session, account, rotation })
    }

    /// In a transaction: a single statement, sent to a database that stalls, would be carried out long
    /// after the caller was told to try again.
    async fn rotate(&self, session: SessionId, rotation: Rotation) -> Result<bool, AuthError> {
        transact(&*self.backend, &self.environment, |transaction| async move {
            if !transaction.session_rotate(session, rotation).await? {
                return Ok(false);
            }
            transaction.commit(true).await
        })
        .await
    }

    async fn end_reused(
        &self,
        session: &Session,
        owner: &User,
        presented: u32,
        client: &ClientInfo,
    ) -> Result<(), AuthError> {
        let details = Details::default()
            .with("session_id", session.id.to_string())
            .with("generation", session.generation)
            .with("presented", presented);
        let entry = self
            .environment
            .entry_from(client, Action::AuthRefreshReused)
            .failed()
            .about(session.user_id)
            .with_details(details);
        let revocation = Revocation { at: entry.occurred_at, reason: RevokeReason::RefreshReused };
        let (id, user, entry) = (session.id, session.user_id, &entry);
        transact(&*self.backend, &self.environment, |transaction| async move {
            if !transaction.session_revoke(id, revocation).await? {
                return Ok(());
            }
            transaction.activity_append(entry).await?;
            let to = Addressee::owner(owner, client).filter(|_| owner.is_active());
            self.outbox.notify(&*transaction, &self.environment, MailKind::RefreshReused, user, to).await?;
            let change = Change::of(user).ending_sessions([id]);
            transaction.commit_then((), self.revocations.announce(change)).await
        })
        .await
    }
}
