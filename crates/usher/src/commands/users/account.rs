use usher_api::UserRead;
use usher_domain::{RoleName, Timestamp, User};
use usher_service::UsersManager;

use super::{CommandError, find};
use crate::{cli::ShowUser, commands::say_json, console};

pub(super) async fn show(users: &UsersManager, wanted: &ShowUser) -> Result<(), CommandError> {
    let user = find(users, &wanted.user).await?;
    if wanted.json {
        return say_json(&UserRead::from(&user));
    }
    console::say(describe(&user)?.trim_end());
    Ok(())
}

/// A line for each fact.
fn describe(user: &User) -> Result<String, CommandError> {
    let metadata = serde_json::to_string(&user.metadata).map_err(|error| CommandError::Failed(error.to_string()))?;
    let verified = if user.email_verified_at.is_some() { "proven" } else { "not proven" };
    let email = user.email.as_ref().map(|email| format!("{email} ({verified})"));
    let moment = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let (deactivated, deleted) = user.status.to_stored();
    let rows = [
        ("Username", Some(user.username.to_string())),
        ("Id", Some(user.id.to_string())),
        ("Status", Some(user.status.as_str().to_owned())),
        ("Deactivated", moment(deactivated)),
        ("Deleted", moment(deleted)),
        ("Full name", user.full_name.as_ref().map(ToString::to_string)),
        ("E-mail", email),
        ("Roles", Some(roles(user))),
        ("Password", user.must_change_password.then(|| "must be changed at the next login".to_owned())),
        ("External id", user.external_id.as_ref().map(ToString::to_string)),
        ("Metadata", (!user.metadata.fields().is_empty()).then(|| printable(&metadata))),
        ("Created", moment(Some(user.created_at))),
        ("Updated", moment(Some(user.updated_at))),
        ("Last login", Some(moment(user.last_login_at).unwrap_or_else(|| "never".to_owned()))),
    ];
    let rows = rows.into_iter().filter_map(|(name, value)| Some(format!("{name:<13}{}\n", value?)));
    Ok(rows.collect())
}

/// The roles in one line.
pub(super) fn roles(user: &User) -> String {
    if user.roles.is_empty() {
        return "-".to_owned();
    }
    user.roles.iter().map(RoleName::as_str).collect::<Vec<_>>().join(",")
}

/// JSON without what a terminal would obey.
fn printable(json: &str) -> String {
    let escape = |c: char| if c.is_control() { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    json.chars().map(escape).collect()
}
