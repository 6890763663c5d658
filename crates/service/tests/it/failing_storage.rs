//! What a database that fails, or a caller who hangs up, does to sessions: nothing.

use std::time::Duration;

use usher_domain::{Action, ClientInfo};
use usher_service::{AuthError, Failure, LoginRequest, LogoutScope, LogoutTokens, Tokens};
use usher_storage::SessionQueries;

use crate::fixture::{Fixture, PASSWORD, request};

/// Longer than any grace.
const LONG: Duration = Duration::from_secs(60);

fn is_unavailable<T>(answer: &Result<T, AuthError>) -> bool {
    matches!(answer, Err(AuthError::Failure(Failure::Unavailable(_))))
}

async fn present(fixture: &Fixture, tokens: &Tokens) -> Result<Tokens, AuthError> {
    fixture.auth.refresh(&tokens.refresh.token, &ClientInfo::default()).await
}

/// Leaves a refresh alone once storage has answered this, before the answer gets through.
async fn hang_up_at(fixture: &Fixture, tokens: &Tokens, what: &'static str) {
    let mut held = fixture.backend.hold(what);
    let (auth, token) = (fixture.auth.clone(), tokens.refresh.token.clone());
    let caller = tokio::spawn(async move { auth.refresh(&token, &ClientInfo::default()).await });
    held.reached().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
}

/// Proves: RT-07
#[tokio::test]
async fn a_refresh_that_fails_anywhere_consumes_nothing_and_is_no_reuse() {
    let fixture = Fixture::new().await;
    fixture.user_with_role("root", "admin").await;
    let mut tokens = fixture.login("root").await;
    fixture.backend.asked();
    tokens = fixture.refresh(&tokens).await.unwrap();
    let everything = fixture.backend.asked();
    assert_eq!(everything.last(), Some(&"commit"), "after that nothing can fail: {everything:?}");

    for what in everything {
        let before = fixture.session(tokens.access.session).await;
        fixture.backend.fail_at(what);
        let failed = present(&fixture, &tokens).await;
        assert!(is_unavailable(&failed), "{what}: {failed:?}");
        fixture.backend.heal();
        assert_eq!(fixture.session(tokens.access.session).await, before, "{what}");
        fixture.clock.advance(LONG);
        tokens = present(&fixture, &tokens).await.unwrap();
    }
    assert_eq!(fixture.logged(Action::AuthRefreshReused).await, 0);
}

/// Proves: RT-07
#[tokio::test]
async fn a_refresh_whose_commit_was_not_answered_can_be_repeated() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let login = fixture.login("bob").await;
    fixture.backend.fail_after("commit");
    let lost = present(&fixture, &login).await;
    assert!(is_unavailable(&lost), "{lost:?}");
    fixture.backend.heal();
    assert_eq!(fixture.session(login.access.session).await.generation, 1);
    let repeated = present(&fixture, &login).await.unwrap();
    assert!(fixture.refresh(&repeated).await.is_ok());
}

/// Proves: RT-07
#[tokio::test]
async fn a_refresh_whose_caller_hangs_up_consumes_nothing() {
    let fixture = Fixture::new().await;
    fixture.user_with_role("root", "admin").await;
    let mut tokens = fixture.login("root").await;
    for what in ["session_with_user", "role_all", "begin", "session_rotate"] {
        let before = fixture.session(tokens.access.session).await;
        hang_up_at(&fixture, &tokens, what).await;
        assert_eq!(fixture.session(tokens.access.session).await, before, "{what}");
        fixture.clock.advance(LONG);
        tokens = present(&fixture, &tokens).await.unwrap();
    }
}

