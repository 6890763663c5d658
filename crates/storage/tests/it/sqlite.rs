use std::{path::Path, sync::Arc, time::Duration};

use tokio::task::JoinSet;
use usher_domain::{SequentialIds, UserScope};
use usher_storage::{
    ConnectSettings, RoleQueries, SeaOrmBackend, StorageError, UserQueries, UsersStorageBackend, contract::TestDatabase,
};

use crate::sample::{column, raw, user};

async fn connected(url: &str) -> SeaOrmBackend {
    let backend = SeaOrmBackend::connect(ConnectSettings::new(url)).await.unwrap();
    backend.migrate().await.unwrap();
    backend
}

/// Every form of URL leads to the same file, which is made with its folders.
#[tokio::test]
async fn each_form_of_url_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    for (n, scheme) in ["sqlite:", "sqlite://"].into_iter().enumerate() {
        let file = folder.path().join(format!("some/{n}/folder/usher.db"));
        connected(&format!("{scheme}{}", file.display())).await.close().await;
        assert!(file.is_file());
    }
}

/// A database in memory is a database of its own, however its URL is written.
#[tokio::test]
async fn databases_in_memory_are_apart() {
    for url in ["sqlite::memory:", "sqlite://:memory:", "sqlite://?mode=memory"] {
        let (one, other) = (connected(url).await, connected(url).await);
        let transaction = one.begin().await.unwrap();
        transaction.user_insert(&user(&SequentialIds::default(), "ada")).await.unwrap();
        transaction.commit().await.unwrap();
        assert!(one.user_any().await.unwrap());
        assert!(!other.user_any().await.unwrap());
    }
}

/// In memory there is one connection: a read past an open transaction waits for it, not for ever.
#[tokio::test]
async fn a_read_past_a_transaction_in_memory_does_not_wait_for_ever() {
    let settings = ConnectSettings {
        acquire_timeout: Duration::from_millis(50),
        max_connections: Some(8),
        ..ConnectSettings::new("sqlite::memory:")
    };
    let backend = SeaOrmBackend::connect(settings).await.unwrap();
    backend.migrate().await.unwrap();
    let transaction = backend.begin().await.unwrap();
    assert!(matches!(backend.user_any().await, Err(StorageError::Unavailable(_))));
    drop(transaction);
    assert!(!backend.user_any().await.unwrap());
}

/// Readers of a file go on while somebody writes, and see what was committed.
#[tokio::test]
async fn readers_go_on_while_somebody_writes() {
    let database = TestDatabase::sqlite();
    let backend = database.backend().await;
    let ada = user(&SequentialIds::default(), "ada");
    let transaction = backend.begin().await.unwrap();
    transaction.user_insert(&ada).await.unwrap();
    for _ in 0..10 {
        assert_eq!(backend.user_by_id(ada.id, UserScope::Existing).await.unwrap(), None);
        assert_eq!(backend.role_all().await.unwrap().len(), 2);
    }
    transaction.commit().await.unwrap();
    assert!(backend.user_by_id(ada.id, UserScope::Existing).await.unwrap().is_some());
}

/// Two processes that write to one file take turns: none is told to come back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_write_by_turns() {
    let database = TestDatabase::sqlite();
    let ids = Arc::new(SequentialIds::default());
    let mut writing = JoinSet::new();
    for process in 0..2 {
        let (backend, ids) = (database.backend().await, Arc::clone(&ids));
        writing.spawn(async move {
            for n in 0..50 {
                let transaction = backend.begin().await.unwrap();
                transaction.user_any().await.unwrap();
                transaction.user_insert(&user(&ids, &format!("user-{process}-{n}"))).await.unwrap();
                transaction.commit().await.unwrap();
            }
        });
    }
    while let Some(wrote) = writing.join_next().await {
        wrote.unwrap();
    }
    let names: Vec<String> = column(&raw(&database).await, "SELECT username FROM users").await;
    assert_eq!(names.len(), 100);
}

/// The file holds password hashes: nobody but its owner reads it, nor the files beside it.
#[cfg(unix)]
#[tokio::test]
async fn nobody_else_reads_the_file() {
    use std::{
        fs,
        os::unix::fs::{DirBuilderExt, PermissionsExt},
    };
    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    let folder = tempfile::tempdir().unwrap();
    let fresh = folder.path().join("data").join("usher.db");
    let open = folder.path().join("open.db");
    fs::write(&open, "").unwrap();
    fs::set_permissions(&open, PermissionsExt::from_mode(0o644)).unwrap();
    for file in [&fresh, &open] {
        let backend = connected(&format!("sqlite://{}", file.display())).await;
        assert!(!backend.user_any().await.unwrap());
        for suffix in ["", "-wal", "-shm"] {
            let beside = format!("{}{suffix}", file.display());
            assert_eq!(mode(Path::new(&beside)), 0o600, "{beside}");
        }
    }
    assert_eq!(mode(fresh.parent().unwrap()), 0o700);

    let shared = folder.path().join("shared");
    fs::DirBuilder::new().mode(0o755).create(&shared).unwrap();
    connected(&format!("sqlite://{}", shared.join("usher.db").display())).await;
    assert_eq!(mode(&shared), 0o755, "a folder that is there is left as it is");
}

/// What cannot be opened is not available; what is no URL is a defect.
#[tokio::test]
async fn a_file_that_cannot_be_opened_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let refused = SeaOrmBackend::connect(ConnectSettings::new(format!("sqlite://{}", folder.path().display()))).await;
    assert!(matches!(refused, Err(StorageError::Unavailable(_))), "{refused:?}");
    for url in ["data/usher.db", "mysql://localhost/usher", "sqlite://usher.db?mode=what", ""] {
        let refused = SeaOrmBackend::connect(ConnectSettings::new(url)).await;
        assert!(matches!(refused, Err(StorageError::Backend(_))), "{refused:?}");
    }
}
