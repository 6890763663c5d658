//! What the command line takes. The help text of `usher` is made from this file.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::Sources;

const EXAMPLES: &str = "\
Examples:
  usher                                     serve on http://127.0.0.1:8080, with SQLite in ./data
  usher --bind 0.0.0.0:8080 serve           serve to the network
  usher config check                        tell all that is wrong with the configuration
  usher migrate status                      tell where the schema of the database stands
  usher users create ada --role admin       make an account; asks for the password

Every setting is a key of usher.toml and an environment variable: http.bind is USHER__HTTP__BIND.
`usher config sample` explains them all.

Exit codes: 0 done, 1 failed, 2 wrong usage, 78 wrong configuration.";

/// User management that you plug in: accounts, sign-in, sessions, roles.
#[derive(Debug, Parser)]
#[command(name = "usher", version, after_help = EXAMPLES)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub options: Options,
    /// What to do; `serve` if nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What holds for every command: where the configuration is, and what goes before it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub struct Options {
    /// Read this file instead of usher.toml in the working directory
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Sets profile: development, production or test
    #[arg(long, global = true)]
    pub profile: Option<String>,
    /// Sets http.bind: the address and port to listen on
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub bind: Option<String>,
    /// Sets database.url, which must not hold a password here: others can read command lines
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API (what `usher` does by itself)
    Serve,
    /// Bring the schema of the database up to date, or take steps back
    #[command(subcommand)]
    Migrate(Migrate),
    /// Manage accounts
    #[command(subcommand)]
    Users(Users),
    /// Print the OpenAPI document
    Openapi,
    /// Check or explain the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Ask a running server whether it is ready: exit code 0 if so, else 1
    Health(Health),
}

/// Steps of the schema.
#[derive(Debug, Subcommand)]
pub enum Migrate {
    /// Take all steps that are not taken yet
    Up,
    /// List all steps, and which are taken
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Take steps back, the latest first; what they hold is lost
    Down {
        /// How many
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        steps: u32,
    },
}

/// Accounts.
#[derive(Debug, Subcommand)]
pub enum Users {
    /// Make an account. The password is asked for, or read as one line from standard input
    #[command(after_help = "Examples:\n  usher users create ada --email ada@example.org\n  \
                            usher users create root --role admin < password.txt")]
    Create(CreateUser),
}

/// An account to be made.
#[derive(Debug, Args)]
pub struct CreateUser {
    /// The name to sign in with
    pub username: String,
    /// The e-mail address
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
    /// Take the address for proven
    #[arg(long, requires = "email")]
    pub email_verified: bool,
    /// What the person is called
    #[arg(long, value_name = "NAME")]
    pub full_name: Option<String>,
    /// A role; may be given several times. Without it: registration.default_roles
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// The password need not be changed at the first login
    #[arg(long)]
    pub no_must_change_password: bool,
    /// Print the account as JSON
    #[arg(long)]
    pub json: bool,
}

/// The configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Tell all that is wrong, a line each; exit code 78 if anything is
    Check,
    /// Print the values in force and where each came from, without secrets
    Show {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a sample of usher.toml that explains every key
    Sample,
}

/// Where to ask.
#[derive(Debug, Args)]
pub struct Health {
    /// The address of the server; without it http.bind
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

impl Options {
    /// What the configuration is made from.
    #[must_use]
    pub fn sources(&self) -> Sources {
        let mut sources = Sources::of_process();
        if let Some(file) = &self.config {
            sources = sources.with_file(file);
        }
        let flags = [
            ("profile", "flag --profile", &self.profile),
            ("http.bind", "flag --bind", &self.bind),
            ("database.url", Sources::DATABASE_URL_FLAG, &self.database_url),
        ];
        for (key, flag, value) in flags {
            if let Some(value) = value {
                sources = sources.with(key, value, flag);
            }
        }
        sources
    }
}
