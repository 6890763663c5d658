//! Accounts that people make for themselves, and leave.

use usher_domain::{Action, ClientInfo, FaultCode, RoleName, UserScope, UserStatus};
use usher_service::{AuthError, Limits, RegistrationError, SignUp, UsersError};
use usher_storage::UserQueries;

use crate::fixture::{Fixture, PASSWORD, made, password, request};

pub(crate) fn wish(username: &str) -> SignUp {
    SignUp { username: username.to_owned(), password: Some(password(PASSWORD)), email: None, full_name: None }
}

#[tokio::test]
async fn whoever_signs_up_is_signed_in() {
    let fixture = Fixture::new().await;
    let doors = fixture.doors(Limits::OFF);
    let full =
        SignUp { email: Some("Ada@Example.org".to_owned()), full_name: Some("Ada Lovelace".to_owned()), ..wish("Ada") };
    let tokens = made(doors.registration.sign_up(full, None, &ClientInfo::default()).await.unwrap());
    assert_eq!(tokens.user.roles, [RoleName::USER]);
    assert!(!tokens.user.must_change_password && tokens.user.email_verified_at.is_none());
    assert!(tokens.user.last_login_at.is_some());
    let actor = doors.auth.authenticate(tokens.access.token.expose(), ClientInfo::default()).await.unwrap();
    assert!(actor.is(tokens.user.id));
    doors.auth.refresh(&tokens.refresh.token, &ClientInfo::default()).await.unwrap();
    doors.auth.login(&request("ada@example.org", PASSWORD), &ClientInfo::default()).await.unwrap();

    let log = fixture.log().await;
    let actions: Vec<_> = log.iter().map(|entry| (entry.action, entry.actor, entry.subject)).collect();
    let ada = Some(tokens.user.id);
    assert_eq!(actions[..2], [(Action::UserSignedUp, ada, ada), (Action::AuthLogin, ada, ada)]);
}

/// Proves: ID-02, ID-03, ID-05
#[tokio::test]
async fn a_wish_is_refused_with_all_that_is_wrong_with_it() {
    let fixture = Fixture::new().await;
    let doors = fixture.doors(Limits::OFF);
    let faulty = SignUp {
        username: "Admin".to_owned(),
        password: Some(password("short")),
        email: Some("nowhere".to_owned()),
        full_name: Some("<b>".to_owned()),
    };
    let refused = doors.registration.sign_up(faulty, None, &ClientInfo::default()).await.unwrap_err();
    let RegistrationError::Account(UsersError::Invalid(faults)) = refused else { panic!("{refused:?}") };
    for field in ["username", "password", "email", "full_name"] {
        assert!(faults.has(field), "{field}: {faults:?}");
    }
    assert!(faults.faults().iter().any(|fault| fault.code == FaultCode::Reserved));
    for look_alike in ["\u{430}dmin", "ａｄｍｉｎ", "ad min", "a@b", "ro\u{301}ot"] {
        let refused = doors.registration.sign_up(wish(look_alike), None, &ClientInfo::default()).await.unwrap_err();
        assert!(matches!(refused, RegistrationError::Account(UsersError::Invalid(_))), "{look_alike}");
    }
}

/// Proves: ID-01
#[tokio::test]
async fn a_name_that_is_taken_is_refused_however_it_is_spelt() {
    let fixture = Fixture::new().await;
    let doors = fixture.doors(Limits::OFF);
    let with_email = |name: &str, email: &str| SignUp { email: Some(email.to_owned()), ..wish(name) };
    let sign_up = async |wish: SignUp| doors.registration.register(wish, &ClientInfo::default()).await;
    sign_up(with_email("ada", "ada@example.org")).await.unwrap();
    let taken = sign_up(wish("ADA")).await.unwrap_err();
    assert!(matches!(taken, RegistrationError::Account(UsersError::UsernameTaken)), "{taken:?}");
    let taken = sign_up(with_email("bob", "ADA@Example.ORG")).await.unwrap_err();
    assert!(matches!(taken, RegistrationError::Account(UsersError::EmailTaken)), "{taken:?}");
    assert_eq!(fixture.log().await.len(), 1, "what was refused left nothing");
}

