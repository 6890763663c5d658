use usher_domain::{Action, ClientInfo, OneTimeToken, PendingSignUp, PlainPassword, User};

use super::{MailboxError, MailboxManager, consume, taken};
use crate::transact::transact;

impl MailboxManager {
    /// Makes the account that somebody wanted, now that its address is proven. The password is that of
    /// whoever reads the mail.
    pub(super) async fn complete_sign_up(
        &self,
        token: &OneTimeToken,
        wish: &PendingSignUp,
        password: Option<PlainPassword>,
        client: &ClientInfo,
    ) -> Result<User, MailboxError> {
        let user = self.users.account_of(wish, password).await?;
        let entry = &self.environment.entry_of_owner(user.id, client, Action::UserSignedUp);
        let (user, now) = (&user, entry.occurred_at);
        transact(&*self.backend, &self.environment, |transaction| async move {
            consume(&transaction, token, now).await?;
            transaction.user_insert(user).await.map_err(taken)?;
            self.finish(transaction, user.id, entry).await
        })
        .await
    }
}