/// Proves: RT-03
#[tokio::test]
async fn a_reuse_whose_session_cannot_be_ended_is_noticed_the_next_time() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let login = fixture.login("bob").await;
    let next = fixture.refresh(&login).await.unwrap();
    fixture.clock.advance(LONG);
    for what in ["begin", "session_revoke", "activity_append", "commit"] {
        fixture.backend.fail_at(what);
        let failed = present(&fixture, &login).await;
        assert!(is_unavailable(&failed), "{what}: {failed:?}");
        fixture.backend.heal();
        assert_eq!(fixture.session(login.access.session).await.revoked, None, "{what}");
        assert_eq!(fixture.logged(Action::AuthRefreshReused).await, 0, "{what}");
    }
    assert!(matches!(present(&fixture, &login).await, Err(AuthError::RefreshTokenReused)));
    assert!(matches!(present(&fixture, &next).await, Err(AuthError::RefreshTokenInvalid)));
    assert_eq!(fixture.logged(Action::AuthRefreshReused).await, 1);
}

#[tokio::test]
async fn a_login_that_fails_anywhere_opens_no_session_and_replaces_none() {
    let fixture = Fixture::new().await;
    let root = fixture.user_with_role("root", "admin").await;
    let old = fixture.login("root").await;
    let login = LoginRequest { replaces: Some(old.refresh.token.clone()), ..request("root", PASSWORD) };
    for what in [
        "user_by_username",
        "session_with_user",
        "role_all",
        "begin",
        "user_record_login",
        "session_insert",
        "activity_append",
        "session_revoke",
        "commit",
    ] {
        let logged = fixture.log().await.len();
        fixture.backend.fail_at(what);
        let failed = fixture.auth.login(&login, &ClientInfo::default()).await;
        assert!(is_unavailable(&failed), "{what}: {failed:?}");
        fixture.backend.heal();
        let sessions: Vec<_> = fixture.backend.session_by_user(root.id).await.unwrap();
        assert_eq!(sessions, [fixture.session(old.access.session).await], "{what}");
        assert_eq!(fixture.log().await.len(), logged, "{what}");
    }
    assert!(fixture.knows(&old).await);
    fixture.auth.login(&login, &ClientInfo::default()).await.unwrap();
    assert!(!fixture.knows(&old).await);
}

#[tokio::test]
async fn a_logout_that_fails_ends_nothing_and_can_be_repeated() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let login = fixture.login("bob").await;
    let tokens = LogoutTokens { access: None, refresh: Some(&login.refresh.token) };
    for scope in [LogoutScope::Session, LogoutScope::All] {
        for what in ["session_with_user", "begin", "activity_append", "commit"] {
            fixture.backend.fail_at(what);
            let failed = fixture.auth.logout(tokens, scope, &ClientInfo::default()).await;
            assert!(is_unavailable(&failed), "{what}: {failed:?}");
            fixture.backend.heal();
            assert!(fixture.knows(&login).await, "{what}");
        }
    }
    fixture.auth.logout(tokens, LogoutScope::All, &ClientInfo::default()).await.unwrap();
    assert!(!fixture.knows(&login).await);
}

#[tokio::test]
async fn while_the_database_is_away_nobody_is_known() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let login = fixture.login("bob").await;
    fixture.backend.fail_at("session_with_user");
    let asked = fixture.auth.authenticate(login.access.token.expose(), ClientInfo::default()).await;
    assert!(is_unavailable(&asked), "a good signature is not enough: {asked:?}");
    let forged = fixture.auth.authenticate("not.a.token", ClientInfo::default()).await;
    assert!(matches!(forged, Err(AuthError::Unauthenticated)), "{forged:?}");
}

/// Proves: RT-10, JW-17
#[tokio::test]
async fn a_logout_whose_caller_hangs_up_in_the_commit_is_followed_through() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let login = fixture.login("bob").await;
    assert!(fixture.knows(&login).await);
    let mut held = fixture.backend.hold("commit");
    let (auth, token) = (fixture.auth.clone(), login.refresh.token.clone());
    let caller = tokio::spawn(async move {
        let tokens = LogoutTokens { access: None, refresh: Some(&token) };
        auth.logout(tokens, LogoutScope::Session, &ClientInfo::default()).await
    });
    held.reached().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    assert!(fixture.knows(&login).await, "as it was a moment ago");
    drop(held);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!fixture.knows(&login).await, "forgotten although nobody waits for it any more");
}
