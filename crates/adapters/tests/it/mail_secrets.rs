//! Who may sign in, and what is never told.

use usher_adapters::{
    InvalidMailFrom, InvalidSmtpSettings, MailFrom, SmtpLogin, SmtpMailer, SmtpSettings,
    contract::{MailServer, MailStep, Misbehavior},
};
use usher_domain::PlainPassword;
use usher_service::Mailer;

use crate::{
    log::{listen, logged},
    mail_fixture::{SECRETS, failure, failure_and_recovery, hasty, mail},
};

fn assert_tells_no_secret(shown: &str) {
    for secret in SECRETS {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

fn server_with_login() -> MailServer {
    let server = MailServer::start();
    server.require_login("usher", "hunter2");
    server
}

fn login(username: &str, password: &str) -> SmtpLogin {
    SmtpLogin { username: username.to_owned(), password: PlainPassword::new(password.to_owned()) }
}

#[tokio::test]
async fn a_mailer_signs_in_by_whatever_the_server_offers() {
    for mechanisms in ["PLAIN", "LOGIN", "LOGIN PLAIN", "CRAM-MD5 LOGIN"] {
        let server = MailServer::start();
        server.require_login_by(mechanisms, "usher", "hunter2 ü=");
        hasty(&server).send(&mail()).await.unwrap();
        assert_eq!(server.mails().len(), 1, "{mechanisms}");
    }
}

#[tokio::test]
async fn whoever_may_not_sign_in_is_told_so() {
    let server = server_with_login();
    for (username, password) in [("usher", "hunter3"), ("usher", ""), ("mallory", "hunter2")] {
        let settings = SmtpSettings { login: Some(login(username, password)), ..server.settings() };
        let shown = failure(&SmtpMailer::open(settings).unwrap()).await;
        assert!(shown.contains("refuses the login: 535 5.7.8"), "{shown}");
        assert!(!shown.contains("hunter"), "{shown}");
    }
    let shown = failure(&SmtpMailer::open(SmtpSettings { login: None, ..server.settings() }).unwrap()).await;
    assert!(shown.contains("refuses the sender: 530 5.7.0"), "{shown}");
    assert_eq!(server.mails(), []);

    let server = MailServer::start();
    server.require_login_by("CRAM-MD5", "usher", "hunter2");
    let shown = failure(&hasty(&server)).await;
    assert!(shown.contains("no way to sign in"), "{shown}");
}

/// A server may repeat what it was told.
///
/// Proves: OP-02, OP-04
#[tokio::test]
async fn neither_errors_nor_logs_tell_a_password_or_a_mail() {
    use MailStep::{Data, Greeting, Hello, Login, Mail, Recipient, Sender};
    for step in [Greeting, Hello, Login, Sender, Recipient, Data, Mail] {
        for how in [Misbehavior::Refuse(step, 451), Misbehavior::Refuse(step, 554), Misbehavior::Refuse(step, 600)] {
            let server = server_with_login();
            listen();
            let shown = failure_and_recovery(&hasty(&server), &server, how).await + &logged();
            assert!(shown.contains("mail server"), "{shown}");
            assert_tells_no_secret(&shown);
        }
    }
}

/// Proves: OP-02, OP-04
#[tokio::test]
async fn settings_and_mailers_show_no_password() {
    let server = server_with_login();
    let settings = server.settings();
    let mailer = SmtpMailer::open(settings.clone()).unwrap();
    let shown = format!("{settings:?} {mailer:?}");
    assert_tells_no_secret(&shown);
    assert!(shown.contains("redacted"), "{shown}");
}

/// Proves: OP-02
#[test]
fn settings_that_lead_nowhere_are_refused_and_not_shown() {
    use InvalidSmtpSettings::{LoginInUrl, LoginWithoutTls, Url};
    let from = MailFrom::parse("no-reply@example.org").unwrap();
    for (url, expected) in [
        ("", Url),
        ("s3cr3t", Url),
        ("smtp:", Url),
        ("smtp://", Url),
        ("smtp://s3cr3t%20", Url),
        ("smtp://localhost:s3cr3t", Url),
        ("http://localhost/s3cr3t", Url),
        ("smtp://localhost/s3cr3t", Url),
        ("smtp://localhost?tls=s3cr3t", Url),
        ("smtp://localhost?tls=opportunistic", Url),
        ("smtp://localhost?tls=none&tls=none", Url),
        ("smtp://localhost#s3cr3t", Url),
        ("smtps://localhost?tls=none", Url),
        ("smtps://usher:s3cr3t@localhost", LoginInUrl),
        ("smtps://:s3cr3t@localhost", LoginInUrl),
        ("smtp://s3cr3t@localhost", LoginInUrl),
        ("smtp://mail.example.org?tls=none", LoginWithoutTls),
        ("smtp://192.0.2.1?tls=none", LoginWithoutTls),
        ("smtp://localhost.example.org?tls=none", LoginWithoutTls),
    ] {
        let settings = SmtpSettings { login: Some(login("usher", "hunter2")), ..SmtpSettings::new(url, from.clone()) };
        let error = settings.check().unwrap_err();
        assert_tells_no_secret(&format!("{error} {error:?}").replace("no password", ""));
        assert_eq!(error, expected, "{url}");
        assert_eq!(SmtpMailer::open(settings).unwrap_err(), expected, "{url}");
    }
}

#[test]
fn every_kind_of_url_is_understood() {
    let from = MailFrom::parse("no-reply@example.org").unwrap();
    for (url, may_sign_in) in [
        ("smtps://mail.example.org", true),
        ("smtps://mail.example.org:4650/", true),
        ("smtp://mail.example.org", true),
        ("smtp://192.0.2.1:2525", true),
        ("smtps://[2001:db8::1]", true),
        ("smtp://localhost:1025?tls=none", true),
        ("smtp://127.0.0.1?tls=none", true),
        ("smtp://[::1]:25/?tls=none", true),
        ("smtp://mail-catcher:1025?tls=none", false),
        ("smtp://mail_catcher:1025?tls=none", false),
    ] {
        let login = may_sign_in.then(|| login("usher", "hunter2"));
        SmtpMailer::open(SmtpSettings { login, ..SmtpSettings::new(url, from.clone()) }).unwrap();
    }
}

#[test]
fn mails_are_from_one_address() {
    for good in [
        "no-reply@example.org",
        " usher <no-reply@example.org> ",
        "usher <no-reply@localhost>",
        "no-reply@localhost",
        "\"Accounts, Inc.\" <accounts@example.org>",
        "Bücher <no-reply@xn--bcher-kva.example>",
    ] {
        MailFrom::parse(good).unwrap();
    }
    assert_eq!(MailFrom::parse("no-reply@localhost"), Ok(MailFrom::nobody()));
    for bad in [
        "",
        "usher",
        "usher <>",
        "@example.org",
        "a@example.org, b@example.org",
        "usher <no-reply@bücher.example>",
        "ush\ner <no-reply@example.org>",
        "ush\u{2028}er <no-reply@example.org>",
        "\"ush\u{85}er\" <no-reply@example.org>",
        "usher <no-reply@example.org>\r\nBcc: mallory@example.org",
        "usher <no-reply@example.org\r\nBcc: mallory@example.org>",
    ] {
        assert_eq!(MailFrom::parse(bad), Err(InvalidMailFrom), "{bad}");
    }
}
