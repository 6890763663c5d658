//! Addresses that are changed by their owner: only once he reads the mail of the new one.

use std::{sync::Arc, time::Duration};

use usher_domain::{Action, Actor, ClientInfo, MailKind, Outcome};
use usher_service::{ChangePassword, EmailChange, Failure, MailboxError, UserPatch, UsersError};

use crate::{
    fixture::{PASSWORD, draft, password},
    post::{ADA, NEW_PASSWORD, Post, is_refused},
    users::faults,
};

const NEW: &str = "Ada.New@example.org";

async fn with_ada() -> (Post, Actor) {
    let post = Post::new().await;
    post.ada().await;
    let ada = post.actor("ada").await;
    (post, ada)
}

async fn address(post: &Post, actor: &Actor) -> (String, bool) {
    let user = post.stored(actor.user_id().unwrap()).await.user;
    (user.email.unwrap().to_string(), user.email_verified_at.is_some())
}

/// Proves: AZ-07
#[tokio::test]
async fn an_address_is_in_force_until_the_new_one_is_proven_and_is_told_of_both() {
    let (post, ada) = with_ada().await;
    let verify = post.verify_token(ADA).await;
    post.verify(&verify, None).await.unwrap();
    let (reset, other) = (post.reset_token(ADA).await, post.change_token(&ada, "other@example.org").await);
    let seen = post.arrived().await.len();
    let token = post.change_token(&ada, NEW).await;
    assert_eq!(address(&post, &ada).await, (ADA.to_owned(), true));
    let told = post.arrived().await.split_off(seen);
    let expected = [(NEW.to_owned(), MailKind::ChangeEmail), (ADA.to_owned(), MailKind::EmailChangeRequested)];
    assert_eq!(told, expected);
    assert!(!post.mailer.arrived.mails().last().unwrap().text.contains(token.expose()));

    let changed = post.verify(&token, None).await.unwrap();
    assert_eq!(address(&post, &ada).await, (NEW.to_owned(), true));
    assert_eq!(changed.email_verified_at, Some(post.environment.clock.now()));
    assert_eq!(post.arrived().await.split_off(seen + 2), [(ADA.to_owned(), MailKind::EmailChanged)]);
    assert!(!post.is_good(&reset).await, "other tokens are void");
    assert!(is_refused(&post.verify(&other, None).await) && is_refused(&post.verify(&token, None).await));
    let log = post.log().await;
    let told: Vec<_> = log
        .iter()
        .filter(|entry| matches!(entry.action, Action::EmailChangeRequested | Action::EmailChanged))
        .map(|entry| (entry.action, entry.actor, entry.subject))
        .collect();
    let id = ada.user_id();
    let requested = (Action::EmailChangeRequested, id, id);
    assert_eq!(told, [requested, requested, (Action::EmailChanged, id, id)]);
}

/// Proves: AZ-07
#[tokio::test]
async fn without_the_password_no_address_is_changed() {
    let (post, ada) = with_ada().await;
    let refused = post.users.change_email(&ada, NEW, password("Not-it-7-times")).await;
    assert!(matches!(refused, Err(UsersError::CurrentPasswordIncorrect)), "{refused:?}");
    let entry = post.log().await.pop().unwrap();
    assert_eq!((entry.action, entry.outcome), (Action::EmailChangeRequested, Outcome::Failure));
    let by_id = UserPatch { email: Some(Some(NEW.to_owned())), ..UserPatch::default() };
    let refused = post.users.update_user(&ada, ada.user_id().unwrap(), by_id.clone(), None).await;
    assert!(matches!(refused, Err(UsersError::Denied(_))), "{refused:?}");
    let root = post.root().await;
    let refused = post.users.update_user(&root, root.user_id().unwrap(), by_id, None).await;
    assert!(matches!(refused, Err(UsersError::CannotTargetSelf)), "{refused:?}");
    assert_eq!(post.arrived().await, []);
}

