//! Addresses that an account has, proven by whoever reads their mail.

use std::time::Duration;

use usher_domain::{Action, Actor, ClientInfo, Denied, MailKind, PlainToken};
use usher_service::{Failure, Limits, MailboxError, RegistrationMode, SignUp, UserDraft, UserPatch, UsersError};

use crate::{
    fixture::{PASSWORD, draft, password},
    post::{ADA, NEW_PASSWORD, Post, is_refused, wish},
    throttling::from,
};

const HOUR: Duration = Duration::from_secs(60 * 60);

#[tokio::test]
async fn an_address_is_proven_by_whoever_reads_its_mail() {
    let post = Post::new().await;
    let ada = post.ada().await;
    let login = post.login("ada").await;
    let (other, reset) = (post.verify_token(ADA).await, post.reset_token(ADA).await);
    let token = post.verify_token("ADA@EXAMPLE.ORG").await;
    let proven = post.mailbox.verify_email(&token, None, &from("192.0.2.7")).await.unwrap();
    assert_eq!(proven.email_verified_at, Some(post.environment.clock.now()));
    assert_eq!(post.stored(ada.id).await.user, proven);
    assert!(is_refused(&post.verify(&token, None).await), "once");
    assert!(is_refused(&post.verify(&other, None).await), "and no other for the same");
    assert!(post.knows(&login).await && post.is_good(&reset).await, "nothing else has changed");
    let entry = post.log().await.into_iter().find(|entry| entry.action == Action::EmailVerified).unwrap();
    assert_eq!((entry.actor, entry.subject), (Some(ada.id), Some(ada.id)));
    assert_eq!(entry.ip, Some("192.0.2.7".parse().unwrap()));
}

#[tokio::test]
async fn a_password_that_comes_with_a_proof_means_nothing() {
    let post = Post::new().await;
    post.ada().await;
    let token = post.verify_token(ADA).await;
    post.verify(&token, Some(NEW_PASSWORD)).await.unwrap();
    assert!(post.opens("ada", PASSWORD).await && !post.opens("ada", NEW_PASSWORD).await);
}

#[tokio::test]
async fn a_proof_is_good_for_a_day_to_the_second() {
    for (wait, good) in [(HOUR * 24 - Duration::from_secs(1), true), (HOUR * 24, false)] {
        let post = Post::new().await;
        post.ada().await;
        let token = post.verify_token(ADA).await;
        post.clock.advance(wait);
        let answer = post.verify(&token, None).await;
        assert_eq!((answer.is_ok(), is_refused(&answer)), (good, !good), "{wait:?}: {answer:?}");
    }
}

/// Proves: RS-09
#[tokio::test]
async fn tokens_for_passwords_prove_no_address() {
    let post = Post::new().await;
    let ada = post.ada().await;
    post.invited("bob", "bob@example.org").await;
    let tokens = [
        post.reset_token(ADA).await,
        post.token(MailKind::Invite).await,
        PlainToken::new(String::new()),
        PlainToken::new("A".repeat(64)),
    ];
    for token in &tokens {
        assert!(is_refused(&post.verify(token, Some(NEW_PASSWORD)).await));
    }
    assert!(post.is_good(&tokens[0]).await && post.is_good(&tokens[1]).await);
    assert_eq!(post.stored(ada.id).await.user.email_verified_at, None);
}

#[tokio::test]
async fn whoever_has_proven_his_address_gets_no_further_mail_for_it() {
    let post = Post::new().await;
    post.ada().await;
    let token = post.verify_token(ADA).await;
    post.mailbox.request_verification(ADA, &ClientInfo::default()).await.unwrap();
    post.verify(&token, None).await.unwrap();
    post.mailbox.request_verification(ADA, &ClientInfo::default()).await.unwrap();
    assert_eq!(post.arrived().await.len(), 1, "also none for a wish that came before");
}

