//! Passwords that are forgotten, and set anew by whoever reads the mail.

use std::{sync::Arc, time::Duration};

use usher_domain::{
    Action, ActivityEntry, Actor, ClientInfo, MailKind, MailRequestKind, PlainToken, RequestId, RevokeReason,
};
use usher_service::{AuthError, ChangePassword, Failure, MailboxError, MasterKey, UserPatch, UsersError};
use usher_storage::SessionQueries;

use crate::{
    fixture::{PASSWORD, password},
    post::{ADA, NEW_PASSWORD, Post, is_refused, token_in},
    throttling::from,
    users::faults,
};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_password_is_reset_by_whoever_reads_the_mail() {
    let post = Post::new().await;
    post.ada().await;
    let token = post.reset_token(ADA).await;
    assert!(post.opens("ada", PASSWORD).await, "nothing has happened yet");
    post.reset(&token, NEW_PASSWORD).await.unwrap();
    assert!(post.opens("ada", NEW_PASSWORD).await && !post.opens("ada", PASSWORD).await);
}

/// Proves: RS-03, RS-09
#[tokio::test]
async fn a_token_resets_once() {
    let post = Post::new().await;
    post.ada().await;
    let token = post.reset_token(ADA).await;
    post.reset(&token, NEW_PASSWORD).await.unwrap();
    assert!(is_refused(&post.reset(&token, "Another-7-horses").await));
    assert!(post.opens("ada", NEW_PASSWORD).await);
}

/// Proves: RS-03
#[tokio::test]
async fn a_token_resets_for_thirty_minutes_to_the_second() {
    for (seconds, good) in [(30 * 60 - 1, true), (30 * 60, false), (31 * 60, false)] {
        let post = Post::new().await;
        post.ada().await;
        let token = post.reset_token(ADA).await;
        post.clock.advance(Duration::from_secs(seconds));
        let answer = post.reset(&token, NEW_PASSWORD).await;
        assert_eq!((answer.is_ok(), is_refused(&answer)), (good, !good), "{seconds}: {answer:?}");
        assert_eq!(post.opens("ada", NEW_PASSWORD).await, good, "{seconds}");
    }
}

