//! Refresh tokens that come twice: by accident, and by theft.

use std::time::Duration;

use serde_json::json;
use usher_domain::{Action, ClientInfo, Clock, Outcome, PlainToken, Revocation, RevokeReason};
use usher_service::{AuthError, AuthManager, AuthSettings, TokenBlocklist, Tokens};

use crate::fixture::Fixture;

type Refreshed = Result<Tokens, AuthError>;

fn is_reuse(refreshed: &Refreshed) -> bool {
    matches!(refreshed, Err(AuthError::RefreshTokenReused))
}

/// Presents one token so many times at once: each has read the session before the first writes.
async fn at_once(fixture: &Fixture, auth: &AuthManager, token: &PlainToken, callers: usize) -> Vec<Refreshed> {
    fixture.backend.answer_together("session_with_user", callers);
    let calls: Vec<_> = (0..callers)
        .map(|_| {
            let (auth, token) = (auth.clone(), token.clone());
            tokio::spawn(async move { auth.refresh(&token, &ClientInfo::default()).await })
        })
        .collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    answers
}

/// Proves: RT-04
#[tokio::test]
async fn within_the_grace_the_parent_gets_the_same_successor_again() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let login = fixture.login("bob").await;
    let next = fixture.refresh(&login).await.unwrap();
    let rotated = fixture.session(login.access.session).await;
    for _ in 0..2 {
        fixture.clock.advance(Duration::from_secs(5));
        let again = fixture.refresh(&login).await.unwrap();
        assert_eq!(again.refresh.token.expose(), next.refresh.token.expose());
        assert!(fixture.knows(&again).await);
    }
    assert_eq!(fixture.session(login.access.session).await, rotated, "there is one branch");
    fixture.clock.advance(Duration::from_micros(1));
    assert!(is_reuse(&fixture.refresh(&login).await));
}

/// Proves: RT-04
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_callers_at_once_get_the_same_successor() {
    for _ in 0..10 {
        let fixture = Fixture::new().await;
        fixture.user("bob").await;
        let login = fixture.login("bob").await;
        let answers = at_once(&fixture, &fixture.auth, &login.refresh.token, 20).await;
        let successors: Vec<_> = answers.into_iter().map(|tokens| tokens.unwrap().refresh.token).collect();
        let first = successors[0].expose();
        assert!(first != login.refresh.token.expose() && successors.iter().all(|token| token.expose() == first));
        assert_eq!(fixture.session(login.access.session).await.generation, 1);
        assert_eq!(fixture.logged(Action::AuthRefreshReused).await, 0);
    }
}

/// Proves: RT-05
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_grace_one_of_fifty_callers_at_once_wins() {
    for _ in 0..5 {
        let fixture = Fixture::new().await;
        fixture.user("bob").await;
        let login = fixture.login("bob").await;
        let settings = AuthSettings { refresh_grace: Duration::ZERO, ..AuthSettings::default() };
        let answers = at_once(&fixture, &fixture.auth_with(settings), &login.refresh.token, 50).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for refused in answers.into_iter().filter_map(Result::err) {
            let is_refusal = matches!(refused, AuthError::RefreshTokenReused | AuthError::RefreshTokenInvalid);
            assert!(is_refusal, "{refused:?}");
        }
        let session = fixture.session(login.access.session).await;
        assert_eq!(session.generation, 1);
        assert_eq!(session.revoked.map(|revoked| revoked.reason), Some(RevokeReason::RefreshReused));
        assert_eq!(fixture.logged(Action::AuthRefreshReused).await, 1);
    }
}

