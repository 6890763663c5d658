//! Sign-ups whose address is proven first.

use std::{sync::Arc, time::Duration};

use usher_domain::{Action, ClientInfo, FaultCode, MailKind, PlainToken, RoleName, UserScope};
use usher_service::{
    Failure, Limits, MailboxError, RegistrationError, RegistrationMode, SignUp, SignUpOutcome, UsersError,
};
use usher_storage::UserQueries;

use crate::{
    fixture::{PASSWORD, password},
    post::{ADA, NEW_PASSWORD, Post, is_refused, wish},
    throttling::from,
    users::faults,
};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// What stands in the way of an account.
fn fault<T: std::fmt::Debug>(answer: Result<T, MailboxError>) -> UsersError {
    match answer.unwrap_err() {
        MailboxError::Account(fault) => fault,
        other => panic!("{other:?}"),
    }
}

async fn is_free(post: &Post, username: &str) -> bool {
    post.backend.user_by_username(&username.parse().unwrap(), UserScope::WithDeleted).await.unwrap().is_none()
}

/// Proves: ID-08
#[tokio::test]
async fn there_is_no_account_before_its_address_is_proven() {
    let post = Post::new().await;
    let registration = post.registration(RegistrationMode::Verified);
    let full = SignUp { full_name: Some("Ada Lovelace".to_owned()), ..wish("Ada", "Ada@Example.org") };
    let outcome = registration.register(full, &from("192.0.2.1")).await.unwrap();
    assert!(matches!(outcome, SignUpOutcome::Pending));
    let token = post.token(MailKind::SignUp).await;
    assert!(!post.backend.user_any().await.unwrap());
    assert_eq!(post.log().await, []);

    let made = post.mailbox.verify_email(&token, Some(password(NEW_PASSWORD)), &from("192.0.2.7")).await.unwrap();
    assert_eq!((made.username.as_str(), made.email.as_ref().unwrap().as_str()), ("Ada", "Ada@example.org"));
    assert_eq!(made.full_name.as_ref().unwrap().as_str(), "Ada Lovelace");
    assert_eq!((made.email_verified_at, &*made.roles), (Some(post.environment.clock.now()), &[RoleName::USER][..]));
    assert!(!made.must_change_password && made.last_login_at.is_none());
    assert!(post.opens("ada", NEW_PASSWORD).await);
    assert!(is_refused(&post.verify(&token, Some(NEW_PASSWORD)).await), "once");
    let entry = post.log().await.swap_remove(0);
    assert_eq!((entry.action, entry.actor, entry.subject), (Action::UserSignedUp, Some(made.id), Some(made.id)));
    assert_eq!(entry.ip, Some("192.0.2.7".parse().unwrap()));
}

/// Proves: ID-08
#[tokio::test]
async fn a_password_in_the_wish_never_opens_the_account() {
    let post = Post::new().await;
    let with_password = SignUp { password: Some(password(PASSWORD)), ..wish("ada", ADA) };
    let weak = SignUp { password: Some(password("short")), ..wish("ada2", ADA) };
    let registration = post.registration(RegistrationMode::Verified);
    let work = post.hasher.stats().work;
    for wish in [with_password, weak] {
        registration.sign_up(wish, None, &ClientInfo::default()).await.unwrap();
    }
    assert_eq!(post.hasher.stats().work, work, "it is not even hashed");
    post.deliver().await;
    let token = crate::post::token_in(&post.mailer.arrived.mails()[0]);
    let missing = faults(fault(post.verify(&token, None).await));
    assert_eq!(missing, [("password".to_owned(), FaultCode::Required)]);
    post.verify(&token, Some(NEW_PASSWORD)).await.unwrap();
    assert!(post.opens("ada", NEW_PASSWORD).await && !post.opens("ada", PASSWORD).await);
}

