//! What is open to whoever can read the mail of an address: proving that it is his, and getting back in.

mod complete_sign_up;
mod requests;
mod reset_password;
mod verify_email;

use std::{sync::Arc, time::Duration};

use usher_domain::{
    Action, ActivityEntry, ClientInfo, OneTimeToken, PlainToken, Timestamp, User, UserChanges, UserId, UserInDB,
    UserScope,
};
use usher_storage::{StorageError, UsersStorageBackend};

use crate::{
    Environment, Failure, Revocations, Throttle, UsersError, UsersManager,
    revocations::Change,
    throttle::Admission,
    transact::{OpenTransaction, Rollback},
};

/// Why something was not done for whoever can read the mail of an address.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// Unknown, used, expired, or for something else: one answer for all.
    #[error("the token is not valid, or not any more: ask for another mail")]
    InvalidOrExpiredToken,
    /// Too many tries: nothing was looked at.
    #[error("too many attempts: try again later")]
    TooManyAttempts {
        /// When to come back.
        retry_after: Duration,
    },
    /// What was sent is at fault, or something about the account stands in the way. A one-time token is as
    /// good as before.
    #[error(transparent)]
    Account(#[from] UsersError),
    /// Not the caller's fault.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StorageError> for MailboxError {
    fn from(error: StorageError) -> Self {
        Self::Failure(error.into())
    }
}

/// Takes wishes for mails from anybody, and the one-time tokens that they bring.
#[derive(Clone)]
pub struct MailboxManager {
    backend: Arc<dyn UsersStorageBackend>,
    users: UsersManager,
    revocations: Revocations,
    throttle: Throttle,
    environment: Environment,
}

impl MailboxManager {
    /// A manager over the same backend as the other one, whose outbox it uses.
    #[must_use]
    pub fn new(
        backend: Arc<dyn UsersStorageBackend>,
        users: UsersManager,
        revocations: Revocations,
        throttle: Throttle,
        environment: Environment,
    ) -> Self {
        Self { backend, users, revocations, throttle, environment }
    }

    /// The token that was sent, if it is one of ours and still good. It is not used up.
    async fn find_token(&self, token: &PlainToken, client: &ClientInfo) -> Result<OneTimeToken, MailboxError> {
        self.require_admission(self.throttle.admit_confirm(client.ip).await, client).await?;
        let tokens = self.users.outbox().tokens().ok_or(MailboxError::InvalidOrExpiredToken)?;
        let hash = tokens.recognize(token).ok_or(MailboxError::InvalidOrExpiredToken)?;
        let found = self.backend.one_time_token_by_hash(&hash).await?;
        let now = self.environment.clock.now();
        found.filter(|token| token.is_valid(now)).ok_or(MailboxError::InvalidOrExpiredToken)
    }

    async fn require_admission(&self, admission: Admission, client: &ClientInfo) -> Result<(), MailboxError> {
        let entry = |details| self.environment.entry_from(client, Action::AuthThrottled).with_details(details);
        match self.throttle.note_refusal(admission, &*self.backend, &self.environment, entry).await? {
            Some(retry_after) => Err(MailboxError::TooManyAttempts { retry_after }),
            None => Ok(()),
        }
    }

    /// Ends a transaction that has changed an account: with the entry that tells of it, and its owner as he is now.
    async fn finish(
        &self,
        transaction: OpenTransaction,
        id: UserId,
        entry: &ActivityEntry,
    ) -> Result<User, Rollback<MailboxError>> {
        transaction.activity_append(entry).await?;
        let changed = transaction.user_by_id(id, UserScope::Existing).await?;
        let changed = changed.ok_or(Rollback::Refused(UsersError::NotFound.into()))?;
        transaction.commit_then(changed.user, self.revocations.announce(Change::of(id))).await
    }
}

/// The account that a token is for, locked. Only who can use it can use the token.
async fn lock(transaction: &OpenTransaction, user: UserId) -> Result<UserInDB, Rollback<MailboxError>> {
    let found = transaction.user_by_id_for_update(user, UserScope::Existing).await?;
    found.filter(|account| account.user.is_active()).ok_or(Rollback::Refused(MailboxError::InvalidOrExpiredToken))
}

/// Uses a token up; refused if somebody else has.
async fn consume(
    transaction: &OpenTransaction,
    token: &OneTimeToken,
    now: Timestamp,
) -> Result<(), Rollback<MailboxError>> {
    let consumed = transaction.one_time_token_consume(&token.hash, now).await?;
    consumed.map(drop).ok_or(Rollback::Refused(MailboxError::InvalidOrExpiredToken))
}

/// Writes down that the address of an account is its owner's, unless that is known, or there is none.
async fn prove_address(transaction: &OpenTransaction, user: &User, now: Timestamp) -> Result<(), StorageError> {
    if user.email.is_some() && user.email_verified_at.is_none() {
        let proven = UserChanges { email_verified_at: Some(Some(now)), ..UserChanges::default() };
        transaction.user_update(user.id, None, &proven, now).await?;
    }
    Ok(())
}

/// Tells a name that is taken from a failure of the database.
fn taken(error: StorageError) -> Rollback<MailboxError> {
    match crate::users::taken(error) {
        Rollback::Refused(refusal) => Rollback::Refused(refusal.into()),
        Rollback::Storage(error) => Rollback::Storage(error),
    }
}
