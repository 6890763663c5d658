//! A mail server that comes late, dies, hangs, refuses and talks nonsense.

use std::collections::BTreeSet;

use tokio::{runtime, time::timeout};
use usher_adapters::{
    SmtpMailer, SmtpSettings,
    contract::{MailSecurity, MailServer, MailStep, Misbehavior},
};
use usher_service::Mailer;

use crate::{
    fixture::PATIENCE,
    mail_fixture::{LIMIT, failure, failure_and_recovery, hasty, mail},
};

/// What a server does wrong, and what is told of it.
const MISBEHAVIORS: [(Misbehavior, &str); 20] = [
    (Misbehavior::Silent, "does not take the mail within 1s"),
    (Misbehavior::SilentAt(MailStep::Mail), "does not take the mail within 1s"),
    (Misbehavior::Trickle, "does not take the mail within 1s"),
    (Misbehavior::Refuse(MailStep::Greeting, 554), "refuses the connection: 554 5.7.1"),
    (Misbehavior::Refuse(MailStep::Hello, 421), "refuses the connection: 421 4.7.1"),
    (Misbehavior::Refuse(MailStep::Sender, 451), "refuses the sender: 451 4.7.1"),
    (Misbehavior::Refuse(MailStep::Sender, 421), "refuses the sender: 421 4.7.1"),
    (Misbehavior::Refuse(MailStep::Recipient, 450), "refuses the recipient: 450 4.7.1"),
    (Misbehavior::Refuse(MailStep::Recipient, 550), "refuses the recipient: 550 5.7.1"),
    (Misbehavior::Refuse(MailStep::Data, 452), "refuses DATA: 452 4.7.1"),
    (Misbehavior::Refuse(MailStep::Data, 250), "refuses DATA: 250"),
    (Misbehavior::Refuse(MailStep::Mail, 451), "refuses the mail: 451 4.7.1"),
    (Misbehavior::Refuse(MailStep::Mail, 554), "refuses the mail: 554 5.7.1"),
    (Misbehavior::Refuse(MailStep::Mail, 354), "refuses the mail: 354"),
    (Misbehavior::Refuse(MailStep::Mail, 999), "at the mail"),
    (Misbehavior::HangUp(MailStep::Greeting), "at the connection"),
    (Misbehavior::HangUp(MailStep::Sender), "at the sender"),
    (Misbehavior::HangUp(MailStep::Data), "at DATA"),
    (Misbehavior::HangUpWithinMail, "at the mail"),
    (Misbehavior::HangUp(MailStep::Mail), "at the mail"),
];

#[tokio::test]
async fn a_server_that_misbehaves_costs_a_mail_its_time_and_the_next_one_nothing() {
    for (how, expected) in MISBEHAVIORS {
        let server = MailServer::start();
        let shown = failure_and_recovery(&hasty(&server), &server, how).await;
        assert!(shown.contains(expected), "{how:?}: {shown}");
    }
}

#[tokio::test]
async fn so_does_one_that_behaved_before() {
    for (how, expected) in MISBEHAVIORS {
        let server = MailServer::start();
        let mailer = hasty(&server);
        mailer.send(&mail()).await.unwrap();
        if matches!(how, Misbehavior::Refuse(step, _) | Misbehavior::HangUp(step) if step == MailStep::Greeting || step == MailStep::Hello)
        {
            // The connection is there already.
            server.misbehave(how);
            mailer.send(&mail()).await.unwrap();
            continue;
        }
        let shown = failure_and_recovery(&mailer, &server, how).await;
        assert!(shown.contains(expected), "{how:?}: {shown}");
    }
}

#[tokio::test]
async fn what_a_server_did_not_take_it_does_not_have() {
    for (how, _) in MISBEHAVIORS {
        let server = MailServer::start();
        let mailer = hasty(&server);
        server.misbehave(how);
        failure(&mailer).await;
        // It was told everything, and its word got lost: to send the mail again is right.
        let may_have_it = matches!(how, Misbehavior::HangUp(MailStep::Mail) | Misbehavior::SilentAt(MailStep::Mail));
        assert_eq!(server.mails().len(), usize::from(may_have_it), "{how:?}");
    }
}

