use usher_domain::{
    Action, ClientInfo, Details, MailKind, PlainPassword, PlainToken, Revocation, RevokeReason, TokenKind,
    TokenPurpose, UserScope,
};

use super::{MailboxError, MailboxManager, consume, lock, prove_address};
use crate::{mail::Addressee, revocations::tokens_so_far, transact::transact};

impl MailboxManager {
    /// Sets another password with the token of a reset, or the first one with that of an invitation. That
    /// proves the address too. All sessions end, and every other token; nobody is signed in.
    ///
    /// # Errors
    /// [`MailboxError::InvalidOrExpiredToken`]; [`UsersError::Invalid`](crate::UsersError::Invalid) for a password that will not do, on
    /// the field `new_password`, and the token is as good as before; [`MailboxError::TooManyAttempts`].
    pub async fn reset_password(
        &self,
        token: &PlainToken,
        new_password: PlainPassword,
        client: &ClientInfo,
    ) -> Result<(), MailboxError> {
        let token = self.find_token(token, client).await?;
        let id = match token.purpose {
            TokenPurpose::ResetPassword { user } | TokenPurpose::Invite { user } => user,
            TokenPurpose::SignUp(_) | TokenPurpose::VerifyEmail { .. } | TokenPurpose::ChangeEmail { .. } => {
                return Err(MailboxError::InvalidOrExpiredToken);
            }
        };
        let account = self.backend.user_by_id(id, UserScope::Existing).await?;
        let account = account.filter(|account| account.user.is_active()).ok_or(MailboxError::InvalidOrExpiredToken)?;
        let hash = self.users.hash_new_password(new_password, &account.user).await?;
        let kind = token.purpose.kind();
        let entry = self.environment.entry_of_owner(id, client, Action::PasswordReset);
        let entry = entry.with_details(Details::default().with("token", kind.as_str()));
        let revocation = Revocation { at: entry.occurred_at, reason: RevokeReason::PasswordReset };
        let (token, hash, entry, now) = (&token, &hash, &entry, entry.occurred_at);
        transact(&*self.backend, &self.environment, |transaction| async move {
            let user = lock(&transaction, id).await?.user;
            consume(&transaction, token, now).await?;
            transaction.one_time_token_void(id, None, 0).await?;
            transaction.user_set_password(id, hash, false, now).await?;
            prove_address(&transaction, &user, now).await?;
            transaction.session_revoke_all(id, None, revocation).await?;
            transaction.activity_append(entry).await?;
            if kind == TokenKind::ResetPassword {
                let owner = Addressee::owner(&user, client);
                let changed = MailKind::PasswordChanged;
                self.users.outbox().notify(&*transaction, &self.environment, changed, id, owner).await?;
            }
            let change = tokens_so_far(&*transaction, id).await?;
            transaction.commit_then((), self.revocations.announce(change)).await
        })
        .await
    }
}
