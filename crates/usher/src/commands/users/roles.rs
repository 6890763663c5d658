use std::collections::BTreeSet;

use usher_api::UserRead;
use usher_domain::{Actor, RoleName, User};
use usher_service::UsersManager;

use super::{CommandError, find, refused};
use crate::{cli::ChangeRoles, commands::say_json, console};

pub(super) async fn roles(users: &UsersManager, wanted: &ChangeRoles) -> Result<(), CommandError> {
    let user = find(users, &wanted.user).await?;
    let user = match roles_after(&user, wanted)? {
        None => user,
        Some(roles) => {
            let changed = users.set_roles(&Actor::system(), user.id, &roles, Some(user.version)).await;
            changed.map_err(|error| refused(&format!("the roles of {} were not changed", user.username), &error))?
        }
    };
    if wanted.json {
        return say_json(&UserRead::from(&user));
    }
    for role in &user.roles {
        console::say(role.as_str());
    }
    Ok(())
}

/// The roles that the account is to have; none if they are only to be shown.
fn roles_after(user: &User, wanted: &ChangeRoles) -> Result<Option<Vec<String>>, CommandError> {
    if let Some(set) = &wanted.set {
        return Ok(Some(set.iter().filter(|name| !name.is_empty()).cloned().collect()));
    }
    if wanted.add.is_empty() && wanted.remove.is_empty() {
        return Ok(None);
    }
    let mut roles: BTreeSet<_> = user.roles.iter().map(RoleName::as_str).collect();
    for name in &wanted.remove {
        if !roles.remove(name.as_str()) {
            let username = &user.username;
            let hint = format!("`usher users roles {username}` shows the roles");
            return Err(CommandError::Failed(format!("{username} does not hold the role {name:?}: {hint}")));
        }
    }
    roles.extend(wanted.add.iter().map(String::as_str));
    Ok(Some(roles.into_iter().map(str::to_owned).collect()))
}
