//! Mail of real processes over SMTP: it arrives, once, and what it brings works.

use std::{collections::BTreeSet, net::TcpStream};

use serde_json::{Value, json};
use usher_adapters::contract::{MailSecurity, MailStep, Misbehavior};
use usher_service::mail::contract::Received;

use crate::support::{Office, PASSWORD, Post, QUICK, Server, token_in};

/// Another password that the policy has nothing against.
const NEW_PASSWORD: &str = "Zq9#kLm-pW2";

/// What the mail server asks for.
const SMTP_PASSWORD: &str = "hunter2 smtp";

/// A server with TLS and a login, and what it takes to get in.
fn guarded_office() -> Office {
    let post = Post::start_with(MailSecurity::StartTls);
    post.require_login("usher", SMTP_PASSWORD);
    let office = Office::on_sqlite(post).with("USHER__MAIL__SMTP__USERNAME", "usher");
    let password = office.place.write("smtp-password", &format!("{SMTP_PASSWORD}\n"));
    office.with("USHER__MAIL__SMTP__PASSWORD_FILE", password)
}

fn trusted(office: Office) -> Office {
    let authority = office.post.authority().to_str().unwrap().to_owned();
    office.with("SSL_CERT_FILE", authority)
}

/// Opens the page and sends the token as the page does.
fn follow(server: &Server, mail: &Received) {
    let link = mail.text.split_whitespace().find(|word| word.starts_with("http")).unwrap();
    let (page, _) = link.split_once('#').unwrap();
    let path = page.strip_prefix(&server.client.url()).unwrap();
    assert_eq!(server.client.get(path).status, 200, "{link}");
    let proven = server.client.verify_email(&token_in(&mail.text));
    assert_eq!((proven.status, &proven.json()["data"]["email_verified"]), (200, &json!(true)), "{proven:?}");
}

fn sign_up_and_prove(office: &Office) {
    let server = office.start();
    assert_eq!(server.client.sign_up("ada").status, 201);
    let mail = office.arrived(&server, 1).remove(0);
    assert_eq!(mail.from.as_deref(), Some("no-reply@example.org"));
    assert_eq!(mail.to, ["ada@example.org"]);
    assert!(mail.subject.contains("Example"), "{mail:?}");
    follow(&server, &mail);
    assert!(server.stop().stdout.contains(&format!("Mail       sent through {}\n", office.post.url())));
}

#[test]
fn whoever_signs_up_proves_his_address_by_the_link_that_arrives_on_sqlite() {
    sign_up_and_prove(&Office::on_sqlite(Post::start()));
}

#[test]
fn whoever_signs_up_proves_his_address_by_the_link_that_arrives_on_postgres() {
    let Some(office) = Office::on_postgres(Post::start()) else { return };
    sign_up_and_prove(&office);
}

/// Proves: OP-11
#[test]
fn mail_leaves_over_tls_and_with_a_login_or_not_at_all() {
    let office = guarded_office();
    let server = office.start();
    assert_eq!(server.client.sign_up("ada").status, 201);
    let has_failed = || office.queued("ada@example.org").is_some_and(|mail| mail.last_error.is_some());
    server.client.until("nobody vouches for the mail server", has_failed);
    assert!(!office.post.has_heard("AUTH") && !office.post.has_heard("MAIL"), "{:?}", office.post.heard());
    server.stop();

    let office = trusted(office);
    office.end_waiting();
    let server = office.start();
    follow(&server, &office.arrived(&server, 1)[0]);
}

fn outlives_a_kill(mut office: Office) {
    let server = office.start();
    assert_eq!(server.client.sign_up("ada").status, 201);
    // Killed, with no time to do anything.
    drop(server);
    assert!(office.queued("ada@example.org").is_some(), "whoever was told 201 gets his mail");

    office.post.bring_up();
    office.end_waiting();
    let server = office.start();
    let mail = office.arrived(&server, 1).remove(0);
    assert_eq!(server.client.verify_email(&token_in(&mail.text)).status, 200, "the token is the one of before");
    server.stop();
    assert_eq!(office.post.mails().len(), 1);
}

