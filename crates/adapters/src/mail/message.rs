use std::{
    str::FromStr,
    time::{Duration, SystemTime},
};

use lettre::{
    Address, Message,
    message::{
        Body, Mailbox, MultiPart, SinglePart,
        header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue},
    },
};
use usher_service::Mail;

/// Whom mails are from: `no-reply@example.org`, or with a name `usher <no-reply@example.org>`. Addresses
/// at `localhost` are good too, for development.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailFrom(pub(super) Mailbox);

/// A text that is no address to send mails from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("mails must be from an address such as no-reply@example.org or usher <no-reply@example.org>")]
pub struct InvalidMailFrom;

impl MailFrom {
    /// Reads an address, with a name before it or without one. The address itself is ASCII.
    ///
    /// # Errors
    /// [`InvalidMailFrom`].
    pub fn parse(text: &str) -> Result<Self, InvalidMailFrom> {
        let mailbox: Mailbox = text.trim().parse().map_err(|_| InvalidMailFrom)?;
        let is_ascii = AsRef::<str>::as_ref(&mailbox.email).is_ascii();
        if is_ascii && !text.contains(breaks_lines) { Ok(Self(mailbox)) } else { Err(InvalidMailFrom) }
    }

    /// `no-reply@localhost`, where nothing better is known.
    #[must_use]
    pub fn nobody() -> Self {
        Self(Mailbox::new(None, Address::new_dangerous("no-reply", "localhost")))
    }

    /// The name before the address, if there is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// What stands behind the `@`.
    pub(super) fn domain(&self) -> &str {
        self.0.email.domain()
    }
}

impl FromStr for MailFrom {
    type Err = InvalidMailFrom;

    fn from_str(text: &str) -> Result<Self, InvalidMailFrom> {
        Self::parse(text)
    }
}

/// The mail as it travels (RFC 5322). The same mail gives the same bytes, all of them ASCII.
pub(super) fn message(mail: &Mail, from: &MailFrom) -> Result<Message, lettre::error::Error> {
    let domain = mail.to.as_str().rsplit('@').next().unwrap_or_default();
    // Not dangerous: an address of ours has passed stricter rules.
    let to = Address::new_dangerous(mail.to.local_part(), domain);
    let parts = MultiPart::alternative().boundary(format!("=_{}", mail.id));
    let part = |kind, text: &str| SinglePart::builder().header(kind).body(body(text.replace("\r\n", "\n")));
    Message::builder()
        .from(from.0.clone())
        .to(Mailbox::new(None, to))
        .subject(one_line(&mail.subject))
        .date(SystemTime::UNIX_EPOCH + since_epoch(mail))
        .message_id(Some(format!("<{}@{}>", mail.id, from.domain())))
        // Nobody's machine answers it (RFC 3834, 5).
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
        .multipart(
            parts
                .singlepart(part(ContentType::TEXT_PLAIN, &mail.text))
                .singlepart(part(ContentType::TEXT_HTML, &mail.html)),
        )
}

/// As it is where mail can carry it, so that a link can be read off a file too; else encoded.
fn body(text: String) -> Body {
    /// RFC 5322, 2.1.1, without the end of the line.
    const LONGEST_LINE: usize = 998;
    let is_plain =
        text.is_ascii() && !text.contains(['\0', '\r']) && text.lines().all(|line| line.len() <= LONGEST_LINE);
    if !is_plain {
        return Body::new(text);
    }
    Body::dangerous_pre_encoded(text.replace('\n', "\r\n").into_bytes(), ContentTransferEncoding::SevenBit)
}

/// Where a line could end, for one program or another, there is a space instead.
fn one_line(subject: &str) -> String {
    subject.replace(breaks_lines, " ")
}

fn breaks_lines(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// What is before, no header has to tell.
fn since_epoch(mail: &Mail) -> Duration {
    Duration::from_secs(u64::try_from(mail.date.as_secs()).unwrap_or(0))
}
