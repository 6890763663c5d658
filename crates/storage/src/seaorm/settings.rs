use std::{fmt, num::NonZero, thread, time::Duration};

/// How to reach a database, and how long to wait for it.
#[derive(Clone)]
pub struct ConnectSettings {
    /// Where it is: `postgres://user:password@host/name?sslmode=verify-full`, `sqlite://path`,
    /// `sqlite:path` or `sqlite::memory:`. A SQLite file is made with its folders if it is missing;
    /// one in memory lives as long as the backend.
    pub url: String,
    /// The most connections; without it four for each core on PostgreSQL, and a writing one and one
    /// reading one for each core on SQLite. SQLite has at least two, in memory exactly one.
    pub max_connections: Option<u32>,
    /// How long to wait for a connection (2 s).
    pub acquire_timeout: Duration,
    /// How long a statement may run, and how long a transaction may be left idle (5 s; 0 = for
    /// ever). On PostgreSQL only.
    pub statement_timeout: Duration,
}

impl ConnectSettings {
    /// The defaults.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            max_connections: None,
            acquire_timeout: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(5),
        }
    }

    pub(super) fn postgres_connections(&self) -> u32 {
        self.max_connections.unwrap_or_else(|| cores() * 4).max(1)
    }

    /// One connection of SQLite writes, these read.
    pub(super) fn sqlite_readers(&self) -> u32 {
        self.max_connections.map_or_else(cores, |all| all.saturating_sub(1)).max(1)
    }
}

fn cores() -> u32 {
    thread::available_parallelism().map_or(1, NonZero::get).try_into().unwrap_or(u32::MAX / 4)
}

impl fmt::Debug for ConnectSettings {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectSettings")
            .field("url", &"[redacted]")
            .field("max_connections", &self.max_connections)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .finish()
    }
}

/// The kind of database that a backend talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, in this process.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Engine {
    /// The engine that a URL names, if there is one.
    #[must_use]
    pub fn of_url(url: &str) -> Option<Self> {
        match url.split_once(':')?.0 {
            "sqlite" => Some(Self::Sqlite),
            "postgres" | "postgresql" => Some(Self::Postgres),
            _ => None,
        }
    }
}
