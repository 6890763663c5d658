use std::time::Duration;

use usher_domain::{Action, Actor, PageSize, UserId, permissions};

use super::{UsersError, UsersManager, target};
use crate::{revocations::Change, transact::transact};

impl UsersManager {
    /// Deletes an account for ever, whatever its state: its names are free again, and of the person
    /// nothing is left but the id in the activity log.
    ///
    /// # Errors
    /// [`UsersError::Denied`] without `users:purge` or for somebody who may do more than the actor;
    /// [`UsersError::CannotTargetSelf`]; [`UsersError::LastAdmin`]; [`UsersError::VersionMismatch`].
    pub async fn purge_user(&self, actor: &Actor, id: UserId, version: Option<i64>) -> Result<(), UsersError> {
        actor.require(&permissions::USERS_PURGE)?;
        target::require_other(actor, id)?;
        let entry = self.entry(actor, Action::UserPurged, id);
        let entry = &entry;
        transact(&*self.backend, &self.environment, |transaction| async move {
            let account = target::lock_with_admins(&transaction, actor, id).await?;
            target::require_version(&account, version)?;
            target::keep_an_admin(&transaction, &account).await?;
            transaction.activity_blank(id).await?;
            transaction.user_purge(id).await?;
            transaction.activity_append(entry).await?;
            let change = Change::of_tokens_before(id, account.token_epoch + 1);
            transaction.commit_then((), self.revocations.announce(change)).await
        })
        .await
    }

    /// Deletes for ever whoever was softly deleted longer ago than `retention`, one page of them;
    /// answers how many. For a job that calls it until nobody is left.
    ///
    /// # Errors
    /// [`UsersError::Failure`].
    pub async fn purge_expired(&self, retention: Duration) -> Result<usize, UsersError> {
        let moment = self.environment.clock.now() - retention;
        let due = self.backend.user_deleted_before(moment, PageSize::MAX).await?;
        let mut purged = 0;
        for id in due {
            match self.purge_user(&Actor::system(), id, None).await {
                Ok(()) => purged += 1,
                // Somebody else was faster.
                Err(UsersError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(purged)
    }
}
