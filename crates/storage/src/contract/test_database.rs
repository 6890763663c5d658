use std::{
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};

use sea_orm::sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Error, PgConnection, Row,
    postgres::{PgConnectOptions, PgRow},
};
use tempfile::TempDir;
use tokio::{runtime, time::timeout};

use crate::{ConnectSettings, SeaOrmBackend};

/// How long to wait for a server to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is older than that many seconds was left over by a run that crashed.
const LEFT_OVER: i64 = 60 * 60;

/// An empty database of a test's own, gone when it is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    _home: Home,
}

#[derive(Debug)]
enum Home {
    Folder { _folder: TempDir },
    Server { _database: ServerDatabase },
}

impl TestDatabase {
    /// A SQLite file in a folder of its own; it is not there yet.
    ///
    /// # Panics
    /// If no folder can be made.
    #[must_use]
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("data").join("usher.db").display());
        Self { url, _home: Home::Folder { _folder: folder } }
    }

    /// A database on the PostgreSQL server that `USHER_TEST_POSTGRES_URL` names, else on
    /// `postgres://postgres@127.0.0.1:5432`. If nothing answers there, the first call says on
    /// standard error what is skipped, and there is none.
    ///
    /// # Panics
    /// If nothing answers and `USHER_TEST_REQUIRE_SERVICES` is `1`, or if the server refuses.
    pub async fn postgres() -> Option<Self> {
        let server = Arc::new(server_options());
        let mut connection = match timeout(PATIENCE, PgConnection::connect_with(&server)).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(Error::Io(_))) | Err(_) => return skip(),
            Ok(Err(refused)) => panic!("the PostgreSQL server for tests refuses: {refused}"),
        };
        sweep(&mut connection).await.unwrap();
        let name = create(&mut connection).await.unwrap();
        let url = server.as_ref().clone().database(&name).to_url_lossy().into();
        Some(Self { url, _home: Home::Server { _database: ServerDatabase { server, name } } })
    }

    /// Its URL, as in `database.url`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A backend on it, its schema up to date.
    ///
    /// # Panics
    /// If it cannot be made.
    pub async fn backend(&self) -> SeaOrmBackend {
        let backend = SeaOrmBackend::connect(ConnectSettings::new(&self.url)).await.unwrap();
        backend.migrate().await.unwrap();
        backend
    }
}

/// A database that is dropped with this, whoever is still connected.
#[derive(Debug)]
struct ServerDatabase {
    server: Arc<PgConnectOptions>,
    name: String,
}

impl Drop for ServerDatabase {
    /// On a thread of its own, because the runtime of the test cannot be waited for here.
    fn drop(&mut self) {
        let (server, name) = (Arc::clone(&self.server), self.name.clone());
        let dropped = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async { drop_database(&mut PgConnection::connect_with(&server).await?, &name).await })
        });
        // What is left over now is swept later.
        drop(dropped.join());
    }
}

#[expect(clippy::disallowed_methods, reason = "what tests run against is no configuration of usher")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn server_options() -> PgConnectOptions {
    let url = variable("USHER_TEST_POSTGRES_URL");
    url.as_deref().unwrap_or("postgres://postgres@127.0.0.1:5432").parse().unwrap()
}

#[expect(clippy::print_stderr, reason = "nothing is skipped silently")]
fn skip() -> Option<TestDatabase> {
    static SAID: OnceLock<()> = OnceLock::new();
    assert!(variable("USHER_TEST_REQUIRE_SERVICES").as_deref() != Some("1"), "no PostgreSQL server answers");
    SAID.get_or_init(|| {
        eprintln!("skipped: tests against PostgreSQL, because no server answers (see USHER_TEST_POSTGRES_URL)");
    });
    None
}

/// Makes a database whose name tells when it was made, by the clock of the server. Its commits need
/// not survive a crash.
async fn create(connection: &mut PgConnection) -> Result<String, Error> {
    let random = "SELECT 'usher_test_' || extract(epoch FROM now())::bigint || '_' || gen_random_uuid()";
    let name: String = fetch_all(connection, random, |row| row.try_get(0)).await?.remove(0);
    execute(connection, format!("CREATE DATABASE \"{name}\" TEMPLATE template0")).await?;
    execute(connection, format!("ALTER DATABASE \"{name}\" SET synchronous_commit = off")).await?;
    Ok(name)
}

/// Drops what runs that crashed have left over, once in a process.
async fn sweep(connection: &mut PgConnection) -> Result<(), Error> {
    static SWEPT: OnceLock<()> = OnceLock::new();
    if SWEPT.set(()).is_err() {
        return Ok(());
    }
    let all = "SELECT datname::text, extract(epoch FROM now())::bigint FROM pg_database";
    for (name, now) in fetch_all(connection, all, |row| Ok((row.try_get(0)?, row.try_get(1)?))).await? {
        let name: String = name;
        if made_at(&name).is_some_and(|made_at| made_at + LEFT_OVER < now) {
            drop_database(connection, &name).await?;
        }
    }
    Ok(())
}

fn made_at(name: &str) -> Option<i64> {
    name.strip_prefix("usher_test_")?.split_once('_')?.0.parse().ok()
}

async fn drop_database(connection: &mut PgConnection, name: &str) -> Result<(), Error> {
    execute(connection, format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)")).await
}

async fn execute(connection: &mut PgConnection, sql: String) -> Result<(), Error> {
    sea_orm::sqlx::query(AssertSqlSafe(sql)).execute(connection).await.map(drop)
}

async fn fetch_all<T>(
    connection: &mut PgConnection,
    sql: &'static str,
    read: impl Fn(PgRow) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    sea_orm::sqlx::query(sql).fetch_all(connection).await?.into_iter().map(read).collect()
}
