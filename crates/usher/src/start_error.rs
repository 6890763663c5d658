use std::{error::Error, io, net::SocketAddr, path::PathBuf};

use usher_adapters::{InvalidRedisUrl, InvalidSmtpSettings};
use usher_domain::RoleName;
use usher_service::{InvalidTemplate, PasswordSettingsError, TokenError, UsersError};
use usher_storage::StorageError;

use crate::{
    config::{Config, Faults},
    database,
    telemetry::TracesError,
};

/// Why a command could not do its work. Each says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is at fault.
    #[error("{0}")]
    Configuration(#[from] Faults),
    /// No key was given, and this kind of database has no place where one could be made.
    #[error("secrets.master_key is missing: make one with `openssl rand -base64 32`")]
    MasterKeyNotGiven,
    /// The database has signing keys, and the file with the key that opens them is gone.
    #[error(
        "{} is missing, and the signing keys in the database were sealed with it: put it back from your copy, or name \
         it in USHER__SECRETS__MASTER_KEY_FILE", .0.display()
    )]
    MasterKeyMissing(PathBuf),
    /// The key file holds something else.
    #[error("{}: {why}: put the right file back from your copy", path.display())]
    MasterKeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The keys in the database were sealed with another master key.
    #[error(
        "the signing keys in the database were sealed with another master key: give the one that this database was \
         started with in secrets.master_key"
    )]
    WrongMasterKey,
    /// Another server has the SQLite file.
    #[error(
        "another usher serves this database ({} is locked): stop it, or choose another database.url", .0.display()
    )]
    AlreadyServed(PathBuf),
    /// A file or folder could not be made.
    #[error("{} cannot be written: {source}: choose a place where usher may write", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}: free it, or choose another {key}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// The setting that names it.
        key: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The database does not answer, or not as it should.
    #[error("the database {url} cannot be used: {}: see that it runs, and that database.url is right", chain(source))]
    Database {
        /// Which, without what is secret.
        url: String,
        /// Why.
        source: StorageError,
    },
    /// The address of Redis is none.
    #[error("redis.url: {0}")]
    Redis(#[from] InvalidRedisUrl),
    /// The mail server cannot be used as it is described.
    #[error("mail.smtp.url: {0}")]
    Smtp(#[from] InvalidSmtpSettings),
    /// A template of mail will not do.
    #[error("mail.templates_dir: {0}")]
    Templates(#[from] InvalidTemplate),
    /// Steps of the schema are missing, and were not to be taken.
    #[error(
        "the schema of the database lacks {0} steps: run `usher migrate up`, or set database.migrate_on_start to true"
    )]
    SchemaBehind(usize),
    /// Passwords could not be hashed.
    #[error("{0}: lower password.hash_threads")]
    Hashing(#[from] PasswordSettingsError),
    /// Every new account would be given a role that does not exist.
    #[error("registration.default_roles names {0}, which is no role: make it with `usher roles create {0}`")]
    UnknownDefaultRole(RoleName),
    /// Keys could not be had.
    #[error("the signing keys cannot be used: {}", chain(.0))]
    Tokens(#[source] TokenError),
    /// The first administrator could not be made.
    #[error("the first administrator could not be made: {}", chain(.0))]
    FirstAdministrator(#[source] UsersError),
    /// Nobody can be told of traces.
    #[error(transparent)]
    Traces(TracesError),
    /// Nothing can be counted.
    #[error("metrics cannot be recorded: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    /// The system gives no random numbers.
    #[error("the system's random source does not answer")]
    Randomness,
    /// The server broke down.
    #[error("the server stopped: {0}")]
    Server(#[source] io::Error),
    /// Somebody did not want to wait until it had stopped.
    #[error("asked to stop a second time: stopped at once, requests in flight were broken off")]
    Forced,
}

impl StartError {
    /// Why keys could not be had or changed.
    pub(crate) fn of_tokens(config: &Config, error: TokenError) -> Self {
        match error {
            TokenError::WrongMasterKey => Self::WrongMasterKey,
            TokenError::Storage(error) => database::failed(config, error),
            TokenError::Key | TokenError::NoActiveKey | TokenError::TooLong => Self::Tokens(error),
        }
    }

    /// Whether the remedy is in the configuration, rather than in the world.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        match self {
            Self::Configuration(_)
            | Self::Redis(_)
            | Self::Smtp(_)
            | Self::Templates(_)
            | Self::UnknownDefaultRole(_)
            | Self::MasterKeyNotGiven
            | Self::MasterKeyMissing(_)
            | Self::MasterKeyFile { .. }
            | Self::WrongMasterKey => true,
            Self::AlreadyServed(_)
            | Self::File { .. }
            | Self::Listen { .. }
            | Self::Database { .. }
            | Self::SchemaBehind(_)
            | Self::Hashing(_)
            | Self::Tokens(_)
            | Self::FirstAdministrator(_)
            | Self::Metrics(_)
            | Self::Traces(_)
            | Self::Randomness
            | Self::Server(_)
            | Self::Forced => false,
        }
    }
}

/// An error and what caused it, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text.replace(['\n', '\r'], " ")
}