/// Proves: RS-09
#[tokio::test]
async fn every_token_that_is_not_good_gets_the_same_answer() {
    let post = Post::new().await;
    post.ada().await;
    let ada = post.actor("ada").await;
    let good = post.reset_token(ADA).await;
    let text = good.expose().to_owned();

    let foreign = Post::keyed(&MasterKey::from_bytes([8; 32])).await;
    foreign.ada().await;
    let unknown = Post::new().await;
    unknown.somebody("eve", "eve@example.org").await;
    for _ in 0..3 {
        unknown.reset_token("eve@example.org").await;
    }
    post.wish("bob", "bob@example.org").await;
    let middle = text.len() / 2;
    let swapped = if text.as_bytes()[middle] == b'A' { "B" } else { "A" };
    let bad = [
        ("empty", PlainToken::new(String::new())),
        ("none of ours", PlainToken::new("no token".to_owned())),
        ("altered", PlainToken::new(format!("{}{swapped}{}", &text[..middle], &text[middle + 1..]))),
        ("truncated", PlainToken::new(text[..text.len() - 1].to_owned())),
        ("in halves", PlainToken::new(text[..32].to_owned())),
        ("longer", PlainToken::new(format!("{text}A"))),
        ("padded", PlainToken::new(format!("{text}="))),
        ("with a space", PlainToken::new(format!(" {text}"))),
        ("huge", PlainToken::new("A".repeat(100_000))),
        ("of another key", foreign.reset_token(ADA).await),
        ("unknown", unknown.reset_token("eve@example.org").await),
        ("to prove an address", post.verify_token(ADA).await),
        ("to change an address", post.change_token(&ada, "new@example.org").await),
        ("to sign up", post.token(MailKind::SignUp).await),
    ];
    let mut answers = Vec::new();
    for (which, token) in &bad {
        let answer = post.reset(token, NEW_PASSWORD).await;
        assert!(is_refused(&answer), "{which}: {answer:?}");
        answers.push(answer.unwrap_err().to_string());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    assert!(post.opens("ada", PASSWORD).await && post.is_good(&good).await, "and nothing has happened");
}

/// Proves: RS-02
#[tokio::test]
async fn a_token_that_was_not_made_here_is_not_even_looked_up() {
    let post = Post::new().await;
    post.ada().await;
    let foreign = Post::keyed(&MasterKey::from_bytes([8; 32])).await;
    foreign.ada().await;
    let token = foreign.reset_token(ADA).await;
    post.backend.asked();
    assert!(is_refused(&post.reset(&token, NEW_PASSWORD).await));
    assert_eq!(post.backend.asked(), [""; 0]);
}

/// Proves: RS-10
#[tokio::test]
async fn a_password_that_will_not_do_leaves_the_token_good() {
    let post = Post::new().await;
    post.somebody("lovelace", "countess@example.org").await;
    let token = post.reset_token("countess@example.org").await;
    for weak in ["short", "P@ssw0rd1!", "Xk7!LoveLace-mN4", "Xk7!Countess-mN4", ""] {
        let refused = post.reset(&token, weak).await.unwrap_err();
        let MailboxError::Account(refused) = refused else { panic!("{weak}: {refused:?}") };
        assert!(faults(refused).iter().all(|(field, _)| field == "new_password"), "{weak}");
    }
    post.reset(&token, NEW_PASSWORD).await.unwrap();
}

/// Proves: RS-11, RT-12, JW-17
#[tokio::test]
async fn a_reset_ends_all_sessions_and_opens_none() {
    let post = Post::new().await;
    let ada = post.ada().await;
    let root = post.root().await;
    post.users.set_password(&root, ada.id, password("Another-7-horses")).await.unwrap();
    let before = post.stored(ada.id).await.user;
    assert!(before.must_change_password && before.email_verified_at.is_none());
    let request = crate::fixture::request("ada", "Another-7-horses");
    let mut logins = Vec::new();
    for _ in 0..2 {
        logins.push(post.auth.login(&request, &ClientInfo::default()).await.unwrap());
    }
    let token = post.reset_token(ADA).await;
    post.reset(&token, NEW_PASSWORD).await.unwrap();

    for login in &logins {
        assert!(!post.knows(login).await);
        assert!(matches!(post.refresh(login).await, Err(AuthError::RefreshTokenInvalid)));
        let revoked = post.session(login.access.session).await.revoked.unwrap();
        assert_eq!(revoked.reason, RevokeReason::PasswordReset);
    }
    assert_eq!(post.backend.session_by_user(ada.id).await.unwrap(), [], "nobody was signed in");
    let after = post.stored(ada.id).await.user;
    assert!(!after.must_change_password, "he has chosen it himself");
    assert_eq!(after.email_verified_at, Some(post.environment.clock.now()), "he reads its mail");
}

/// Proves: RS-11
#[tokio::test]
async fn whoever_had_his_password_reset_is_told_without_a_secret() {
    let post = Post::new().await;
    post.ada().await;
    let token = post.reset_token(ADA).await;
    post.mailbox.reset_password(&token, password(NEW_PASSWORD), &from("192.0.2.7")).await.unwrap();
    let arrived = post.arrived().await;
    assert_eq!(arrived[1..], [(ADA.to_owned(), MailKind::PasswordChanged)]);
    let mail = post.mailer.arrived.mails().pop().unwrap();
    assert!(mail.text.contains("192.0.2.7"));
    for secret in [NEW_PASSWORD, PASSWORD, token.expose(), "token"] {
        assert!(!format!("{} {} {}", mail.subject, mail.text, mail.html).contains(secret), "{secret}");
    }
}

/// What must leave no other token of the account behind, by name.
async fn void(post: &Post, cause: &str) {
    let root = post.root().await;
    let ada = post.actor("ada").await;
    let id = ada.user_id().unwrap();
    let wish = ChangePassword { current_password: password(PASSWORD), new_password: password(NEW_PASSWORD) };
    let moved = UserPatch { email: Some(Some("moved@example.org".to_owned())), ..UserPatch::default() };
    match cause {
        "a reset" => {
            let token = post.reset_token(ADA).await;
            post.reset(&token, NEW_PASSWORD).await.unwrap();
        }
        "a change of the password" => drop(post.users.change_password(&ada, wish).await.unwrap()),
        "a password set by an administrator" => {
            post.users.set_password(&root, id, password(NEW_PASSWORD)).await.unwrap();
        }
        "a change of the address" => {
            let token = post.change_token(&ada, "other@example.org").await;
            post.verify(&token, None).await.unwrap();
        }
        "an address changed by an administrator" => {
            post.users.update_user(&root, id, moved, None).await.unwrap();
        }
        "an address taken away" => {
            let none = UserPatch { email: Some(None), ..UserPatch::default() };
            post.users.update_user(&root, id, none, None).await.unwrap();
        }
        "a deactivation" => {
            post.users.deactivate_user(&root, id, None).await.unwrap();
            post.users.activate_user(&root, id, None).await.unwrap();
        }
        "a deletion" => {
            post.users.delete_user(&root, id, None).await.unwrap();
            post.users.restore_user(&root, id, None).await.unwrap();
        }
        "a deletion by oneself" => {
            post.users.delete_own_account(&ada, password(PASSWORD), None).await.unwrap();
            post.users.restore_user(&root, id, None).await.unwrap();
        }
        "a change of the name" => {
            let named = UserPatch { full_name: Some(Some("Ada".to_owned())), ..UserPatch::default() };
            post.users.update_user(&root, id, named, None).await.unwrap();
        }
        other => panic!("{other}"),
    }
}

/// Proves: RS-03, AZ-07, ID-07
#[tokio::test]
async fn what_changes_hands_over_an_account_voids_its_tokens_of_all_kinds() {
    for (cause, voids) in [
        ("a reset", true),
        ("a change of the password", true),
        ("a password set by an administrator", true),
        ("a change of the address", true),
        ("an address changed by an administrator", true),
        ("an address taken away", true),
        ("a deactivation", true),
        ("a deletion", true),
        ("a deletion by oneself", true),
        ("a change of the name", false),
    ] {
        let post = Post::new().await;
        post.ada().await;
        let ada = post.actor("ada").await;
        let verify = post.verify_token(ADA).await;
        let change = post.change_token(&ada, "new@example.org").await;
        let reset = post.reset_token(ADA).await;
        void(&post, cause).await;
        assert_eq!(!post.is_good(&reset).await, voids, "{cause}: to reset");
        assert_eq!(is_refused(&post.verify(&verify, None).await), voids, "{cause}: to prove");
        assert_eq!(is_refused(&post.verify(&change, None).await), voids, "{cause}: to change");
    }
}

/// Proves: RS-03
#[tokio::test]
async fn a_fourth_token_kills_the_first_of_its_kind() {
    let post = Post::new().await;
    post.ada().await;
    let verify = post.verify_token(ADA).await;
    let mut tokens = Vec::new();
    for _ in 0..4 {
        tokens.push(post.reset_token(ADA).await);
        post.clock.advance(MINUTE);
    }
    let mut good = Vec::new();
    for token in &tokens {
        good.push(post.is_good(token).await);
    }
    assert_eq!(good, [false, true, true, true]);
    post.verify(&verify, None).await.unwrap();
    post.reset(&tokens[1], NEW_PASSWORD).await.unwrap();
    assert!(!post.is_good(&tokens[2]).await && !post.is_good(&tokens[3]).await);
}

/// Proves: RS-04
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixteen_confirms_at_once_one_resets() {
    let post = Arc::new(Post::new().await);
    post.ada().await;
    let token = post.reset_token(ADA).await;
    post.backend.answer_together("one_time_token_by_hash", 16);
    let confirms: Vec<_> = (0..16)
        .map(|n| {
            let (post, token) = (Arc::clone(&post), token.clone());
            tokio::spawn(async move { post.reset(&token, &format!("{NEW_PASSWORD}{n}")).await })
        })
        .collect();
    let mut winners = Vec::new();
    for (n, confirm) in confirms.into_iter().enumerate() {
        match confirm.await.unwrap() {
            Ok(()) => winners.push(n),
            refused => assert!(is_refused(&refused), "{refused:?}"),
        }
    }
    assert_eq!(winners.len(), 1);
    assert!(post.opens("ada", &format!("{NEW_PASSWORD}{}", winners[0])).await);
    assert_eq!(post.logged(Action::PasswordReset).await, 1);
}

/// Proves: RS-01, ID-07
#[tokio::test]
async fn a_request_does_the_same_whoever_has_the_address() {
    for kind in [MailRequestKind::ResetPassword, MailRequestKind::VerifyEmail] {
        let post = Post::new().await;
        let root = post.root().await;
        post.ada().await;
        let shut = post.somebody("shut", "shut@example.org").await;
        post.users.deactivate_user(&root, shut.id, None).await.unwrap();
        let gone = post.somebody("gone", "gone@example.org").await;
        post.users.delete_user(&root, gone.id, None).await.unwrap();
        let (logged, work) = (post.log().await.len(), post.hasher.stats().work);
        for email in [ADA, "nobody@example.org", "shut@example.org", "gone@example.org"] {
            post.backend.asked();
            match kind {
                MailRequestKind::ResetPassword => post.mailbox.request_reset(email, &from("192.0.2.7")).await.unwrap(),
                MailRequestKind::VerifyEmail => {
                    post.mailbox.request_verification(email, &from("192.0.2.7")).await.unwrap();
                }
            }
            assert_eq!(post.backend.asked(), ["begin", "mail_request_insert", "commit"], "{kind}: {email}");
        }
        assert_eq!((post.log().await.len(), post.hasher.stats().work), (logged, work), "{kind}");
        assert_eq!(post.queue().await, [], "{kind}: nobody was looked up yet");
        let arrived: Vec<_> = post.arrived().await.into_iter().map(|(to, _)| to).collect();
        assert_eq!(arrived, [ADA], "{kind}");
    }
}

/// Proves: RS-07
#[tokio::test]
async fn what_is_no_address_is_refused() {
    let post = Post::new().await;
    post.backend.asked();
    for text in ["", "ada", "ada@example.org\r\nBcc: eve@example.org", "a\0@example.org", "a@b.c\u{2028}", "a@b@c"] {
        for refused in [
            post.mailbox.request_reset(text, &ClientInfo::default()).await,
            post.mailbox.request_verification(text, &ClientInfo::default()).await,
        ] {
            let Err(MailboxError::Account(UsersError::Invalid(faults))) = refused else { panic!("{text:?}") };
            assert!(faults.has("email"), "{text:?}");
        }
    }
    assert_eq!(post.backend.asked(), [""; 0], "and nothing was written down");
}

/// Proves: RS-06
#[tokio::test]
async fn mail_goes_to_the_address_as_it_is_stored() {
    let post = Post::new().await;
    post.somebody("ada", "Ada.Lovelace@Example.org").await;
    post.reset_token("aDA.lOVELACE@EXAMPLE.ORG").await;
    assert_eq!(post.arrived().await, [("Ada.Lovelace@example.org".to_owned(), MailKind::ResetPassword)]);
}

#[tokio::test]
async fn the_log_tells_who_asked_for_a_reset_and_who_did_it() {
    let post = Post::new().await;
    let id = post.ada().await.id;
    let ada = Some(id);
    let root = post.root().await;
    let client = ClientInfo::new(Some("192.0.2.7".parse().unwrap()), None, RequestId::parse("req-7"));
    post.mailbox.request_reset(ADA, &client).await.unwrap();
    let first = post.token(MailKind::ResetPassword).await;
    post.reset(&first, NEW_PASSWORD).await.unwrap();
    post.users.send_reset(&root, id).await.unwrap();
    let second = post.token(MailKind::ResetPassword).await;
    assert_ne!(first.expose(), second.expose());

    let about_resets =
        |entry: &ActivityEntry| matches!(entry.action, Action::PasswordResetRequested | Action::PasswordReset);
    let log: Vec<_> = post.log().await.into_iter().filter(about_resets).collect();
    let told: Vec<_> = log.iter().map(|entry| (entry.action, entry.actor, entry.subject)).collect();
    let expected = [
        (Action::PasswordResetRequested, None, ada),
        (Action::PasswordReset, ada, ada),
        (Action::PasswordResetRequested, root.user_id(), ada),
    ];
    assert_eq!(told, expected);
    assert_eq!((log[0].ip, log[0].request_id.clone()), (client.ip, client.request_id));
    assert_eq!(log[1].details.text("token"), Some("reset_password"));
}

/// Proves: RS-10
#[tokio::test]
async fn a_reset_that_fails_anywhere_leaves_nothing_half_made() {
    let steps = {
        let post = Post::new().await;
        post.ada().await;
        let token = post.reset_token(ADA).await;
        post.backend.asked();
        post.reset(&token, NEW_PASSWORD).await.unwrap();
        post.backend.asked()
    };
    assert_eq!(steps.last(), Some(&"commit"), "{steps:?}");
    let post = Post::new().await;
    let ada = post.ada().await;
    let login = post.login("ada").await;
    let token = post.reset_token(ADA).await;
    for step in steps {
        let before = (post.stored(ada.id).await, post.log().await, post.queue().await);
        post.backend.fail_at(step);
        let failed = post.reset(&token, NEW_PASSWORD).await;
        assert!(matches!(failed, Err(MailboxError::Failure(Failure::Unavailable(_)))), "{step}: {failed:?}");
        post.backend.heal();
        assert_eq!((post.stored(ada.id).await, post.log().await, post.queue().await), before, "{step}");
        assert!(post.knows(&login).await && post.is_good(&token).await, "{step}");
    }
    post.reset(&token, NEW_PASSWORD).await.unwrap();
    assert!(!post.knows(&login).await);
}

/// Proves: RS-13
#[tokio::test]
async fn a_wish_that_cannot_be_answered_now_is_answered_later() {
    let post = Post::new().await;
    post.ada().await;
    post.mailbox.request_reset(ADA, &ClientInfo::default()).await.unwrap();
    let requested = post.log().await.len();
    for step in ["mail_request_page", "begin", "mail_request_remove", "user_by_email", "activity_append", "commit"] {
        post.backend.fail_at(step);
        post.dispatcher.answer_requests().await.unwrap_err();
        post.backend.heal();
        assert_eq!((post.queue().await.len(), post.log().await.len()), (0, requested), "{step}");
    }
    assert_eq!(post.dispatcher.answer_requests().await.unwrap(), 1);
    assert_eq!(post.dispatcher.answer_requests().await.unwrap(), 0);
    assert_eq!(post.queue().await.len(), 1);
}

/// Proves: ID-07
#[tokio::test]
async fn an_account_that_is_shut_meanwhile_is_not_reset() {
    for step in ["one_time_token_by_hash", "user_by_id"] {
        let post = Arc::new(Post::new().await);
        let ada = post.ada().await;
        let root = post.root().await;
        let token = post.reset_token(ADA).await;
        let mut held = post.backend.hold(step);
        let confirm = tokio::spawn({
            let (post, token) = (Arc::clone(&post), token.clone());
            async move { post.reset(&token, NEW_PASSWORD).await }
        });
        held.reached().await;
        post.users.deactivate_user(&root, ada.id, None).await.unwrap();
        drop(held);
        let answer = confirm.await.unwrap();
        assert!(is_refused(&answer), "{step}: {answer:?}");
        post.users.activate_user(&root, ada.id, None).await.unwrap();
        assert!(post.opens("ada", PASSWORD).await, "{step}");
    }
}

#[tokio::test]
async fn administrators_send_resets_to_others_who_have_an_address_and_no_more_rights() {
    let post = Post::new().await;
    let root = post.root().await;
    let ada = post.ada().await;
    let users = &post.users;
    assert!(matches!(users.send_reset(&root, root.user_id().unwrap()).await, Err(UsersError::CannotTargetSelf)));
    let bob = post.user("bob").await;
    let refused = users.send_reset(&root, bob.id).await;
    assert!(matches!(refused, Err(UsersError::WrongStatus("without an address"))), "{refused:?}");
    users.deactivate_user(&root, bob.id, None).await.unwrap();
    assert!(matches!(users.send_reset(&root, bob.id).await, Err(UsersError::WrongStatus("deactivated"))));
    assert!(matches!(users.send_reset(&post.actor("ada").await, bob.id).await, Err(UsersError::Denied(_))));
    crate::users::add_role(&post, "helper", &["users:write"]).await;
    post.user_with_role("hal", "helper").await;
    let hal = post.actor("hal").await;
    assert!(matches!(users.send_reset(&hal, root.user_id().unwrap()).await, Err(UsersError::Denied(_))));
    assert_eq!(post.arrived().await, []);
    users.send_reset(&hal, ada.id).await.unwrap();
    let mail = {
        post.deliver().await;
        post.mailer.arrived.mails().pop().unwrap()
    };
    assert_eq!((mail.to.as_str(), mail.kind), (ADA, MailKind::ResetPassword));
    post.reset(&token_in(&mail), NEW_PASSWORD).await.unwrap();
    users.send_reset(&Actor::system(), ada.id).await.unwrap();
    assert_eq!(post.logged(Action::PasswordResetRequested).await, 2);
}