/// Proves: RS-10
#[tokio::test]
async fn a_password_that_will_not_do_leaves_the_wish_pending() {
    let post = Post::new().await;
    post.wish("lovelace", "countess@example.org").await;
    let token = post.token(MailKind::SignUp).await;
    for weak in ["short", "Xk7!Lovelace-mN4", "Xk7!Countess-mN4"] {
        let refused = faults(fault(post.verify(&token, Some(weak)).await));
        assert!(refused.iter().all(|(field, _)| field == "password"), "{weak}: {refused:?}");
    }
    assert!(is_free(&post, "lovelace").await);
    post.verify(&token, Some(NEW_PASSWORD)).await.unwrap();
}

/// Proves: ID-08
#[tokio::test]
async fn a_wish_is_pending_for_a_day_to_the_second() {
    for (wait, good) in [(HOUR * 24 - Duration::from_secs(1), true), (HOUR * 24, false)] {
        let post = Post::new().await;
        post.wish("ada", ADA).await;
        let token = post.token(MailKind::SignUp).await;
        post.clock.advance(wait);
        let answer = post.verify(&token, Some(NEW_PASSWORD)).await;
        assert_eq!((answer.is_ok(), is_refused(&answer)), (good, !good), "{wait:?}: {answer:?}");
    }
}

/// Proves: RS-01, ID-07, ID-08
#[tokio::test]
async fn a_wish_does_the_same_whoever_has_the_address_and_its_owner_is_told() {
    let post = Post::new().await;
    let root = post.root().await;
    let ada = post.somebody("ada", "Ada@example.org").await;
    let shut = post.somebody("shut", "shut@example.org").await;
    post.users.deactivate_user(&root, shut.id, None).await.unwrap();
    let gone = post.somebody("gone", "gone@example.org").await;
    post.users.delete_user(&root, gone.id, None).await.unwrap();
    let before = post.log().await.len();
    let addresses = ["free@example.org", "ADA@Example.ORG", "shut@example.org", "gone@example.org"];
    for (n, email) in addresses.into_iter().enumerate() {
        post.backend.asked();
        post.wish(&format!("eve{n}"), email).await;
        let expected = ["user_by_username", "begin", "one_time_token_insert", "mail_insert", "commit"];
        assert_eq!(post.backend.asked(), expected, "{email}");
    }
    assert_eq!(post.log().await.len(), before);
    let expected =
        [("free@example.org".to_owned(), MailKind::SignUp), ("Ada@example.org".to_owned(), MailKind::SignUpTaken)];
    assert_eq!(post.arrived().await, expected, "to the address as it is stored, and nobody else");
    let told = post.mailer.arrived.mails().pop().unwrap();
    assert!(told.text.contains("Hello ada,"));
    assert!(!told.text.contains("eve1") && !told.text.contains("token") && !told.html.contains("token"));
    assert_eq!(post.stored(ada.id).await.user, ada);
}

/// Proves: ID-08
#[tokio::test]
async fn of_two_who_want_a_name_the_first_to_prove_his_address_has_it() {
    let post = Post::new().await;
    post.wish("ada", "first@example.org").await;
    let first = post.token(MailKind::SignUp).await;
    post.wish("ADA", "second@example.org").await;
    let second = post.token(MailKind::SignUp).await;
    let made = post.verify(&second, Some(NEW_PASSWORD)).await.unwrap();
    assert_eq!(made.username.as_str(), "ADA");
    for _ in 0..2 {
        let refused = fault(post.verify(&first, Some(PASSWORD)).await);
        assert!(matches!(refused, UsersError::UsernameTaken), "{refused:?}");
    }
    let renamed =
        usher_service::UserPatch { username: Some("countess".to_owned()), ..usher_service::UserPatch::default() };
    post.users.update_user(&usher_domain::Actor::system(), made.id, renamed, None).await.unwrap();
    assert_eq!(post.verify(&first, Some(PASSWORD)).await.unwrap().username.as_str(), "ada", "the token was still good");
}

/// Proves: ID-08
#[tokio::test]
async fn of_two_wishes_for_an_address_the_first_that_is_proven_has_it() {
    let post = Post::new().await;
    post.wish("ada", ADA).await;
    let first = post.token(MailKind::SignUp).await;
    post.wish("lovelace", ADA).await;
    let second = post.token(MailKind::SignUp).await;
    post.verify(&first, Some(NEW_PASSWORD)).await.unwrap();
    let refused = fault(post.verify(&second, Some(PASSWORD)).await);
    assert!(matches!(refused, UsersError::EmailTaken), "{refused:?}");
    assert!(is_free(&post, "lovelace").await && !post.opens("ada", PASSWORD).await);
}