/// Proves: RT-03, RT-04
#[tokio::test]
async fn a_grandparent_ends_its_session_at_once_however_young_it_is() {
    let fixture = Fixture::new().await;
    let bob = fixture.user("bob").await;
    let elsewhere = fixture.login("bob").await;
    let first = fixture.login("bob").await;
    let second = fixture.refresh(&first).await.unwrap();
    let third = fixture.refresh(&second).await.unwrap();
    assert!(fixture.knows(&first).await && fixture.knows(&third).await);

    let client = ClientInfo::new(Some([192, 0, 2, 66].into()), Some("a thief's"), None);
    let reused = fixture.auth.refresh(&first.refresh.token, &client).await;
    assert!(is_reuse(&reused));
    for tokens in [&first, &second, &third] {
        assert!(!fixture.knows(tokens).await, "its access tokens have ended with it");
        let claims = fixture.tokens.verify(tokens.access.token.expose()).unwrap();
        assert!(fixture.blocklist.blocks(&claims).await.unwrap(), "and other services know");
        let refused = fixture.refresh(tokens).await;
        assert!(matches!(refused, Err(AuthError::RefreshTokenInvalid)), "{refused:?}");
    }
    let ended = fixture.session(first.access.session).await;
    let revocation = Revocation { at: fixture.clock.now(), reason: RevokeReason::RefreshReused };
    assert_eq!(ended.revoked, Some(revocation));
    assert!(fixture.knows(&elsewhere).await && fixture.refresh(&elsewhere).await.is_ok(), "other sessions stay");

    let log = fixture.log().await;
    let entries: Vec<_> = log.iter().filter(|entry| entry.action == Action::AuthRefreshReused).collect();
    assert_eq!(entries.len(), 1);
    let entry = entries[0];
    assert_eq!((entry.subject, entry.actor, entry.outcome), (Some(bob.id), None, Outcome::Failure));
    assert_eq!((entry.ip, entry.user_agent.as_deref()), (client.ip, client.user_agent()));
    let details = serde_json::to_value(&entry.details).unwrap();
    assert_eq!(details, json!({ "session_id": ended.id.to_string(), "generation": 2, "presented": 0 }));
}

/// Proves: RT-01
#[tokio::test]
async fn no_refresh_token_shows() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let first = fixture.login("bob").await;
    let second = fixture.refresh(&first).await.unwrap();
    fixture.clock.advance(Duration::from_secs(11));
    let reused = fixture.refresh(&first).await;
    let rests = (fixture.session(first.access.session).await, fixture.log().await);
    let shown = format!("{first:?} {second:?} {reused:?} {rests:?}");
    for tokens in [&first, &second] {
        for token in [&tokens.refresh.token, &tokens.access.token] {
            let signature = token.expose().rsplit('.').next().unwrap();
            assert!(!shown.contains(signature), "{shown}");
        }
    }
}

/// Proves: RT-03
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reuse_that_is_noticed_many_times_at_once_is_written_down_once() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let login = fixture.login("bob").await;
    fixture.refresh(&login).await.unwrap();
    fixture.clock.advance(Duration::from_secs(11));
    for refused in at_once(&fixture, &fixture.auth, &login.refresh.token, 20).await {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, AuthError::RefreshTokenReused | AuthError::RefreshTokenInvalid), "{refused:?}");
    }
    assert_eq!(fixture.logged(Action::AuthRefreshReused).await, 1);
}

/// Proves: RT-06
#[tokio::test]
async fn neither_another_process_nor_a_clock_set_back_revives_a_used_token() {
    for step in [Duration::from_secs(3), Duration::from_secs(3_600)] {
        let fixture = Fixture::new().await;
        fixture.user("bob").await;
        let login = fixture.login("bob").await;
        fixture.clock.advance(Duration::from_secs(7_200));
        let next = fixture.refresh(&login).await.unwrap();
        fixture.clock.set_wall(fixture.clock.now() - step);
        let restarted = fixture.another_process().await;
        let refused = restarted.refresh(&login.refresh.token, &ClientInfo::default()).await;
        assert!(is_reuse(&refused), "a step of {step:?}");
        assert!(fixture.refresh(&next).await.is_err());
    }
}

/// Proves: RT-06
#[tokio::test]
async fn a_rotation_is_known_in_every_process() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let login = fixture.login("bob").await;
    let another = fixture.another_process().await;
    let next = another.refresh(&login.refresh.token, &ClientInfo::default()).await.unwrap();
    let again = fixture.refresh(&login).await.unwrap();
    assert_eq!(again.refresh.token.expose(), next.refresh.token.expose());
    assert!(fixture.knows(&next).await);
    assert!(fixture.refresh(&next).await.is_ok());
}
