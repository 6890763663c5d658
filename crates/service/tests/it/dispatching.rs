//! How mails leave the queue: once, later where they cannot now, and never too late.

use std::time::Duration;

use usher_domain::{Action, ActivityEntry, ClientInfo, MailKind, Outcome};
use usher_service::{ChangePassword, UsersManager};

use crate::{
    fixture::{PASSWORD, password},
    post::{ADA, NEW_PASSWORD, Post},
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Something that is told to Ada alone, and brings no token.
async fn notice(post: &Post) {
    let change = async |users: &UsersManager, old: &str, new: &str| {
        let login = post.auth.login(&crate::fixture::request("ada", old), &ClientInfo::default()).await.unwrap();
        let wish = ChangePassword { current_password: password(old), new_password: password(new) };
        users.change_password(&post.actor_of(&login).await, wish).await.unwrap();
    };
    change(&post.users, PASSWORD, NEW_PASSWORD).await;
}

async fn failures(post: &Post) -> Vec<ActivityEntry> {
    let log = post.log().await;
    log.into_iter().filter(|entry| entry.action == Action::MailFailed).collect()
}

/// How long it takes until the mail that is due next is tried, and that it is not tried before.
async fn next_try(post: &Post, attempts: u32) -> Duration {
    let [mail] = &post.queue().await[..] else { panic!("there is one mail") };
    assert_eq!(mail.attempts, attempts);
    let wait = mail.not_before.since(post.environment.clock.now());
    post.clock.advance(wait - SECOND);
    assert!(!post.dispatcher.send_next().await.unwrap(), "not before");
    post.clock.advance(SECOND);
    wait
}

/// Proves: RS-13
#[tokio::test]
async fn a_mail_that_cannot_be_sent_is_tried_again_less_and_less_often() {
    let post = Post::new().await;
    post.ada().await;
    notice(&post).await;
    post.mailer.fail("nobody answers");
    let mut waits = Vec::new();
    for attempt in 1..=9 {
        assert!(post.dispatcher.send_next().await.unwrap());
        waits.push(next_try(&post, attempt).await);
    }
    let minutes = [30, 60, 120, 240, 480, 960, 1920, 3600, 3600].map(Duration::from_secs);
    assert_eq!(waits, minutes);
    let [mail] = &post.queue().await[..] else { panic!("there is one mail") };
    assert_eq!(mail.last_error.as_deref(), Some("the mail could not be handed over: nobody answers"));
    post.mailer.heal();
    assert_eq!(post.arrived().await, [(ADA.to_owned(), MailKind::PasswordChanged)]);
    assert_eq!((post.queue().await, failures(&post).await), (vec![], vec![]));
}

/// Proves: RS-13
#[tokio::test]
async fn a_mail_is_dropped_with_its_token_and_that_is_written_down_once() {
    let post = Post::new().await;
    let ada = post.ada().await;
    let asked = post.environment.clock.now();
    post.mailer.fail("nobody\r\n\u{1b}answers");
    post.mailbox.request_reset(ADA, &ClientInfo::default()).await.unwrap();
    post.dispatcher.answer_requests().await.unwrap();
    let mut tries = 0;
    while !post.queue().await.is_empty() {
        assert_eq!(failures(&post).await, [], "while it waits");
        tries += 1;
        let now = post.environment.clock.now();
        let due = post.queue().await[0].not_before;
        assert!(due <= asked + MINUTE * 30, "within the life of its token");
        post.clock.advance(due.since(now));
        assert!(post.dispatcher.send_next().await.unwrap());
    }
    assert_eq!(post.environment.clock.now(), asked + MINUTE * 30);
    assert_eq!(tries, 7, "six tries at 0, 30, 90, 210, 450, 930 seconds, and the end");
    post.mailer.heal();
    assert_eq!(post.arrived().await, [], "never too late");
    let [failure] = &failures(&post).await[..] else { panic!("exactly one") };
    assert_eq!((failure.subject, failure.actor, failure.outcome), (Some(ada.id), None, Outcome::Failure));
    let told = serde_json::to_value(&failure.details).unwrap();
    let error = "the mail could not be handed over: nobody   answers";
    assert_eq!(told, serde_json::json!({"kind": "reset_password", "attempts": 6, "error": error}));
}

/// Proves: RS-13
#[tokio::test]
async fn what_somebody_asks_for_does_not_depend_on_the_mail_server() {
    let post = Post::new().await;
    let ada = post.ada().await;
    post.mailer.fail("nobody answers");
    post.mailbox.request_reset(ADA, &ClientInfo::default()).await.unwrap();
    post.wish("bob", "bob@example.org").await;
    post.users.set_password(&post.root().await, ada.id, password(NEW_PASSWORD)).await.unwrap();
    post.deliver().await;
    assert_eq!(post.queue().await.len(), 3);
    post.mailer.heal();
    post.clock.advance(SECOND * 30);
    assert_eq!(post.arrived().await.len(), 3);
}

#[tokio::test]
async fn a_mail_that_fails_does_not_keep_the_next_one_back() {
    let post = Post::new().await;
    post.ada().await;
    notice(&post).await;
    post.mailer.fail("not this one");
    assert!(post.dispatcher.send_next().await.unwrap());
    post.mailer.heal();
    post.wish("bob", "bob@example.org").await;
    assert_eq!(post.arrived().await, [("bob@example.org".to_owned(), MailKind::SignUp)]);
    post.clock.advance(SECOND * 30);
    assert_eq!(post.arrived().await.len(), 2);
}

#[tokio::test]
async fn the_mail_that_is_due_the_longest_is_sent_first() {
    let post = Post::new().await;
    for (n, name) in ["ada", "bob", "eve"].into_iter().enumerate() {
        post.wish(name, &format!("{name}{n}@example.org")).await;
        post.clock.advance(SECOND);
    }
    let sent: Vec<_> = post.arrived().await.into_iter().map(|(to, _)| to).collect();
    assert_eq!(sent, ["ada0@example.org", "bob1@example.org", "eve2@example.org"]);
}

/// Proves: RS-03
#[tokio::test]
async fn a_mail_whose_token_is_of_no_use_any_more_is_not_sent() {
    let post = Post::new().await;
    post.ada().await;
    let token = post.reset_token(ADA).await;
    post.mailbox.request_reset(ADA, &ClientInfo::default()).await.unwrap();
    post.mailbox.request_verification(ADA, &ClientInfo::default()).await.unwrap();
    while post.dispatcher.answer_requests().await.unwrap() > 0 {}
    assert_eq!(post.queue().await.len(), 2);
    post.reset(&token, NEW_PASSWORD).await.unwrap();
    let kinds: Vec<_> = post.arrived().await.into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, [MailKind::ResetPassword, MailKind::PasswordChanged]);
    assert_eq!((post.queue().await, failures(&post).await), (vec![], vec![]), "nothing is left of them");
}

