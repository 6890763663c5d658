use usher_domain::{Action, Actor, MailKind, PlainPassword, Revocation, RevokeReason, UserId, UserScope, permissions};

use super::{UsersError, UsersManager, target};
use crate::{mail::Addressee, revocations::tokens_so_far, transact::transact};

impl UsersManager {
    /// Sets somebody else's password. He must change it at his next login, and all his sessions end.
    ///
    /// # Errors
    /// [`UsersError::Denied`] without `users:write` or for somebody who may do more than the actor;
    /// [`UsersError::CannotTargetSelf`]; [`UsersError::Invalid`] for a password that will not do, on the
    /// field `new_password`; [`UsersError::WrongStatus`] for a deleted account.
    pub async fn set_password(&self, actor: &Actor, id: UserId, password: PlainPassword) -> Result<(), UsersError> {
        actor.require(&permissions::USERS_WRITE)?;
        target::require_other(actor, id)?;
        let found = self.backend.user_by_id(id, UserScope::Existing).await?.ok_or(UsersError::NotFound)?;
        actor.require_cover(&found.user.permissions)?;
        let hash = self.hash_new_password(password, &found.user).await?;

        let entry = self.entry(actor, Action::PasswordSet, id);
        let revocation = Revocation { at: entry.occurred_at, reason: RevokeReason::PasswordReset };
        let (entry, hash) = (&entry, &hash);
        transact(&*self.backend, &self.environment, |transaction| async move {
            let account = target::lock(&transaction, actor, id).await?;
            target::require_existing(&account)?;
            transaction.user_set_password(id, hash, true, revocation.at).await?;
            transaction.session_revoke_all(id, None, revocation).await?;
            transaction.one_time_token_void(id, None, 0).await?;
            transaction.activity_append(entry).await?;
            let owner = Addressee::owner(&account.user, actor.client());
            self.outbox.notify(&*transaction, &self.environment, MailKind::PasswordChanged, id, owner).await?;
            let change = tokens_so_far(&*transaction, id).await?;
            transaction.commit_then((), self.revocations.announce(change)).await
        })
        .await
    }
}
