use usher_domain::{
    Action, ActivityEntry, Actor, Details, Fault, FaultCode, Permission, Revocation, RevokeReason, Timestamp, User,
    UserChanges, UserId, UserInDB, UserStatus, ValidationError, permissions,
};

use super::{UsersError, UsersManager, target};
use crate::{
    revocations::{Change, end_access},
    transact::{OpenTransaction, Rollback, transact},
};

/// The most characters of a reason.
const REASON_LENGTH: usize = 500;

/// A step in the life of an account.
pub(super) struct Step {
    pub(super) action: Action,
    permission: Permission,
    /// Why its sessions end; they stay where there is none.
    ends_sessions: Option<RevokeReason>,
    /// The status after it; none where the step makes no sense.
    next: fn(UserStatus, Timestamp) -> Option<UserStatus>,
}

const DEACTIVATE: Step = Step {
    action: Action::UserDeactivated,
    permission: permissions::USERS_WRITE,
    ends_sessions: Some(RevokeReason::Deactivated),
    next: |status, since| match status {
        UserStatus::Active => Some(UserStatus::Deactivated { since }),
        UserStatus::Deactivated { .. } | UserStatus::Deleted { .. } => None,
    },
};

const ACTIVATE: Step = Step {
    action: Action::UserActivated,
    permission: permissions::USERS_WRITE,
    ends_sessions: None,
    next: |status, _| match status {
        UserStatus::Deactivated { .. } => Some(UserStatus::Active),
        UserStatus::Active | UserStatus::Deleted { .. } => None,
    },
};

pub(super) const DELETE: Step = Step {
    action: Action::UserDeleted,
    permission: permissions::USERS_DELETE,
    ends_sessions: Some(RevokeReason::Deleted),
    next: |status, since| match status {
        UserStatus::Active => Some(UserStatus::Deleted { since, deactivated_since: None }),
        UserStatus::Deactivated { since: deactivated } => {
            Some(UserStatus::Deleted { since, deactivated_since: Some(deactivated) })
        }
        UserStatus::Deleted { .. } => None,
    },
};

const RESTORE: Step = Step {
    action: Action::UserRestored,
    permission: permissions::USERS_DELETE,
    ends_sessions: None,
    next: |status, _| match status {
        UserStatus::Deleted { deactivated_since: Some(since), .. } => Some(UserStatus::Deactivated { since }),
        UserStatus::Deleted { deactivated_since: None, .. } => Some(UserStatus::Active),
        UserStatus::Active | UserStatus::Deactivated { .. } => None,
    },
};

impl Step {
    /// Takes it with an account that is locked together with the administrators.
    pub(super) async fn take(
        &self,
        transaction: &OpenTransaction,
        account: &UserInDB,
        entry: &ActivityEntry,
    ) -> Result<Change, Rollback<UsersError>> {
        let (id, now) = (account.user.id, entry.occurred_at);
        let status = (self.next)(account.user.status, now).ok_or_else(|| target::wrong_status(account))?;
        if status != UserStatus::Active {
            target::keep_an_admin(transaction, account).await?;
        }
        let changes = UserChanges { status: Some(status), ..UserChanges::default() };
        transaction.user_update(id, None, &changes, now).await?;
        let change = match self.ends_sessions {
            Some(reason) => {
                transaction.one_time_token_void(id, None, 0).await?;
                end_access(&**transaction, id, Revocation { at: now, reason }).await?.change
            }
            None => Change::of(id),
        };
        transaction.activity_append(entry).await?;
        Ok(change)
    }
}

impl UsersManager {
    /// Shuts an account, reversibly. Its names stay taken, its sessions end.
    ///
    /// # Errors
    /// [`UsersError::Denied`] without `users:write` or for somebody who may do more than the actor;
    /// [`UsersError::CannotTargetSelf`]; [`UsersError::LastAdmin`]; [`UsersError::WrongStatus`].
    pub async fn deactivate_user(&self, actor: &Actor, id: UserId, reason: Option<String>) -> Result<User, UsersError> {
        self.step(actor, id, None, reason, DEACTIVATE).await
    }

    /// Opens an account that was shut. Its old sessions stay dead.
    ///
    /// # Errors
    /// As for [`deactivate_user`](Self::deactivate_user).
    pub async fn activate_user(&self, actor: &Actor, id: UserId, reason: Option<String>) -> Result<User, UsersError> {
        self.step(actor, id, None, reason, ACTIVATE).await
    }

    /// Deletes an account softly: out of sight, its names taken, to be restored for a while.
    ///
    /// # Errors
    /// [`UsersError::Denied`] without `users:delete` or for somebody who may do more than the actor;
    /// [`UsersError::CannotTargetSelf`]; [`UsersError::LastAdmin`]; [`UsersError::WrongStatus`];
    /// [`UsersError::VersionMismatch`].
    pub async fn delete_user(&self, actor: &Actor, id: UserId, version: Option<i64>) -> Result<User, UsersError> {
        self.step(actor, id, version, None, DELETE).await
    }

    /// Brings a softly deleted account back, as it was: a deactivation is in force again.
    ///
    /// # Errors
    /// As for [`delete_user`](Self::delete_user).
    pub async fn restore_user(&self, actor: &Actor, id: UserId, reason: Option<String>) -> Result<User, UsersError> {
        self.step(actor, id, None, reason, RESTORE).await
    }

    async fn step(
        &self,
        actor: &Actor,
        id: UserId,
        version: Option<i64>,
        reason: Option<String>,
        step: Step,
    ) -> Result<User, UsersError> {
        actor.require(&step.permission)?;
        target::require_other(actor, id)?;
        let entry = self.entry(actor, step.action, id).with_details(details(reason)?);
        let (entry, step) = (&entry, &step);
        transact(&*self.backend, &self.environment, |transaction| async move {
            let account = target::lock_with_admins(&transaction, actor, id).await?;
            target::require_version(&account, version)?;
            let change = step.take(&transaction, &account, entry).await?;
            let changed = target::read_back(&transaction, id).await?;
            transaction.commit_then(changed.user, self.revocations.announce(change)).await
        })
        .await
    }
}

/// What somebody gave as the reason.
fn details(reason: Option<String>) -> Result<Details, UsersError> {
    let Some(reason) = reason else { return Ok(Details::default()) };
    if reason.contains('\0') {
        let fault = Fault::new(FaultCode::InvalidFormat, "must not hold the character U+0000");
        return Err(ValidationError::of("reason", fault).into());
    }
    if reason.chars().count() > REASON_LENGTH {
        let fault = Fault::new(FaultCode::TooLong, format!("must have at most {REASON_LENGTH} characters"));
        return Err(ValidationError::of("reason", fault).into());
    }
    Ok(Details::default().with("reason", reason))
}