#[tokio::test]
async fn of_more_than_three_mails_that_wait_the_latest_three_are_sent() {
    let post = Post::new().await;
    post.ada().await;
    for _ in 0..5 {
        post.mailbox.request_reset(ADA, &ClientInfo::default()).await.unwrap();
    }
    assert_eq!(post.arrived().await.len(), 3);
    for mail in post.mailer.arrived.mails() {
        assert!(post.is_good(&crate::post::token_in(&mail)).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_dispatchers_at_once_one_sends_a_mail() {
    let post = Post::new().await;
    post.ada().await;
    notice(&post).await;
    post.backend.answer_together("mail_due", 2);
    let both: Vec<_> = (0..2)
        .map(|_| {
            let dispatcher = post.dispatcher.clone();
            tokio::spawn(async move { dispatcher.send_next().await.unwrap() })
        })
        .collect();
    for one in both {
        assert!(one.await.unwrap(), "each has seen it");
    }
    assert_eq!(post.mailer.arrived.mails().len(), 1);
    assert_eq!(post.queue().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_dispatchers_at_once_one_answers_a_wish() {
    let post = Post::new().await;
    post.ada().await;
    post.mailbox.request_reset(ADA, &ClientInfo::default()).await.unwrap();
    post.backend.answer_together("mail_request_page", 2);
    let both: Vec<_> = (0..2)
        .map(|_| {
            let dispatcher = post.dispatcher.clone();
            tokio::spawn(async move { dispatcher.answer_requests().await.unwrap() })
        })
        .collect();
    for one in both {
        one.await.unwrap();
    }
    assert_eq!((post.queue().await.len(), post.logged(Action::PasswordResetRequested).await), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_dispatchers_at_once_one_writes_down_that_a_mail_was_dropped() {
    let post = Post::new().await;
    post.ada().await;
    notice(&post).await;
    post.clock.advance(HOUR * 24);
    post.backend.answer_together("mail_due", 2);
    let both: Vec<_> = (0..2)
        .map(|_| {
            let dispatcher = post.dispatcher.clone();
            tokio::spawn(async move { dispatcher.send_next().await.unwrap() })
        })
        .collect();
    for one in both {
        one.await.unwrap();
    }
    assert_eq!((failures(&post).await.len(), post.arrived().await.len()), (1, 0));
}

/// Proves: RS-13
#[tokio::test]
async fn a_crash_after_a_mail_was_sent_sends_it_once_more_at_most() {
    for lost in [false, true] {
        let post = Post::new().await;
        post.ada().await;
        notice(&post).await;
        if lost {
            post.backend.fail_after("mail_remove");
        } else {
            post.backend.fail_at("mail_remove");
        }
        post.dispatcher.send_next().await.unwrap_err();
        post.backend.heal();
        assert_eq!(post.mailer.arrived.mails().len(), 1);
        post.clock.advance(MINUTE * 2 - SECOND);
        assert!(!post.dispatcher.send_next().await.unwrap(), "whoever has it may be at it still");
        post.clock.advance(SECOND);
        assert_eq!(post.arrived().await.len(), 2);
        post.clock.advance(HOUR * 48);
        assert_eq!(post.arrived().await.len(), 2);
        let ids: Vec<_> = post.mailer.arrived.mails().iter().map(|mail| mail.id).collect();
        assert_eq!(ids[0], ids[1], "and both say that they are one");
        assert_eq!(failures(&post).await, []);
    }
}

/// Proves: RS-13
#[tokio::test]
async fn a_crash_before_a_mail_was_sent_only_delays_it() {
    let post = Post::new().await;
    post.wish("ada", ADA).await;
    post.backend.fail_at("one_time_token_by_id");
    post.dispatcher.send_next().await.unwrap_err();
    post.backend.heal();
    assert_eq!(post.arrived().await, []);
    post.clock.advance(MINUTE * 2);
    assert_eq!(post.arrived().await, [(ADA.to_owned(), MailKind::SignUp)]);
}