/// Proves: AZ-07
#[tokio::test]
async fn a_new_password_kills_a_change_that_is_pending() {
    let (post, ada) = with_ada().await;
    let token = post.change_token(&ada, NEW).await;
    let wish = ChangePassword { current_password: password(PASSWORD), new_password: password(NEW_PASSWORD) };
    post.users.change_password(&ada, wish).await.unwrap();
    assert!(is_refused(&post.verify(&token, None).await));

    let (post, ada) = with_ada().await;
    let token = post.change_token(&ada, NEW).await;
    let reset = post.reset_token(ADA).await;
    post.reset(&reset, NEW_PASSWORD).await.unwrap();
    assert!(is_refused(&post.verify(&token, None).await));
    assert_eq!(address(&post, &ada).await.0, ADA);
}

/// Proves: AZ-07
#[tokio::test]
async fn a_password_that_is_changed_meanwhile_stops_the_change() {
    let (post, ada) = with_ada().await;
    let post = Arc::new(post);
    let mut held = post.backend.hold("user_by_id");
    let change = tokio::spawn({
        let (post, ada) = (Arc::clone(&post), ada.clone());
        async move { post.users.change_email(&ada, NEW, password(PASSWORD)).await }
    });
    held.reached().await;
    post.users.set_password(&post.root().await, ada.user_id().unwrap(), password(NEW_PASSWORD)).await.unwrap();
    drop(held);
    assert!(matches!(change.await.unwrap(), Err(UsersError::CurrentPasswordIncorrect)));
    assert_eq!(post.arrived().await, [(ADA.to_owned(), MailKind::PasswordChanged)]);
}

/// Proves: AZ-07, RS-01
#[tokio::test]
async fn whoever_asks_for_an_address_that_is_taken_does_not_learn_of_it() {
    let (post, ada) = with_ada().await;
    let root = post.root().await;
    post.somebody("bob", "Bob@example.org").await;
    let shut = post.somebody("shut", "shut@example.org").await;
    post.users.deactivate_user(&root, shut.id, None).await.unwrap();
    let gone = post.somebody("gone", "gone@example.org").await;
    post.users.delete_user(&root, gone.id, None).await.unwrap();
    let mut asked = Vec::new();
    for email in ["free@example.org", "BOB@Example.org", "shut@example.org", "gone@example.org"] {
        post.backend.asked();
        let change = post.users.change_email(&ada, email, password(PASSWORD)).await.unwrap();
        assert_eq!(change, EmailChange::Pending, "{email}");
        asked.push(post.backend.asked());
        post.deliver().await;
    }
    asked.dedup();
    assert_eq!(asked.len(), 1, "the same is done for each");
    let requested = (ADA.to_owned(), MailKind::EmailChangeRequested);
    let expected = [
        ("free@example.org".to_owned(), MailKind::ChangeEmail),
        requested.clone(),
        ("Bob@example.org".to_owned(), MailKind::ChangeEmailTaken),
        requested.clone(),
        requested.clone(),
        requested,
    ];
    assert_eq!(post.arrived().await, expected);
    let told = &post.mailer.arrived.mails()[2];
    assert!(told.text.contains("Hello bob,"));
    assert!(!told.text.contains("token") && !told.html.contains("token") && !told.text.contains("ada"));
}

/// Proves: AZ-07
#[tokio::test]
async fn an_address_that_is_taken_meanwhile_is_refused_and_the_token_stays_good() {
    let (post, ada) = with_ada().await;
    let token = post.change_token(&ada, NEW).await;
    let bob = post.somebody("bob", NEW).await;
    for _ in 0..2 {
        let refused = post.verify(&token, None).await;
        assert!(matches!(refused, Err(MailboxError::Account(UsersError::EmailTaken))), "{refused:?}");
    }
    assert_eq!(address(&post, &ada).await.0, ADA);
    let moved = UserPatch { email: Some(Some("bob@example.org".to_owned())), ..UserPatch::default() };
    post.users.update_user(&Actor::system(), bob.id, moved, None).await.unwrap();
    post.verify(&token, None).await.unwrap();
    assert_eq!(address(&post, &ada).await, (NEW.to_owned(), true));
}

#[tokio::test]
async fn a_change_is_pending_for_a_day_to_the_second() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    for (wait, good) in [(DAY - Duration::from_secs(1), true), (DAY, false)] {
        let (post, ada) = with_ada().await;
        let token = post.change_token(&ada, NEW).await;
        post.clock.advance(wait);
        let answer = post.verify(&token, None).await;
        assert_eq!((answer.is_ok(), is_refused(&answer)), (good, !good), "{wait:?}: {answer:?}");
    }
}

