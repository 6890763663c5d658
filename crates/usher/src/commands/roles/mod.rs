mod change;
mod list;

use std::sync::Arc;

use usher_domain::Actor;
use usher_service::{Environment, Revocations, RoleDraft, RoleUse, RolesError, RolesManager};

use super::{CommandError, invalid, users};
use crate::{
    cli::{ChangeRoles, MoveRole, Roles},
    config::Config,
    console, database,
    start_error::chain,
};

pub(super) async fn roles(command: &Roles, config: &Config) -> Result<(), CommandError> {
    match command {
        Roles::List { json } => with_manager(config, async |roles| list::list(roles, *json).await).await,
        Roles::Create(wanted) => {
            let draft = RoleDraft {
                name: wanted.name.clone(),
                description: wanted.description.clone(),
                permissions: wanted.permissions.clone(),
            };
            with_manager(config, async |roles| {
                let made = roles.create(&Actor::system(), draft).await;
                let role = made.map_err(|error| refused("no role was made", &error))?;
                list::show(&role, wanted.json)
            })
            .await
        }
        Roles::Update(wanted) => with_manager(config, async |roles| change::update(roles, wanted).await).await,
        Roles::Delete(wanted) => {
            with_manager(config, async |roles| {
                let name = &wanted.name;
                let deleted = roles.delete(&Actor::system(), name, wanted.force, None).await;
                deleted.map_err(|error| refused(&format!("the role {name} was not deleted"), &error))?;
                console::say(&format!("deleted {name}"));
                Ok(())
            })
            .await
        }
        Roles::Grant(wanted) => {
            let add = vec![wanted.role.clone()];
            users::change_roles(config, &ChangeRoles { add, ..of_user(wanted) }).await
        }
        Roles::Revoke(wanted) => {
            let remove = vec![wanted.role.clone()];
            users::change_roles(config, &ChangeRoles { remove, ..of_user(wanted) }).await
        }
    }
}

fn of_user(wanted: &MoveRole) -> ChangeRoles {
    ChangeRoles { user: wanted.user.clone(), json: wanted.json, ..ChangeRoles::default() }
}

async fn with_manager(
    config: &Config,
    work: impl AsyncFnOnce(&RolesManager) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let backend = Arc::new(database::open(config).await?);
    let environment = Environment::system();
    let revocations = Revocations::in_process(&environment);
    let roles = RolesManager::new(backend.clone(), revocations, &config.users.default_roles, environment);
    let done = work(&roles).await;
    backend.close().await;
    done
}

/// What was not done, why, and what to do about it; a line for each thing that is wrong.
fn refused(what: &str, error: &RolesError) -> CommandError {
    let why = match error {
        RolesError::Invalid(faults) => return invalid(what, faults),
        RolesError::NotFound => "there is no such role: `usher roles list` shows all".to_owned(),
        RolesError::VersionMismatch => "somebody else changed the role just now: try again".to_owned(),
        RolesError::InUse(RoleUse::Held) => {
            format!("{error}: `usher users list --role ROLE` shows who, --force takes it from all")
        }
        RolesError::InUse(RoleUse::Default) => format!("{error}: take it out of registration.default_roles first"),
        RolesError::InUse(RoleUse::HeldByTooMany) => chain(error),
        RolesError::Denied(_) | RolesError::NameTaken | RolesError::BuiltIn | RolesError::Failure(_) => chain(error),
    };
    CommandError::Failed(format!("{what}: {why}"))
}
