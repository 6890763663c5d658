use std::{
    io::{self, BufRead, IsTerminal},
    sync::Arc,
};

use serde::Serialize;
use usher_domain::{Actor, EmailAddress, FullName, PlainPassword, RoleName, User};
use usher_service::{Environment, PasswordHasher, UserDraft, UsersError, UsersManager};
use zeroize::Zeroizing;

use super::{CommandError, say_json};
use crate::{
    cli::{CreateUser, Users},
    config::Config,
    console, database,
    start_error::{StartError, chain},
};

pub(super) async fn users(command: &Users, config: Config) -> Result<(), CommandError> {
    match command {
        Users::Create(wanted) => create(wanted, config).await,
    }
}

async fn create(wanted: &CreateUser, config: Config) -> Result<(), CommandError> {
    let password = read_password()?;
    let backend = Arc::new(database::open(&config).await?);
    let environment = Environment::system();
    let hasher = PasswordHasher::new(&config.passwords, &environment).map_err(StartError::Hashing)?;
    let users = UsersManager::new(backend.clone(), Arc::new(hasher), config.users, environment);
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
    backend.close().await;
    let user = made.map_err(refused)?;
    if wanted.json {
        return say_json(&Made::of(&user));
    }
    console::say(&format!("created {} with id {}", user.username, user.id));
    Ok(())
}

#[derive(Serialize)]
struct Made<'a> {
    id: String,
    username: &'a str,
    email: Option<&'a str>,
    full_name: Option<&'a str>,
    roles: Vec<&'a str>,
    must_change_password: bool,
}

impl<'a> Made<'a> {
    fn of(user: &'a User) -> Self {
        Self {
            id: user.id.to_string(),
            username: user.username.as_str(),
            email: user.email.as_ref().map(EmailAddress::as_str),
            full_name: user.full_name.as_ref().map(FullName::as_str),
            roles: user.roles.iter().map(RoleName::as_str).collect(),
            must_change_password: user.must_change_password,
        }
    }
}

/// A line for each thing that is wrong.
fn refused(error: UsersError) -> CommandError {
    CommandError::Failed(match error {
        UsersError::Invalid(faults) => {
            let lines: Vec<_> = faults.faults().iter().map(|it| format!("{}: {}", it.field, it.message)).collect();
            format!("no account was made:\n{}", lines.join("\n"))
        }
        other => format!("no account was made: {}", chain(&other)),
    })
}

/// Asks twice on a terminal, and else takes one line from standard input.
fn read_password() -> Result<PlainPassword, CommandError> {
    let failed = |error: io::Error| CommandError::Failed(format!("the password cannot be read: {error}"));
    let text = if io::stdin().is_terminal() {
        let first = Zeroizing::new(rpassword::prompt_password("Password: ").map_err(failed)?);
        let second = Zeroizing::new(rpassword::prompt_password("Once more: ").map_err(failed)?);
        if first != second {
            return Err(CommandError::Usage("the two passwords differ: nothing was done".to_owned()));
        }
        first
    } else {
        let mut line = Zeroizing::new(String::new());
        io::stdin().lock().read_line(&mut line).map_err(failed)?;
        line
    };
    let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    if text.is_empty() {
        return Err(CommandError::Usage("no password was given: type one, or send it to standard input".to_owned()));
    }
    Ok(PlainPassword::new(text.to_owned()))
}
