//! Everything that ends sessions or access tokens, and how soon that is known, and where.

use std::time::Duration;

use usher_domain::{Actor, ClientInfo, RevokeReason, UserId};
use usher_service::{ChangePassword, LogoutScope, LogoutTokens, TokenBlocklist, Tokens};

use crate::fixture::{Fixture, PASSWORD, knows, password};

/// Something that happens to an account or its sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    PasswordChanged,
    PasswordSet,
    Deactivated,
    Deleted,
    Purged,
    RolesChanged,
    LoggedOut,
    LoggedOutEverywhere,
    OthersLoggedOut,
    EndedByOwner,
    EndedByAdministrator,
    Reused,
}

/// Which of two sessions are over: the one that its owner acted through, and his other one.
struct Outcome {
    event: Event,
    /// No access token so far is good any more.
    tokens: [bool; 2],
    /// The session has ended, for this reason.
    sessions: [Option<RevokeReason>; 2],
}

const fn outcome(event: Event, tokens: [bool; 2], sessions: [Option<RevokeReason>; 2]) -> Outcome {
    Outcome { event, tokens, sessions }
}

const BOTH: [bool; 2] = [true, true];

const fn both(reason: RevokeReason) -> [Option<RevokeReason>; 2] {
    [Some(reason), Some(reason)]
}

/// Data, section 3.
const OUTCOMES: [Outcome; 11] = [
    outcome(Event::PasswordChanged, BOTH, [None, Some(RevokeReason::PasswordChanged)]),
    outcome(Event::PasswordSet, BOTH, both(RevokeReason::PasswordReset)),
    outcome(Event::Deactivated, BOTH, both(RevokeReason::Deactivated)),
    outcome(Event::Deleted, BOTH, both(RevokeReason::Deleted)),
    outcome(Event::RolesChanged, BOTH, [None, None]),
    outcome(Event::LoggedOut, [true, false], [Some(RevokeReason::Logout), None]),
    outcome(Event::LoggedOutEverywhere, BOTH, both(RevokeReason::Logout)),
    outcome(Event::OthersLoggedOut, [false, true], [None, Some(RevokeReason::Logout)]),
    outcome(Event::EndedByOwner, [false, true], [None, Some(RevokeReason::EndedByOwner)]),
    outcome(Event::EndedByAdministrator, BOTH, both(RevokeReason::EndedByAdmin)),
    outcome(Event::Reused, [true, false], [Some(RevokeReason::RefreshReused), None]),
];

/// Bob, with his session here and his session there.
struct Signed {
    fixture: Fixture,
    bob: UserId,
    /// What he had here a while ago.
    used: Tokens,
    here: Tokens,
    there: Tokens,
}

impl Signed {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let bob = fixture.user("bob").await.id;
        let used = fixture.login("bob").await;
        let parent = fixture.refresh(&used).await.unwrap();
        let here = fixture.refresh(&parent).await.unwrap();
        let there = fixture.login("bob").await;
        Self { fixture, bob, used, here, there }
    }

    fn both(&self) -> [&Tokens; 2] {
        [&self.here, &self.there]
    }

    async fn let_happen(&self, event: Event) {
        let (fixture, bob, system) = (&self.fixture, self.bob, Actor::system());
        let users = &fixture.users;
        match event {
            Event::PasswordChanged => {
                let wish =
                    ChangePassword { current_password: password(PASSWORD), new_password: password("Another-7-word") };
                let actor = fixture.actor_of(&self.here).await;
                let account = users.change_password(&actor, wish).await.unwrap();
                let session = self.here.access.session;
                let access = fixture.auth.access_token(&account, session).await.unwrap();
                assert!(fixture.knows(&Tokens { access, ..self.here.clone() }).await, "the new token is good");
            }
            Event::PasswordSet => users.set_password(&system, bob, password("Another-7-word")).await.unwrap(),
            Event::Deactivated => drop(users.deactivate_user(&system, bob, None).await.unwrap()),
            Event::Deleted => drop(users.delete_user(&system, bob, None).await.unwrap()),
            Event::Purged => users.purge_user(&system, bob, None).await.unwrap(),
            Event::RolesChanged => drop(users.set_roles(&system, bob, &[], None).await.unwrap()),
            Event::LoggedOut => self.log_out(LogoutScope::Session).await,
            Event::LoggedOutEverywhere => self.log_out(LogoutScope::All).await,
            Event::OthersLoggedOut => self.log_out(LogoutScope::Others).await,
            Event::EndedByOwner => {
                let actor = fixture.actor_of(&self.here).await;
                fixture.sessions.end(&actor, self.there.access.session).await.unwrap();
            }
            Event::EndedByAdministrator => fixture.sessions.end_all(&system, bob).await.unwrap(),
            Event::Reused => drop(fixture.refresh(&self.used).await.unwrap_err()),
        }
    }

    async fn log_out(&self, scope: LogoutScope) {
        let tokens = LogoutTokens { access: Some(self.here.access.token.expose()), refresh: None };
        self.fixture.auth.logout(tokens, scope, &ClientInfo::default()).await.unwrap();
    }

    /// Whether other services are told that the token is no good.
    async fn is_told_of(&self, tokens: &Tokens) -> bool {
        let claims = self.fixture.tokens.verify(tokens.access.token.expose()).unwrap();
        self.fixture.blocklist.blocks(&claims).await.unwrap()
    }
}

