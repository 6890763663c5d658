use usher_domain::{
    Action, ActivityEntry, ClientInfo, EmailAddress, MailKind, OneTimeToken, PlainPassword, PlainToken, TokenKind,
    TokenPurpose, User, UserChanges, UserId, UserScope,
};

use super::{MailboxError, MailboxManager, consume, lock, taken};
use crate::{
    UsersError,
    mail::Addressee,
    revocations::Change,
    transact::{OpenTransaction, Rollback, transact},
};

impl MailboxManager {
    /// Takes the token that proves an address: the one that an account has, the one that it is to have, or
    /// that of somebody who signs up. The latter needs a password; with the others it means nothing.
    ///
    /// # Errors
    /// [`MailboxError::InvalidOrExpiredToken`]; [`UsersError::Invalid`] for a password that is missing or will
    /// not do, on the field `password`, and [`UsersError::UsernameTaken`] or [`UsersError::EmailTaken`] for
    /// what was taken meanwhile: then the token is as good as before. [`MailboxError::TooManyAttempts`].
    pub async fn verify_email(
        &self,
        token: &PlainToken,
        password: Option<PlainPassword>,
        client: &ClientInfo,
    ) -> Result<User, MailboxError> {
        let token = self.find_token(token, client).await?;
        match &token.purpose {
            TokenPurpose::VerifyEmail { user, email } => self.prove(&token, *user, email, client).await,
            TokenPurpose::ChangeEmail { user, email } => self.change(&token, *user, email, client).await,
            TokenPurpose::SignUp(wish) => self.complete_sign_up(&token, wish, password, client).await,
            TokenPurpose::ResetPassword { .. } | TokenPurpose::Invite { .. } => {
                Err(MailboxError::InvalidOrExpiredToken)
            }
        }
    }

    async fn prove(
        &self,
        token: &OneTimeToken,
        id: UserId,
        email: &EmailAddress,
        client: &ClientInfo,
    ) -> Result<User, MailboxError> {
        let entry = &self.entry_of_owner(client, Action::EmailVerified, id);
        let now = entry.occurred_at;
        transact(&*self.backend, &self.environment, |transaction| async move {
            let user = lock(&transaction, id).await?.user;
            if user.email.as_ref().map(EmailAddress::key) != Some(email.key()) {
                return Err(Rollback::Refused(MailboxError::InvalidOrExpiredToken));
            }
            consume(&transaction, token, now).await?;
            transaction.one_time_token_void(id, Some(TokenKind::VerifyEmail), 0).await?;
            if user.email_verified_at.is_none() {
                let proven = UserChanges { email_verified_at: Some(Some(now)), ..UserChanges::default() };
                transaction.user_update(id, None, &proven, now).await?;
            }
            self.finish(transaction, id, entry).await
        })
        .await
    }

    async fn change(
        &self,
        token: &OneTimeToken,
        id: UserId,
        email: &EmailAddress,
        client: &ClientInfo,
    ) -> Result<User, MailboxError> {
        let entry = &self.entry_of_owner(client, Action::EmailChanged, id);
        let now = entry.occurred_at;
        transact(&*self.backend, &self.environment, |transaction| async move {
            let user = lock(&transaction, id).await?.user;
            consume(&transaction, token, now).await?;
            transaction.one_time_token_void(id, None, 0).await?;
            let changes = UserChanges {
                email: Some(Some(email.clone())),
                email_verified_at: Some(Some(now)),
                ..UserChanges::default()
            };
            transaction.user_update(id, None, &changes, now).await.map_err(taken)?;
            let old = Addressee::owner(&user, client);
            self.users.outbox().notify(&*transaction, &self.environment, MailKind::EmailChanged, id, old).await?;
            self.finish(transaction, id, entry).await
        })
        .await
    }

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
