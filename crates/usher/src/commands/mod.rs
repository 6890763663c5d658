//! What each command does.

mod activity;
mod backup;
mod health;
mod keys;
mod migrate;
mod openapi;
mod roles;
mod seed;
mod serve;
mod show;
mod users;

use std::{future::Future, process::ExitCode};

use actix_web::rt::System;
use serde::Serialize;
use usher_domain::ValidationError;

use crate::{
    cli::{Cli, Command, ConfigCommand, Dev},
    config::{Config, Faults},
    console,
    start_error::StartError,
};

/// Why a command ended without success; decides the exit code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// It could not start; 78 where the configuration is to blame, else 1.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It was asked for in a way that makes no sense; 2.
    #[error("{0}")]
    Usage(String),
    /// It failed; 1.
    #[error("{0}")]
    Failed(String),
}

impl From<Faults> for CommandError {
    fn from(faults: Faults) -> Self {
        Self::Start(StartError::Configuration(faults))
    }
}

impl CommandError {
    /// The codes of sysexits(3) for the configuration, and the usual ones for the rest.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Start(error) if error.is_configuration() => 78,
            Self::Usage(_) => 2,
            Self::Start(_) | Self::Failed(_) => 1,
        }
    }
}

/// Does what the command line asks for.
#[must_use]
pub fn run(cli: &Cli) -> ExitCode {
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            match &error {
                CommandError::Start(StartError::Configuration(faults)) => console::complain(&faults.to_string()),
                other => console::complain(&format!("usher: {other}")),
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn dispatch(cli: &Cli) -> Result<(), CommandError> {
    let config = || -> Result<Config, CommandError> { Ok(Config::load(&cli.options.sources())?) };
    match cli.command.as_ref().unwrap_or(&Command::Serve) {
        Command::Serve => block_on(serve::serve(config()?)),
        Command::Migrate(command) => block_on(migrate::migrate(command, &config()?)),
        Command::Users(command) => block_on(users::users(command, &config()?)),
        Command::Roles(command) => block_on(roles::roles(command, &config()?)),
        Command::Activity(command) => block_on(activity::activity(command, &config()?)),
        Command::Keys(command) => block_on(keys::keys(command, &config()?)),
        Command::Dev(Dev::Seed(wanted)) => block_on(seed::seed(wanted, &config()?)),
        Command::Backup { file } => block_on(backup::backup(file, &config()?)),
        Command::Openapi => openapi::openapi(&config()?),
        Command::Config(ConfigCommand::Check) => config().map(|_| console::say("the configuration is good")),
        Command::Config(ConfigCommand::Show { json }) => show::show(*json, &cli.options.sources()),
        Command::Config(ConfigCommand::Sample) => {
            console::say(crate::config::sample().trim_end());
            Ok(())
        }
        Command::Health(health) => health::health(health, config),
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    System::new().block_on(work)
}

/// All that is wrong with what was asked for, a line each.
fn invalid(what: &str, faults: &ValidationError) -> CommandError {
    let lines: Vec<_> = faults.faults().iter().map(|it| format!("{}: {}", it.field, it.message)).collect();
    CommandError::Failed(format!("{what}:\n{}", lines.join("\n")))
}

fn say_json(value: &impl Serialize) -> Result<(), CommandError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| CommandError::Failed(error.to_string()))?;
    console::say(&text);
    Ok(())
}

fn say_json_line(value: &impl Serialize) -> Result<(), CommandError> {
    let text = serde_json::to_string(value).map_err(|error| CommandError::Failed(error.to_string()))?;
    console::say(&text);
    Ok(())
}
