use usher_domain::{
    Action, ClientInfo, Fault, FaultCode, OneTimeToken, PendingSignUp, PlainPassword, User, UserScope, ValidationError,
};

use super::{MailboxError, MailboxManager, consume, taken};
use crate::{
    UsersError,
    transact::{Rollback, transact},
};

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
        let required =
            || UsersError::Invalid(ValidationError::of("password", Fault::new(FaultCode::Required, "is required")));
        let password = password.ok_or_else(required)?;
        let user = self.users.account_of(wish, password).await?;
        let entry = &self.entry_of_owner(client, Action::UserSignedUp, user.id);
        let (user, now) = (&user, entry.occurred_at);
        transact(&*self.backend, &self.environment, |transaction| async move {
            consume(&transaction, token, now).await?;
            transaction.user_insert(user).await.map_err(taken)?;
            transaction.activity_append(entry).await?;
            let made = transaction.user_by_id(user.id, UserScope::Existing).await?;
            let made = made.ok_or(Rollback::Refused(UsersError::NotFound.into()))?;
            transaction.commit(made.user).await
        })
        .await
    }
}
