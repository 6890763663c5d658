use usher_domain::{
    Action, Actor, Denied, PlainPassword, Revocation, RevokeReason, UserChanges, UserScope, UserStatus,
};

use super::{UsersError, UsersManager, target};
use crate::{
    revocations::end_access,
    transact::{Rollback, transact},
};

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
        let verified = self.check_current_password(actor, &account, current_password, Action::UserDeleted).await?;

        let entry = self.entry(actor, Action::UserDeleted, id);
        let revocation = Revocation { at: entry.occurred_at, reason: RevokeReason::Deleted };
        let (entry, verified) = (&entry, &verified);
        transact(&*self.backend, &self.environment, |transaction| async move {
            let account = target::lock_with_admins(&transaction, actor, id).await?;
            target::require_version(&account, version)?;
            target::require_existing(&account)?;
            if account.password_hash.as_ref() != Some(verified) {
                return Err(Rollback::Refused(UsersError::CurrentPasswordIncorrect));
            }
            target::keep_an_admin(&transaction, &account).await?;
            let deactivated_since = match account.user.status {
                UserStatus::Deactivated { since } => Some(since),
                UserStatus::Active | UserStatus::Deleted { .. } => None,
            };
            let status = UserStatus::Deleted { since: revocation.at, deactivated_since };
            let changes = UserChanges { status: Some(status), ..UserChanges::default() };
            transaction.user_update(id, None, &changes, revocation.at).await?;
            let ended = end_access(&*transaction, id, revocation).await?;
            transaction.activity_append(entry).await?;
            transaction.commit_then((), self.revocations.announce(ended.change)).await
        })
        .await
    }
}
