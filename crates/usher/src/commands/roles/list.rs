use usher_api::RoleRead;
use usher_domain::{Actor, Permission, Role};
use usher_service::RolesManager;

use super::{CommandError, refused};
use crate::{
    commands::{say_json, say_json_line},
    console::{self, Table},
};

pub(super) async fn list(roles: &RolesManager, json: bool) -> Result<(), CommandError> {
    let roles = roles.list(&Actor::system()).await;
    let roles = roles.map_err(|error| refused("the roles cannot be read", &error))?;
    if json {
        return roles.iter().try_for_each(|role| say_json_line(&RoleRead::from(role)));
    }
    let rows = roles.iter().map(|role| ([role.name.to_string(), permissions(role)], role.description.as_str()));
    Table::new(["ROLE", "PERMISSIONS"], "DESCRIPTION").say(rows.collect());
    Ok(())
}

pub(super) fn show(role: &Role, json: bool) -> Result<(), CommandError> {
    if json {
        return say_json(&RoleRead::from(role));
    }
    console::say(&format!("{} grants {}", role.name, permissions(role)));
    Ok(())
}

/// What a role grants, in one line.
fn permissions(role: &Role) -> String {
    if role.granted.is_empty() {
        return "-".to_owned();
    }
    role.granted.iter().map(Permission::as_str).collect::<Vec<_>>().join(",")
}
