use std::collections::BTreeSet;

use usher_domain::{Action, Actor, Details, Permissions, Role, RoleName, User, UserId, ValidationError, permissions};

use super::{UsersError, UsersManager, create::unknown_role, target};
use crate::{revocations::Change, transact::transact};

impl UsersManager {
    /// Gives an account these roles and no others; he may be left without any. In force at his next
    /// request.
    ///
    /// # Errors
    /// [`UsersError::Denied`] without `roles:assign`, for somebody who may do more than the actor, and
    /// for a role given or taken whose permissions the actor does not have;
    /// [`UsersError::CannotTargetSelf`]; [`UsersError::Invalid`] for a role that does not exist;
    /// [`UsersError::LastAdmin`]; [`UsersError::VersionMismatch`].
    pub async fn set_roles(
        &self,
        actor: &Actor,
        id: UserId,
        roles: &[String],
        version: Option<i64>,
    ) -> Result<User, UsersError> {
        actor.require(&permissions::ROLES_ASSIGN)?;
        target::require_other(actor, id)?;
        let known = self.backend.role_all().await?;
        let wanted = parse_roles(roles, &known)?;
        let entry = self.entry(actor, Action::UserRolesChanged, id);
        let (entry, known, wanted) = (&entry, &known, &wanted);
        transact(&*self.backend, &self.environment, |transaction| async move {
            let account = target::lock_with_admins(&transaction, actor, id).await?;
            target::require_version(&account, version)?;
            target::require_existing(&account)?;
            let held: BTreeSet<_> = account.user.roles.iter().cloned().collect();
            if held == *wanted {
                return Ok(account.user);
            }
            let moved = held.symmetric_difference(wanted);
            let moved = moved.filter_map(|name| known.iter().find(|role| role.name == *name));
            actor.require_cover(&Permissions::of_roles(moved)).map_err(target::refused)?;
            if !wanted.contains(&RoleName::ADMIN) {
                target::keep_an_admin(&transaction, &account).await?;
            }
            let roles: Vec<_> = wanted.iter().cloned().collect();
            transaction.user_set_roles(id, &roles, entry.occurred_at).await?;
            let details = Details::default().with("old", names(&held)).with("new", names(wanted));
            transaction.activity_append(&entry.clone().with_details(details)).await?;
            let changed = target::read_back(&transaction, id).await?;
            let change = Change::of_tokens_before(id, changed.token_epoch);
            transaction.commit_then(changed.user, self.revocations.announce(change)).await
        })
        .await
    }
}

fn parse_roles(roles: &[String], known: &[Role]) -> Result<BTreeSet<RoleName>, UsersError> {
    let mut faults = ValidationError::default();
    let mut wanted = BTreeSet::new();
    for (i, name) in roles.iter().enumerate() {
        match known.iter().find(|role| role.name.as_str() == name) {
            Some(role) => {
                wanted.insert(role.name.clone());
            }
            None => faults.push(&format!("roles.{i}"), unknown_role()),
        }
    }
    faults.into_result()?;
    Ok(wanted)
}

fn names(roles: &BTreeSet<RoleName>) -> Vec<&str> {
    roles.iter().map(RoleName::as_str).collect()
}
