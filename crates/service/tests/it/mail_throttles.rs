//! Doors of the mailbox that hold: how many mails may be asked for, how many tokens tried.

use std::time::Duration;

use usher_domain::{Action, Actor, ClientInfo, MailKind, PlainToken};
use usher_service::{
    AuthError, EmailChange, Limit, Limits, MailboxError, RegistrationMode, SignUp, UserDraft, UsersError,
};

use crate::{
    fixture::{PASSWORD, draft, password, request},
    post::{ADA, NEW_PASSWORD, Post, is_refused, wish},
    throttling::from,
};

const MINUTE: Duration = Duration::from_secs(60);
const WRONG: &str = "Not-it-7-times";

/// How long somebody is to wait who asked for a mail or showed a token.
fn wait<T>(answer: Result<T, MailboxError>) -> Option<Duration> {
    match answer {
        Err(MailboxError::TooManyAttempts { retry_after }) => Some(retry_after),
        Ok(_) | Err(MailboxError::InvalidOrExpiredToken) => None,
        Err(other) => panic!("{other:?}"),
    }
}

/// Proves: RS-08
#[tokio::test]
async fn three_mails_an_hour_go_to_an_address_and_nobody_is_told_of_more() {
    let post = Post::with(Limits::default()).await;
    post.ada().await;
    for n in 0..6 {
        let client = from(&format!("192.0.2.{n}"));
        let email = if n % 2 == 0 { ADA } else { "ADA@Example.Org" };
        match n % 3 {
            0 => post.mailbox.request_verification(email, &client).await.unwrap(),
            _ => post.mailbox.request_reset(email, &client).await.unwrap(),
        }
        post.deliver().await;
    }
    assert_eq!(post.arrived().await.len(), 3);
    assert_eq!(post.logged(Action::AuthThrottled).await, 0);
    for email in [ADA, "nobody@example.org"] {
        for _ in 0..3 {
            post.mailbox.request_reset(email, &ClientInfo::default()).await.unwrap();
        }
        post.backend.asked();
        post.mailbox.request_reset(email, &ClientInfo::default()).await.unwrap();
        assert_eq!(post.backend.asked(), [""; 0], "alike for all: {email}");
    }
    post.clock.advance(MINUTE * 20);
    for _ in 0..3 {
        post.mailbox.request_reset(ADA, &from("198.51.100.1")).await.unwrap();
    }
    assert_eq!(post.arrived().await.len(), 4, "one more every twenty minutes");
}

/// Proves: RS-08
#[tokio::test]
async fn ten_requests_an_hour_come_from_a_network_and_all_are_told_the_same() {
    let post = Post::with(Limits::default()).await;
    post.ada().await;
    post.somebody("bob", "bob@example.org").await;
    let client = from("192.0.2.1");
    let bob = {
        let login = post.login("bob").await;
        post.auth.authenticate(login.access.token.expose(), client.clone()).await.unwrap()
    };
    for n in 0..4 {
        post.mailbox.request_reset(&format!("a{n}@example.org"), &client).await.unwrap();
        post.mailbox.request_verification(&format!("b{n}@example.org"), &client).await.unwrap();
    }
    post.mailbox.request_verification_by(&bob, None).await.unwrap();
    let change = async || post.users.change_email(&bob, "new@example.org", password(PASSWORD)).await;
    assert_eq!(change().await.unwrap(), EmailChange::Pending);

    let mut answers = Vec::new();
    for email in [ADA, "nobody@example.org"] {
        for answer in [
            post.mailbox.request_reset(email, &client).await,
            post.mailbox.request_verification(email, &client).await,
            post.mailbox.request_verification_by(&bob, None).await,
        ] {
            answers.push(wait(answer));
        }
    }
    assert_eq!(answers, [Some(MINUTE * 6); 6]);
    assert!(matches!(change().await, Err(UsersError::TooManyAttempts { .. })));
    assert_eq!(post.logged(Action::AuthThrottled).await, 1, "for the limit, once a minute");
    assert_eq!(wait(post.mailbox.request_reset(ADA, &from("192.0.2.2")).await), None);
    post.clock.advance(MINUTE * 6);
    assert_eq!(wait(post.mailbox.request_reset(ADA, &client).await), None);
    assert!(wait(post.mailbox.request_reset(ADA, &client).await).is_some());
}

/// Proves: LG-11, RS-09
#[tokio::test]
async fn all_doors_that_take_a_token_share_a_limit() {
    let post = Post::with(Limits::default()).await;
    post.ada().await;
    post.invited("bob", "bob@example.org").await;
    post.wish("eve", "eve@example.org").await;
    let invite = post.token(MailKind::Invite).await;
    let sign_up = post.token(MailKind::SignUp).await;
    let reset = post.reset_token(ADA).await;
    let verify = post.verify_token(ADA).await;
    let (client, junk) = (from("192.0.2.1"), PlainToken::new("junk".to_owned()));
    let try_reset =
        async |token: &PlainToken| post.mailbox.reset_password(token, password(NEW_PASSWORD), &client).await;
    let try_verify =
        async |token: &PlainToken| post.mailbox.verify_email(token, Some(password(NEW_PASSWORD)), &client).await;
    for _ in 0..5 {
        assert_eq!(wait(try_reset(&junk).await), None);
        assert_eq!(wait(try_verify(&junk).await), None);
    }
    post.backend.asked();
    assert_eq!(wait(try_reset(&reset).await), Some(Duration::from_secs(6)), "also a good one");
    assert!(!post.backend.asked().contains(&"one_time_token_by_hash"), "nothing was looked up");
    assert!(wait(try_reset(&invite).await).is_some());
    assert!(wait(try_verify(&verify).await).is_some());
    assert!(wait(try_verify(&sign_up).await).is_some());
    assert_eq!(wait(post.mailbox.verify_email(&verify, None, &from("192.0.2.2")).await), None);
    for token in [&reset, &invite] {
        post.clock.advance(Duration::from_secs(6));
        try_reset(token).await.unwrap();
    }
    post.clock.advance(Duration::from_secs(6));
    try_verify(&sign_up).await.unwrap();
    assert_eq!(post.logged(Action::AuthThrottled).await, 1);
}

