//! A copy of a SQLite database while it is in use.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use sea_orm::sqlx::{ConnectOptions, Connection, query, query_scalar, sqlite::SqliteConnectOptions};

use super::{Engine, SeaOrmBackend, connect::refused};
use crate::StorageError;

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Other engines have tools of their own.
    #[error("only SQLite is copied by usher: use pg_dump")]
    NotSqlite,
    /// The file is there already, or another run is at it.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// The file cannot be written.
    #[error("{} cannot be written", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The copy did not pass SQLite's check, and is gone again. The original is to be looked at.
    #[error("the copy is damaged: {0}")]
    Damaged(String),
    /// The database could not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl SeaOrmBackend {
    /// Copies the database, as it is at one moment after the call, into a file that is not there yet, while others go
    /// on reading and writing. The file is for its owner's eyes only (0600), and whole, checked and on the disk once
    /// it has its name; what is interrupted leaves it empty, and an unfinished copy beside it (`.new`). SQLite only.
    ///
    /// # Errors
    /// [`BackupError`]; there is no file then.
    pub async fn backup(&self, file: &Path) -> Result<(), BackupError> {
        if self.engine() != Engine::Sqlite {
            return Err(BackupError::NotSqlite);
        }
        let mut name = file.as_os_str().to_owned();
        name.push(".new");
        let unfinished = PathBuf::from(name);
        // Two files, so that the copy can take the place of the first by a rename without ever taking another's.
        make(file)?;
        let copied = match make(&unfinished) {
            Ok(()) => {
                let copied = self.copy_into(&unfinished, file).await;
                if copied.is_err() {
                    remove(&unfinished);
                }
                copied
            }
            Err(error) => Err(error),
        };
        if copied.is_err() {
            remove(file);
        }
        copied
    }

    /// On a connection of its own: those that read in the pool cannot write anywhere.
    async fn copy_into(&self, unfinished: &Path, file: &Path) -> Result<(), BackupError> {
        let failed = |source| BackupError::File { path: file.to_owned(), source };
        let text = unfinished.to_str().ok_or_else(|| failed(io::ErrorKind::InvalidFilename.into()))?;
        let source = self.source.reader.get_sqlite_connection_pool().connect_options();
        let source = source.as_ref().clone().pragma("query_only", "OFF");
        let mut connection = source.connect().await.map_err(refused)?;
        query("VACUUM INTO ?").bind(text).execute(&mut connection).await.map_err(refused)?;
        connection.close().await.map_err(refused)?;

        check(unfinished).await?;
        File::open(unfinished).and_then(|copy| copy.sync_all()).map_err(failed)?;
        fs::rename(unfinished, file).map_err(failed)?;
        sync_folder(file).map_err(failed)
    }
}

/// Whether the copy is whole. Nobody else knows of it, so nothing need be locked.
async fn check(copy: &Path) -> Result<(), BackupError> {
    let options = SqliteConnectOptions::new().filename(copy).read_only(true).immutable(true);
    let mut connection = options.connect().await.map_err(refused)?;
    let found: String = query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut connection).await.map_err(refused)?;
    connection.close().await.map_err(refused)?;
    if found == "ok" { Ok(()) } else { Err(BackupError::Damaged(found)) }
}

fn make(path: &Path) -> Result<(), BackupError> {
    let made = private(OpenOptions::new().write(true).create_new(true)).open(path);
    made.map(drop).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(path.to_owned()),
        _ => BackupError::File { path: path.to_owned(), source },
    })
}

/// What cannot be removed is empty or unfinished, and the next run says that it is there.
fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(%error, path = %path.display(), "an unfinished backup could not be removed");
    }
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Only then the name is on the disk, too.
#[cfg(unix)]
fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_file: &Path) -> io::Result<()> {
    Ok(())
}
