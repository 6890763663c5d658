use usher_api::UserRead;
use usher_domain::{Actor, PlainPassword, User};
use usher_service::UsersManager;

use super::{CommandError, find, refused};
use crate::{
    cli::{SetStatus, ShowUser},
    commands::say_json,
    console,
};

pub(super) async fn set_password(
    users: &UsersManager,
    wanted: &ShowUser,
    password: PlainPassword,
) -> Result<(), CommandError> {
    let user = find(users, &wanted.user).await?;
    let failed = |error| refused(&format!("the password of {} was not set", user.username), &error);
    users.set_password(&Actor::system(), user.id, password).await.map_err(failed)?;
    let changed = users.get_by_id(&Actor::system(), user.id).await.map_err(failed)?;
    let said = format!("set the password of {}: he must change it at the next login", changed.username);
    tell(&changed, wanted.json, &said)
}

pub(super) async fn activate(users: &UsersManager, wanted: &SetStatus) -> Result<(), CommandError> {
    let user = find(users, &wanted.user).await?;
    let changed = users.activate_user(&Actor::system(), user.id, wanted.reason.clone()).await;
    let changed = changed.map_err(|error| refused(&format!("{} was not activated", user.username), &error))?;
    tell(&changed, wanted.json, &format!("activated {}", changed.username))
}

pub(super) async fn deactivate(users: &UsersManager, wanted: &SetStatus) -> Result<(), CommandError> {
    let user = find(users, &wanted.user).await?;
    let changed = users.deactivate_user(&Actor::system(), user.id, wanted.reason.clone()).await;
    let changed = changed.map_err(|error| refused(&format!("{} was not deactivated", user.username), &error))?;
    tell(&changed, wanted.json, &format!("deactivated {}", changed.username))
}

/// What has become of the account.
fn tell(user: &User, json: bool, said: &str) -> Result<(), CommandError> {
    if json {
        return say_json(&UserRead::from(user));
    }
    console::say(said);
    Ok(())
}