/// Proves: RS-08
#[tokio::test]
async fn what_administrators_send_is_not_counted() {
    let post = Post::with(Limits::default()).await;
    let ada = post.ada().await;
    let root = {
        post.root().await;
        let login = post.login("root").await;
        post.auth.authenticate(login.access.token.expose(), from("192.0.2.1")).await.unwrap()
    };
    for n in 0..12 {
        let email = Some(format!("user{n}@example.org"));
        let invited = UserDraft { password: None, email, ..draft(&format!("user{n}")) };
        post.users.create_user(&root, invited).await.unwrap();
        post.users.send_reset(&root, ada.id).await.unwrap();
        post.deliver().await;
    }
    assert_eq!(post.arrived().await.len(), 24);
    post.reset_token(ADA).await;
    assert_eq!(post.arrived().await.len(), 25, "what others ask for is counted by itself");
}

/// Proves: LG-11, AZ-07
#[tokio::test]
async fn a_change_of_address_counts_wrong_passwords_as_logins_do() {
    let post = Post::with(Limits::default()).await;
    post.ada().await;
    let client = from("192.0.2.1");
    let login = async |text: &str| post.auth.login(&request("ada", text), &client).await;
    let tokens = login(PASSWORD).await.unwrap();
    let ada = post.auth.authenticate(tokens.access.token.expose(), client.clone()).await.unwrap();
    let change = async |text: &str| post.users.change_email(&ada, "new@example.org", password(text)).await;
    for _ in 0..3 {
        assert!(matches!(change(WRONG).await, Err(UsersError::CurrentPasswordIncorrect)));
    }
    for _ in 0..2 {
        assert!(matches!(login(WRONG).await, Err(AuthError::InvalidCredentials)));
    }
    assert!(matches!(change(PASSWORD).await, Err(UsersError::TooManyAttempts { .. })));
    assert!(matches!(login(PASSWORD).await, Err(AuthError::TooManyAttempts { .. })));
    assert_eq!(post.arrived().await, [], "and no mail has left");
    post.clock.advance(Duration::from_secs(1));
    assert_eq!(change(PASSWORD).await.unwrap(), EmailChange::Pending);
}

/// Proves: RS-08
#[tokio::test]
async fn sign_ups_and_changes_of_address_count_towards_the_mails_of_an_address() {
    let limits = Limits { signup_network: Limit::OFF, ..Limits::default() };
    let post = Post::with(limits).await;
    post.ada().await;
    let ada = post.actor("ada").await;
    let target = "new@example.org";
    post.wish("eve", target).await;
    assert_eq!(post.users.change_email(&ada, target, password(PASSWORD)).await.unwrap(), EmailChange::Pending);
    post.wish("bob", target).await;
    post.wish("dora", target).await;
    post.backend.asked();
    assert_eq!(post.users.change_email(&ada, target, password(PASSWORD)).await.unwrap(), EmailChange::Pending);
    assert!(!post.backend.asked().contains(&"mail_insert"), "neither to the new one nor to the old one");
    let to_target = post.arrived().await.into_iter().filter(|(to, _)| to == target).count();
    assert_eq!(to_target, 3);

    let post = Post::with(limits).await;
    for n in 0..5 {
        let wish = SignUp { password: Some(password(PASSWORD)), ..wish(&format!("user{n}"), target) };
        let made = post.registration(RegistrationMode::Open).register(wish, &ClientInfo::default()).await;
        assert_eq!(made.is_ok(), n == 0, "the address is taken from then on");
    }
    let kinds: Vec<_> = post.arrived().await.into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, [MailKind::VerifyEmail]);
}

/// Proves: RS-08
#[tokio::test]
async fn an_account_is_made_also_where_no_further_mail_may_go_to_its_address() {
    let post = Post::with(Limits::default()).await;
    for _ in 0..3 {
        post.mailbox.request_reset(ADA, &ClientInfo::default()).await.unwrap();
    }
    let wish = SignUp { password: Some(password(PASSWORD)), ..wish("ada", ADA) };
    post.registration(RegistrationMode::Open).register(wish, &ClientInfo::default()).await.unwrap();
    assert_eq!(post.queue().await, []);
    assert!(post.opens("ada", PASSWORD).await);
}

#[tokio::test]
async fn where_there_is_no_mail_wishes_and_tokens_come_to_nothing() {
    let post = Post::none().await;
    post.ada().await;
    post.backend.asked();
    post.mailbox.request_reset(ADA, &ClientInfo::default()).await.unwrap();
    post.mailbox.request_verification(ADA, &ClientInfo::default()).await.unwrap();
    assert_eq!(post.backend.asked(), [""; 0]);
    let elsewhere = Post::new().await;
    elsewhere.ada().await;
    let token = elsewhere.reset_token(ADA).await;
    assert!(is_refused(&post.reset(&token, NEW_PASSWORD).await));
    post.users.create_user(&Actor::system(), draft("bob")).await.unwrap();
    assert_eq!(post.arrived().await, []);
}
