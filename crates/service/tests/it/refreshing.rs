//! Renewing a session, as it should go.

use std::time::Duration;

use serde_json::json;
use usher_domain::{Actor, ClientInfo, Clock, Revocation, RevokeReason, Session, SessionId, UserStatus, permissions};
use usher_service::{AuthError, AuthSettings, Tokens, UserPatch};

use crate::{
    auth::claims,
    fixture::{Fixture, PASSWORD, knows, request},
    users::add_role,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The session as it rests, and the refresh token that is made from it.
async fn made_from_row(fixture: &Fixture, id: SessionId) -> (Session, String) {
    let session = fixture.session(id).await;
    let token = fixture.tokens.refresh_token(&session).unwrap();
    (session, token.token.expose().to_owned())
}

fn is_invalid(refreshed: &Result<Tokens, AuthError>) -> bool {
    matches!(refreshed, Err(AuthError::RefreshTokenInvalid))
}

/// Proves: RT-02
#[tokio::test]
async fn a_refresh_gives_the_next_tokens_of_the_same_session() {
    let fixture = Fixture::new().await;
    let bob = fixture.user("bob").await;
    let login = fixture.login("bob").await;
    let opened = fixture.session(login.access.session).await;
    fixture.clock.advance(Duration::from_secs(600));
    let next = fixture.refresh(&login).await.unwrap();

    let now = fixture.clock.now();
    let renewed =
        Session { generation: 1, rotated_at: now, last_used_at: now, idle_expires_at: now + DAY * 14, ..opened };
    assert_eq!(fixture.session(next.access.session).await, renewed);
    assert_eq!((next.user.id, next.access.session), (bob.id, login.access.session));
    assert_ne!(next.refresh.token.expose(), login.refresh.token.expose());
    assert_ne!(claims(&next)["jti"], claims(&login)["jti"]);
    assert_eq!(next.refresh.expires_in, DAY * 14);
    assert!(fixture.knows(&next).await);
    assert!(fixture.knows(&login).await, "an access token is good to its end");
    assert!(fixture.refresh(&next).await.is_ok());
}

/// Proves: RT-02
#[tokio::test]
async fn a_refresh_costs_one_read_and_one_write() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let login = fixture.login("bob").await;
    fixture.backend.asked();
    fixture.refresh(&login).await.unwrap();
    assert_eq!(fixture.backend.asked(), ["session_with_user", "begin", "session_rotate", "commit"]);
    fixture.refresh(&login).await.unwrap();
    assert_eq!(fixture.backend.asked(), ["session_with_user"], "the same successor again is not written");
}

#[tokio::test]
async fn a_refresh_token_is_made_from_the_row_of_its_session_and_nothing_else() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let login = fixture.login("bob").await;
    let (session, first) = made_from_row(&fixture, login.access.session).await;
    assert_eq!(login.refresh.token.expose(), first);

    fixture.clock.advance(DAY);
    assert_eq!(made_from_row(&fixture, session.id).await.1, first, "whenever it is made");
    let next = fixture.refresh(&login).await.unwrap();
    let (_, second) = made_from_row(&fixture, session.id).await;
    assert_eq!(next.refresh.token.expose(), second);
    assert_ne!(first, second);
}

/// Proves: RT-17
#[tokio::test]
async fn a_refresh_reads_roles_names_and_epoch_anew() {
    let fixture = Fixture::new().await;
    add_role(&fixture, "reader", &["users:read"]).await;
    let bob = fixture.user("bob").await;
    let login = fixture.login("bob").await;
    fixture.users.set_roles(&Actor::system(), bob.id, &["reader".to_owned()], None).await.unwrap();
    let renamed = UserPatch { username: Some("robert".to_owned()), ..UserPatch::default() };
    fixture.users.update_user(&Actor::system(), bob.id, renamed, None).await.unwrap();
    assert!(!fixture.knows(&login).await);

    let next = fixture.refresh(&login).await.unwrap();
    let claims = claims(&next);
    assert_eq!(claims["ver"], 1);
    assert_eq!(claims["username"], "robert");
    assert_eq!((&claims["roles"], &claims["permissions"]), (&json!(["reader"]), &json!(["users:read"])));
    let actor = fixture.actor_of(&next).await;
    assert_eq!(actor.require(&permissions::USERS_READ), Ok(()));
}

