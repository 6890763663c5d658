//! Opening the pools, each engine as it needs.

use std::{
    fs::{self, OpenOptions},
    io, mem,
    path::Path,
    str::FromStr,
    time::Duration,
};

use sea_orm::{
    DatabaseConnection, DbErr, RuntimeErr, SqlxError,
    sqlx::{
        Connection, Database, Postgres, Sqlite, SqlitePool,
        pool::PoolOptions,
        postgres::PgConnectOptions,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};
use tokio::time::{sleep, timeout};

use super::{ConnectSettings, Engine, Pools, error::failed};
use crate::{StorageError, StorageResult};

/// How long SQLite waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection may have been idle and is taken for good unasked: to ask costs a round trip.
const FRESH: Duration = Duration::from_millis(500);

/// How long to wait between two attempts where SQLite itself does not wait.
const TURN: Duration = Duration::from_millis(5);

impl Pools {
    pub(super) async fn connect(settings: &ConnectSettings) -> StorageResult<Self> {
        match Engine::of_url(&settings.url) {
            Some(Engine::Postgres) => postgres(settings).await,
            Some(Engine::Sqlite) => sqlite(settings).await,
            None => Err(StorageError::Backend("the database URL must begin with sqlite: or postgres:".into())),
        }
    }
}

async fn postgres(settings: &ConnectSettings) -> StorageResult<Pools> {
    let timeout = settings.statement_timeout.as_millis().to_string();
    let options = PgConnectOptions::from_str(&settings.url).map_err(refused)?.application_name("usher").options([
        ("statement_timeout", timeout.as_str()),
        ("idle_in_transaction_session_timeout", timeout.as_str()),
        ("default_transaction_isolation", "read committed"),
    ]);
    let pool = pool::<Postgres>(settings).max_connections(settings.postgres_connections());
    // A server that was restarted has ended them all; whoever comes later gets another one and notices nothing.
    let pool = pool.before_acquire(|connection, meta| {
        Box::pin(async move {
            if meta.idle_for > FRESH {
                connection.ping().await?;
            }
            Ok(true)
        })
    });
    let pool = DatabaseConnection::from(pool.connect_with(options).await.map_err(refused)?);
    Ok(Pools { engine: Engine::Postgres, reader: pool.clone(), writer: pool })
}

/// One connection writes, so that writers queue up in front of it and not at SQLite's lock; the
/// others read. A database in memory is its connection: there the writer reads, too.
async fn sqlite(settings: &ConnectSettings) -> StorageResult<Pools> {
    let options =
        SqliteConnectOptions::from_str(&settings.url).map_err(refused)?.foreign_keys(true).busy_timeout(BUSY_TIMEOUT);
    // A SQLite connection costs nothing to keep, and to lose it may be to lose the database.
    let pool = pool::<Sqlite>(settings).idle_timeout(None).max_lifetime(None);

    if is_in_memory(&settings.url) {
        let only = DatabaseConnection::from(pool.max_connections(1).connect_with(options).await.map_err(refused)?);
        return Ok(Pools { engine: Engine::Sqlite, reader: only.clone(), writer: only });
    }
    make_private(options.get_filename()).map_err(|error| StorageError::Unavailable(Box::new(error)))?;
    let options = options.synchronous(SqliteSynchronous::Full);
    // Where the disk fails a commit, SQLite has rolled back, and sqlx takes the transaction for open: what came next
    // would be a part of it, acknowledged and never committed.
    let writer = pool.clone().max_connections(1).before_acquire(|connection, _| {
        let is_whole = !connection.is_in_transaction();
        Box::pin(async move { Ok(is_whole) })
    });
    let writer = in_wal_mode(&writer, options.clone().journal_mode(SqliteJournalMode::Wal)).await?;
    let readers = pool.max_connections(settings.sqlite_readers());
    let reader = readers.connect_with(options.pragma("query_only", "ON")).await.map_err(refused)?;
    Ok(Pools { engine: Engine::Sqlite, reader: reader.into(), writer: writer.into() })
}

/// Connects the one that writes. Where several start at once, SQLite does not wait for its turn to
/// turn on the write-ahead log, as it does otherwise.
async fn in_wal_mode(writer: &PoolOptions<Sqlite>, options: SqliteConnectOptions) -> StorageResult<SqlitePool> {
    let turns = async {
        loop {
            match writer.clone().connect_with(options.clone()).await.map_err(refused) {
                Err(StorageError::Contention) => sleep(TURN).await,
                connected => break connected,
            }
        }
    };
    timeout(BUSY_TIMEOUT, turns).await.unwrap_or(Err(StorageError::Contention))
}

fn pool<DB: Database>(settings: &ConnectSettings) -> PoolOptions<DB> {
    PoolOptions::new().acquire_timeout(settings.acquire_timeout).test_before_acquire(false)
}

pub(super) fn refused(error: SqlxError) -> StorageError {
    failed(DbErr::Conn(RuntimeErr::SqlxError(error.into())))
}

fn is_in_memory(url: &str) -> bool {
    let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
    let (path, parameters) = path.split_once('?').unwrap_or((path, ""));
    path == ":memory:" || parameters.split('&').any(|parameter| parameter == "mode=memory")
}

/// Makes the file and its folders if they are missing, for the owner's eyes only: it holds password
/// hashes. SQLite gives the files beside it the same mode.
#[cfg(unix)]
fn make_private(file: &Path) -> io::Result<()> {
    use std::{
        fs::{DirBuilder, Permissions},
        os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    };

    if let Some(folder) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    make(OpenOptions::new().mode(0o600), file)?;
    if fs::metadata(file)?.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(file, Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// Makes the file and its folders if they are missing.
#[cfg(not(unix))]
fn make_private(file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    make(&mut OpenOptions::new(), file)
}

/// Makes the file if it is missing. It is never closed: that would take away the locks which another
/// connection of this process may hold on it by then (<https://sqlite.org/howtocorrupt.html>, 2.2).
fn make(options: &mut OpenOptions, file: &Path) -> io::Result<()> {
    match options.write(true).create_new(true).open(file) {
        Ok(made) => mem::forget(made),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    Ok(())
}
