//! Accounts without a password, whose owners are invited to choose one.

use std::time::Duration;

use usher_domain::{Action, Actor, ClientInfo, FaultCode, MailKind};
use usher_service::{Failure, UserDraft, UserPatch, UsersError};

use crate::{
    fixture::{PASSWORD, draft, password, request},
    post::{NEW_PASSWORD, Post, is_refused},
    users::faults,
};

const BOB: &str = "bob@example.org";
const HOUR: Duration = Duration::from_secs(60 * 60);

#[tokio::test]
async fn whoever_is_invited_chooses_a_password_and_proves_his_address_by_it() {
    let post = Post::new().await;
    let root = post.root().await;
    let invited = UserDraft { password: None, email: Some(BOB.to_owned()), must_change_password: None, ..draft("bob") };
    let bob = post.users.create_user(&root, invited).await.unwrap();
    assert!(bob.email_verified_at.is_none() && !bob.must_change_password);
    assert_eq!(post.stored(bob.id).await.password_hash, None);
    let token = post.token(MailKind::Invite).await;
    assert_eq!(post.arrived().await, [(BOB.to_owned(), MailKind::Invite)]);

    post.reset(&token, NEW_PASSWORD).await.unwrap();
    let accepted = post.stored(bob.id).await.user;
    assert_eq!(accepted.email_verified_at, Some(post.environment.clock.now()));
    assert!(!accepted.must_change_password);
    assert!(post.opens("bob", NEW_PASSWORD).await);
    assert!(is_refused(&post.reset(&token, PASSWORD).await), "once");
    assert_eq!(post.arrived().await.len(), 1, "nobody is told that the first password was set");
    let log = post.log().await;
    let told: Vec<_> = log
        .iter()
        .filter(|entry| entry.subject == Some(bob.id) && entry.action != Action::AuthLogin)
        .map(|entry| (entry.action, entry.actor, entry.details.text("token")))
        .collect();
    let expected = [(Action::UserInvited, root.user_id(), None), (Action::PasswordReset, Some(bob.id), Some("invite"))];
    assert_eq!(told, expected);
}

