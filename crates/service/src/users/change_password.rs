use usher_domain::{
    Action, Actor, Denied, Fault, FaultCode, MailKind, PlainPassword, Revocation, RevokeReason, UserInDB, UserScope,
};

use super::{UsersError, UsersManager, target};
use crate::{Failure, mail::Addressee, revocations::Change, transact::transact};

/// Somebody's wish for another password.
#[derive(Debug, Clone)]
pub struct ChangePassword {
    /// The one that he has.
    pub current_password: PlainPassword,
    /// The one that he wants.
    pub new_password: PlainPassword,
}

impl UsersManager {
    /// Changes the actor's own password, ends his other sessions and every access token so far. The
    /// session that he acts through stays. The one thing that is open to somebody who must change his
    /// password. Answers the account as it now rests.
    ///
    /// # Errors
    /// [`UsersError::CurrentPasswordIncorrect`]; [`UsersError::Invalid`] for a new password that will
    /// not do, on the field `new_password`.
    pub async fn change_password(&self, actor: &Actor, wish: ChangePassword) -> Result<UserInDB, UsersError> {
        let (id, session) = actor.user_id().zip(actor.session()).ok_or(Denied::Forbidden)?;
        let account = self.backend.user_by_id(id, UserScope::Existing).await?.ok_or(UsersError::NotFound)?;
        self.check_new_password(&account, &wish)?;
        let current = wish.current_password;
        let verified = self.check_current_password(actor, &account, current, Action::PasswordChanged).await?;
        let hash = self.hasher.hash(wish.new_password).await.map_err(Failure::from)?;

        let entry = self.entry(actor, Action::PasswordChanged, id);
        let (now, reason) = (entry.occurred_at, RevokeReason::PasswordChanged);
        let (entry, hash, verified) = (&entry, &hash, &verified);
        transact(&*self.backend, &self.environment, |transaction| async move {
            let locked = transaction.user_by_id_for_update(id, UserScope::Existing).await?;
            let stored = locked.and_then(|locked| locked.password_hash);
            target::require_password(stored.as_ref(), verified)?;
            transaction.user_set_password(id, hash, false, now).await?;
            transaction.session_revoke_all(id, Some(session), Revocation { at: now, reason }).await?;
            transaction.one_time_token_void(id, None, 0).await?;
            transaction.activity_append(entry).await?;
            let changed = target::read_back(&transaction, id).await?;
            let owner = Addressee::owner(&changed.user, actor.client());
            self.outbox.notify(&*transaction, &self.environment, MailKind::PasswordChanged, id, owner).await?;
            let change = Change::of_tokens_before(id, changed.token_epoch);
            transaction.commit_then(changed, self.revocations.announce(change)).await
        })
        .await
    }

    fn check_new_password(&self, account: &UserInDB, wish: &ChangePassword) -> Result<(), UsersError> {
        let mut faults = self.new_password_faults(&wish.new_password, &account.user);
        if wish.new_password.normalized() == wish.current_password.normalized() {
            faults.push("new_password", Fault::new(FaultCode::InvalidFormat, "must differ from the current password"));
        }
        Ok(faults.into_result()?)
    }
}
