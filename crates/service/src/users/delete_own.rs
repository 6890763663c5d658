use usher_domain::{Actor, Denied, PlainPassword, UserScope};

use super::{UsersError, UsersManager, status::DELETE, target};
use crate::transact::transact;

impl UsersManager {
    /// Deletes the actor's own account softly: his sessions end, and an administrator can restore it for a
    /// while.
    ///
    /// # Errors
    /// [`UsersError::CurrentPasswordIncorrect`]; [`UsersError::TooManyAttempts`];
    /// [`UsersError::LastAdmin`]; [`UsersError::VersionMismatch`].
    pub async fn delete_own_account(
        &self,
        actor: &Actor,
        current_password: PlainPassword,
        version: Option<i64>,
    ) -> Result<(), UsersError> {
        actor.require_settled()?;
        let id = actor.user_id().ok_or(Denied::Forbidden)?;
        let account = self.backend.user_by_id(id, UserScope::Existing).await?.ok_or(UsersError::NotFound)?;
        if version.is_some_and(|version| version != account.user.version) {
            return Err(UsersError::VersionMismatch);
        }
        let verified = self.check_current_password(actor, &account, current_password, DELETE.action).await?;

        let entry = self.entry(actor, DELETE.action, id);
        let (entry, verified) = (&entry, &verified);
        transact(&*self.backend, &self.environment, |transaction| async move {
            let account = target::lock_with_admins(&transaction, actor, id).await?;
            target::require_version(&account, version)?;
            target::require_password(account.password_hash.as_ref(), verified)?;
            let change = DELETE.take(&transaction, &account, entry).await?;
            transaction.commit_then((), self.revocations.announce(change)).await
        })
        .await
    }
}
