use std::{collections::BTreeMap, sync::Arc};

use usher_domain::{Action, Actor, ClientInfo, Details, PlainToken, Revocation, RevokeReason, SessionId, UserId};
use usher_storage::StorageError;

use super::{AuthError, AuthManager};
use crate::{
    revocations::{Change, Ended, end_access, end_sessions},
    transact::{OpenTransaction, transact},
};

/// What ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogoutScope {
    /// The session that the tokens belong to.
    #[default]
    Session,
    /// All other sessions of its owner.
    Others,
    /// All sessions of its owner, and those that the tokens belong to.
    All,
}

impl LogoutScope {
    /// As clients write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Others => "others",
            Self::All => "all",
        }
    }
}

/// What somebody shows who signs out. One of them is enough; with both, the access token says who he is.
#[derive(Clone, Copy, Default)]
pub struct LogoutTokens<'a> {
    /// His access token.
    pub access: Option<&'a str>,
    /// His refresh token.
    pub refresh: Option<&'a PlainToken>,
}

impl AuthManager {
    /// Signs somebody out. Whoever has no session, or none any more, is signed out already.
    ///
    /// # Errors
    /// [`AuthError::TooManyAttempts`], with a refresh token; [`AuthError::Failure`].
    pub async fn logout(
        &self,
        tokens: LogoutTokens<'_>,
        scope: LogoutScope,
        client: &ClientInfo,
    ) -> Result<(), AuthError> {
        let by_access = match tokens.access {
            Some(token) => good(self.authenticate(token, client.clone()).await)?,
            None => None,
        };
        let by_refresh = match tokens.refresh {
            Some(token) => good(self.refreshing_actor(token, client).await)?,
            None => None,
        };
        let shown = [&by_access, &by_refresh].into_iter().flatten();
        let shown: BTreeMap<_, _> = shown.filter_map(|actor| actor.session().zip(actor.user_id())).collect();
        let Some(actor) = by_access.or(by_refresh) else { return Ok(()) };
        let Some((session, user)) = actor.session().zip(actor.user_id()) else { return Ok(()) };

        let entry = self.environment.entry_by(&actor, Action::AuthLogout).about(user);
        let revocation = Revocation { at: entry.occurred_at, reason: RevokeReason::Logout };
        let (actor, shown, entry) = (&actor, &shown, &entry);
        transact(&*self.backend, &self.environment, |transaction| async move {
            let ended = match scope {
                LogoutScope::Session => end_these(&transaction, shown, revocation).await?,
                LogoutScope::Others => end_sessions(&*transaction, user, Some(session), revocation).await?,
                LogoutScope::All => {
                    let ended = end_access(&*transaction, user, revocation).await?;
                    ended.and(end_these(&transaction, shown, revocation).await?)
                }
            };
            if ended.sessions.is_empty() {
                return Ok(());
            }
            let details = Details::default().with("scope", scope.as_str()).with("sessions", ended.sessions.len());
            transaction.activity_append(&entry.clone().with_details(details)).await?;
            for (foreign, owner) in shown.iter().filter(|(id, owner)| **owner != user && ended.sessions.contains(id)) {
                let details = Details::default().with("session_id", foreign.to_string());
                let entry = self.environment.entry_by(actor, Action::SessionRevoked).about(*owner);
                transaction.activity_append(&entry.with_details(details)).await?;
            }
            transaction.commit_then((), self.revocations.announce(ended.change)).await
        })
        .await
    }

    async fn refreshing_actor(&self, token: &PlainToken, client: &ClientInfo) -> Result<Actor, AuthError> {
        self.require_admission(self.throttle.admit_refresh(None, client.ip).await, None, client).await?;
        let found = self.judge(&self.known_refresh_token(token)?, client).await?;
        Ok(Actor::user(Arc::new(found.account.user), found.session.id, client.clone()))
    }
}

/// What a token stands for; nothing, where it is no good.
pub(super) fn good<T>(found: Result<T, AuthError>) -> Result<Option<T>, AuthError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error @ (AuthError::Failure(_) | AuthError::TooManyAttempts { .. })) => Err(error),
        Err(
            AuthError::Unauthenticated
            | AuthError::RefreshTokenInvalid
            | AuthError::RefreshTokenReused
            | AuthError::Invalid(_)
            | AuthError::InvalidCredentials
            | AuthError::DefaultPasswordFromElsewhere,
        ) => Ok(None),
    }
}

/// Ends these sessions, whosever they are.
async fn end_these(
    transaction: &OpenTransaction,
    sessions: &BTreeMap<SessionId, UserId>,
    revocation: Revocation,
) -> Result<Ended, StorageError> {
    let (mut ended, mut change) = (Vec::new(), Change::default());
    for (session, user) in sessions {
        if transaction.session_revoke(*session, revocation).await? {
            ended.push(*session);
            change = change.and_of(*user);
        }
    }
    Ok(Ended { change: change.ending_sessions(ended.iter().copied()), sessions: ended })
}
