use std::{error::Error, time::Duration};

use tokio::time::timeout;
use usher_adapters::{
    SmtpMailer, SmtpSettings,
    contract::{MailServer, Misbehavior},
};
use usher_domain::{EmailAddress, MailId, MailKind, Timestamp};
use usher_service::{Environment, Mail, Mailer};

use crate::fixture::PATIENCE;

/// How long a mail may take where that is what a test is about: more than a busy machine needs.
pub(crate) const LIMIT: Duration = Duration::from_secs(1);

/// What no error and no log may tell, in all forms in which it travels.
pub(crate) const SECRETS: [&str; 6] =
    ["hunter2", "aHVudGVyMg", "AHVzaGVyAGh1bnRlcjI", "s3cr3t", "confidential", "link"];

/// A mail that nobody else has.
pub(crate) fn mail() -> Mail {
    Mail {
        id: MailId::generate(&*Environment::system().ids),
        kind: MailKind::ResetPassword,
        to: EmailAddress::parse("alice@example.org").unwrap(),
        subject: "A confidential link".to_owned(),
        text: "The link is https://example.org/reset#s3cr3t\n".to_owned(),
        html: "<p>The link is <a href=\"https://example.org/reset#s3cr3t\">this</a></p>\n".to_owned(),
        date: Timestamp::from_micros(1_893_499_200_000_000),
    }
}

/// A mailer that waits no longer than a test likes.
pub(crate) fn hasty(server: &MailServer) -> SmtpMailer {
    SmtpMailer::open(SmtpSettings { timeout: LIMIT, ..server.settings() }).unwrap()
}

/// What becomes of a mail, as it is written down in all forms. It never takes long.
pub(crate) async fn failure(mailer: &impl Mailer) -> String {
    let sent = timeout(PATIENCE, mailer.send(&mail())).await.unwrap();
    let error = sent.unwrap_err();
    let mut shown = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        shown += &format!(": {error} {error:?}");
        cause = error.source();
    }
    shown
}

/// Sends a mail to a server that does something wrong, and then to one that does not.
pub(crate) async fn failure_and_recovery(mailer: &SmtpMailer, server: &MailServer, how: Misbehavior) -> String {
    server.misbehave(how);
    let shown = failure(mailer).await;
    server.behave();
    mailer.send(&mail()).await.unwrap();
    shown
}
