//! Roles: which there are, and what they grant.

mod change;
mod create;
mod delete;

use std::{collections::BTreeSet, sync::Arc};

use usher_domain::{
    Action, ActivityEntry, Actor, Denied, Fault, FaultCode, Permission, Role, RoleName, ValidationError, permissions,
};
use usher_storage::{StorageError, UsersStorageBackend};

pub use change::RolePatch;
pub use create::RoleDraft;

use crate::{
    Environment, Failure, Revocations,
    transact::{OpenTransaction, Rollback},
};

/// How many roles there can be: they are listed whole.
const MOST_ROLES: usize = 500;

/// From how many accounts a role is taken at once. Each is locked, and told of in the activity log.
const MOST_HOLDERS: usize = 10_000;

/// Why something about roles was not done.
#[derive(Debug, thiserror::Error)]
pub enum RolesError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no role of this name.
    #[error("there is no such role")]
    NotFound,
    /// What was sent is at fault.
    #[error(transparent)]
    Invalid(#[from] ValidationError),
    /// Another role has this name.
    #[error("the role name is taken")]
    NameTaken,
    /// It cannot go as long as it is used so.
    #[error("the role is in use: {0}")]
    InUse(RoleUse),
    /// It was made by usher: `admin` is neither edited nor deleted, `user` not deleted.
    #[error("the role is built in")]
    BuiltIn,
    /// It has changed since the caller read it.
    #[error("the role has changed since it was read")]
    VersionMismatch,
    /// Not the caller's fault.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StorageError> for RolesError {
    fn from(error: StorageError) -> Self {
        Self::Failure(error.into())
    }
}

/// What a role is used for that is to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RoleUse {
    /// Somebody holds it, who may be deleted.
    #[error("somebody holds it")]
    Held,
    /// So many hold it that it is not taken from all of them at once.
    #[error("more than {MOST_HOLDERS} accounts hold it, take it from some of them first")]
    HeldByTooMany,
    /// Every new account is given it.
    #[error("every new account is given it")]
    Default,
}

/// A permission that there is: one of ours, or one that a role names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPermission {
    /// Its name.
    pub name: Permission,
    /// What it is good for; only services downstream know that of one that is not ours.
    pub description: Option<&'static str>,
    /// Whether it is one of ours.
    pub built_in: bool,
}

/// Makes roles, shows, changes and deletes them. Who holds them is the
/// [`UsersManager`](crate::UsersManager)'s.
#[derive(Clone)]
pub struct RolesManager {
    backend: Arc<dyn UsersStorageBackend>,
    revocations: Revocations,
    default_roles: Arc<[RoleName]>,
    environment: Environment,
}

impl RolesManager {
    /// A manager over a backend. The default roles, those that every new account is given, are not deleted.
    #[must_use]
    pub fn new(
        backend: Arc<dyn UsersStorageBackend>,
        revocations: Revocations,
        default_roles: &[RoleName],
        environment: Environment,
    ) -> Self {
        Self { backend, revocations, default_roles: default_roles.into(), environment }
    }

    /// All roles, by name. That of the administrators grants every permission there is, by its name.
    ///
    /// # Errors
    /// [`RolesError::Denied`] without `roles:read`.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Role>, RolesError> {
        actor.require(&permissions::ROLES_READ)?;
        let roles = self.backend.role_all().await?;
        let all = known_permissions(&roles);
        Ok(roles.into_iter().map(|role| granting(role, &all)).collect())
    }

    /// The role of this name, as in [`list`](Self::list).
    ///
    /// # Errors
    /// [`RolesError::Denied`] without `roles:read`, before it is looked up; [`RolesError::NotFound`].
    pub async fn get(&self, actor: &Actor, name: &RoleName) -> Result<Role, RolesError> {
        let roles = self.list(actor).await?;
        roles.into_iter().find(|role| role.name == *name).ok_or(RolesError::NotFound)
    }

    /// All permissions that there are, by name: ours, and those that a role names.
    ///
    /// # Errors
    /// [`RolesError::Denied`] without `roles:read`.
    pub async fn permissions(&self, actor: &Actor) -> Result<Vec<KnownPermission>, RolesError> {
        actor.require(&permissions::ROLES_READ)?;
        let roles = self.backend.role_all().await?;
        let known = known_permissions(&roles).into_iter().map(|name| {
            let description = permissions::description(&name);
            KnownPermission { name, description, built_in: description.is_some() }
        });
        Ok(known.collect())
    }

    fn entry(&self, actor: &Actor, action: Action) -> ActivityEntry {
        self.environment.entry_by(actor, action)
    }
}

/// Every permission by its name: ours, and those that any role names.
pub(crate) fn known_permissions(roles: &[Role]) -> BTreeSet<Permission> {
    permissions::ALL.iter().chain(roles.iter().flat_map(|role| &role.granted)).cloned().collect()
}

/// Whoever changes roles, or who holds them, waits here for whoever else does: each sees what the one before has
/// left, and nobody gives a role away that grants more than it did a moment ago.
pub(crate) async fn lock_roles(transaction: &OpenTransaction) -> Result<(), StorageError> {
    transaction.role_lock(&RoleName::ADMIN).await?;
    Ok(())
}

fn granting(role: Role, all: &BTreeSet<Permission>) -> Role {
    if role.name == RoleName::ADMIN { Role { granted: all.clone(), ..role } } else { role }
}

/// The role as it is now, granting what its holders may do.
async fn read_back(transaction: &OpenTransaction, name: &RoleName) -> Result<Role, Rollback<RolesError>> {
    transaction.role_by_name(name).await?.ok_or(Rollback::Refused(RolesError::NotFound))
}

fn parse_permissions(names: &[String], faults: &mut ValidationError) -> BTreeSet<Permission> {
    let parsed = names.iter().enumerate().filter_map(|(i, name)| {
        let field = format!("permissions.{i}");
        faults.check(&field, Permission::parse(name))
    });
    parsed.collect()
}

/// Refuses permissions of a role that would make the access tokens of administrators too long. What does not make
/// them longer is never refused.
fn require_room(
    mut roles: Vec<Role>,
    name: &RoleName,
    granted: &BTreeSet<Permission>,
) -> Result<(), Rollback<RolesError>> {
    if granted.is_subset(&known_permissions(&roles)) {
        return Ok(());
    }
    roles.retain(|role| role.name != *name);
    let all = known_permissions(&roles);
    let bytes: usize = all.union(granted).map(|name| name.as_str().len() + QUOTES_AND_COMMA).sum();
    if bytes > permissions::MOST_BYTES {
        let most = permissions::MOST_BYTES;
        let why = format!("the names of all permissions together may have {most} bytes, and with these have {bytes}");
        return Err(invalid("permissions", Fault::new(FaultCode::TooLong, why)));
    }
    Ok(())
}

/// What a name in a JSON array takes beside itself.
const QUOTES_AND_COMMA: usize = 3;

fn invalid(field: &str, fault: Fault) -> Rollback<RolesError> {
    Rollback::Refused(ValidationError::of(field, fault).into())
}

fn refused(error: impl Into<RolesError>) -> Rollback<RolesError> {
    Rollback::Refused(error.into())
}

fn names<'a>(permissions: impl IntoIterator<Item = &'a Permission>) -> Vec<&'a str> {
    permissions.into_iter().map(Permission::as_str).collect()
}
