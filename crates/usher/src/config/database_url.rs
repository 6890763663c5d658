use std::{
    fmt,
    path::{Path, PathBuf},
};

use url::Url;
use usher_storage::PostgresTransport;

/// Where the database is. It may hold a password: `Debug` and `Display` leave that out.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    text: String,
    shown: String,
    engine: DatabaseEngine,
}

/// What kind of database it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseEngine {
    /// SQLite in this file.
    SqliteFile(PathBuf),
    /// SQLite in memory: gone when the process ends.
    SqliteMemory,
    /// PostgreSQL, and who can read what travels there.
    Postgres(PostgresTransport),
}

impl DatabaseUrl {
    /// A database in memory.
    #[must_use]
    pub fn memory() -> Self {
        let text = "sqlite::memory:";
        Self { text: text.to_owned(), shown: text.to_owned(), engine: DatabaseEngine::SqliteMemory }
    }

    /// Reads `sqlite://path`, `sqlite::memory:` or `postgres://...`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (engine, shown) = match text.strip_prefix("sqlite:") {
            Some(rest) => (Self::sqlite(rest.strip_prefix("//").unwrap_or(rest))?, text.to_owned()),
            None => {
                let shown = Self::shown_postgres(text)?;
                (DatabaseEngine::Postgres(PostgresTransport::of_url(text)?), shown)
            }
        };
        Some(Self { text: text.to_owned(), shown, engine })
    }

    /// Paths are taken as they are: the driver would decode `%20`, and other files would lie elsewhere.
    fn sqlite(rest: &str) -> Option<DatabaseEngine> {
        let (path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        if path == ":memory:" || parameters.split('&').any(|parameter| parameter == "mode=memory") {
            return Some(DatabaseEngine::SqliteMemory);
        }
        let usable = !path.is_empty() && !path.contains('%');
        usable.then(|| DatabaseEngine::SqliteFile(path.into()))
    }

    /// Scheme, host, port and name: users, passwords and options stay out.
    fn shown_postgres(text: &str) -> Option<String> {
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "postgres" | "postgresql"))?;
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!("postgres://{}{port}{}", url.host_str().unwrap_or_default(), url.path()))
    }

    /// The whole of it, to connect with.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What kind of database it is.
    #[must_use]
    pub fn engine(&self) -> &DatabaseEngine {
        &self.engine
    }

    /// The database file, where there is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &self.engine {
            DatabaseEngine::SqliteFile(path) => Some(path),
            DatabaseEngine::SqliteMemory | DatabaseEngine::Postgres(_) => None,
        }
    }

    /// Where the master key rests that the first start makes, where there is such a place.
    #[must_use]
    pub fn master_key_file(&self) -> Option<PathBuf> {
        self.file().map(|file| file.with_file_name("master.key"))
    }

    /// How PostgreSQL is reached, if it is one.
    #[must_use]
    pub fn postgres(&self) -> Option<PostgresTransport> {
        match self.engine {
            DatabaseEngine::Postgres(transport) => Some(transport),
            DatabaseEngine::SqliteFile(_) | DatabaseEngine::SqliteMemory => None,
        }
    }

    /// Whether it holds a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        has_password(&self.text)
    }
}

/// Whether an address holds a password.
pub(super) fn has_password(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| {
        url.password().is_some() || url.query_pairs().any(|(name, _)| name.to_ascii_lowercase().contains("password"))
    })
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({})", self.shown)
    }
}
