use std::collections::BTreeSet;

use usher_domain::{
    Action, Actor, Details, Fault, FaultCode, Permissions, Role, RoleDescription, RoleName, ValidationError,
    permissions,
};
use usher_storage::{Constraint, StorageError};

use super::{
    MOST_ROLES, RolesError, RolesManager, invalid, lock_roles, names, parse_permissions, refused, require_room,
};
use crate::transact::{Rollback, transact};

/// A role that somebody wants made, as it came in.
#[derive(Debug, Clone, Default)]
pub struct RoleDraft {
    /// Its name, which never changes.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it grants.
    pub permissions: Vec<String>,
}

impl RolesManager {
    /// Makes a role. Nobody holds it yet.
    ///
    /// # Errors
    /// [`RolesError::Denied`] without `roles:write`, or for a permission that the actor does not have;
    /// [`RolesError::Invalid`] with everything that is wrong, and where there are too many roles or permissions;
    /// [`RolesError::NameTaken`].
    pub async fn create(&self, actor: &Actor, draft: RoleDraft) -> Result<Role, RolesError> {
        actor.require(&permissions::ROLES_WRITE)?;
        let role = self.check(&draft)?;
        actor.require_cover(&Permissions::Only(role.granted.clone()))?;
        let details = Details::default().with("role", role.name.as_str()).with("permissions", names(&role.granted));
        let entry = self.entry(actor, Action::RoleCreated).with_details(details);
        let (role, entry) = (&role, &entry);
        transact(&*self.backend, &self.environment, |transaction| async move {
            lock_roles(&transaction).await?;
            let known = transaction.role_all().await?;
            if known.len() >= MOST_ROLES {
                let why = format!("there are {MOST_ROLES} roles, and can be no more");
                return Err(invalid("name", Fault::new(FaultCode::OutOfRange, why)));
            }
            require_room(known, &role.name, &role.granted)?;
            transaction.role_insert(role).await.map_err(taken)?;
            transaction.activity_append(entry).await?;
            transaction.commit(role.clone()).await
        })
        .await
    }

    fn check(&self, draft: &RoleDraft) -> Result<Role, ValidationError> {
        let mut faults = ValidationError::default();
        let name = faults.check("name", RoleName::parse(&draft.name));
        let description = faults.check("description", RoleDescription::parse(&draft.description));
        let granted: BTreeSet<_> = parse_permissions(&draft.permissions, &mut faults);
        let (Some(name), Some(description), true) = (name, description, faults.faults().is_empty()) else {
            return Err(faults);
        };
        let now = self.environment.clock.now();
        Ok(Role { name, description, granted, built_in: false, version: 1, created_at: now, updated_at: now })
    }
}

fn taken(error: StorageError) -> Rollback<RolesError> {
    match error {
        StorageError::Conflict(Constraint::RoleNameUnique) => refused(RolesError::NameTaken),
        StorageError::Conflict(_)
        | StorageError::Contention
        | StorageError::Unavailable(_)
        | StorageError::Corrupt { .. }
        | StorageError::Poisoned
        | StorageError::Backend(_) => Rollback::Storage(error),
    }
}
