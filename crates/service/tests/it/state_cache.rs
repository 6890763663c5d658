//! What a process remembers of sessions between requests, and what it must not.

use std::time::Duration;

use usher_domain::{Actor, ClientInfo, Clock, Principal, RoleName, Timestamp, UserId, UserScope, permissions};
use usher_service::{AccessToken, AuthError, AuthManager, RevocationSettings, Tokens, UserPatch};
use usher_storage::{UserQueries, UsersStorageBackend};

use crate::fixture::{Fixture, knows};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3_600);

async fn signed_in() -> (Fixture, UserId, Tokens) {
    let fixture = Fixture::new().await;
    let bob = fixture.user("bob").await.id;
    let login = fixture.login("bob").await;
    fixture.backend.asked();
    (fixture, bob, login)
}

async fn authenticate(auth: &AuthManager, token: &AccessToken) -> Result<Actor, AuthError> {
    auth.authenticate(token.token.expose(), ClientInfo::default()).await
}

/// A change that another process makes: nobody here is told.
async fn change_roles_elsewhere(fixture: &Fixture, user: UserId, roles: &[RoleName]) {
    let transaction = fixture.backend.begin().await.unwrap();
    assert!(transaction.user_set_roles(user, roles, Timestamp::UNIX_EPOCH).await.unwrap());
    transaction.commit().await.unwrap();
    fixture.backend.asked();
}

#[tokio::test]
async fn a_request_asks_the_database_once_and_those_after_it_not_at_all() {
    let (fixture, ..) = signed_in().await;
    let login = fixture.login("bob").await;
    fixture.backend.asked();
    assert!(fixture.knows(&login).await);
    assert_eq!(fixture.backend.asked(), ["session_with_user"]);
    for _ in 0..10 {
        fixture.clock.advance(Duration::from_millis(99));
        assert!(fixture.knows(&login).await);
    }
    assert!(fixture.backend.asked().is_empty());
    fixture.clock.advance(Duration::from_millis(10));
    assert!(fixture.knows(&login).await);
    assert_eq!(fixture.backend.asked(), ["session_with_user"], "after a second it is asked again");
}

#[tokio::test]
async fn with_nothing_to_remember_the_database_is_asked_each_time() {
    let (fixture, _, login) = signed_in().await;
    let forgetful = RevocationSettings { state_cache_ttl: Duration::ZERO, ..RevocationSettings::default() };
    let auth = fixture.remembering(forgetful);
    for _ in 0..3 {
        assert!(knows(&auth, &login).await);
        assert_eq!(fixture.backend.asked(), ["session_with_user"]);
    }
}

#[tokio::test]
async fn how_long_is_remembered_can_be_set() {
    let (fixture, bob, login) = signed_in().await;
    let auth = fixture.remembering(RevocationSettings { state_cache_ttl: SECOND * 5, ..RevocationSettings::default() });
    assert!(knows(&auth, &login).await);
    change_roles_elsewhere(&fixture, bob, &[]).await;
    fixture.clock.advance(SECOND * 5 - Duration::from_micros(1));
    assert!(knows(&auth, &login).await);
    fixture.clock.advance(Duration::from_micros(1));
    assert!(!knows(&auth, &login).await);
}

/// Proves: JW-17
#[tokio::test]
async fn a_clock_that_was_set_back_makes_nothing_last_longer() {
    let (fixture, bob, login) = signed_in().await;
    assert!(fixture.knows(&login).await);
    change_roles_elsewhere(&fixture, bob, &[]).await;
    fixture.clock.advance(SECOND);
    fixture.clock.set_wall(fixture.clock.now() - SECOND * 3);
    assert!(!fixture.knows(&login).await);
}

#[tokio::test]
async fn what_is_refused_is_not_remembered() {
    let (fixture, bob, login) = signed_in().await;
    change_roles_elsewhere(&fixture, bob, &[]).await;
    for _ in 0..2 {
        assert!(!fixture.knows(&login).await);
        assert_eq!(fixture.backend.asked(), ["session_with_user"]);
    }
}

