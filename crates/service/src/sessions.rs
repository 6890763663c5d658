//! Sessions as their owners and administrators see them.

use std::sync::Arc;

use usher_domain::{
    Action, ActivityEntry, Actor, Denied, Details, Revocation, RevokeReason, Session, SessionId, UserId, permissions,
};
use usher_storage::{StorageError, UsersStorageBackend};

use crate::{
    Environment, Failure, Revocations,
    revocations::{Change, end_access},
    transact::{Rollback, transact},
    users::visible_to,
};

/// Why something about sessions was not done.
#[derive(Debug, thiserror::Error)]
pub enum SessionsError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such account or session, as far as the actor may know.
    #[error("there is no such session")]
    NotFound,
    /// Not the caller's fault.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StorageError> for SessionsError {
    fn from(error: StorageError) -> Self {
        Self::Failure(error.into())
    }
}

/// Lists sessions, and ends them.
#[derive(Clone)]
pub struct SessionsManager {
    backend: Arc<dyn UsersStorageBackend>,
    revocations: Revocations,
    environment: Environment,
}

impl SessionsManager {
    /// A manager over a backend.
    #[must_use]
    pub fn new(backend: Arc<dyn UsersStorageBackend>, revocations: Revocations, environment: Environment) -> Self {
        Self { backend, revocations, environment }
    }

    /// The live sessions of an account, the latest used first. One's own need no permission, others'
    /// need `users:read`.
    ///
    /// # Errors
    /// [`SessionsError::Denied`], before anything is looked up; [`SessionsError::NotFound`].
    pub async fn list(&self, actor: &Actor, user: UserId) -> Result<Vec<Session>, SessionsError> {
        actor.require_settled()?;
        if !actor.is(user) {
            actor.require(&permissions::USERS_READ)?;
            self.backend.user_by_id(user, visible_to(actor)).await?.ok_or(SessionsError::NotFound)?;
        }
        let now = self.environment.clock.now();
        let mut sessions = self.backend.session_by_user(user).await?;
        sessions.retain(|session| session.is_live(now));
        Ok(sessions)
    }

    /// Ends one of the actor's own sessions, also the one that he acts through.
    ///
    /// # Errors
    /// [`SessionsError::Denied`]; [`SessionsError::NotFound`] for one that is not his or not live.
    pub async fn end(&self, actor: &Actor, session: SessionId) -> Result<(), SessionsError> {
        actor.require_settled()?;
        let user = actor.user_id().ok_or(SessionsError::NotFound)?;
        let found = self.backend.session_with_user(session).await?;
        let now = self.environment.clock.now();
        if !found.is_some_and(|(session, _)| session.user_id == user && session.is_live(now)) {
            return Err(SessionsError::NotFound);
        }
        let entry = self.entry(actor, user, Details::default().with("session_id", session.to_string()));
        let (entry, revocation) = (&entry, Revocation { at: now, reason: RevokeReason::EndedByOwner });
        transact(&*self.backend, &self.environment, |transaction| async move {
            if !transaction.session_revoke(session, revocation).await? {
                return Err(Rollback::Refused(SessionsError::NotFound));
            }
            transaction.activity_append(entry).await?;
            let change = Change::of(user).ending_sessions([session]);
            transaction.commit_then((), self.revocations.announce(change)).await
        })
        .await
    }

    /// Ends all sessions of an account, and every access token so far.
    ///
    /// # Errors
    /// [`SessionsError::Denied`] without `users:write` or for somebody who may do more than the actor;
    /// [`SessionsError::NotFound`].
    pub async fn end_all(&self, actor: &Actor, user: UserId) -> Result<(), SessionsError> {
        actor.require(&permissions::USERS_WRITE)?;
        let revocation = Revocation { at: self.environment.clock.now(), reason: RevokeReason::EndedByAdmin };
        transact(&*self.backend, &self.environment, |transaction| async move {
            let found = transaction.user_by_id_for_update(user, visible_to(actor)).await?;
            let account = found.ok_or(Rollback::Refused(SessionsError::NotFound))?;
            actor.require_cover(&account.user.permissions).map_err(|denied| Rollback::Refused(denied.into()))?;
            let ended = end_access(&*transaction, user, revocation).await?;
            if ended.sessions.is_empty() {
                return Ok(());
            }
            let entry = self.entry(actor, user, Details::default().with("sessions", ended.sessions.len()));
            transaction.activity_append(&entry).await?;
            transaction.commit_then((), self.revocations.announce(ended.change)).await
        })
        .await
    }

    /// Ends every session of everybody, and every one-time token, once the master key has changed: what was made
    /// with it is worth nothing any more. Answers how many sessions.
    ///
    /// # Errors
    /// [`SessionsError::Denied`] unless the actor is the system.
    pub async fn end_everybodys(&self, actor: &Actor) -> Result<u64, SessionsError> {
        if actor.user_id().is_some() {
            return Err(Denied::Forbidden.into());
        }
        let revocation = Revocation { at: self.environment.clock.now(), reason: RevokeReason::MasterKeyChanged };
        transact(&*self.backend, &self.environment, |transaction| async move {
            let ended = transaction.session_revoke_everybodys(revocation).await?;
            transaction.one_time_token_delete_everybodys().await?;
            transaction.commit(ended).await
        })
        .await
    }

    fn entry(&self, actor: &Actor, subject: UserId, details: Details) -> ActivityEntry {
        self.environment.entry_by(actor, Action::SessionRevoked).about(subject).with_details(details)
    }
}
