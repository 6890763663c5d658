//! Ending sessions within a transaction, and what is to be announced once it is committed.

use usher_domain::{Revocation, SessionId, UserId, UserScope};
use usher_storage::{StorageError, Transaction};

use super::Change;

/// What has ended.
pub(crate) struct Ended {
    pub(crate) sessions: Vec<SessionId>,
    pub(crate) change: Change,
}

impl Ended {
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.sessions.extend(other.sessions);
        Self { change: self.change.and(other.change), ..self }
    }
}

/// Ends the sessions of a user but the one that is kept.
pub(crate) async fn end_sessions(
    transaction: &dyn Transaction,
    user: UserId,
    kept: Option<SessionId>,
    revocation: Revocation,
) -> Result<Ended, StorageError> {
    let sessions = transaction.session_revoke_all(user, kept, revocation).await?;
    Ok(Ended { change: Change::of(user).ending_sessions(sessions.iter().copied()), sessions })
}

/// Ends all sessions of a user, and every access token so far.
pub(crate) async fn end_access(
    transaction: &dyn Transaction,
    user: UserId,
    revocation: Revocation,
) -> Result<Ended, StorageError> {
    transaction.user_raise_epoch(user).await?;
    let sessions = transaction.session_revoke_all(user, None, revocation).await?;
    Ok(Ended { sessions, change: tokens_so_far(transaction, user).await? })
}

/// What is to be announced where the epoch of a user was raised.
pub(crate) async fn tokens_so_far(transaction: &dyn Transaction, user: UserId) -> Result<Change, StorageError> {
    let account = transaction.user_by_id(user, UserScope::WithDeleted).await?;
    Ok(account.map_or(Change::of(user), |account| Change::of_tokens_before(user, account.token_epoch)))
}