/// Proves: ID-10
#[tokio::test]
async fn a_failure_half_way_leaves_nothing() {
    for step in ["user_insert", "user_record_login", "session_insert", "activity_append", "commit"] {
        let fixture = Fixture::new().await;
        let doors = fixture.doors(Limits::OFF);
        fixture.backend.fail_at(step);
        let refused = doors.registration.sign_up(wish("ada"), None, &ClientInfo::default()).await.unwrap_err();
        assert!(
            matches!(refused, RegistrationError::Failure(_) | RegistrationError::Session(AuthError::Failure(_))),
            "{step}: {refused:?}"
        );
        fixture.backend.heal();
        assert_eq!(fixture.log().await, [], "{step}");
        doors.registration.sign_up(wish("ada"), None, &ClientInfo::default()).await.unwrap();
    }
}

/// Proves: ID-06, ID-07
#[tokio::test]
async fn whoever_leaves_cannot_come_back_in_and_his_name_stays_his() {
    let fixture = Fixture::new().await;
    let doors = fixture.doors(Limits::OFF);
    let tokens = made(doors.registration.sign_up(wish("ada"), None, &ClientInfo::default()).await.unwrap());
    let ada = doors.auth.authenticate(tokens.access.token.expose(), ClientInfo::default()).await.unwrap();
    let refused = doors.users.delete_own_account(&ada, password("Not-it-7-times"), None).await;
    assert!(matches!(refused, Err(UsersError::CurrentPasswordIncorrect)));
    let work = fixture.hasher.stats().work;
    let refused = doors.users.delete_own_account(&ada, password(PASSWORD), Some(7)).await;
    assert!(matches!(refused, Err(UsersError::VersionMismatch)));
    assert_eq!(fixture.hasher.stats().work, work, "before anything is hashed");
    doors.users.delete_own_account(&ada, password(PASSWORD), Some(1)).await.unwrap();

    let stored = fixture.backend.user_by_id(tokens.user.id, UserScope::WithDeleted).await.unwrap().unwrap();
    assert!(matches!(stored.user.status, UserStatus::Deleted { deactivated_since: None, .. }));
    let token = tokens.access.token.expose();
    assert!(matches!(doors.auth.authenticate(token, ClientInfo::default()).await, Err(AuthError::Unauthenticated)));
    let refreshed = doors.auth.refresh(&tokens.refresh.token, &ClientInfo::default()).await;
    assert!(matches!(refreshed, Err(AuthError::RefreshTokenInvalid)));
    let login = doors.auth.login(&request("ada", PASSWORD), &ClientInfo::default()).await;
    assert!(matches!(login, Err(AuthError::InvalidCredentials)));
    let again = doors.registration.sign_up(wish("ada"), None, &ClientInfo::default()).await.unwrap_err();
    assert!(matches!(again, RegistrationError::Account(UsersError::UsernameTaken)));
}

/// Proves: AZ-04
#[tokio::test]
async fn the_last_administrator_cannot_leave() {
    let fixture = Fixture::new().await;
    let doors = fixture.doors(Limits::OFF);
    fixture.user_with_role("root", "admin").await;
    let root = fixture.actor("root").await;
    let refused = doors.users.delete_own_account(&root, password(PASSWORD), None).await;
    assert!(matches!(refused, Err(UsersError::LastAdmin)));
    fixture.user_with_role("other", "admin").await;
    doors.users.delete_own_account(&root, password(PASSWORD), None).await.unwrap();
}

#[tokio::test]
async fn everything_that_is_kept_about_somebody_is_handed_out_to_him() {
    let fixture = Fixture::new().await;
    let doors = fixture.doors(Limits::OFF);
    let tokens = made(doors.registration.sign_up(wish("ada"), None, &ClientInfo::default()).await.unwrap());
    let ada = doors.auth.authenticate(tokens.access.token.expose(), ClientInfo::default()).await.unwrap();
    for _ in 0..150 {
        doors.auth.login(&request("ada", "Not-it-7-times"), &ClientInfo::default()).await.unwrap_err();
    }
    fixture.user("bob").await;
    let data = doors.users.export_own_data(&ada).await.unwrap();
    assert_eq!((data.user.id, data.sessions.len()), (tokens.user.id, 1));
    assert_eq!(data.activity.len(), 153, "signed up, signed in, 150 times mistyped, asked for this");
    assert_eq!(data.activity[0].action, Action::UserDataExported);
    assert!(data.activity.iter().all(|entry| entry.subject == Some(tokens.user.id)));
}
