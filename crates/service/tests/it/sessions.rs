//! Sessions as their owners and administrators see and end them.

use std::time::Duration;

use serde_json::json;
use usher_domain::{Action, Actor, ClientInfo, Denied, Revocation, RevokeReason, SessionId, UserId};
use usher_service::{SessionsError, Tokens};

use crate::{
    fixture::{Fixture, PASSWORD, password, request},
    users::add_role,
};

const DAY: Duration = Duration::from_secs(24 * 3_600);

async fn listed(fixture: &Fixture, actor: &Actor, user: UserId) -> Result<Vec<SessionId>, SessionsError> {
    let sessions = fixture.sessions.list(actor, user).await?;
    Ok(sessions.into_iter().map(|session| session.id).collect())
}

fn is_forbidden<T>(answer: &Result<T, SessionsError>) -> bool {
    matches!(answer, Err(SessionsError::Denied(Denied::Forbidden)))
}

fn is_not_found<T>(answer: &Result<T, SessionsError>) -> bool {
    matches!(answer, Err(SessionsError::NotFound))
}

async fn reason(fixture: &Fixture, tokens: &Tokens) -> Option<RevokeReason> {
    fixture.session(tokens.access.session).await.revoked.map(|revocation| revocation.reason)
}

/// Somebody who must change his password, signed in.
async fn restricted(fixture: &Fixture, name: &str) -> Actor {
    let id = fixture.user_with_role(name, "admin").await.id;
    fixture.users.set_password(&Actor::system(), id, password("Another-7-word")).await.unwrap();
    let login = fixture.auth.login(&request(name, "Another-7-word"), &ClientInfo::default()).await.unwrap();
    fixture.actor_of(&login).await
}

/// Proves: RT-11
#[tokio::test]
async fn everybody_sees_his_live_sessions_the_latest_used_first() {
    let fixture = Fixture::new().await;
    let bob = fixture.user("bob").await.id;
    fixture.user("carol").await;
    fixture.login("bob").await;
    fixture.clock.advance(DAY * 14);
    let client = ClientInfo::new(Some([192, 0, 2, 7].into()), Some("a browser"), None);
    let first = fixture.auth.login(&request("bob", PASSWORD), &client).await.unwrap();
    let second = fixture.login("bob").await;
    let ended = fixture.login("bob").await;
    fixture.login("carol").await;
    fixture.sessions.end(&fixture.actor_of(&ended).await, ended.access.session).await.unwrap();

    let actor = fixture.actor_of(&second).await;
    let [one, two] = [&first, &second].map(|tokens| tokens.access.session);
    assert_eq!(listed(&fixture, &actor, bob).await.unwrap(), [two, one], "neither the idle one nor the ended one");
    fixture.clock.advance(Duration::from_secs(60));
    fixture.refresh(&first).await.unwrap();
    let sessions = fixture.sessions.list(&actor, bob).await.unwrap();
    assert_eq!(sessions, [fixture.session(one).await, fixture.session(two).await]);
    assert_eq!((sessions[0].ip, sessions[0].user_agent.as_deref()), (client.ip, Some("a browser")));
}

/// Proves: RT-11
#[tokio::test]
async fn the_sessions_of_others_are_for_those_who_may_read_users() {
    let fixture = Fixture::new().await;
    add_role(&fixture, "reader", &["users:read"]).await;
    fixture.user_with_role("rita", "reader").await;
    fixture.user_with_role("root", "admin").await;
    let bob = fixture.user("bob").await.id;
    let login = fixture.login("bob").await;
    let [reader, root, nobody] = [fixture.actor("rita").await, fixture.actor("root").await, fixture.actor("bob").await];
    let id = nobody.session().unwrap();
    for actor in [&reader, &root, &Actor::system()] {
        assert_eq!(listed(&fixture, actor, bob).await.unwrap(), [id, login.access.session]);
    }
    let unknown = UserId::generate(&*fixture.environment.ids);
    assert!(is_not_found(&listed(&fixture, &reader, unknown).await));
    for other in [reader.user_id().unwrap(), unknown] {
        assert!(is_forbidden(&listed(&fixture, &nobody, other).await), "whether there is one is not told");
    }
    fixture.users.delete_user(&root, bob, None).await.unwrap();
    assert!(is_not_found(&listed(&fixture, &reader, bob).await), "deleted accounts are for those who may delete");
    assert!(listed(&fixture, &root, bob).await.unwrap().is_empty());
}

