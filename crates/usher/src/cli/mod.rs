//! What the command line takes. The help text of `usher` is made from these files.

mod activity;
mod roles;
mod users;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use activity::{Activity, ExportActivity};
pub(crate) use roles::{MoveRole, Roles, UpdateRole};
pub(crate) use users::{ChangeRoles, CreateUser, ListUsers, SetStatus, ShowUser, Users};

use crate::config::Sources;

const EXAMPLES: &str = "\
Examples:
  usher                                     serve on http://127.0.0.1:8080, with SQLite in ./data
  usher --bind 0.0.0.0:8080 serve           serve to the network
  usher config check                        tell all that is wrong with the configuration
  usher migrate status                      tell where the schema of the database stands
  usher users create ada --role admin       make an account; asks for the password
  usher users list --status deactivated     list accounts
  usher roles grant admin ada               give somebody a role
  usher keys list                           list the signing keys
  usher backup usher-1.db                   copy a SQLite database that is in use

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
    /// Manage roles, and who holds them
    #[command(subcommand)]
    Roles(Roles),
    /// Take the activity log out
    #[command(subcommand)]
    Activity(Activity),
    /// Manage the keys that access tokens are signed with
    #[command(subcommand)]
    Keys(Keys),
    /// Help with development: made-up data
    #[command(subcommand)]
    Dev(Dev),
    /// Copy a SQLite database into a new file, also while a server uses it
    #[command(after_help = BACKUP_NOTES)]
    Backup {
        /// The copy, which must not be there yet
        file: PathBuf,
    },
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

/// Signing keys.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// List the keys, and which one signs
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Let another key sign: published now, it takes over in a quarter of an hour while a server runs
    #[command(after_help = ROTATE_NOTES)]
    Rotate {
        /// At once, and drop the old keys: for one that has leaked
        #[arg(long)]
        now: bool,
    },
    /// Change the master key: everybody must sign in again
    #[command(after_help = RESEAL_NOTES)]
    Reseal {
        /// The file of the new master key; made, with a random one, if it is missing
        #[arg(long, value_name = "FILE")]
        new_key_file: Option<PathBuf>,
    },
}

const ROTATE_NOTES: &str = "\
Keys take turns by themselves (auth.key_rotation), and nobody notices. With --now every access token so
far is refused within a minute; clients get new ones with their refresh tokens. Other services that
keep the public keys must read them anew.";

const RESEAL_NOTES: &str = "\
Everything that usher signs or encrypts hangs on the master key. Change it when somebody may have seen
it: a new signing key replaces all others, all sessions end, and links in mails are good no more.
Passwords stay as they are.

Stop all servers before, and start them with the new key. Where usher made the master key itself,
beside the SQLite file, it puts the new one in its place; otherwise say where the new one is to be:
  usher keys reseal --new-key-file /run/secrets/usher-master-key-2";

const BACKUP_NOTES: &str = "\
Servers go on meanwhile. Whatever was answered before the command was given is in the copy, which is checked before it
has its name. The master key is not in it: keep a copy of that as well, elsewhere.

To restore: stop the server, remove the database file and the files -wal and -shm beside it, copy the backup to its
place, the master key (master.key) beside it, and start. docs/operations.md says more. For PostgreSQL there is pg_dump.";

/// For developers.
#[derive(Debug, Subcommand)]
pub enum Dev {
    /// Fill the database with made-up accounts, for benchmarks. Not in profile production
    #[command(after_help = SEED_NOTES)]
    Seed(Seed),
}

const SEED_NOTES: &str = "\
For one N they are the same in every database: names of several scripts, most with an address, some
with an external id or metadata, made one after the other over two years up to November 2026. A few
are deactivated or deleted, as of now. All hold the role user and have one password, which is printed.

It can be said again: accounts that are there are left as they are, and a larger number adds the
missing ones. Each thousand is one transaction. Where there is no account at all, the first
administrator is made before, as `usher serve` would.

With --activity the log is filled up with what the accounts have done: mostly signing in, some of it refused,
other things rarely, some never; a few accounts do much. Entries follow each other over the year up to
November 2026, five thousand in a transaction. It can be said again, too. A server removes what is older than
activity.retention_days: set it high to keep them all.

Examples:
  usher dev seed --users 100000
  usher dev seed --users 1000000 --activity 5000000";

/// How many accounts, and how much they have done.
#[derive(Debug, Args)]
pub struct Seed {
    /// How many there are to be in the end
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub users: u32,
    /// How many entries the activity log is to have in the end; if left out, those of the accounts being made
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub activity: Option<u32>,
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
