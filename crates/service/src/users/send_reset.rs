use usher_domain::{Action, Actor, TokenPurpose, UserId, permissions};

use super::{UsersError, UsersManager, target};
use crate::{mail::Addressee, transact::transact};

impl UsersManager {
    /// Sends somebody else the mail to set another password with, or, if he was invited and has none yet,
    /// another invitation.
    ///
    /// # Errors
    /// [`UsersError::Denied`] without `users:write` or for somebody who may do more than the actor;
    /// [`UsersError::CannotTargetSelf`]; [`UsersError::WrongStatus`] for an account that is not active or has
    /// no address, and where no mail is sent.
    pub async fn send_reset(&self, actor: &Actor, id: UserId) -> Result<(), UsersError> {
        actor.require(&permissions::USERS_WRITE)?;
        target::require_other(actor, id)?;
        let entry = &self.entry(actor, Action::PasswordResetRequested, id);
        transact(&*self.backend, &self.environment, |transaction| async move {
            let account = target::lock(&transaction, actor, id).await?;
            let user = &account.user;
            if !user.is_active() {
                return Err(target::wrong_status(&account));
            }
            if !self.outbox.is_on() {
                return Err(target::refused(UsersError::WrongStatus("out of reach, because no mail is sent here")));
            }
            let to = Addressee::owner(user, actor.client());
            let to = to.ok_or(target::refused(UsersError::WrongStatus("without an address")))?;
            let purpose = match account.password_hash {
                Some(_) => TokenPurpose::ResetPassword { user: id },
                None => TokenPurpose::Invite { user: id },
            };
            self.outbox.send_token(&*transaction, &self.environment, purpose, to).await?;
            transaction.activity_append(entry).await?;
            transaction.commit(()).await
        })
        .await
    }
}
