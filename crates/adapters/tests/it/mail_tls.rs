//! Mail over TLS.

use std::{env, path::Path, process::Command};

use tokio::{io::AsyncReadExt, net::TcpListener, task::block_in_place};
use usher_adapters::{
    SmtpLogin, SmtpMailer, SmtpSettings,
    contract::{MailSecurity, MailServer, Misbehavior},
};
use usher_domain::PlainPassword;
use usher_service::Mailer;

use crate::{
    fixture::PATIENCE,
    mail_fixture::{LIMIT, failure, hasty, mail},
};

const WITH_TLS: [MailSecurity; 2] = [MailSecurity::Tls, MailSecurity::StartTls];

fn server(security: MailSecurity) -> MailServer {
    let server = MailServer::start_with(security);
    server.require_login("usher", "hunter2");
    server
}

/// The other half of the tests below, in a process of its own, which is told by variables where the
/// server is and whom to trust.
#[tokio::test]
#[ignore = "run by the tests below"]
async fn elsewhere() {
    #[expect(clippy::disallowed_methods, reason = "what tests run against is no configuration of usher")]
    let Ok(url) = env::var("USHER_TEST_MAIL_URL") else { return };
    let login = SmtpLogin { username: "usher".to_owned(), password: PlainPassword::new("hunter2".to_owned()) };
    let from = "no-reply@example.org".parse().unwrap();
    let settings = SmtpSettings { login: Some(login), timeout: PATIENCE, ..SmtpSettings::new(url, from) };
    SmtpMailer::open(settings).unwrap().send(&mail()).await.unwrap();
}

/// What becomes of a process that trusts this authority.
fn send_trusting(authority: &Path, url: &str) -> (bool, String) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "mail_tls::elsewhere", "--ignored", "--nocapture"]);
    command.env("USHER_TEST_MAIL_URL", url).env("SSL_CERT_FILE", authority).env_remove("SSL_CERT_DIR");
    let output = block_in_place(|| command.output().unwrap());
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(said.contains("running 1 test"), "{said}");
    (output.status.success(), said)
}

/// Nothing was said to the server that is worth anything.
fn assert_heard_nothing(server: &MailServer) {
    let heard = server.heard();
    assert!(heard.iter().all(|line| line == "EHLO example.org" || line == "STARTTLS"), "{heard:?}");
    assert_eq!(server.mails(), []);
}

/// Proves: OP-11
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_good_if_it_is_of_this_host_and_of_somebody_trusted() {
    for security in WITH_TLS {
        let server = server(security);
        let url = server.url().replace("localhost", "127.0.0.1");
        let (sent, said) = send_trusting(server.authority(), &url);
        assert!(!sent && said.contains("certificate not valid for name"), "{said}");

        server.misbehave(Misbehavior::OtherHost);
        let (sent, said) = send_trusting(server.authority(), &server.url());
        assert!(!sent && said.contains("certificate not valid for name"), "{said}");
        server.behave();

        let (sent, said) = send_trusting(MailServer::down(security).authority(), &server.url());
        assert!(!sent && said.contains("invalid peer certificate"), "{said}");
        assert_heard_nothing(&server);

        let (sent, said) = send_trusting(server.authority(), &server.url());
        assert!(sent, "{said}");
        assert_eq!(server.mails().len(), 1);
    }
}

/// Proves: OP-11
#[tokio::test]
async fn without_starttls_no_password_and_no_mail_leaves() {
    let server = server(MailSecurity::StartTls);
    server.misbehave(Misbehavior::NoStartTls);
    let shown = failure(&hasty(&server)).await;
    assert!(shown.contains("does not offer STARTTLS"), "{shown}");
    assert_eq!(server.heard(), ["EHLO example.org"]);
    assert_heard_nothing(&server);
}

/// Proves: OP-11
#[tokio::test]
async fn a_certificate_of_nobody_knows_whom_is_no_good() {
    for security in WITH_TLS {
        let server = server(security);
        let shown = failure(&hasty(&server)).await;
        assert!(shown.contains("invalid peer certificate"), "{shown}");
        assert_heard_nothing(&server);
    }
}

/// What stands behind the answer to STARTTLS was not said under TLS, whoever said it.
///
/// Proves: OP-11
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_said_before_tls_counts_afterwards() {
    let server = server(MailSecurity::StartTls);
    server.misbehave(Misbehavior::SayMoreBeforeTls);
    let (sent, said) = send_trusting(server.authority(), &server.url());
    assert!(!sent && said.contains("step: StartTls") && said.contains("InvalidContentType"), "{said}");
    assert_heard_nothing(&server);
}

/// Proves: OP-11
#[tokio::test]
async fn nothing_but_tls_is_spoken_where_tls_is_asked_for() {
    let listener = TcpListener::bind("localhost:0").await.unwrap();
    let url = format!("smtps://localhost:{}", listener.local_addr().unwrap().port());
    let heard = tokio::spawn(async move {
        let mut heard = Vec::new();
        listener.accept().await.unwrap().0.read_to_end(&mut heard).await.unwrap();
        heard
    });
    let settings = SmtpSettings { url, timeout: LIMIT, ..server(MailSecurity::Tls).settings() };
    let shown = failure(&SmtpMailer::open(settings).unwrap()).await;
    assert!(shown.contains("within 1s"), "{shown}");
    let heard = heard.await.unwrap();
    assert!(heard.starts_with(&[22, 3]), "no TLS handshake (RFC 8446, 5.1): {heard:?}");
    let text = String::from_utf8_lossy(&heard);
    assert!(!text.contains("EHLO") && !text.contains("AUTH"), "{text}");
}