/// Proves: RT-11, JW-17
#[tokio::test]
async fn everybody_ends_his_own_sessions_and_no_others() {
    let fixture = Fixture::new().await;
    let bob = fixture.user("bob").await.id;
    fixture.user_with_role("root", "admin").await;
    let (here, there) = (fixture.login("bob").await, fixture.login("bob").await);
    let roots = fixture.login("root").await;
    let [actor, root] = [fixture.actor_of(&here).await, fixture.actor_of(&roots).await];
    let end = async |actor: &Actor, tokens: &Tokens| fixture.sessions.end(actor, tokens.access.session).await;

    assert!(is_not_found(&end(&actor, &roots).await));
    assert!(is_not_found(&end(&root, &there).await), "whatever he may do: this is for one's own");
    assert!(is_not_found(&end(&Actor::system(), &there).await));
    let unknown = SessionId::generate(&*fixture.environment.ids);
    assert!(is_not_found(&fixture.sessions.end(&actor, unknown).await));
    assert_eq!(fixture.logged(Action::SessionRevoked).await, 0);

    assert!(fixture.knows(&there).await);
    end(&actor, &there).await.unwrap();
    assert!(!fixture.knows(&there).await && fixture.knows(&here).await);
    assert!(is_not_found(&end(&actor, &there).await), "there is nothing left to end");
    let entry = fixture.log().await.pop().unwrap();
    assert_eq!((entry.action, entry.actor, entry.subject), (Action::SessionRevoked, Some(bob), Some(bob)));
    let details = json!({ "session_id": there.access.session.to_string() });
    assert_eq!(serde_json::to_value(&entry.details).unwrap(), details);
    let ended = fixture.session(there.access.session).await.revoked;
    assert_eq!(ended, Some(Revocation { at: entry.occurred_at, reason: RevokeReason::EndedByOwner }));

    end(&actor, &here).await.unwrap();
    assert!(!fixture.knows(&here).await, "also the one that he acts through");
    assert_eq!(fixture.logged(Action::SessionRevoked).await, 2);
    assert!(fixture.knows(&roots).await);
}

#[tokio::test]
async fn a_session_that_is_over_cannot_be_ended() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let over = fixture.login("bob").await;
    fixture.clock.advance(DAY * 14);
    let actor = fixture.actor("bob").await;
    assert!(is_not_found(&fixture.sessions.end(&actor, over.access.session).await));
    assert_eq!(reason(&fixture, &over).await, None);
}

/// Proves: RT-11, AZ-06
#[tokio::test]
async fn an_administrator_ends_all_sessions_of_whom_he_covers() {
    let fixture = Fixture::new().await;
    add_role(&fixture, "clerk", &["users:read", "users:write"]).await;
    add_role(&fixture, "auditor", &["activity:read"]).await;
    let clara = fixture.user_with_role("clara", "clerk").await.id;
    let otto = fixture.user_with_role("otto", "auditor").await.id;
    let bob = fixture.user("bob").await.id;
    let [one, two] = [fixture.login("bob").await, fixture.login("bob").await];
    let [clerks, ottos] = [fixture.login("clara").await, fixture.login("otto").await];
    let [clerk, nobody] = [fixture.actor_of(&clerks).await, fixture.actor_of(&one).await];
    let sessions = &fixture.sessions;

    for user in [otto, bob, UserId::generate(&*fixture.environment.ids)] {
        assert!(is_forbidden(&sessions.end_all(&nobody, user).await), "not even his own, this way");
    }
    assert!(is_forbidden(&sessions.end_all(&clerk, otto).await), "he may read the activity log, she may not");
    assert!(is_not_found(&sessions.end_all(&clerk, UserId::generate(&*fixture.environment.ids)).await));
    for tokens in [&one, &two, &clerks, &ottos] {
        assert!(fixture.knows(tokens).await);
    }
    for _ in 0..2 {
        sessions.end_all(&clerk, bob).await.unwrap();
        assert!(!fixture.knows(&one).await && !fixture.knows(&two).await);
    }
    assert_eq!(reason(&fixture, &one).await, Some(RevokeReason::EndedByAdmin));
    assert_eq!(fixture.logged(Action::SessionRevoked).await, 1, "once: then there were none left");
    let entry = fixture.log().await.pop().unwrap();
    assert_eq!((entry.actor, entry.subject), (Some(clara), Some(bob)));
    assert_eq!(serde_json::to_value(&entry.details).unwrap(), json!({ "sessions": 2 }));

    sessions.end_all(&clerk, clara).await.unwrap();
    assert!(!fixture.knows(&clerks).await, "her own as well");
    assert!(fixture.knows(&ottos).await);
}

#[tokio::test]
async fn whoever_must_change_his_password_neither_sees_nor_ends_sessions() {
    let fixture = Fixture::new().await;
    let bob = fixture.user("bob").await.id;
    let root = restricted(&fixture, "root").await;
    let (id, session) = (root.user_id().unwrap(), root.session().unwrap());
    let sessions = &fixture.sessions;
    let refused = [
        sessions.list(&root, id).await.map(drop),
        sessions.list(&root, bob).await.map(drop),
        sessions.end(&root, session).await,
        sessions.end_all(&root, bob).await,
        sessions.end_all(&root, id).await,
    ];
    for one in refused {
        assert!(matches!(one, Err(SessionsError::Denied(Denied::PasswordChangeRequired))), "{one:?}");
    }
}

#[tokio::test]
async fn everybodys_sessions_are_ended_by_the_system_alone() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    fixture.user_with_role("root", "admin").await;
    let [bobs, roots] = [fixture.login("bob").await, fixture.login("root").await];
    let root = fixture.actor_of(&roots).await;
    assert!(is_forbidden(&fixture.sessions.end_everybodys(&root).await));
    assert_eq!(fixture.sessions.end_everybodys(&Actor::system()).await.unwrap(), 2);
    for tokens in [&bobs, &roots] {
        assert_eq!(reason(&fixture, tokens).await, Some(RevokeReason::MasterKeyChanged));
        assert!(fixture.refresh(tokens).await.is_err());
    }
    assert_eq!(fixture.sessions.end_everybodys(&Actor::system()).await.unwrap(), 0);
}