/// Proves: LG-01
#[tokio::test]
async fn an_account_without_a_password_is_shut_as_by_a_wrong_one() {
    let post = Post::new().await;
    post.invited("bob", BOB).await;
    post.user("eve").await;
    let work = post.hasher.stats().work;
    let login = async |name: &str, text: &str| post.auth.login(&request(name, text), &ClientInfo::default()).await;
    let mut answers = Vec::new();
    for (name, text) in [("eve", "Not-it-7-times"), ("bob", PASSWORD), ("bob", ""), (BOB, NEW_PASSWORD)] {
        answers.push(format!("{:?}", login(name, text).await.unwrap_err()));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(post.hasher.stats().work - work, 4 * 16, "at the same cost each");
}

#[tokio::test]
async fn an_invitation_is_good_for_three_days_to_the_second() {
    for (wait, good) in [(HOUR * 72 - Duration::from_secs(1), true), (HOUR * 72, false)] {
        let post = Post::new().await;
        post.invited("bob", BOB).await;
        let token = post.token(MailKind::Invite).await;
        post.clock.advance(wait);
        assert_eq!(post.reset(&token, NEW_PASSWORD).await.is_ok(), good, "{wait:?}");
        assert_eq!(post.opens("bob", NEW_PASSWORD).await, good, "{wait:?}");
    }
}

#[tokio::test]
async fn whoever_has_no_password_yet_is_invited_again() {
    let post = Post::new().await;
    let root = post.root().await;
    let bob = post.invited("bob", BOB).await;
    let first = post.token(MailKind::Invite).await;
    post.users.send_reset(&root, bob.id).await.unwrap();
    assert_eq!(post.arrived().await, vec![(BOB.to_owned(), MailKind::Invite); 2]);
    let second = post.token(MailKind::Invite).await;
    assert!(post.is_good(&first).await && post.is_good(&second).await);
    post.clock.advance(HOUR * 24);
    post.reset(&second, NEW_PASSWORD).await.unwrap();
    assert!(!post.is_good(&first).await);
    post.users.send_reset(&root, bob.id).await.unwrap();
    assert_eq!(post.arrived().await.pop().unwrap().1, MailKind::ResetPassword, "now that he has one");
}

#[tokio::test]
async fn whoever_has_no_password_may_also_ask_for_one_himself() {
    let post = Post::new().await;
    post.invited("bob", BOB).await;
    let token = post.reset_token(BOB).await;
    let invitation = post.token(MailKind::Invite).await;
    post.reset(&token, NEW_PASSWORD).await.unwrap();
    assert!(post.opens("bob", NEW_PASSWORD).await && !post.is_good(&invitation).await);
}

/// Proves: RS-03
#[tokio::test]
async fn what_happens_to_the_account_meanwhile_voids_an_invitation() {
    for cause in ["password", "address", "deactivation", "deletion"] {
        let post = Post::new().await;
        let root = post.root().await;
        let id = post.invited("bob", BOB).await.id;
        let token = post.token(MailKind::Invite).await;
        match cause {
            "password" => post.users.set_password(&root, id, password(PASSWORD)).await.unwrap(),
            "address" => {
                let moved = UserPatch { email: Some(Some("b@example.org".to_owned())), ..UserPatch::default() };
                post.users.update_user(&root, id, moved, None).await.unwrap();
            }
            "deactivation" => {
                post.users.deactivate_user(&root, id, None).await.unwrap();
                post.users.activate_user(&root, id, None).await.unwrap();
            }
            _ => {
                post.users.delete_user(&root, id, None).await.unwrap();
                post.users.restore_user(&root, id, None).await.unwrap();
            }
        }
        assert!(is_refused(&post.reset(&token, NEW_PASSWORD).await), "{cause}");
    }
}

#[tokio::test]
async fn nobody_is_invited_without_an_address_or_where_there_is_no_mail() {
    let nobody = |email: Option<&str>| UserDraft { password: None, email: email.map(str::to_owned), ..draft("bob") };
    let post = Post::new().await;
    let refused = post.users.create_user(&Actor::system(), nobody(None)).await.unwrap_err();
    assert_eq!(faults(refused), [("email".to_owned(), FaultCode::Required)]);
    let refused = post.users.create_user(&Actor::system(), nobody(Some("nowhere"))).await.unwrap_err();
    assert_eq!(faults(refused), [("email".to_owned(), FaultCode::InvalidFormat)], "one fault, not two");
    let mute = Post::none().await;
    let refused = mute.users.create_user(&Actor::system(), nobody(Some(BOB))).await.unwrap_err();
    assert_eq!(faults(refused), [("password".to_owned(), FaultCode::Required)]);
    assert_eq!((post.log().await, mute.log().await), (vec![], vec![]));
}

/// Proves: ID-10
#[tokio::test]
async fn an_account_and_its_invitation_are_made_together_or_not_at_all() {
    for step in ["user_insert", "activity_append", "one_time_token_insert", "mail_insert", "commit"] {
        let post = Post::new().await;
        post.backend.fail_at(step);
        let invited = UserDraft { password: None, email: Some(BOB.to_owned()), ..draft("bob") };
        let failed = post.users.create_user(&Actor::system(), invited).await;
        assert!(matches!(failed, Err(UsersError::Failure(Failure::Unavailable(_)))), "{step}: {failed:?}");
        post.backend.heal();
        assert_eq!((post.log().await, post.queue().await), (vec![], vec![]), "{step}");
        post.invited("bob", BOB).await;
    }
}

#[tokio::test]
async fn where_there_is_no_mail_no_link_is_promised() {
    let mute = Post::none().await;
    let ada = mute.ada().await;
    let before = mute.log().await;
    let refused = mute.users.send_reset(&Actor::system(), ada.id).await;
    assert!(matches!(refused, Err(UsersError::WrongStatus(_))), "{refused:?}");
    assert_eq!(mute.log().await, before);
}
