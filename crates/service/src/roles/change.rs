use std::collections::BTreeSet;

use usher_domain::{
    Action, Actor, Details, Permission, Permissions, Role, RoleChanges, RoleDescription, RoleName, ValidationError,
    permissions,
};

use super::{RolesError, RolesManager, lock_roles, names, parse_permissions, read_back, refused, require_room};
use crate::{
    revocations::Change,
    transact::{Rollback, transact},
};

/// Changes that somebody wants made to a role, as they came in: none leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct RolePatch {
    /// What it is for.
    pub description: Option<String>,
    /// What it grants, instead of what it did.
    pub permissions: Option<Vec<String>>,
}

impl RolesManager {
    /// Changes a role. In force at the next request of whoever holds it, and in his next access token. A change that
    /// changes nothing leaves no trace.
    ///
    /// # Errors
    /// [`RolesError::Denied`] without `roles:write`, or for a permission given or taken that the actor does not have;
    /// [`RolesError::NotFound`]; [`RolesError::VersionMismatch`]; [`RolesError::BuiltIn`] for the role of the
    /// administrators; [`RolesError::Invalid`] with everything that is wrong, and where there are too many
    /// permissions.
    pub async fn update(
        &self,
        actor: &Actor,
        name: &RoleName,
        patch: &RolePatch,
        version: Option<i64>,
    ) -> Result<Role, RolesError> {
        actor.require(&permissions::ROLES_WRITE)?;
        let wanted = check(patch)?;
        let (wanted, entry) = (&wanted, &self.entry(actor, Action::RoleUpdated));
        transact(&*self.backend, &self.environment, |transaction| async move {
            lock_roles(&transaction).await?;
            let role = read_back(&transaction, name).await?;
            require_version(&role, version)?;
            if role.name == RoleName::ADMIN {
                return Err(refused(RolesError::BuiltIn));
            }
            let changes = differing(wanted, &role);
            if changes == RoleChanges::default() {
                return Ok(role);
            }
            let mut details = Details::default().with("role", name.as_str());
            if changes.description.is_some() {
                details = details.with("description", "changed");
            }
            if let Some(granted) = &changes.granted {
                let moved: BTreeSet<_> = role.granted.symmetric_difference(granted).cloned().collect();
                actor.require_cover(&Permissions::Only(moved)).map_err(refused)?;
                require_room(transaction.role_all().await?, name, granted)?;
                details = details.with("old", names(&role.granted)).with("new", names(granted));
            }
            transaction.role_update(name, &changes, entry.occurred_at).await?;
            transaction.activity_append(&entry.clone().with_details(details)).await?;
            let changed = read_back(&transaction, name).await?;
            transaction.commit_then(changed, self.revocations.announce(Change::of_everybody())).await
        })
        .await
    }
}

fn check(patch: &RolePatch) -> Result<RoleChanges, ValidationError> {
    let mut faults = ValidationError::default();
    let description = patch.description.as_deref();
    let description = description.and_then(|text| faults.check("description", RoleDescription::parse(text)));
    let granted: Option<BTreeSet<Permission>> =
        patch.permissions.as_deref().map(|names| parse_permissions(names, &mut faults));
    faults.into_result()?;
    Ok(RoleChanges { description, granted })
}

/// What of it is not so already.
fn differing(wanted: &RoleChanges, role: &Role) -> RoleChanges {
    let RoleChanges { description, granted } = wanted.clone();
    RoleChanges {
        description: description.filter(|description| *description != role.description),
        granted: granted.filter(|granted| *granted != role.granted),
    }
}

/// Refuses where the caller means another version than the one that is there.
pub(super) fn require_version(role: &Role, expected: Option<i64>) -> Result<(), Rollback<RolesError>> {
    match expected {
        Some(version) if version != role.version => Err(refused(RolesError::VersionMismatch)),
        Some(_) | None => Ok(()),
    }
}
