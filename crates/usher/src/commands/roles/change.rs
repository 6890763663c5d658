use usher_domain::{Actor, Role};
use usher_service::{RolePatch, RolesManager};

use super::{CommandError, list, refused};
use crate::cli::UpdateRole;

pub(super) async fn update(roles: &RolesManager, wanted: &UpdateRole) -> Result<(), CommandError> {
    let what = format!("the role {} was not changed", wanted.name);
    let refused = |error| refused(&what, &error);
    let role = roles.get(&Actor::system(), &wanted.name).await.map_err(refused)?;
    let patch = RolePatch { description: wanted.description.clone(), permissions: permissions_after(&role, wanted)? };
    let changed = roles.update(&Actor::system(), &role.name, &patch, Some(role.version)).await.map_err(refused)?;
    list::show(&changed, wanted.json)
}

/// What the role is to grant; none if that stays as it is.
fn permissions_after(role: &Role, wanted: &UpdateRole) -> Result<Option<Vec<String>>, CommandError> {
    if wanted.add.is_empty() && wanted.remove.is_empty() {
        return Ok(None);
    }
    let mut granted: Vec<_> = role.granted.iter().map(ToString::to_string).collect();
    for name in &wanted.remove {
        if !granted.contains(name) {
            let hint = "`usher roles list` shows what it grants";
            return Err(CommandError::Failed(format!("{} does not grant {name:?}: {hint}", role.name)));
        }
        granted.retain(|granted| granted != name);
    }
    granted.extend(wanted.add.iter().cloned());
    Ok(Some(granted))
}