/// Proves: JW-17, RT-12
#[tokio::test]
async fn what_ends_is_refused_at_once_here_within_a_second_elsewhere_and_told_to_others() {
    for Outcome { event, tokens, sessions } in OUTCOMES {
        let signed = Signed::new().await;
        let another = signed.fixture.another_process().await;
        for tokens in signed.both() {
            assert!(signed.fixture.knows(tokens).await && knows(&another, tokens).await, "{event:?}");
            assert!(!signed.is_told_of(tokens).await);
        }
        signed.let_happen(event).await;
        for (tokens, is_over) in signed.both().into_iter().zip(tokens) {
            assert_eq!(signed.fixture.knows(tokens).await, !is_over, "{event:?}, here");
            assert!(knows(&another, tokens).await, "{event:?}: the other process remembers, for less than a second");
            assert_eq!(signed.is_told_of(tokens).await, is_over, "{event:?}, other services");
        }
        signed.fixture.clock.advance(Duration::from_secs(1));
        for (tokens, is_over) in signed.both().into_iter().zip(tokens) {
            assert_eq!(knows(&another, tokens).await, !is_over, "{event:?}, elsewhere");
        }
        for (tokens, reason) in signed.both().into_iter().zip(sessions) {
            let session = signed.fixture.session(tokens.access.session).await;
            assert_eq!(session.revoked.map(|revocation| revocation.reason), reason, "{event:?}");
        }
    }
}

/// Proves: RT-12, RT-13
#[tokio::test]
async fn a_session_that_goes_on_is_renewed_and_one_that_ended_is_not() {
    for Outcome { event, sessions, .. } in OUTCOMES {
        let signed = Signed::new().await;
        signed.let_happen(event).await;
        for (tokens, reason) in signed.both().into_iter().zip(sessions) {
            let renewed = signed.fixture.refresh(tokens).await;
            assert_eq!(renewed.is_ok(), reason.is_none(), "{event:?}");
            if let Ok(renewed) = renewed {
                assert!(signed.fixture.knows(&renewed).await);
            }
        }
    }
}

/// Proves: JW-17
#[tokio::test]
async fn of_a_purged_account_no_token_is_good_anywhere() {
    let signed = Signed::new().await;
    let another = signed.fixture.another_process().await;
    for tokens in signed.both() {
        assert!(signed.fixture.knows(tokens).await && knows(&another, tokens).await);
    }
    signed.let_happen(Event::Purged).await;
    for tokens in signed.both() {
        assert!(!signed.fixture.knows(tokens).await && signed.is_told_of(tokens).await);
        assert!(signed.fixture.refresh(tokens).await.is_err());
    }
    signed.fixture.clock.advance(Duration::from_secs(1));
    for tokens in signed.both() {
        assert!(!knows(&another, tokens).await);
    }
}

/// Proves: RT-13
#[tokio::test]
async fn nothing_that_ended_with_an_account_comes_back_with_it() {
    for event in [Event::Deactivated, Event::Deleted] {
        let signed = Signed::new().await;
        let (fixture, system) = (&signed.fixture, Actor::system());
        let another = fixture.another_process().await;
        for tokens in signed.both() {
            assert!(knows(&another, tokens).await);
        }
        signed.let_happen(event).await;
        match event {
            Event::Deleted => drop(fixture.users.restore_user(&system, signed.bob, None).await.unwrap()),
            _ => drop(fixture.users.activate_user(&system, signed.bob, None).await.unwrap()),
        }
        fixture.clock.advance(Duration::from_secs(1));
        for tokens in signed.both() {
            assert!(!fixture.knows(tokens).await && !knows(&another, tokens).await, "{event:?}");
            assert!(fixture.refresh(tokens).await.is_err(), "{event:?}");
        }
        assert!(fixture.knows(&fixture.login("bob").await).await, "a new login is another matter");
    }
}
