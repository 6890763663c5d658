use std::collections::BTreeSet;

use usher_domain::{
    Action, Actor, Details, Fault, FaultCode, Permissions, Role, RoleName, User, UserId, ValidationError, permissions,
};

use super::{UsersError, UsersManager, target};
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
        let entry = &self.entry(actor, Action::UserRolesChanged, id);
        transact(&*self.backend, &self.environment, |transaction| async move {
            let account = target::lock_with_admins(&transaction, actor, id).await?;
            target::require_version(&account, version)?;
            target::require_existing(&account)?;
            let known = transaction.role_all().await?;
            let held: BTreeSet<_> = account.user.roles.iter().cloned().collect();
            let mut faults = ValidationError::default();
            let wanted = find_roles(roles, &known, &mut faults);
            faults.into_result().map_err(target::refused)?;
            if held == wanted {
                return Ok(account.user);
            }
            actor.require_cover(&granted_by(held.symmetric_difference(&wanted), &known)).map_err(target::refused)?;
            if !wanted.contains(&RoleName::ADMIN) {
                target::keep_an_admin(&transaction, &account).await?;
            }
            let roles: Vec<_> = wanted.iter().cloned().collect();
            transaction.user_set_roles(id, &roles, entry.occurred_at).await?;
            let details = Details::default().with("old", names(&held)).with("new", names(&wanted));
            transaction.activity_append(&entry.clone().with_details(details)).await?;
            let changed = target::read_back(&transaction, id).await?;
            let change = Change::of_tokens_before(id, changed.token_epoch);
            transaction.commit_then(changed.user, self.revocations.announce(change)).await
        })
        .await
    }
}

/// The roles of these names, each once.
pub(super) fn find_roles(names: &[String], known: &[Role], faults: &mut ValidationError) -> BTreeSet<RoleName> {
    let mut found = BTreeSet::new();
    for (i, name) in names.iter().enumerate() {
        match known.iter().find(|role| role.name.as_str() == name) {
            Some(role) => {
                found.insert(role.name.clone());
            }
            None => {
                let fault = Fault::new(FaultCode::UnknownValue, "names a role that does not exist");
                faults.push(&format!("roles.{i}"), fault);
            }
        }
    }
    if found.len() > RoleName::MOST_HELD {
        let most = RoleName::MOST_HELD;
        faults.push("roles", Fault::new(FaultCode::TooLong, format!("nobody holds more than {most} roles")));
    }
    found
}

/// What these roles grant together.
pub(super) fn granted_by<'a>(names: impl IntoIterator<Item = &'a RoleName>, known: &[Role]) -> Permissions {
    Permissions::of_roles(names.into_iter().filter_map(|name| known.iter().find(|role| role.name == *name)))
}

fn names(roles: &BTreeSet<RoleName>) -> Vec<&str> {
    roles.iter().map(RoleName::as_str).collect()
}
