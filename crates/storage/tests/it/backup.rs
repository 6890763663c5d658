use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use sea_orm::Database;
use tempfile::TempDir;
use tokio::task::JoinSet;
use usher_domain::SequentialIds;
use usher_storage::{BackupError, SeaOrmBackend, StorageError, UsersStorageBackend, contract::TestDatabase};

use crate::sample::{column, user};

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.db");
    (folder, file)
}

fn names_in(folder: &TempDir) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    fs::read_dir(folder.path()).unwrap().map(name).collect()
}

/// The first column of all rows of a copy.
async fn read(copy: &Path, sql: &str) -> Vec<String> {
    let connection = Database::connect(format!("sqlite://{}?mode=ro", copy.display())).await.unwrap();
    let found = column(&connection, sql).await;
    connection.close().await.unwrap();
    found
}

async fn insert(backend: &SeaOrmBackend, ids: &SequentialIds, name: &str) {
    let transaction = backend.begin().await.unwrap();
    transaction.user_insert(&user(ids, name)).await.unwrap();
    transaction.commit().await.unwrap();
}

/// Several write all the time. Whatever was committed before a copy was begun is in it, and nobody waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_has_everything_that_was_committed_before_and_is_whole() {
    let database = TestDatabase::sqlite();
    let backend = Arc::new(database.backend().await);
    let (ids, stop) = (Arc::new(SequentialIds::default()), Arc::new(AtomicBool::new(false)));
    let committed = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let (backend, ids, stop, committed) = (backend.clone(), ids.clone(), stop.clone(), committed.clone());
        writers.spawn(async move {
            for n in 0.. {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let name = format!("user-{writer}-{n}");
                insert(&backend, &ids, &name).await;
                committed.lock().unwrap().push(name);
            }
        });
    }
    let (folder, _) = place();
    for n in 0..10 {
        while committed.lock().unwrap().len() < (n + 1) * 20 {
            tokio::task::yield_now().await;
        }
        let before = committed.lock().unwrap().clone();
        let copy = folder.path().join(format!("copy-{n}.db"));
        backend.backup(&copy).await.unwrap();
        assert_eq!(read(&copy, "PRAGMA integrity_check").await, ["ok"]);
        let copied = read(&copy, "SELECT username FROM users").await;
        let lost: Vec<_> = before.iter().filter(|name| !copied.contains(name)).collect();
        assert!(lost.is_empty(), "copy {n} of {} lacks {lost:?}", before.len());
        assert_eq!(
            read(&copy, "SELECT version FROM seaql_migrations").await.len(),
            backend.migration_state().await.unwrap().len()
        );
    }
    stop.store(true, Ordering::SeqCst);
    writers.join_all().await;
    assert_eq!(names_in(&folder).len(), 10, "nothing but the copies is left");
}

#[tokio::test]
async fn a_file_that_is_there_stays_as_it_is() {
    let database = TestDatabase::sqlite();
    let backend = database.backend().await;
    let (folder, file) = place();
    for there in ["copy.db", "copy.db.new"] {
        fs::write(folder.path().join(there), "mine").unwrap();
        let refused = backend.backup(&file).await.unwrap_err();
        assert!(matches!(&refused, BackupError::Exists(path) if path.ends_with(there)), "{refused:?}");
        assert_eq!(names_in(&folder), [there]);
        assert_eq!(fs::read_to_string(folder.path().join(there)).unwrap(), "mine");
        fs::remove_file(folder.path().join(there)).unwrap();
    }
    backend.backup(&file).await.unwrap();
}

#[tokio::test]
async fn a_copy_that_fails_leaves_no_file() {
    let database = TestDatabase::sqlite();
    let backend = database.backend().await;
    let (folder, file) = place();
    let nowhere = folder.path().join("nowhere/copy.db");
    assert!(matches!(backend.backup(&nowhere).await, Err(BackupError::File { path, .. }) if path == nowhere));

    let original = database.url().strip_prefix("sqlite://").unwrap();
    fs::rename(original, folder.path().join("moved")).unwrap();
    assert!(matches!(backend.backup(&file).await, Err(BackupError::Storage(StorageError::Unavailable(_)))));
    assert_eq!(names_in(&folder), ["moved"]);
    assert!(!Path::new(original).exists(), "no empty database is made and copied");
}

#[cfg(unix)]
#[tokio::test]
async fn a_copy_is_for_its_owners_eyes_only() {
    use std::os::unix::fs::PermissionsExt;
    let database = TestDatabase::sqlite();
    let (_folder, file) = place();
    database.backend().await.backup(&file).await.unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn postgres_is_left_to_its_own_tools() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let (folder, file) = place();
    let refused = database.backend().await.backup(&file).await.unwrap_err();
    assert!(matches!(refused, BackupError::NotSqlite), "{refused:?}");
    assert!(names_in(&folder).is_empty());
}