/// Proves: RS-13
#[test]
fn a_mail_that_nobody_has_sent_yet_outlives_a_kill_on_sqlite() {
    outlives_a_kill(Office::on_sqlite(Post::down()));
}

/// Proves: RS-13
#[test]
fn a_mail_that_nobody_has_sent_yet_outlives_a_kill_on_postgres() {
    let Some(office) = Office::on_postgres(Post::down()) else { return };
    outlives_a_kill(office);
}

/// Kills a server whose mail server is silent at this step, and has another one send what is left to send.
fn killed_at(step: MailStep, command: &str, expected: usize) -> Vec<Received> {
    let office = Office::on_sqlite(Post::start());
    office.post.misbehave(Misbehavior::SilentAt(step));
    let server = office.start();
    assert_eq!(server.client.sign_up("ada").status, 201);
    server.client.until("the mail is on its way", || office.post.has_heard(command));
    let is_held = || step != MailStep::Mail || !office.post.mails().is_empty();
    server.client.until("the mail server has what it is silent about", is_held);
    drop(server);
    let left = office.queued("ada@example.org").unwrap();
    assert_eq!((left.attempts, left.last_error), (1, None));

    office.post.behave();
    office.end_waiting();
    let server = office.start();
    let mails = office.arrived(&server, expected);
    server.stop();
    assert_eq!(office.post.mails().len(), expected);
    mails
}

#[test]
fn a_mail_that_was_on_its_way_when_the_server_was_killed_arrives_once() {
    killed_at(MailStep::Recipient, "RCPT", 1);
}

#[test]
fn a_mail_that_was_not_confirmed_before_the_kill_comes_again_under_the_same_name() {
    let mails = killed_at(MailStep::Mail, "DATA", 2);
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
    assert_eq!(token_in(&mails[0].text), token_in(&mails[1].text));
}

#[cfg(unix)]
#[test]
fn a_mail_that_is_on_its_way_is_finished_before_the_end_and_not_sent_again() {
    let office = Office::on_sqlite(Post::start());
    office.post.misbehave(Misbehavior::SilentAt(MailStep::Data));
    let mut server = office.start();
    assert_eq!(server.client.sign_up("ada").status, 201);
    server.client.until("the mail is on its way", || office.post.has_heard("DATA"));
    server.terminate();
    let is_closed = || TcpStream::connect(server.client.address()).is_err();
    server.client.until("no further connection is taken", is_closed);
    assert_eq!(office.post.mails(), []);
    office.post.behave();
    assert_eq!(server.wait().status.code(), Some(0));
    assert_eq!((office.post.mails().len(), office.queue()), (1, vec![]));

    let server = office.start();
    assert_eq!(server.client.sign_up("bob").status, 201);
    let mails = office.arrived(&server, 2);
    assert_eq!(mails[1].to, ["bob@example.org"]);
}

#[test]
fn two_processes_send_each_of_fifty_mails_once() {
    let Some(mut office) = Office::on_postgres(Post::down()) else { return };
    let server = office.start();
    for n in 0..50 {
        assert_eq!(server.client.sign_up(&format!("user{n}")).status, 201);
    }
    drop(server);
    office.end_waiting();
    office.post.misbehave(Misbehavior::Silent);
    office.post.bring_up();
    let servers = [office.start(), office.start()];
    servers[0].client.until("both have a mail to send", || office.post.connections() >= 2);
    office.post.behave();
    let mails = office.arrived(&servers[0], 50);
    for server in servers {
        assert_eq!(server.stop().status.code(), Some(0));
    }
    assert_eq!(office.post.mails().len(), 50);
    let recipients: BTreeSet<_> = mails.iter().flat_map(|mail| &mail.to).collect();
    assert_eq!(recipients.len(), 50);
}