/// Proves: JW-17
#[tokio::test]
async fn a_newer_token_is_good_at_once_although_older_things_are_remembered() {
    let (fixture, bob, login) = signed_in().await;
    assert!(fixture.knows(&login).await);
    let another = fixture.another_process().await;
    change_roles_elsewhere(&fixture, bob, &[RoleName::ADMIN]).await;
    let newer = another.refresh(&login.refresh.token, &ClientInfo::default()).await.unwrap();

    let actor = authenticate(&fixture.auth, &newer.access).await.unwrap();
    assert_eq!(actor.require(&permissions::USERS_READ), Ok(()), "with the new roles");
    assert!(!fixture.knows(&login).await, "and the older one is good no more");
    assert!(fixture.knows(&newer).await);
}

#[tokio::test]
async fn a_change_by_this_process_shows_in_the_next_request() {
    let (fixture, bob, login) = signed_in().await;
    let name = async || {
        let actor = authenticate(&fixture.auth, &login.access).await.unwrap();
        match actor.principal() {
            Principal::User { user, .. } => user.username.to_string(),
            Principal::System => panic!("bob is a user"),
        }
    };
    assert_eq!(name().await, "bob");
    let renamed = UserPatch { username: Some("robert".to_owned()), ..UserPatch::default() };
    fixture.users.update_user(&Actor::system(), bob, renamed, None).await.unwrap();
    assert_eq!(name().await, "robert");
}

/// Proves: JW-17
#[tokio::test]
async fn a_change_that_is_made_while_a_request_reads_is_not_overlooked() {
    let (fixture, bob, login) = signed_in().await;
    let mut held = fixture.backend.hold("session_with_user");
    let (auth, token) = (fixture.auth.clone(), login.access.clone());
    let reading = tokio::spawn(async move { authenticate(&auth, &token).await.is_ok() });
    held.reached().await;
    fixture.users.deactivate_user(&Actor::system(), bob, None).await.unwrap();
    drop(held);
    assert!(reading.await.unwrap(), "it came before");
    assert!(!fixture.knows(&login).await, "but nobody after it");
}

/// Proves: JW-17
#[tokio::test]
async fn how_long_something_is_remembered_counts_from_before_it_was_read() {
    let (fixture, bob, login) = signed_in().await;
    let mut held = fixture.backend.hold("session_with_user");
    let (auth, token) = (fixture.auth.clone(), login.access.clone());
    let reading = tokio::spawn(async move { authenticate(&auth, &token).await.is_ok() });
    held.reached().await;
    change_roles_elsewhere(&fixture, bob, &[]).await;
    fixture.clock.advance(SECOND);
    drop(held);
    assert!(reading.await.unwrap());
    assert!(!fixture.knows(&login).await, "the change is a second old");
}

/// Proves: RT-08
#[tokio::test]
async fn a_session_ends_in_time_although_it_is_remembered() {
    let (fixture, _, login) = signed_in().await;
    let minutes = SECOND * 60 * 10;
    fixture.clock.advance(DAY * 10);
    let tokens = fixture.refresh(&login).await.unwrap();
    fixture.clock.advance(DAY * 10);
    let tokens = fixture.refresh(&tokens).await.unwrap();
    fixture.clock.advance(DAY * 10 - minutes);
    let tokens = fixture.refresh(&tokens).await.unwrap();
    fixture.clock.advance(minutes - Duration::from_millis(500));
    assert!(fixture.knows(&tokens).await);
    fixture.clock.advance(Duration::from_millis(500));
    assert!(!fixture.knows(&tokens).await);
}

#[tokio::test]
async fn nobody_is_known_by_the_session_of_another() {
    let (fixture, _, login) = signed_in().await;
    let carol = fixture.user("carol").await;
    let account = fixture.backend.user_by_id(carol.id, UserScope::Existing).await.unwrap().unwrap();
    let mixed = fixture.auth.access_token(&account, login.access.session).await.unwrap();
    for _ in 0..2 {
        let refused = authenticate(&fixture.auth, &mixed).await;
        assert!(matches!(refused, Err(AuthError::Unauthenticated)), "{refused:?}");
        assert!(fixture.knows(&login).await, "and then it is remembered");
    }
}

#[tokio::test]
async fn others_are_remembered_still_when_somebody_changes() {
    let (fixture, bob, _) = signed_in().await;
    fixture.user("carol").await;
    let carols = fixture.login("carol").await;
    assert!(fixture.knows(&carols).await);
    fixture.sessions.end_all(&Actor::system(), bob).await.unwrap();
    fixture.backend.asked();
    assert!(fixture.knows(&carols).await);
    assert!(fixture.backend.asked().is_empty());
}
