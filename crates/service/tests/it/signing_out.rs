//! Signing out, in every way.

use std::time::Duration;

use serde_json::json;
use usher_domain::{Action, Actor, ClientInfo, PlainToken, Revocation, RevokeReason};
use usher_service::{LogoutScope, LogoutTokens, TokenBlocklist, Tokens};

use crate::fixture::{Fixture, password, request};

/// Bob's three sessions, and Carol's.
struct SignedIn {
    fixture: Fixture,
    sessions: [Tokens; 4],
}

impl SignedIn {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        fixture.user("bob").await;
        fixture.user("carol").await;
        let sessions = [
            fixture.login("bob").await,
            fixture.login("bob").await,
            fixture.login("bob").await,
            fixture.login("carol").await,
        ];
        let signed_in = Self { fixture, sessions };
        assert!(signed_in.ended().await.is_empty());
        signed_in
    }

    async fn sign_out(&self, access: Option<usize>, refresh: Option<usize>, scope: LogoutScope) {
        let access = access.map(|session| self.sessions[session].access.token.expose());
        let refresh = refresh.map(|session| &self.sessions[session].refresh.token);
        self.show(access, refresh, scope).await;
    }

    async fn show(&self, access: Option<&str>, refresh: Option<&PlainToken>, scope: LogoutScope) {
        self.fixture.auth.logout(LogoutTokens { access, refresh }, scope, &ClientInfo::default()).await.unwrap();
    }

    /// Which sessions have ended; of each it is told in all places or in none.
    async fn ended(&self) -> Vec<usize> {
        let mut ended = Vec::new();
        for (n, tokens) in self.sessions.iter().enumerate() {
            let is_over = !self.fixture.knows(tokens).await;
            let session = self.fixture.session(tokens.access.session).await;
            assert_eq!(session.revoked.is_some(), is_over, "session {n}");
            let claims = self.fixture.tokens.verify(tokens.access.token.expose()).unwrap();
            assert_eq!(self.fixture.blocklist.blocks(&claims).await.unwrap(), is_over, "session {n}");
            if is_over {
                ended.push(n);
            }
        }
        ended
    }
}

/// Proves: RT-10, JW-17
#[tokio::test]
async fn what_ends_depends_on_who_signs_out_and_how_far() {
    const CAROL: usize = 3;
    for (access, refresh, scope, expected) in [
        (Some(0), None, LogoutScope::Session, &[0][..]),
        (Some(0), None, LogoutScope::Others, &[1, 2]),
        (Some(0), None, LogoutScope::All, &[0, 1, 2]),
        (None, Some(0), LogoutScope::Session, &[0]),
        (None, Some(0), LogoutScope::Others, &[1, 2]),
        (None, Some(0), LogoutScope::All, &[0, 1, 2]),
        (Some(0), Some(0), LogoutScope::Session, &[0]),
        (Some(0), Some(0), LogoutScope::Others, &[1, 2]),
        (Some(0), Some(0), LogoutScope::All, &[0, 1, 2]),
        (Some(0), Some(1), LogoutScope::Session, &[0, 1]),
        (Some(0), Some(1), LogoutScope::Others, &[1, 2]),
        (Some(0), Some(1), LogoutScope::All, &[0, 1, 2]),
        (Some(0), Some(CAROL), LogoutScope::Session, &[0, CAROL]),
        (Some(0), Some(CAROL), LogoutScope::Others, &[1, 2]),
        (Some(0), Some(CAROL), LogoutScope::All, &[0, 1, 2, CAROL]),
        (Some(CAROL), None, LogoutScope::All, &[CAROL]),
        (Some(CAROL), None, LogoutScope::Others, &[]),
        (None, None, LogoutScope::Session, &[]),
        (None, None, LogoutScope::All, &[]),
    ] {
        let case = format!("{access:?} {refresh:?} {scope:?}");
        let signed_in = SignedIn::new().await;
        for time in ["the first", "the second"] {
            signed_in.sign_out(access, refresh, scope).await;
            assert_eq!(signed_in.ended().await, expected, "{case}, {time} time");
        }
        let expected_entries = usize::from(!expected.is_empty());
        assert_eq!(signed_in.fixture.logged(Action::AuthLogout).await, expected_entries, "{case}");
        let foreign = usize::from(expected.contains(&CAROL) && access != Some(CAROL));
        assert_eq!(signed_in.fixture.logged(Action::SessionRevoked).await, foreign, "{case}: Carol's log tells it");
    }
}