#[tokio::test]
async fn a_mail_that_is_sent_again_because_the_answer_was_lost_has_the_same_id() {
    let server = MailServer::start();
    let mailer = hasty(&server);
    let mail = mail();
    server.misbehave(Misbehavior::HangUp(MailStep::Mail));
    mailer.send(&mail).await.unwrap_err();
    server.behave();
    mailer.send(&mail).await.unwrap();
    let mails = server.until(2).await;
    let ids: BTreeSet<_> = mails.iter().map(|mail| mail.header("Message-ID").unwrap()).collect();
    assert_eq!(ids, BTreeSet::from([format!("<{}@example.org>", mail.id).as_str()]));
}

#[tokio::test]
async fn the_server_may_come_later_and_go_in_between() {
    let mut server = MailServer::down(MailSecurity::None);
    let mailer = hasty(&server);
    for _ in 0..2 {
        let shown = failure(&mailer).await;
        assert!(shown.contains("cannot be reached") && shown.contains("refused"), "{shown}");
        server.bring_up();
        for _ in 0..2 {
            mailer.send(&mail()).await.unwrap();
        }
        server.take_down().await;
    }
    server.bring_up();
    mailer.send(&mail()).await.unwrap();
    assert_eq!(server.mails().len(), 5);
}

#[tokio::test]
async fn a_connection_that_the_server_ended_meanwhile_costs_no_mail() {
    let mut server = MailServer::start();
    let mailer = hasty(&server);
    mailer.send(&mail()).await.unwrap();
    server.take_down().await;
    server.bring_up();
    mailer.send(&mail()).await.unwrap();
    for how in [Misbehavior::HangUp(MailStep::Noop), Misbehavior::Refuse(MailStep::Noop, 421)] {
        server.misbehave(how);
        mailer.send(&mail()).await.unwrap();
        server.behave();
    }
    assert_eq!(server.mails().len(), 4);
}

#[tokio::test]
async fn mails_one_after_the_other_share_a_connection() {
    let server = MailServer::start();
    let mailer = hasty(&server);
    for _ in 0..5 {
        mailer.send(&mail()).await.unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_answer_that_comes_too_late_passes_for_no_other() {
    for step in [MailStep::Sender, MailStep::Recipient, MailStep::Data, MailStep::Mail] {
        let server = MailServer::start();
        let mailer = hasty(&server);
        mailer.send(&mail()).await.unwrap();
        server.misbehave(Misbehavior::SilentAt(step));
        let shown = failure(&mailer).await;
        assert!(shown.contains("within 1s"), "{shown}");
        server.misbehave(Misbehavior::Refuse(MailStep::Mail, 554));
        let shown = failure(&mailer).await;
        assert!(shown.contains("refuses the mail: 554"), "{step:?}: {shown}");
        assert_eq!(server.connections(), 2, "{step:?}");
    }
}

#[test]
fn a_mailer_outlives_the_runtime_that_it_was_used_on() {
    let servers = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = servers.block_on(async { MailServer::start() });
    let mailer = SmtpMailer::open(server.settings()).unwrap();
    for _ in 0..2 {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(mailer.send(&mail())).unwrap();
    }
    assert_eq!(server.mails().len(), 2);
}

#[tokio::test]
async fn a_host_without_an_address_is_told() {
    let server = MailServer::start();
    let url = "smtp://mail.invalid?tls=none".to_owned();
    let settings = SmtpSettings { url, timeout: PATIENCE, ..server.settings() };
    let shown = failure(&SmtpMailer::open(settings).unwrap()).await;
    assert!(shown.contains("cannot be reached"), "{shown}");
}

#[tokio::test]
async fn mails_at_once_do_not_wait_for_each_other() {
    let server = MailServer::start();
    let mailer = hasty(&server);
    server.misbehave(Misbehavior::Silent);
    let (a, b, c) = (mail(), mail(), mail());
    let all = async { tokio::join!(mailer.send(&a), mailer.send(&b), mailer.send(&c)) };
    let (a, b, c) = timeout(LIMIT * 2, all).await.unwrap();
    assert!(a.is_err() && b.is_err() && c.is_err());
}
