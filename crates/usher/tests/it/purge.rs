//! What becomes of accounts that were deleted long ago.

use std::time::Duration;

use actix_web::rt::System;
use usher_domain::{
    Action, ActivityFilter, Metadata, NewUser, PageSize, RoleName, Timestamp, UserChanges, UserId, UserScope,
    UserStatus, Username,
};
use usher_service::Environment;
use usher_storage::{ActivityQueries, SeaOrmBackend, UserQueries, UsersStorageBackend, contract::TestDatabase};

use crate::support::{MASTER_KEY, Place, QUICK, Server, load, only_fault};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An account that was deleted so many days ago.
async fn deleted(backend: &SeaOrmBackend, environment: &Environment, name: &str, days: u32) -> UserId {
    let since = environment.clock.now() - DAY * days;
    let user = NewUser {
        id: UserId::generate(&*environment.ids),
        username: Username::parse(name).unwrap(),
        email: None,
        email_verified_at: None,
        full_name: None,
        external_id: None,
        metadata: Metadata::default(),
        password_hash: None,
        roles: vec![RoleName::USER],
        must_change_password: false,
        created_at: Timestamp::UNIX_EPOCH,
    };
    let status = UserStatus::Deleted { since, deactivated_since: None };
    let changes = UserChanges { status: Some(status), ..UserChanges::default() };
    let transaction = backend.begin().await.unwrap();
    transaction.user_insert(&user).await.unwrap();
    assert!(transaction.user_update(user.id, None, &changes, since).await.unwrap());
    transaction.commit().await.unwrap();
    user.id
}

async fn is_there(backend: &SeaOrmBackend, id: UserId) -> bool {
    backend.user_by_id(id, UserScope::WithDeleted).await.unwrap().is_some()
}

/// What a start of a server leaves of 101 accounts (more than a page) that were deleted 31 days ago and
/// one that was 29 days ago: how many of the former, and whether the latter. With these settings, and
/// once the account of this name is gone.
fn left_by_a_server(database: &TestDatabase, settings: &[(&str, &str)], gone: &str) -> (usize, bool) {
    let environment = Environment::system();
    let system = System::new();
    let (backend, expired, recent) = system.block_on(async {
        let backend = database.backend().await;
        let mut expired = Vec::new();
        for number in 1..=101 {
            expired.push(deleted(&backend, &environment, &format!("expired{number}"), 31).await);
        }
        let recent = deleted(&backend, &environment, "recent", 29).await;
        (backend, expired, recent)
    });
    let shared = [("USHER__DATABASE__URL", database.url()), MASTER_KEY];
    let server = Server::start(&Place::new(), &[], &[QUICK.as_slice(), &shared, settings].concat());
    system.block_on(async {
        let gone = Username::parse(gone).unwrap();
        for _ in 0..100_000 {
            if backend.user_by_username(&gone, UserScope::WithDeleted).await.unwrap().is_none() {
                return;
            }
        }
        panic!("{gone} is not purged");
    });
    assert_eq!(server.client.get("/health/ready").status, 200);
    let ended = server.stop();
    assert!(ended.stderr.contains("deleted accounts were purged"), "{}", ended.stderr);
    system.block_on(async {
        let mut left = 0;
        for id in expired {
            left += usize::from(is_there(&backend, id).await);
        }
        let recent_left = is_there(&backend, recent).await;
        let filter = ActivityFilter { actions: vec![Action::UserPurged], ..ActivityFilter::default() };
        let entries = backend.activity_latest(&filter, PageSize::MAX).await.unwrap();
        assert_eq!(entries.len(), PageSize::MAX.get());
        backend.close().await;
        (left, recent_left)
    })
}

#[test]
fn a_server_purges_what_was_deleted_longer_than_thirty_days_ago() {
    assert_eq!(left_by_a_server(&TestDatabase::sqlite(), &[], "expired101"), (0, true));
}

#[test]
fn a_server_on_postgresql_does_so_too() {
    let Some(database) = System::new().block_on(TestDatabase::postgres()) else { return };
    assert_eq!(left_by_a_server(&database, &[], "expired101"), (0, true));
}

#[test]
fn how_long_they_are_kept_is_a_setting() {
    let days = ("USHER__USERS__RETENTION_DAYS", "28");
    assert_eq!(left_by_a_server(&TestDatabase::sqlite(), &[days], "recent"), (0, false));
}

#[test]
fn to_keep_them_not_at_all_is_refused() {
    assert_eq!(load(&[]).unwrap().retention, 30 * DAY);
    assert_eq!(load(&[("users.retention_days", "7")]).unwrap().retention, 7 * DAY);
    for days in ["0", "-1", "36501", "7d"] {
        let line = only_fault(&[("users.retention_days", days)]);
        assert!(line.starts_with("users.retention_days: ") && line.contains("from 1 to 36500"), "{line}");
    }
    let place = Place::new();
    assert_eq!(place.run(&["config", "check"], &[("USHER__USERS__RETENTION_DAYS", "0")]).code, Some(78));
}
