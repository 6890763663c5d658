//! Signing in where somebody is signed in already: the old session is ended, and never taken over.

use std::time::Duration;

use serde_json::json;
use usher_domain::{Action, Actor, ClientInfo, PlainToken, Revocation, RevokeReason};
use usher_service::{AuthError, LoginRequest, TokenBlocklist, Tokens};

use crate::fixture::{Fixture, PASSWORD, request};

/// A login of a client that shows a refresh token.
async fn sign_in(fixture: &Fixture, name: &str, shown: &PlainToken, text: &str) -> Result<Tokens, AuthError> {
    let login = LoginRequest { replaces: Some(shown.clone()), ..request(name, text) };
    fixture.auth.login(&login, &ClientInfo::default()).await
}

async fn reason(fixture: &Fixture, tokens: &Tokens) -> Option<RevokeReason> {
    fixture.session(tokens.access.session).await.revoked.map(|revocation| revocation.reason)
}

/// Proves: RT-09
#[tokio::test]
async fn the_session_that_a_browser_had_ends_whosever_it_was() {
    let fixture = Fixture::new().await;
    for name in ["bob", "carol"] {
        fixture.user(name).await;
    }
    for newcomer in ["bob", "carol"] {
        let (old, untouched) = (fixture.login("bob").await, fixture.login("bob").await);
        assert!(fixture.knows(&old).await);
        let new = sign_in(&fixture, newcomer, &old.refresh.token, PASSWORD).await.unwrap();
        assert_ne!(new.access.session, old.access.session);
        assert_eq!(new.user.username.as_str(), newcomer);

        assert!(!fixture.knows(&old).await && fixture.refresh(&old).await.is_err());
        let claims = fixture.tokens.verify(old.access.token.expose()).unwrap();
        assert!(fixture.blocklist.blocks(&claims).await.unwrap());
        assert!(fixture.knows(&new).await && fixture.refresh(&new).await.is_ok());
        assert!(fixture.knows(&untouched).await, "on another device");

        let entry = fixture.log().await.pop().unwrap();
        assert_eq!((entry.action, entry.subject), (Action::SessionRevoked, Some(old.user.id)));
        let details = serde_json::to_value(&entry.details).unwrap();
        assert_eq!(details, json!({ "session_id": old.access.session.to_string() }));
        let ended = fixture.session(old.access.session).await;
        assert_eq!(ended.revoked, Some(Revocation { at: entry.occurred_at, reason: RevokeReason::Replaced }));
    }
    assert_eq!(fixture.logged(Action::SessionRevoked).await, 2);
}

/// Proves: RT-09
#[tokio::test]
async fn a_login_that_fails_ends_no_session() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let old = fixture.login("bob").await;
    for (name, text) in [("bob", "Not-it-7-times"), ("nobody", PASSWORD)] {
        let failed = sign_in(&fixture, name, &old.refresh.token, text).await;
        assert!(matches!(failed, Err(AuthError::InvalidCredentials)));
    }
    assert!(fixture.knows(&old).await && fixture.refresh(&old).await.is_ok());
}

/// Proves: RT-09
#[tokio::test]
async fn a_token_that_is_no_good_neither_hinders_a_login_nor_is_taken_over() {
    let fixture = Fixture::new().await;
    let bob = fixture.user("bob").await;
    let over = fixture.login("bob").await;
    fixture.clock.advance(Duration::from_secs(15 * 24 * 3_600));
    let good = fixture.login("bob").await;
    let ended = fixture.login("bob").await;
    fixture.sessions.end(&fixture.actor_of(&ended).await, ended.access.session).await.unwrap();
    fixture.user("gone").await;
    let gone = fixture.login("gone").await;
    fixture.users.purge_user(&Actor::system(), gone.user.id, None).await.unwrap();

    let refresh = good.refresh.token.expose();
    let bad = [
        String::new(),
        "no token".to_owned(),
        refresh[..refresh.len() - 1].to_owned(),
        good.access.token.expose().to_owned(),
        over.refresh.token.expose().to_owned(),
        ended.refresh.token.expose().to_owned(),
        gone.refresh.token.expose().to_owned(),
    ];
    let revoked = fixture.logged(Action::SessionRevoked).await;
    for shown in bad {
        let shown = PlainToken::new(shown);
        let new = sign_in(&fixture, "bob", &shown, PASSWORD).await.unwrap();
        assert_eq!(new.user.id, bob.id);
        let old = [&over, &good, &ended, &gone].map(|tokens| tokens.access.session);
        assert!(!old.contains(&new.access.session));
    }
    assert!(fixture.knows(&good).await);
    assert_eq!(reason(&fixture, &over).await, None);
    assert_eq!(fixture.logged(Action::SessionRevoked).await, revoked);
}

/// Proves: RT-03, RT-09
#[tokio::test]
async fn a_token_that_was_used_before_ends_its_session_all_the_same() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let (early, late) = (fixture.login("bob").await, fixture.login("bob").await);
    for tokens in [&early, &late] {
        fixture.refresh(tokens).await.unwrap();
    }
    sign_in(&fixture, "bob", &early.refresh.token, PASSWORD).await.unwrap();
    fixture.clock.advance(Duration::from_secs(11));
    sign_in(&fixture, "bob", &late.refresh.token, PASSWORD).await.unwrap();
    assert_eq!(reason(&fixture, &early).await, Some(RevokeReason::Replaced), "within the grace");
    assert_eq!(reason(&fixture, &late).await, Some(RevokeReason::RefreshReused), "after it");
    assert_eq!(fixture.logged(Action::AuthRefreshReused).await, 1);
}
