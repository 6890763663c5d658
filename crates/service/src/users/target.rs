//! Whom a change is about: found, locked, and within the actor's reach.

use usher_domain::{Actor, PasswordHash, Permission, RoleName, UserId, UserInDB, UserScope, UserStatus, permissions};

use super::UsersError;
use crate::{
    roles::lock_roles,
    transact::{OpenTransaction, Rollback},
};

type Checked<T> = Result<T, Rollback<UsersError>>;

/// Refuses what nobody does to himself.
pub(super) fn require_other(actor: &Actor, id: UserId) -> Result<(), UsersError> {
    if actor.is(id) { Err(UsersError::CannotTargetSelf) } else { Ok(()) }
}

/// The account, locked until the transaction ends. Softly deleted ones are there only for those who may
/// delete; nobody reaches an account that may do more than he.
pub(super) async fn lock(transaction: &OpenTransaction, actor: &Actor, id: UserId) -> Checked<UserInDB> {
    let found = transaction.user_by_id_for_update(id, UserScope::WithDeleted).await?;
    let account = found.filter(|account| is_visible(account, actor)).ok_or(Rollback::Refused(UsersError::NotFound))?;
    if !actor.is(id) {
        actor.require_cover(&account.user.permissions).map_err(refused)?;
    }
    Ok(account)
}

/// As [`lock`], for a change that might take an administrator away: those queue up for each other, so
/// that each sees what the one before has left.
pub(super) async fn lock_with_admins(transaction: &OpenTransaction, actor: &Actor, id: UserId) -> Checked<UserInDB> {
    lock_roles(transaction).await?;
    lock(transaction, actor, id).await
}

/// Refuses to take away the last active administrator. Only after [`lock_with_admins`].
pub(super) async fn keep_an_admin(transaction: &OpenTransaction, account: &UserInDB) -> Checked<()> {
    let user = &account.user;
    if user.is_active() && user.is_admin() && transaction.role_count_active_holders(&RoleName::ADMIN).await? <= 1 {
        return Err(Rollback::Refused(UsersError::LastAdmin));
    }
    Ok(())
}

/// Refuses where the caller means another version than the one that is there.
pub(super) fn require_version(account: &UserInDB, expected: Option<i64>) -> Checked<()> {
    match expected {
        Some(version) if version != account.user.version => Err(Rollback::Refused(UsersError::VersionMismatch)),
        Some(_) | None => Ok(()),
    }
}

/// Refuses to change an account that is deleted.
pub(super) fn require_existing(account: &UserInDB) -> Checked<()> {
    match account.user.status {
        UserStatus::Deleted { .. } => Err(wrong_status(account)),
        UserStatus::Active | UserStatus::Deactivated { .. } => Ok(()),
    }
}

/// Refuses where the password is not any more the one that was checked before the account was locked.
pub(super) fn require_password(stored: Option<&PasswordHash>, checked: &PasswordHash) -> Checked<()> {
    if stored == Some(checked) { Ok(()) } else { Err(Rollback::Refused(UsersError::CurrentPasswordIncorrect)) }
}

pub(super) fn wrong_status(account: &UserInDB) -> Rollback<UsersError> {
    Rollback::Refused(UsersError::WrongStatus(account.user.status.as_str()))
}

pub(super) fn refused(error: impl Into<UsersError>) -> Rollback<UsersError> {
    Rollback::Refused(error.into())
}

/// The account as it is now, in the same transaction.
pub(super) async fn read_back(transaction: &OpenTransaction, id: UserId) -> Checked<UserInDB> {
    let found = transaction.user_by_id(id, UserScope::WithDeleted).await?;
    found.ok_or(Rollback::Refused(UsersError::NotFound))
}

fn is_visible(account: &UserInDB, actor: &Actor) -> bool {
    !matches!(account.user.status, UserStatus::Deleted { .. })
        || [permissions::USERS_DELETE, permissions::USERS_PURGE].iter().any(|one| holds(actor, one))
}

fn holds(actor: &Actor, permission: &Permission) -> bool {
    actor.require(permission).is_ok()
}
