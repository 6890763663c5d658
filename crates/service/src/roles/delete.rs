use usher_domain::{Action, Actor, Details, RoleName, UserInDB, permissions};

use super::{
    MOST_HOLDERS, RoleUse, RolesError, RolesManager, change::require_version, lock_roles, names, read_back, refused,
};
use crate::{
    revocations::Change,
    transact::{Rollback, transact},
};

impl RolesManager {
    /// Deletes a role that nobody holds, deleted accounts included; or with `force` takes it from up to 10,000 who do,
    /// which is in force at their next request.
    ///
    /// # Errors
    /// [`RolesError::Denied`] without `roles:write`, for a permission of the role that the actor does not have, and
    /// where it is taken from somebody also without `roles:assign` or if he may do more than the actor;
    /// [`RolesError::NotFound`]; [`RolesError::VersionMismatch`]; [`RolesError::BuiltIn`]; [`RolesError::InUse`].
    pub async fn delete(
        &self,
        actor: &Actor,
        name: &RoleName,
        force: bool,
        version: Option<i64>,
    ) -> Result<(), RolesError> {
        actor.require(&permissions::ROLES_WRITE)?;
        let entry = &self.entry(actor, Action::RoleDeleted);
        transact(&*self.backend, &self.environment, |transaction| async move {
            lock_roles(&transaction).await?;
            transaction.role_lock(name).await?;
            let role = read_back(&transaction, name).await?;
            require_version(&role, version)?;
            if role.built_in {
                return Err(refused(RolesError::BuiltIn));
            }
            if self.default_roles.contains(name) {
                return Err(refused(RolesError::InUse(RoleUse::Default)));
            }
            actor.require_cover(&role.permissions()).map_err(refused)?;
            let holders = transaction.role_holders_for_update(name, MOST_HOLDERS as u64 + 1).await?;
            require_losable(actor, &holders, force)?;

            let (mut change, mut entries) = (Change::default(), Vec::with_capacity(holders.len() + 1));
            for holder in &holders {
                let old = holder.user.roles.iter().map(RoleName::as_str);
                let new = old.clone().filter(|role| *role != name.as_str());
                let details =
                    Details::default().with("old", old.collect::<Vec<_>>()).with("new", new.collect::<Vec<_>>());
                entries.push(self.entry(actor, Action::UserRolesChanged).about(holder.user.id).with_details(details));
                change = change.and(Change::of_tokens_before(holder.user.id, holder.token_epoch + 1));
            }
            let details = Details::default()
                .with("role", name.as_str())
                .with("permissions", names(&role.granted))
                .with("holders", holders.len());
            entries.push(entry.clone().with_details(details));
            transaction.role_delete(name, entry.occurred_at).await?;
            transaction.activity_append_all(&entries).await?;
            transaction.commit_then((), self.revocations.announce(change)).await
        })
        .await
    }
}

/// Refuses where the role may not be taken from those who hold it.
fn require_losable(actor: &Actor, holders: &[UserInDB], force: bool) -> Result<(), Rollback<RolesError>> {
    if holders.is_empty() {
        return Ok(());
    }
    if !force {
        return Err(refused(RolesError::InUse(RoleUse::Held)));
    }
    actor.require(&permissions::ROLES_ASSIGN).map_err(refused)?;
    for holder in holders {
        actor.require_cover(&holder.user.permissions).map_err(refused)?;
    }
    if holders.len() > MOST_HOLDERS {
        return Err(refused(RolesError::InUse(RoleUse::HeldByTooMany)));
    }
    Ok(())
}