/// Proves: RT-13, RT-17
#[tokio::test]
async fn nobody_refreshes_who_was_deactivated_or_deleted_or_is_again_active() {
    let fixture = Fixture::new().await;
    let system = Actor::system();
    for delete in [false, true] {
        let name = if delete { "deleted" } else { "deactivated" };
        let id = fixture.user(name).await.id;
        let login = fixture.login(name).await;
        let reason = if delete {
            fixture.users.delete_user(&system, id, None).await.unwrap();
            RevokeReason::Deleted
        } else {
            fixture.users.deactivate_user(&system, id, None).await.unwrap();
            RevokeReason::Deactivated
        };
        assert!(is_invalid(&fixture.refresh(&login).await), "{name}");
        let ended = fixture.session(login.access.session).await;
        assert_eq!(ended.revoked, Some(Revocation { at: fixture.clock.now(), reason }));
        if delete {
            fixture.users.restore_user(&system, id, None).await.unwrap();
        } else {
            fixture.users.activate_user(&system, id, None).await.unwrap();
        }
        assert!(is_invalid(&fixture.refresh(&login).await), "{name}, and back again");
        assert!(fixture.refresh(&fixture.login(name).await).await.is_ok(), "a new login is another matter");
    }
}

/// Proves: RT-17
#[tokio::test]
async fn a_status_is_read_even_where_no_session_was_ended_with_it() {
    let fixture = Fixture::new().await;
    let bob = fixture.user("bob").await;
    let login = fixture.login("bob").await;
    let before = fixture.session(login.access.session).await;
    fixture.set_status(bob.id, |since| UserStatus::Deactivated { since }).await;
    assert!(is_invalid(&fixture.refresh(&login).await));
    assert_eq!(fixture.session(login.access.session).await, before, "nothing was rotated");
}

/// Proves: RT-08
#[tokio::test]
async fn a_session_that_is_not_used_for_14_days_has_ended() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let (used, unused) = (fixture.login("bob").await, fixture.login("bob").await);
    assert_eq!(used.refresh.expires_in, DAY * 14);
    fixture.clock.advance(DAY * 14 - Duration::from_secs(1));
    let used = fixture.refresh(&used).await.unwrap();
    fixture.clock.advance(Duration::from_secs(1));
    assert!(is_invalid(&fixture.refresh(&unused).await));
    assert!(fixture.refresh(&used).await.is_ok());
}

/// Proves: RT-08
#[tokio::test]
async fn a_session_ends_after_30_days_however_much_it_is_used() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let mut tokens = fixture.login("bob").await;
    for days_left in [20, 10] {
        fixture.clock.advance(DAY * 10);
        tokens = fixture.refresh(&tokens).await.unwrap();
        assert_eq!(tokens.refresh.expires_in, DAY * days_left.min(14));
    }
    fixture.clock.advance(DAY * 10 - Duration::from_secs(60));
    tokens = fixture.refresh(&tokens).await.unwrap();
    assert_eq!(tokens.refresh.expires_in, Duration::from_secs(60));
    assert!(fixture.knows(&tokens).await);
    fixture.clock.advance(Duration::from_secs(60));
    assert!(is_invalid(&fixture.refresh(&tokens).await));
    assert!(!fixture.knows(&tokens).await, "nor does its access token outlive it");
}

/// Proves: RT-08
#[tokio::test]
async fn how_long_a_session_lasts_can_be_set() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let minutes = |count: u64| Duration::from_secs(count * 60);
    for (idle, absolute, expected) in [(5, 30, 5), (30, 5, 5)] {
        let auth = fixture.auth_with(AuthSettings {
            refresh_idle_ttl: minutes(idle),
            refresh_absolute_ttl: minutes(absolute),
            ..AuthSettings::default()
        });
        let login = auth.login(&request("bob", PASSWORD), &ClientInfo::default()).await.unwrap();
        assert_eq!(login.refresh.expires_in, minutes(expected), "idle is never longer than all of it");
        fixture.clock.advance(minutes(expected) - Duration::from_micros(1));
        assert!(knows(&auth, &login).await);
        fixture.clock.advance(Duration::from_micros(1));
        assert!(!knows(&auth, &login).await, "shorter than an access token lives, too");
        assert!(is_invalid(&auth.refresh(&login.refresh.token, &ClientInfo::default()).await));
    }
}

#[tokio::test]
async fn a_token_that_its_session_never_had_is_invalid_and_ends_nothing() {
    let fixture = Fixture::new().await;
    let carol = fixture.user("carol").await;
    fixture.user("bob").await;
    let login = fixture.login("bob").await;
    let session = fixture.session(login.access.session).await;
    let unknown = SessionId::generate(&*fixture.environment.ids);
    for never in [
        Session { generation: 1, ..session.clone() },
        Session { generation: u32::MAX, ..session.clone() },
        Session { user_id: carol.id, ..session.clone() },
        Session { id: unknown, ..session.clone() },
    ] {
        let token = fixture.tokens.refresh_token(&never).unwrap().token;
        let refused = fixture.auth.refresh(&token, &ClientInfo::default()).await;
        assert!(is_invalid(&refused), "{never:?}");
    }
    assert_eq!(fixture.session(session.id).await, session);
    assert!(fixture.refresh(&login).await.is_ok());
}