#[tokio::test]
async fn signing_out_is_written_down_with_who_and_how_far() {
    let signed_in = SignedIn::new().await;
    let fixture = &signed_in.fixture;
    signed_in.sign_out(None, Some(1), LogoutScope::Others).await;
    let bob = Some(signed_in.sessions[0].user.id);
    let entry = fixture.log().await.pop().unwrap();
    assert_eq!((entry.action, entry.actor, entry.subject), (Action::AuthLogout, bob, bob));
    assert_eq!(serde_json::to_value(&entry.details).unwrap(), json!({ "scope": "others", "sessions": 2 }));
    let ended = fixture.session(signed_in.sessions[0].access.session).await;
    assert_eq!(ended.revoked, Some(Revocation { at: entry.occurred_at, reason: RevokeReason::Logout }));
}

/// Proves: RT-10
#[tokio::test]
async fn tokens_that_are_no_good_sign_nobody_out() {
    let signed_in = SignedIn::new().await;
    let fixture = &signed_in.fixture;
    let bad = |text: &str| PlainToken::new(text.to_owned());
    let [access, refresh] =
        [&signed_in.sessions[0].access.token, &signed_in.sessions[0].refresh.token].map(PlainToken::expose);
    for scope in [LogoutScope::Session, LogoutScope::Others, LogoutScope::All] {
        for text in ["", "no token", &access[..access.len() - 1], &refresh[..refresh.len() - 1]] {
            signed_in.show(Some(text), Some(&bad(text)), scope).await;
        }
        signed_in.show(Some(refresh), Some(&bad(access)), scope).await;
    }
    assert!(signed_in.ended().await.is_empty());
    assert_eq!(fixture.logged(Action::AuthLogout).await, 0);

    signed_in.show(Some("no token"), Some(&signed_in.sessions[1].refresh.token), LogoutScope::Session).await;
    assert_eq!(signed_in.ended().await, [1], "one that is good is enough");
    signed_in.show(Some(access), Some(&bad("no token")), LogoutScope::Session).await;
    assert_eq!(signed_in.ended().await, [0, 1]);
}

#[tokio::test]
async fn a_refresh_token_signs_out_whose_access_token_is_over() {
    let signed_in = SignedIn::new().await;
    signed_in.fixture.clock.advance(Duration::from_secs(3_600));
    signed_in.sign_out(Some(0), None, LogoutScope::Session).await;
    let session = signed_in.sessions[0].access.session;
    assert_eq!(signed_in.fixture.session(session).await.revoked, None, "an access token that is over is nobody's");
    signed_in.sign_out(Some(0), Some(0), LogoutScope::Session).await;
    assert!(signed_in.fixture.session(session).await.revoked.is_some());
}

#[tokio::test]
async fn the_parent_of_a_refresh_token_signs_out_within_the_grace_and_is_reuse_after_it() {
    let signed_in = SignedIn::new().await;
    let fixture = &signed_in.fixture;
    for session in [0, 1] {
        fixture.refresh(&signed_in.sessions[session]).await.unwrap();
    }
    signed_in.sign_out(None, Some(0), LogoutScope::Session).await;
    assert_eq!(fixture.logged(Action::AuthLogout).await, 1);
    fixture.clock.advance(Duration::from_secs(11));
    signed_in.sign_out(None, Some(1), LogoutScope::Session).await;
    assert_eq!(signed_in.ended().await, [0, 1], "either way its session is over");
    assert_eq!((fixture.logged(Action::AuthLogout).await, fixture.logged(Action::AuthRefreshReused).await), (1, 1));
}

#[tokio::test]
async fn whoever_must_change_his_password_may_sign_out() {
    let signed_in = SignedIn::new().await;
    let fixture = &signed_in.fixture;
    let carol = signed_in.sessions[3].user.id;
    fixture.users.set_password(&Actor::system(), carol, password("Another-7-word")).await.unwrap();
    let login = fixture.auth.login(&request("carol", "Another-7-word"), &ClientInfo::default()).await.unwrap();
    assert!(login.user.must_change_password && fixture.knows(&login).await);
    signed_in.show(Some(login.access.token.expose()), None, LogoutScope::Session).await;
    assert!(!fixture.knows(&login).await);
}
