//! A mail server that does not do what it should: nobody who asks usher for something notices.

use std::time::Duration;

use usher_adapters::contract::{MailStep, Misbehavior};
use usher_domain::QueuedMail;

use crate::support::{Client, Office, PASSWORD, Post};

/// How long the first retry waits at least.
const FIRST_RETRY: Duration = Duration::from_secs(30);

fn assert_healthy(client: &Client) {
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(client.get(path).status, 200, "{path}");
    }
}

fn failed(client: &Client, office: &Office, to: &str) -> QueuedMail {
    client.until("sending it has failed", || office.queued(to).is_some_and(|mail| mail.last_error.is_some()));
    office.queued(to).unwrap()
}

fn is_on_its_way(mail: &QueuedMail) -> bool {
    (mail.attempts, &mail.last_error) == (1, &None)
}

/// Proves: RS-13
#[test]
fn a_mail_server_that_hangs_holds_nobody_up() {
    for how in [Misbehavior::Silent, Misbehavior::SilentAt(MailStep::Data), Misbehavior::Trickle] {
        let mut office = Office::on_sqlite(Post::start());
        office.post.misbehave(how);
        let server = office.start();
        let client = &server.client;
        assert_eq!(client.sign_up("ada").status, 201, "{how:?}");
        client.until("it is being talked to", || office.queued("ada@example.org").is_some_and(|it| is_on_its_way(&it)));
        client.until("it has been called", || office.post.connections() == 1);

        assert_eq!(client.sign_up("bob").status, 201, "{how:?}");
        assert_eq!(client.login("ada", PASSWORD).status, 200, "{how:?}");
        assert_eq!(client.ask_reset("ada@example.org").status, 202, "{how:?}");
        assert_healthy(client);
        assert!(is_on_its_way(&office.queued("ada@example.org").unwrap()), "{how:?}: it still hangs");
        assert_eq!((office.post.connections(), office.post.mails()), (1, vec![]), "{how:?}");

        office.post.take_down();
        let mail = failed(client, &office, "ada@example.org");
        assert_eq!(mail.attempts, 1, "{how:?}");
        office.post.behave();
        office.post.bring_up();
        client.until("the wish was answered", || office.queue().len() + office.post.mails().len() >= 3);
        office.end_waiting();
        let mails = office.arrived(&server, 3);
        let sent = |to: &str| mails.iter().filter(|mail| mail.to == [to]).count();
        assert_eq!((sent("ada@example.org"), sent("bob@example.org")), (2, 1), "{how:?}");
    }
}

/// Proves: RS-13
#[test]
fn what_a_mail_server_does_not_take_waits_and_is_sent_later() {
    let mut office = Office::on_sqlite(Post::start());
    let server = office.start();
    let client = &server.client;
    let faults = [
        (Some(Misbehavior::Refuse(MailStep::Greeting, 421)), "refuses the connection: 421 4.7.1"),
        (Some(Misbehavior::Refuse(MailStep::Recipient, 451)), "refuses the recipient: 451 4.7.1"),
        (Some(Misbehavior::Refuse(MailStep::Recipient, 550)), "refuses the recipient: 550 5.7.1"),
        (Some(Misbehavior::Refuse(MailStep::Mail, 554)), "refuses the mail: 554 5.7.1"),
        (Some(Misbehavior::HangUpWithinMail), "at the mail"),
        (None, "the mail server cannot be reached"),
    ];
    for (n, (fault, said)) in faults.into_iter().enumerate() {
        match fault {
            Some(how) => office.post.misbehave(how),
            None => office.post.take_down(),
        }
        let (name, email) = (format!("user{n}"), format!("user{n}@example.org"));
        assert_eq!(client.sign_up(&name).status, 201, "{fault:?}");
        let mail = failed(client, &office, &email);
        assert_eq!((client.login(&name, PASSWORD).status, mail.attempts), (200, 1), "{fault:?}");
        assert_healthy(client);
        let error = mail.last_error.unwrap();
        assert!(error.contains(said) && !error.contains("token"), "{fault:?}: {error}");
        assert!(mail.not_before.since(mail.created_at) >= FIRST_RETRY, "{fault:?}");
        assert!(mail.not_before < mail.expires_at, "{fault:?}");

        match fault {
            Some(_) => office.post.behave(),
            None => office.post.bring_up(),
        }
        office.end_waiting();
        assert_eq!(office.arrived(&server, n + 1)[n].to, [email]);
    }
    let log = server.stop().stderr;
    assert_eq!(log.matches("a mail could not be sent").count(), 6, "{log}");
}

/// A mail that is broken off has not failed: another process sends it once it may.
#[cfg(unix)]
#[test]
fn a_mail_server_that_hangs_does_not_keep_the_process_from_ending() {
    let office = Office::on_sqlite(Post::start());
    office.post.misbehave(Misbehavior::Silent);
    let server = office.start();
    assert_eq!(server.client.sign_up("ada").status, 201);
    server.client.until("it has been called", || office.post.connections() == 1);
    assert_eq!(server.stop().status.code(), Some(0));
    assert!(is_on_its_way(&office.queued("ada@example.org").unwrap()));

    office.post.behave();
    office.end_waiting();
    let server = office.start();
    office.arrived(&server, 1);
}
