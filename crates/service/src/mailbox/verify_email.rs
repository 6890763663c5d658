use usher_domain::{
    Action, ClientInfo, EmailAddress, MailKind, OneTimeToken, PlainPassword, PlainToken, TokenKind, TokenPurpose, User,
    UserChanges, UserId,
};

use super::{MailboxError, MailboxManager, consume, lock, prove_address, taken};
use crate::{
    mail::Addressee,
    transact::{Rollback, transact},
};

impl MailboxManager {
    /// Takes the token that proves an address: the one that an account has, the one that it is to have, or
    /// that of somebody who signs up. The latter needs a password; with the others it means nothing.
    ///
    /// # Errors
    /// [`MailboxError::InvalidOrExpiredToken`]; [`UsersError::Invalid`](crate::UsersError::Invalid) for a password that
    /// is missing or will not do, on the field `password`, and
    /// [`UsersError::UsernameTaken`](crate::UsersError::UsernameTaken) or
    /// [`UsersError::EmailTaken`](crate::UsersError::EmailTaken) for what was taken meanwhile: then the token is as good
    /// as before. [`MailboxError::TooManyAttempts`].
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
        let entry = &self.environment.entry_of_owner(id, client, Action::EmailVerified);
        let now = entry.occurred_at;
        transact(&*self.backend, &self.environment, |transaction| async move {
            let user = lock(&transaction, id).await?.user;
            if user.email.as_ref().map(EmailAddress::key) != Some(email.key()) {
                return Err(Rollback::Refused(MailboxError::InvalidOrExpiredToken));
            }
            consume(&transaction, token, now).await?;
            transaction.one_time_token_void(id, Some(TokenKind::VerifyEmail), 0).await?;
            prove_address(&transaction, &user, now).await?;
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
        let entry = &self.environment.entry_of_owner(id, client, Action::EmailChanged);
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
}
