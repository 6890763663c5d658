use std::{fmt, time::Duration};

use lettre::transport::smtp::{Error as Cause, response::Response};
use usher_service::MailError;

/// Why a mail server did not take a mail. What the server says in words is not told: it may repeat a
/// password, or a mail.
#[derive(Debug, thiserror::Error)]
pub(super) enum SmtpError {
    #[error("the mail server does not take the mail within {0:?}")]
    TimedOut(Duration),
    #[error("the mail server cannot be reached: {0}")]
    Unreachable(String),
    #[error("the mail server does not offer STARTTLS")]
    NoStartTls,
    #[error("the mail server offers no way to sign in that is known here")]
    NoWayToSignIn,
    #[error("the mail server refuses {step}: {code}")]
    Refused { step: Step, code: String },
    #[error("the mail server is lost at {step}: {cause}")]
    Lost { step: Step, cause: String },
    #[error("the mail server hangs up, or answers something else than SMTP, at {0}")]
    NoAnswer(Step),
}

/// What a mail server is asked for, in this order.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Connection,
    StartTls,
    SignIn,
    Reuse,
    Sender,
    Recipient,
    Data,
    Mail,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connection => "the connection",
            Self::StartTls => "TLS",
            Self::SignIn => "the login",
            Self::Reuse => "the next mail",
            Self::Sender => "the sender",
            Self::Recipient => "the recipient",
            Self::Data => "DATA",
            Self::Mail => "the mail",
        })
    }
}

impl SmtpError {
    pub(super) fn at(step: Step, cause: &Cause) -> Self {
        let source = std::error::Error::source(cause).map(ToString::to_string).unwrap_or_default();
        if let Some(code) = cause.status() {
            let code = enhanced(&source).map_or(code.to_string(), |more| format!("{code} {more}"));
            Self::Refused { step, code }
        } else if cause.is_response() || cause.is_client() {
            Self::NoAnswer(step)
        } else if matches!(step, Step::Connection) {
            Self::Unreachable(source)
        } else {
            Self::Lost { step, cause: source }
        }
    }

    /// What is an answer, but not to what was asked for.
    pub(super) fn unexpected(step: Step, answer: &Response) -> Self {
        Self::Refused { step, code: answer.code().to_string() }
    }
}

/// The code of three numbers that the words begin with (RFC 3463), if there is one.
fn enhanced(words: &str) -> Option<&str> {
    let code = words.split_whitespace().next()?;
    let numbers: Vec<_> = code.split('.').collect();
    let is_number = |text: &&str| (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    (numbers.len() == 3 && numbers.iter().all(is_number)).then_some(code)
}

impl From<SmtpError> for MailError {
    fn from(error: SmtpError) -> Self {
        Self(Box::new(error))
    }
}
