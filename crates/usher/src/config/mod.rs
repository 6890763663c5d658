//! The configuration: defaults, then `usher.toml`, then the environment, then the command line.
//!
//! One [table of keys](keys) drives all of it. Values are read one by one, so that everything that is
//! wrong is told at once, and each value knows where it came from.

mod build;
mod database_url;
mod fault;
mod forms;
pub mod keys;
mod layers;
mod mail;
mod public_url;
mod reader;
mod redis_url;
mod rules;
mod sample;
mod show;
mod throttle;

use std::{net::SocketAddr, time::Duration};

use url::Url;

use usher_api::IpNet;
use usher_domain::{PlainPassword, Username};
use usher_service::{
    AuthSettings, Limits, MasterKey, PasswordSettings, RegistrationMode, RevocationSettings, TokenSettings,
    UsersSettings,
};

pub use database_url::{DatabaseEngine, DatabaseUrl};
pub use fault::{Fault, Faults};
pub use layers::{DEFAULT_FILE, Sources};
pub use mail::{LinkSettings, Mail, MailTransport};
pub use public_url::PublicUrl;
pub use redis_url::RedisUrl;
pub use rules::SAMPLE_MASTER_KEY;
pub use sample::sample;
pub use show::{Effective, EffectiveValue};

/// Everything that can be set, checked and ready for use. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Config {
    /// What usher insists on.
    pub profile: Profile,
    /// The HTTP server.
    pub http: Http,
    /// The database.
    pub database: Database,
    /// Redis, if there is one.
    pub redis: Option<Redis>,
    /// How access tokens are made.
    pub tokens: TokenSettings,
    /// How long a login lasts.
    pub auth: AuthSettings,
    /// Who may sign up.
    pub registration: RegistrationMode,
    /// Mail.
    pub mail: Mail,
    /// How often something may be tried.
    pub limits: Limits,
    /// How long sessions are remembered.
    pub revocations: RevocationSettings,
    /// The master key, where one was given.
    pub master_key: Option<MasterKey>,
    /// How passwords are hashed.
    pub passwords: PasswordSettings,
    /// What accounts must be like.
    pub users: UsersSettings,
    /// How long softly deleted accounts can be restored; after that they are purged.
    pub retention: Duration,
    /// How long entries of the activity log are kept.
    pub activity_retention: Duration,
    /// The first administrator.
    pub bootstrap: Bootstrap,
    /// Logs.
    pub telemetry: Telemetry,
}

/// What usher insists on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// A developer's machine.
    #[default]
    Development,
    /// The open network: whatever is only good enough for development is refused.
    Production,
    /// Automatic tests: cheap hashes are allowed, listening beyond this machine is not.
    Test,
}

/// The HTTP server.
#[derive(Debug, Clone)]
pub struct Http {
    /// Where to listen.
    pub bind: SocketAddr,
    /// What the paths of the API begin with: empty, or a slash and no slash at the end.
    pub base_path: String,
    /// Where people reach usher.
    pub public_url: PublicUrl,
    /// Whose word on the client's address is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// Other origins whose pages may call the API.
    pub cors_origins: Vec<String>,
    /// How many connections may be open at once.
    pub max_connections: usize,
    /// How long a request may take as a whole.
    pub request_timeout: Duration,
    /// How long the head of a request may take.
    pub header_timeout: Duration,
    /// How long the body of a request may take.
    pub body_timeout: Duration,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// The largest body, in bytes.
    pub body_limit: usize,
    /// How long to go on serving after the signal to stop.
    pub drain_delay: Duration,
    /// How long requests in flight may take after that.
    pub drain_timeout: Duration,
    /// Whether the documentation is served.
    pub docs: bool,
    /// How many threads serve requests.
    pub workers: usize,
}

/// The database.
#[derive(Debug, Clone)]
pub struct Database {
    /// Where it is.
    pub url: DatabaseUrl,
    /// How many connections to open at most; without it storage decides.
    pub max_connections: Option<u32>,
    /// How long to wait for one.
    pub acquire_timeout: Duration,
    /// How long a statement may take.
    pub statement_timeout: Duration,
    /// Whether the schema is brought up to date at start.
    pub migrate_on_start: bool,
}

/// Redis.
#[derive(Debug, Clone)]
pub struct Redis {
    /// Where it is.
    pub url: RedisUrl,
    /// What the names of all keys begin with.
    pub key_prefix: String,
    /// How long it may take to answer.
    pub timeout: Duration,
}

/// The first administrator.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// His name.
    pub username: Username,
    /// His first password, where one was given.
    pub password: Option<PlainPassword>,
}

/// Logs, traces and metrics.
#[derive(Debug, Clone)]
pub struct Telemetry {
    /// How they look.
    pub log_format: LogFormat,
    /// The least important that are written.
    pub log_level: LogLevel,
    /// The collector that is told of traces.
    pub otlp_endpoint: Option<Url>,
    /// Where `/metrics` is served.
    pub metrics_bind: Option<SocketAddr>,
}

/// How logs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The least important messages that are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogLevel {
    /// None at all.
    Off,
    /// What went wrong here.
    Error,
    /// What may go wrong.
    Warn,
    /// What happens.
    #[default]
    Info,
    /// How it happens.
    Debug,
    /// Everything.
    Trace,
}

impl Config {
    /// Reads and checks the configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(sources: &Sources) -> Result<Self, Faults> {
        build::build(sources).map(|(config, _)| config)
    }

    /// Reads and checks the configuration, and says where each value came from.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn explain(sources: &Sources) -> Result<Effective, Faults> {
        build::build(sources).map(|(_, settings)| Effective::of(&settings))
    }

    /// Whether nobody but this machine can reach the service.
    #[must_use]
    pub fn is_loopback_only(&self) -> bool {
        self.http.bind.ip().is_loopback() && self.http.public_url.is_loopback()
    }

    /// Replaces port 0 by the one that the system gave, wherever it was written down.
    #[must_use]
    pub fn with_actual_address(mut self, address: SocketAddr) -> Self {
        let before = self.http.public_url.to_string();
        self.http.public_url = self.http.public_url.with_actual_port(address.port());
        if self.tokens.issuer == before {
            self.tokens.issuer = self.http.public_url.to_string();
        }
        self.http.bind = address;
        self
    }
}
