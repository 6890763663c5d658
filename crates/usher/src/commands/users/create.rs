use usher_api::UserRead;
use usher_domain::{Actor, PlainPassword};
use usher_service::{UserDraft, UsersManager};

use super::{CommandError, refused};
use crate::{cli::CreateUser, commands::say_json, console};

pub(super) async fn create(
    users: &UsersManager,
    wanted: &CreateUser,
    password: PlainPassword,
) -> Result<(), CommandError> {
    let draft = UserDraft {
        username: wanted.username.clone(),
        password: Some(password),
        email: wanted.email.clone(),
        email_verified: wanted.email_verified,
        full_name: wanted.full_name.clone(),
        roles: (!wanted.roles.is_empty()).then(|| wanted.roles.clone()),
        must_change_password: Some(!wanted.no_must_change_password),
        ..UserDraft::default()
    };
    let made = users.create_user(&Actor::system(), draft).await;
    let user = made.map_err(|error| refused("no account was made", &error))?;
    if wanted.json {
        return say_json(&UserRead::from(&user));
    }
    console::say(&format!("created {} with id {}", user.username, user.id));
    Ok(())
}
