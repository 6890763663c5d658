use std::{sync::Arc, time::Duration};

use tokio::sync::Barrier;
use usher_domain::{
    Action, Actor, ClientInfo, FaultCode, Outcome, Principal, Revocation, RevokeReason, SessionId, UserScope,
    UserStatus,
};
use usher_service::{AuthError, HashAlgorithm, LoginRequest, UserDraft};
use usher_storage::{UserQueries, UsersStorageBackend};

use crate::fixture::{Fixture, PASSWORD, draft, password, request};

async fn refused(fixture: &Fixture, request: &LoginRequest) -> AuthError {
    fixture.auth.login(request, &ClientInfo::default()).await.unwrap_err()
}

#[tokio::test]
async fn somebody_signs_in_by_name_or_address_however_they_are_spelt() {
    let fixture = Fixture::new().await;
    let draft = UserDraft { email: Some("Bob@Example.org".to_owned()), ..draft("Bob.Smith") };
    let bob = fixture.users.create_user(&Actor::system(), draft).await.unwrap();
    for identifier in ["Bob.Smith", "bob.smith", "bob@example.org", "BOB@EXAMPLE.ORG"] {
        let login = fixture.auth.login(&request(identifier, PASSWORD), &ClientInfo::default()).await.unwrap();
        assert_eq!(login.user.id, bob.id, "{identifier}");
        assert!(login.user.last_login_at.is_some());
        let actor = fixture.actor_of(&login).await;
        assert!(matches!(actor.principal(), Principal::User { session, .. } if *session == login.access.session));
    }
}

/// Proves: LG-01, LG-02
#[tokio::test]
async fn unknown_wrong_deactivated_and_deleted_cost_one_hash_and_are_told_alike() {
    let fixture = Fixture::new().await;
    fixture.user("wrong").await;
    let deactivated = fixture.user("deactivated").await;
    fixture.set_status(deactivated.id, |since| UserStatus::Deactivated { since }).await;
    let deleted = fixture.user("deleted").await;
    fixture.set_status(deleted.id, |since| UserStatus::Deleted { since, deactivated_since: None }).await;

    for (identifier, text) in [
        ("wrong", "Not-it-7-times"),
        ("deactivated", PASSWORD),
        ("deleted", PASSWORD),
        ("nobody", PASSWORD),
        ("nobody@example.org", PASSWORD),
        ("no name at all!", PASSWORD),
        ("wrong", "with\0nul"),
    ] {
        let (work, entries) = (fixture.hasher.stats().work, fixture.log().await.len());
        let error = refused(&fixture, &request(identifier, text)).await;
        assert!(matches!(error, AuthError::InvalidCredentials), "{identifier}");
        assert_eq!(fixture.hasher.stats().work, work + 16, "{identifier}: one hash of cost 4");
        assert_eq!(fixture.log().await.len(), entries + 1, "{identifier}: one write");
    }
}

/// Proves: IN-02
#[tokio::test]
async fn an_oversized_identifier_costs_no_hash() {
    let fixture = Fixture::new().await;
    let work = fixture.hasher.stats().work;
    let error = refused(&fixture, &request(&"a".repeat(255), PASSWORD)).await;
    let AuthError::Invalid(error) = error else { panic!("{error:?}") };
    assert_eq!(error.faults().first().map(|fault| fault.code), Some(FaultCode::TooLong));
    assert_eq!(fixture.hasher.stats().work, work);
}

/// Proves: OP-07
#[tokio::test]
async fn an_unknown_name_is_written_down_as_a_keyed_digest_only() {
    let fixture = Fixture::new().await;
    for _ in 0..2 {
        refused(&fixture, &request("MySecretPassword", "oops")).await;
    }
    refused(&fixture, &request("another", "oops")).await;
    let log = fixture.log().await;
    assert!(!format!("{log:?}").to_lowercase().contains("mysecretpassword"));
    let digests: Vec<_> = log.iter().map(|entry| entry.details.fields()["identifier_digest"].clone()).collect();
    assert_eq!(digests[0], digests[1], "the same name can be recognised");
    assert_ne!(digests[0], digests[2]);
    assert!(log.iter().all(|entry| entry.outcome == Outcome::Failure && entry.subject.is_none()));
}

#[tokio::test]
async fn a_known_name_with_a_wrong_password_is_written_down_with_its_account() {
    let fixture = Fixture::new().await;
    let bob = fixture.user("bob").await;
    refused(&fixture, &request("bob", "Not-it-7-times")).await;
    let entry = fixture.log().await.pop().unwrap();
    assert_eq!((entry.action, entry.outcome, entry.subject), (Action::AuthLogin, Outcome::Failure, Some(bob.id)));
    assert!(entry.actor.is_none(), "nobody knows who tried");
}

/// Proves: PW-11
#[tokio::test]
async fn the_login_that_verified_an_outdated_hash_replaces_it() {
    let fixture = Fixture::new().await;
    let bob = fixture.user("bob").await;
    let stored = async || fixture.backend.user_by_id(bob.id, UserScope::Existing).await.unwrap().unwrap();
    let old = stored().await;

    let dearer = fixture.hashing_with(HashAlgorithm::Bcrypt { cost: 5 });
    assert!(dearer.login(&request("bob", "Not-it-7-times"), &ClientInfo::default()).await.is_err());
    assert_eq!(stored().await.password_hash, old.password_hash, "a failed login replaces nothing");
    dearer.login(&request("bob", PASSWORD), &ClientInfo::default()).await.unwrap();
    let new = stored().await;
    assert_ne!(new.password_hash, old.password_hash);
    assert_eq!((new.token_epoch, new.user.version), (old.token_epoch, old.user.version));
    dearer.login(&request("bob", PASSWORD), &ClientInfo::default()).await.unwrap();
    assert_eq!(stored().await.password_hash, new.password_hash, "once is enough");
}

