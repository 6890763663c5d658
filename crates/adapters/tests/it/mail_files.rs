//! Mails as files, and as bytes.

use std::{fs, path::Path, time::Duration};

use usher_adapters::{FileMailer, MailFrom};
use usher_domain::{MailId, Timestamp};
use usher_service::{Mail, Mailer};
use uuid::Uuid;

use crate::mail_fixture::{failure, mail};

const ID: &str = "0193512e-0000-7000-8000-000000000001";

fn mailer(folder: &Path) -> FileMailer {
    FileMailer::open(folder, MailFrom::parse("usher <no-reply@localhost>").unwrap()).unwrap()
}

fn known_mail() -> Mail {
    let date = Timestamp::from_micros(1_795_282_200_000_000);
    Mail { id: MailId::from_uuid(Uuid::try_parse(ID).unwrap()), date, ..mail() }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

async fn written(mail: &Mail) -> String {
    let folder = tempfile::tempdir().unwrap();
    mailer(folder.path()).send(mail).await.unwrap();
    fs::read_to_string(folder.path().join(names(folder.path()).remove(0))).unwrap()
}

#[tokio::test]
async fn a_file_is_named_after_the_mail_and_nothing_else_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = mailer(folder.path());
    let first = known_mail();
    for _ in 0..2 {
        mailer.send(&first).await.unwrap();
    }
    let name = format!("20261121T173000Z-reset_password-{ID}.eml");
    assert_eq!(names(folder.path()), [name.as_str()]);
    let earlier = Mail { id: mail().id, date: first.date - Duration::from_secs(1), ..first };
    mailer.send(&earlier).await.unwrap();
    assert_eq!(names(folder.path()).pop().unwrap(), name);
}

#[tokio::test]
async fn a_mail_is_written_as_rfc_5322_says() {
    let message = written(&known_mail()).await;
    let expected = [
        "From: usher <no-reply@localhost>",
        "To: alice@example.org",
        "Subject: A confidential link",
        "Date: Sat, 21 Nov 2026 17:30:00 +0000",
        "Message-ID: <0193512e-0000-7000-8000-000000000001@localhost>",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Content-Type: multipart/alternative;",
        " boundary=\"=_0193512e-0000-7000-8000-000000000001\"",
        "",
        "--=_0193512e-0000-7000-8000-000000000001",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 7bit",
        "",
        "The link is https://example.org/reset#s3cr3t",
        "",
        "--=_0193512e-0000-7000-8000-000000000001",
        "Content-Type: text/html; charset=utf-8",
        "Content-Transfer-Encoding: 7bit",
        "",
        "<p>The link is <a href=\"https://example.org/reset#s3cr3t\">this</a></p>",
        "",
        "--=_0193512e-0000-7000-8000-000000000001--",
        "",
    ];
    assert_eq!(message, expected.join("\r\n"));
}

#[tokio::test]
async fn the_same_mail_gives_the_same_bytes() {
    assert_eq!(written(&known_mail()).await, written(&known_mail()).await);
}

#[tokio::test]
async fn a_mail_is_ascii_in_lines_that_every_server_takes() {
    let long = "Grüße ".repeat(1_000);
    let mail = Mail { subject: long.clone(), text: long.clone(), html: "x".repeat(5_000), ..known_mail() };
    let message = written(&mail).await;
    assert!(message.is_ascii());
    for line in message.split("\r\n") {
        assert!(line.len() <= 78 && !line.contains(['\r', '\n']), "{line}");
    }
}

#[tokio::test]
async fn a_date_of_any_year_can_be_told() {
    for (micros, expected) in [(i64::MIN, "Thu, 01 Jan 1970 00:00:00"), (i64::MAX, "Thu, 30 Dec 9999")] {
        let message = written(&Mail { date: Timestamp::from_micros(micros), ..known_mail() }).await;
        assert!(message.contains(expected), "{message}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_mails() {
    use std::os::unix::fs::PermissionsExt;

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data").join("mail");
    mailer(&folder).send(&known_mail()).await.unwrap();
    assert_eq!((mode(&folder), mode(folder.parent().unwrap())), (0o700, 0o700));
    assert_eq!(mode(&folder.join(names(&folder).remove(0))), 0o600);

    // What is there already is somebody's decision.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o750)).unwrap();
    mailer(&folder);
    assert_eq!(mode(&folder), 0o750);
}

#[tokio::test]
async fn a_folder_that_is_gone_is_an_error_and_one_that_cannot_be_made_too() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("mail");
    let mailer = mailer(&folder);
    fs::remove_dir(&folder).unwrap();
    let shown = failure(&mailer).await;
    assert!(shown.contains("could not be handed over") && shown.contains("No such file"), "{shown}");

    fs::write(&folder, "").unwrap();
    FileMailer::open(&folder, MailFrom::parse("no-reply@localhost").unwrap()).unwrap_err();
}