#[tokio::test]
async fn ones_own_address_in_another_spelling_is_a_change_too() {
    let (post, ada) = with_ada().await;
    let token = post.change_token(&ada, "ADA@example.org").await;
    post.verify(&token, None).await.unwrap();
    assert_eq!(address(&post, &ada).await, ("ADA@example.org".to_owned(), true));
}

#[tokio::test]
async fn somebody_without_an_address_gets_one_by_proving_it() {
    let post = Post::new().await;
    post.user("bob").await;
    let bob = post.actor("bob").await;
    let token = post.change_token(&bob, NEW).await;
    post.verify(&token, None).await.unwrap();
    assert_eq!(address(&post, &bob).await, (NEW.to_owned(), true));
    assert_eq!(post.arrived().await, [(NEW.to_owned(), MailKind::ChangeEmail)], "there was nobody to be told");
}

/// Proves: AZ-07
#[tokio::test]
async fn without_mail_an_address_is_changed_at_once_and_is_not_proven() {
    let post = Post::none().await;
    let proven = usher_service::UserDraft { email: Some(ADA.to_owned()), email_verified: true, ..draft("ada") };
    post.users.create_user(&Actor::system(), proven).await.unwrap();
    post.somebody("bob", "bob@example.org").await;
    let ada = post.actor("ada").await;
    let change = async |email: &str, text: &str| post.users.change_email(&ada, email, password(text)).await;
    assert!(matches!(change(NEW, "Not-it-7-times").await, Err(UsersError::CurrentPasswordIncorrect)));
    assert!(matches!(change("BOB@example.org", PASSWORD).await, Err(UsersError::EmailTaken)));
    assert_eq!(address(&post, &ada).await, (ADA.to_owned(), true));
    let EmailChange::Done(changed) = change(NEW, PASSWORD).await.unwrap() else { panic!("it is pending") };
    assert_eq!((changed.email.unwrap().as_str(), changed.email_verified_at), (NEW, None));
    assert_eq!(address(&post, &ada).await, (NEW.to_owned(), false));
    let entry = post.log().await.pop().unwrap();
    assert_eq!((entry.action, entry.outcome), (Action::EmailChanged, Outcome::Success));
    let refused = change("nowhere", PASSWORD).await.unwrap_err();
    assert_eq!(faults(refused)[0].0, "email");
}

#[tokio::test]
async fn an_address_that_is_changed_while_mail_is_off_voids_what_was_sent_before() {
    let (post, ada) = with_ada().await;
    let token = post.change_token(&ada, NEW).await;
    let reset = post.reset_token(ADA).await;
    let silent = &post.fixture.users;
    let changed = silent.change_email(&ada, "other@example.org", password(PASSWORD)).await.unwrap();
    assert!(matches!(changed, EmailChange::Done(_)));
    assert!(is_refused(&post.verify(&token, None).await) && !post.is_good(&reset).await);
}

#[tokio::test]
async fn a_change_that_fails_anywhere_leaves_nothing_half_made() {
    let (post, ada) = with_ada().await;
    let id = ada.user_id().unwrap();
    let state = async || (post.stored(id).await, post.log().await, post.queue().await);
    let before = state().await;
    for step in ["user_by_id", "one_time_token_insert", "mail_insert", "activity_append", "commit"] {
        post.backend.fail_at(step);
        let failed = post.users.change_email(&ada, NEW, password(PASSWORD)).await;
        assert!(matches!(failed, Err(UsersError::Failure(Failure::Unavailable(_)))), "{step}: {failed:?}");
        post.backend.heal();
        assert_eq!(state().await, before, "{step}");
    }
    let token = post.change_token(&ada, NEW).await;
    let before = state().await;
    for step in ["one_time_token_consume", "user_update", "mail_insert", "activity_append", "commit"] {
        post.backend.fail_at(step);
        let failed = post.mailbox.verify_email(&token, None, &ClientInfo::default()).await;
        assert!(matches!(failed, Err(MailboxError::Failure(Failure::Unavailable(_)))), "{step}: {failed:?}");
        post.backend.heal();
        assert_eq!(state().await, before, "{step}");
    }
    post.verify(&token, None).await.unwrap();
}