/// Proves: PW-11
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_logins_that_upgrade_one_hash_all_succeed() {
    for _ in 0..10 {
        let fixture = Fixture::new().await;
        fixture.user("bob").await;
        let dearer = fixture.hashing_with(HashAlgorithm::Bcrypt { cost: 5 });
        let barrier = Arc::new(Barrier::new(2));
        let logins: Vec<_> = (0..2)
            .map(|_| {
                let (auth, barrier) = (dearer.clone(), barrier.clone());
                tokio::spawn(async move {
                    barrier.wait().await;
                    auth.login(&request("bob", PASSWORD), &ClientInfo::default()).await
                })
            })
            .collect();
        for login in logins {
            login.await.unwrap().unwrap();
        }
    }
}

/// Proves: JW-17
#[tokio::test]
async fn an_access_token_dies_with_its_session_its_account_or_its_epoch() {
    let fixture = Fixture::new().await;
    let bob = fixture.user("bob").await;
    let authenticate = async |token: &str| fixture.auth.authenticate(token, ClientInfo::default()).await;
    let another_process_is_noticed = || fixture.clock.advance(Duration::from_secs(1));

    let login = fixture.login("bob").await;
    let token = login.access.token.expose();
    assert!(authenticate(token).await.is_ok());
    let at = fixture.environment.clock.now();
    let transaction = fixture.backend.begin().await.unwrap();
    assert!(
        transaction
            .session_revoke(login.access.session, Revocation { at, reason: RevokeReason::Logout })
            .await
            .unwrap()
    );
    assert!(authenticate(token).await.is_ok(), "not before it is committed");
    transaction.commit().await.unwrap();
    another_process_is_noticed();
    assert!(matches!(authenticate(token).await, Err(AuthError::Unauthenticated)), "session");

    let login = fixture.login("bob").await;
    let transaction = fixture.backend.begin().await.unwrap();
    transaction.user_set_roles(bob.id, &[], at).await.unwrap();
    transaction.commit().await.unwrap();
    another_process_is_noticed();
    assert!(matches!(authenticate(login.access.token.expose()).await, Err(AuthError::Unauthenticated)), "epoch");

    let login = fixture.login("bob").await;
    fixture.set_status(bob.id, |since| UserStatus::Deactivated { since }).await;
    assert!(matches!(authenticate(login.access.token.expose()).await, Err(AuthError::Unauthenticated)), "account");

    fixture.set_status(bob.id, |_| UserStatus::Active).await;
    let login = fixture.login("bob").await;
    fixture.clock.advance(Duration::from_secs(15 * 60 + 6));
    assert!(matches!(authenticate(login.access.token.expose()).await, Err(AuthError::Unauthenticated)), "time");
}

/// Proves: RT-09
#[tokio::test]
async fn every_login_is_a_session_of_its_own() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let (one, two) = (fixture.login("bob").await, fixture.login("bob").await);
    assert_ne!(one.access.session, two.access.session);
}

#[tokio::test]
async fn a_token_for_a_session_that_never_was_is_refused() {
    let fixture = Fixture::new().await;
    let bob = fixture.user("bob").await;
    let account = fixture.backend.user_by_id(bob.id, UserScope::Existing).await.unwrap().unwrap();
    let session = SessionId::generate(&*fixture.environment.ids);
    let token = fixture.auth.access_token(&account, session).await.unwrap();
    let refused = fixture.auth.authenticate(token.token.expose(), ClientInfo::default()).await;
    assert!(matches!(refused, Err(AuthError::Unauthenticated)));
}

#[tokio::test]
async fn the_default_password_works_only_on_the_machine_itself() {
    let fixture = Fixture::new().await;
    let username = usher_domain::Username::parse("admin").unwrap();
    let admin = usher_service::BootstrapAdmin { username, password: password("admin") };
    fixture.users.ensure_default_admin(admin).await.unwrap();

    let proxied = ClientInfo::default().forwarded(true);
    let login = fixture.auth.login(&request("admin", "admin"), &proxied).await;
    assert!(matches!(login, Err(AuthError::DefaultPasswordFromElsewhere)));
    let wrong = fixture.auth.login(&request("nobody", "admin"), &proxied).await;
    assert!(matches!(wrong, Err(AuthError::InvalidCredentials)), "told only to whom knows it");
    assert!(fixture.auth.login(&request("admin", "admin"), &ClientInfo::default()).await.is_ok());
}

/// Proves: JW-14
#[tokio::test]
async fn a_token_tells_other_services_what_its_owner_may_do_and_nothing_more() {
    let fixture = Fixture::new().await;
    fixture.user_with_role("root", "admin").await;
    let restricted =
        UserDraft { must_change_password: Some(true), roles: Some(vec!["admin".to_owned()]), ..draft("new") };
    let restricted = UserDraft { email: Some("new@example.org".to_owned()), ..restricted };
    fixture.users.create_user(&Actor::system(), restricted).await.unwrap();

    let root = claims(&fixture.login("root").await);
    assert_eq!(root["roles"], serde_json::json!(["admin"]));
    assert_eq!(root["permissions"].as_array().unwrap().len(), 8, "every permission by name, never a wildcard");
    let new = claims(&fixture.login("new").await);
    assert_eq!((&new["roles"], &new["permissions"]), (&serde_json::json!([]), &serde_json::json!([])));

    let names: Vec<_> = new.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["aud", "exp", "iat", "iss", "jti", "nbf", "permissions", "roles", "sid", "sub", "username", "ver"]
    );
}

pub(crate) fn claims(login: &usher_service::Tokens) -> serde_json::Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let payload = login.access.token.expose().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