#[tokio::test]
async fn a_name_that_somebody_has_is_refused_at_once() {
    let post = Post::new().await;
    let root = post.root().await;
    post.ada().await;
    let gone = post.user("gone").await;
    post.users.delete_user(&root, gone.id, None).await.unwrap();
    let registration = post.registration(RegistrationMode::Verified);
    for name in ["ada", "ADA", "gone"] {
        let refused = registration.register(wish(name, "new@example.org"), &ClientInfo::default()).await;
        assert!(matches!(refused, Err(RegistrationError::Account(UsersError::UsernameTaken))), "{name}: {refused:?}");
    }
    assert_eq!(post.queue().await, []);
}

/// Proves: ID-05
#[tokio::test]
async fn all_that_is_wrong_with_a_wish_is_told_at_once() {
    let post = Post::new().await;
    let registration = post.registration(RegistrationMode::Verified);
    let faulty =
        SignUp { username: "admin".to_owned(), password: None, email: None, full_name: Some("<b>".to_owned()) };
    let refused = registration.register(faulty, &ClientInfo::default()).await.unwrap_err();
    let RegistrationError::Account(UsersError::Invalid(told)) = refused else { panic!("{refused:?}") };
    for field in ["username", "email", "full_name"] {
        assert!(told.has(field), "{field}: {told:?}");
    }
    assert!(told.faults().iter().any(|fault| fault.field == "email" && fault.code == FaultCode::Required));
    assert!(!told.has("password"));
}

/// Proves: ID-09
#[tokio::test]
async fn wishes_are_limited_by_network() {
    let post = Post::with(Limits::default()).await;
    let registration = post.registration(RegistrationMode::Verified);
    for n in 0..5 {
        let wish = wish(&format!("user{n}"), &format!("user{n}@example.org"));
        registration.register(wish, &from("192.0.2.1")).await.unwrap();
    }
    let refused = registration.register(wish("more", ADA), &from("192.0.2.1")).await;
    assert!(matches!(refused, Err(RegistrationError::TooManyAttempts { .. })), "{refused:?}");
    registration.register(wish("more", ADA), &from("192.0.2.2")).await.unwrap();
}

/// Proves: ID-10, RS-03
#[tokio::test]
async fn a_sign_up_that_fails_anywhere_leaves_the_token_good_and_no_account() {
    let post = Post::new().await;
    post.wish("ada", ADA).await;
    let token = post.token(MailKind::SignUp).await;
    for step in ["one_time_token_by_hash", "one_time_token_consume", "user_insert", "activity_append", "commit"] {
        post.backend.fail_at(step);
        let failed = post.verify(&token, Some(NEW_PASSWORD)).await;
        assert!(matches!(failed, Err(MailboxError::Failure(Failure::Unavailable(_)))), "{step}: {failed:?}");
        post.backend.heal();
        assert!(is_free(&post, "ada").await && post.log().await.is_empty(), "{step}");
    }
    post.verify(&token, Some(NEW_PASSWORD)).await.unwrap();
}

/// Proves: RS-04
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixteen_confirms_at_once_one_makes_the_account() {
    let post = Arc::new(Post::new().await);
    post.wish("ada", ADA).await;
    let token = post.token(MailKind::SignUp).await;
    post.backend.answer_together("one_time_token_by_hash", 16);
    let confirm = |token: PlainToken| {
        let post = Arc::clone(&post);
        tokio::spawn(async move { post.verify(&token, Some(NEW_PASSWORD)).await })
    };
    let confirms: Vec<_> = (0..16).map(|_| confirm(token.clone())).collect();
    let mut made = 0;
    for confirm in confirms {
        let answer = confirm.await.unwrap();
        assert!(answer.is_ok() || is_refused(&answer), "{answer:?}");
        made += usize::from(answer.is_ok());
    }
    assert_eq!((made, post.logged(Action::UserSignedUp).await), (1, 1));
}
