//! What has expired, and is removed.

use std::time::Duration;

use usher_domain::{Action, Actor, ClientInfo, OneTimeToken, OneTimeTokenId, PendingSignUp, TokenHash, TokenPurpose};
use usher_service::{Sweeper, Swept};
use usher_storage::{OneTimeTokenQueries, SessionQueries, UsersStorageBackend};

use crate::post::{ADA, NEW_PASSWORD, Post, is_refused};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Of the activity log.
const RETENTION: Duration = Duration::from_secs(400 * 24 * 60 * 60);

fn sweeper(post: &Post) -> Sweeper {
    Sweeper::new(post.backend.clone(), RETENTION, post.environment.clone())
}

#[tokio::test]
async fn tokens_are_removed_once_they_have_expired() {
    let post = Post::new().await;
    post.ada().await;
    post.wish("eve", "eve@example.org").await;
    let reset = post.reset_token(ADA).await;
    let sweeper = sweeper(&post);
    post.clock.advance(MINUTE * 30 - SECOND);
    assert_eq!(sweeper.run_once().await.unwrap(), Swept::default());
    assert!(post.is_good(&reset).await);
    post.clock.advance(SECOND);
    assert_eq!(sweeper.run_once().await.unwrap(), Swept { tokens: 1, ..Swept::default() });
    assert!(is_refused(&post.reset(&reset, NEW_PASSWORD).await));
    post.clock.advance(DAY);
    assert_eq!(sweeper.run_once().await.unwrap(), Swept { tokens: 1, ..Swept::default() }, "and with it the sign-up");
    assert_eq!(sweeper.run_once().await.unwrap(), Swept::default(), "once is enough");
}

#[tokio::test]
async fn sessions_are_kept_for_thirty_days_after_their_end() {
    let post = Post::new().await;
    let ada = post.ada().await;
    let ended = post.login("ada").await.access.session;
    post.sessions.end_all(&Actor::system(), ada.id).await.unwrap();
    let expired = post.login("ada").await.access.session;
    post.clock.advance(DAY * 60);
    let sweeper = sweeper(&post);
    assert_eq!(sweeper.run_once().await.unwrap(), Swept::default(), "an absolute life of 30 days, and 30 more");
    let late = post.login("ada").await;
    post.clock.advance(SECOND);
    assert_eq!(sweeper.run_once().await.unwrap(), Swept { sessions: 2, ..Swept::default() });
    assert_eq!(sweeper.run_once().await.unwrap(), Swept::default());
    for gone in [ended, expired] {
        assert_eq!(post.backend.session_with_user(gone).await.unwrap(), None);
    }
    assert!(post.knows(&late).await);
}

#[tokio::test]
async fn whatever_there_is_of_it_is_removed_in_batches() {
    let post = Post::new().await;
    let now = post.environment.clock.now();
    let transaction = post.backend.begin().await.unwrap();
    let mut ids = Vec::new();
    for n in 0..1203_u32 {
        let id = OneTimeTokenId::generate(&*post.environment.ids);
        let mut hash = [0; 32];
        hash[..4].copy_from_slice(&n.to_be_bytes());
        let wish = PendingSignUp { username: "eve".parse().unwrap(), email: ADA.parse().unwrap(), full_name: None };
        let token = OneTimeToken {
            id,
            hash: TokenHash(hash),
            purpose: TokenPurpose::SignUp(wish),
            expires_at: now + if n < 1200 { MINUTE } else { DAY },
            created_at: now,
        };
        transaction.one_time_token_insert(&token).await.unwrap();
        ids.push(id);
    }
    transaction.commit().await.unwrap();
    post.clock.advance(MINUTE);
    post.backend.asked();
    assert_eq!(sweeper(&post).run_once().await.unwrap(), Swept { tokens: 1200, sessions: 0, ..Swept::default() });
    let commits = post.backend.asked().into_iter().filter(|what| *what == "commit").count();
    assert_eq!(commits, 3, "500, 500 and 200");
    for (id, there) in [(ids[0], false), (ids[1199], false), (ids[1200], true), (ids[1202], true)] {
        assert_eq!(post.backend.one_time_token_by_id(id).await.unwrap().is_some(), there);
    }
}

#[tokio::test]
async fn a_sweep_that_fails_is_done_again() {
    let post = Post::new().await;
    post.wish("eve", "eve@example.org").await;
    post.clock.advance(DAY);
    let sweeper = sweeper(&post);
    for step in ["begin", "one_time_token_delete_expired", "session_delete_expired", "commit"] {
        post.backend.fail_at(step);
        sweeper.run_once().await.unwrap_err();
        post.backend.heal();
    }
    assert_eq!(sweeper.run_once().await.unwrap(), Swept { tokens: 1, ..Swept::default() });
}

#[tokio::test]
async fn two_sweeps_at_once_remove_everything_once() {
    let post = Post::new().await;
    for n in 0..7 {
        post.wish(&format!("user{n}"), &format!("user{n}@example.org")).await;
    }
    post.clock.advance(DAY);
    let (one, other) = (sweeper(&post), sweeper(&post));
    let (one, other) = tokio::join!(one.run_once(), other.run_once());
    assert_eq!(one.unwrap().tokens + other.unwrap().tokens, 7);
}

/// Proves: RS-13
#[tokio::test]
async fn a_mail_whose_token_was_swept_is_not_sent_and_is_written_down() {
    let post = Post::new().await;
    post.ada().await;
    post.mailbox.request_reset(ADA, &ClientInfo::default()).await.unwrap();
    post.dispatcher.answer_requests().await.unwrap();
    post.clock.advance(MINUTE * 30);
    sweeper(&post).run_once().await.unwrap();
    assert_eq!(post.arrived().await, []);
    assert_eq!(post.logged(Action::MailFailed).await, 1);
}

/// Proves: OP-06
#[tokio::test]
async fn entries_of_the_activity_log_are_kept_for_their_time_and_no_longer() {
    let post = Post::new().await;
    post.ada().await;
    let sweeper = sweeper(&post);
    post.clock.advance(RETENTION);
    assert_eq!(sweeper.run_once().await.unwrap(), Swept::default());
    let young = post.somebody("bob", "bob@example.org").await;
    post.clock.advance(SECOND);
    assert_eq!(sweeper.run_once().await.unwrap(), Swept { entries: 1, ..Swept::default() });
    let [entry] = &post.log().await[..] else { panic!("one is left") };
    assert_eq!(entry.subject, Some(young.id));
}