#[test]
fn another_master_key_ends_the_tokens_that_were_mailed() {
    let office = Office::on_sqlite(Post::start());
    let server = office.start();
    assert_eq!(server.client.sign_up("ada").status, 201);
    office.arrived(&server, 1);
    assert_eq!(server.client.ask_reset("ada@example.org").status, 202);
    let before = token_in(&office.arrived(&server, 2)[1].text);
    server.stop();
    let resealed = office.place.run(&["keys", "reseal"], &QUICK);
    assert_eq!(resealed.code, Some(0), "{resealed:?}");

    let server = office.start();
    let refused = server.client.reset_password(&before, NEW_PASSWORD);
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (400, &json!("INVALID_OR_EXPIRED_TOKEN")));
    assert_eq!(server.client.ask_reset("ada@example.org").status, 202);
    let after = token_in(&office.arrived(&server, 3)[2].text);
    assert_eq!(server.client.reset_password(&after, NEW_PASSWORD).status, 200);
    assert_eq!(server.client.login("ada", NEW_PASSWORD).status, 200);
}

/// What is said while somebody signs up, proves his address, loses his password and sets another one, at a mail
/// server that repeats what it was told.
///
/// Proves: OP-04, RS-12
#[test]
fn no_token_no_mail_and_no_password_is_logged_at_any_level() {
    for format in ["text", "json"] {
        let office = trusted(guarded_office())
            .with("USHER__REGISTRATION__MODE", "verified")
            .with("USHER__TELEMETRY__LOG_LEVEL", "trace")
            .with("USHER__TELEMETRY__LOG_FORMAT", format);
        office.post.misbehave(Misbehavior::Refuse(MailStep::Mail, 554));
        let server = office.start();
        assert_eq!(server.client.sign_up("ada").status, 202);
        let has_failed = || office.queued("ada@example.org").is_some_and(|mail| mail.last_error.is_some());
        server.client.until("the mail is refused", has_failed);
        let told = office.queued("ada@example.org").unwrap().last_error.unwrap();
        office.post.behave();
        office.end_waiting();
        let sign_up = office.arrived(&server, 1).remove(0);
        let body = json!({"token": token_in(&sign_up.text), "password": PASSWORD});
        assert_eq!(server.client.post("/api/v1/auth/verify-email", &body).status, 200);
        let session = server.client.login("ada", PASSWORD).json();
        assert_eq!(server.client.ask_reset("ada@example.org").status, 202);
        let reset = token_in(&office.arrived(&server, 2)[1].text);
        assert_eq!(server.client.reset_password(&reset, "short").status, 422);
        assert_eq!(server.client.reset_password(&reset, NEW_PASSWORD).status, 200);
        assert_eq!(server.client.reset_password(&reset, NEW_PASSWORD).status, 400);
        let mails = office.arrived(&server, 3);
        let ended = server.stop();

        let mut secrets = vec![
            "#token=".to_owned(),
            "/pages/".to_owned(),
            PASSWORD.to_owned(),
            NEW_PASSWORD.to_owned(),
            SMTP_PASSWORD.to_owned(),
            // Base64 of the same, as it travels in AUTH PLAIN.
            "aHVudGVyMi".to_owned(),
            "AHVzaGVyAGh1bnRlcjI".to_owned(),
            token_in(&sign_up.text),
            reset,
        ];
        secrets.extend(["access_token", "csrf_token"].iter().filter_map(|name| text(&session["data"][name])));
        for mail in &mails {
            let lines = mail.text.lines().chain(mail.html.lines()).map(str::trim).filter(|line| line.len() > 15);
            secrets.extend(lines.map(str::to_owned));
            secrets.push(mail.subject.clone());
        }
        assert!(ended.stderr.contains("a mail could not be sent") && ended.stderr.contains("554 5.7.1"), "{ended:?}");
        for said in [&ended.stderr, &ended.stdout, &told] {
            for secret in &secrets {
                assert!(!said.contains(secret.as_str()), "{secret} in {said}");
            }
        }
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
