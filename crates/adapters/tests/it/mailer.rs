//! What all mailers promise, for the real ones.

use std::{env, fs, io::Write, process::Command, sync::Arc};

use usher_adapters::{
    FileMailer, MailFrom, SmtpMailer,
    contract::{MailSecurity, MailServer, received},
};
use usher_service::mail::contract::{Received, suite};

type Arrived = Box<dyn Fn() -> Vec<Received>>;

fn smtp(server: MailServer) -> (Arc<SmtpMailer>, Arrived) {
    let mailer = SmtpMailer::open(server.settings()).unwrap();
    (Arc::new(mailer), Box::new(move || server.mails()))
}

suite!(smtp_without_tls, async { smtp(MailServer::start()) });
suite!(smtp_with_login, async {
    let server = MailServer::start();
    server.require_login("usher", "hunter2");
    smtp(server)
});
suite!(smtp_with_starttls, async { trusted(MailSecurity::StartTls) });
suite!(smtp_with_tls, async { trusted(MailSecurity::Tls) });
suite!(files, async {
    let folder = tempfile::tempdir().unwrap();
    let mailer = FileMailer::open(folder.path(), MailFrom::parse("no-reply@localhost").unwrap()).unwrap();
    let path = folder.path().to_owned();
    let arrived = move || {
        let mut paths: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| in_file(&fs::read(path).unwrap())).collect::<Vec<_>>()
    };
    (Arc::new(mailer), arrived, folder)
});

/// Who reads a file sees the recipient in the header alone.
fn in_file(message: &[u8]) -> Received {
    let mail = received(Vec::new(), message);
    let to = mail.header("To").unwrap().split(',').map(|to| to.trim().to_owned()).collect();
    Received { to, ..mail }
}

/// A server whose authority this process trusts; none, if it is not one of those that the test below
/// starts.
fn trusted(security: MailSecurity) -> Option<(Arc<SmtpMailer>, Arrived, ())> {
    #[expect(clippy::disallowed_methods, reason = "what tests run against is no configuration of usher")]
    let trusted = env::var("USHER_TEST_MAIL").is_ok().then(|| env::var("SSL_CERT_FILE").unwrap())?;
    let server = MailServer::start_with(security);
    server.require_login("usher", "hunter2");
    // Another test may be reading it, or adding its own.
    let authority = fs::read(server.authority()).unwrap();
    fs::OpenOptions::new().append(true).open(trusted).unwrap().write_all(&authority).unwrap();
    let (mailer, arrived) = smtp(server);
    Some((mailer, arrived, ()))
}

/// Proves: OP-11
#[test]
fn mailers_with_tls_keep_what_all_promise() {
    let trusted = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["mailer::smtp_with_starttls::", "mailer::smtp_with_tls::"]);
    command.env("USHER_TEST_MAIL", "1").env("SSL_CERT_FILE", trusted.path()).env_remove("SSL_CERT_DIR");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && !said.contains("running 0 tests"), "{said}");
    assert!(fs::metadata(trusted.path()).unwrap().len() > 0, "nothing was trusted: {said}");
}