#[tokio::test]
async fn whoever_is_signed_in_asks_for_his_own_address() {
    let post = Post::new().await;
    post.ada().await;
    post.user("bob").await;
    let forced = UserDraft { must_change_password: Some(true), email: Some("c@example.org".into()), ..draft("carl") };
    post.users.create_user(&Actor::system(), forced).await.unwrap();
    for name in ["ada", "bob"] {
        post.mailbox.request_verification_by(&post.actor(name).await, None).await.unwrap();
    }
    post.mailbox.request_verification_by(&Actor::system(), None).await.unwrap();
    let carl = post.actor("carl").await;
    let refused = post.mailbox.request_verification_by(&carl, None).await;
    let denied = |answer: &Result<(), MailboxError>| {
        matches!(answer, Err(MailboxError::Account(UsersError::Denied(Denied::PasswordChangeRequired))))
    };
    assert!(denied(&refused), "{refused:?}");
    assert_eq!(post.arrived().await, [(ADA.to_owned(), MailKind::VerifyEmail)]);
}

#[tokio::test]
async fn whoever_signs_up_in_the_open_is_asked_to_prove_his_address() {
    let post = Post::with(Limits::default()).await;
    let registration = post.registration(RegistrationMode::Open);
    let full = |name: &str, email: &str| SignUp { password: Some(password(PASSWORD)), ..wish(name, email) };
    registration.register(full("ada", ADA), &ClientInfo::default()).await.unwrap();
    registration.sign_up(full("bob", "bob@example.org"), None, &ClientInfo::default()).await.unwrap();
    let nowhere = SignUp { email: None, ..full("carl", "unused") };
    registration.register(nowhere, &ClientInfo::default()).await.unwrap();
    let expected = [(ADA.to_owned(), MailKind::VerifyEmail), ("bob@example.org".to_owned(), MailKind::VerifyEmail)];
    assert_eq!(post.arrived().await, expected);
    let proven = post.verify(&post.token(MailKind::VerifyEmail).await, None).await.unwrap();
    assert_eq!(proven.username.as_str(), "bob");
}

/// Proves: ID-10
#[tokio::test]
async fn an_account_and_the_mail_to_its_owner_are_made_together_or_not_at_all() {
    for step in ["user_insert", "one_time_token_insert", "mail_insert", "activity_append", "commit"] {
        let post = Post::new().await;
        post.backend.fail_at(step);
        let full = SignUp { password: Some(password(PASSWORD)), ..wish("ada", ADA) };
        post.registration(RegistrationMode::Open).register(full, &ClientInfo::default()).await.unwrap_err();
        post.backend.heal();
        assert_eq!((post.log().await, post.queue().await), (vec![], vec![]), "{step}");
        post.ada().await;
    }
}

#[tokio::test]
async fn a_proof_of_an_address_that_was_taken_away_meanwhile_proves_nothing() {
    let post = Post::new().await;
    let ada = post.ada().await;
    let root = post.root().await;
    let token = post.verify_token(ADA).await;
    for email in ["other@example.org", ADA] {
        let patch = UserPatch { email: Some(Some(email.to_owned())), ..UserPatch::default() };
        post.users.update_user(&root, ada.id, patch, None).await.unwrap();
        assert!(is_refused(&post.verify(&token, None).await), "{email}");
    }
    assert_eq!(post.stored(ada.id).await.user.email_verified_at, None);
}

#[tokio::test]
async fn a_proof_that_fails_anywhere_leaves_the_token_good() {
    let post = Post::new().await;
    let ada = post.ada().await;
    let token = post.verify_token(ADA).await;
    let before = (post.stored(ada.id).await, post.log().await);
    for step in ["one_time_token_by_hash", "one_time_token_consume", "user_update", "activity_append", "commit"] {
        post.backend.fail_at(step);
        let failed = post.verify(&token, None).await;
        assert!(matches!(failed, Err(MailboxError::Failure(Failure::Unavailable(_)))), "{step}: {failed:?}");
        post.backend.heal();
        assert_eq!((post.stored(ada.id).await, post.log().await), before, "{step}");
    }
    post.verify(&token, None).await.unwrap();
}
