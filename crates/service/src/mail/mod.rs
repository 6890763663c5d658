//! Mail: what is written in it, where it waits, and the port through which it leaves.

#[cfg(feature = "contract")]
pub mod contract;
mod dispatcher;
mod links;
mod memory;
mod outbox;
mod templates;

use std::fmt;

use async_trait::async_trait;
use usher_domain::{EmailAddress, MailId, MailKind, Timestamp};

pub use dispatcher::{MailDispatcher, Stationery};
pub use links::{InvalidLinkTemplate, LinkTemplate, MailLinks};
pub use memory::MemoryMailer;
pub(crate) use outbox::Addressee;
pub use outbox::{Outbox, TokenLifetimes};
pub use templates::{InvalidTemplate, TemplateOverride, Templates};

/// A mail, written and ready to go. `Debug` leaves out what it says: that may hold a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its name: the same one for each attempt, so that a mail that arrives twice shows itself as one.
    pub id: MailId,
    /// Which one it is.
    pub kind: MailKind,
    /// To whom, and nobody else.
    pub to: EmailAddress,
    /// What it is about: one line.
    pub subject: String,
    /// What it says, as plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
    /// When it was asked for.
    pub date: Timestamp,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Why a mail did not leave. It stays in the queue.
#[derive(Debug, thiserror::Error)]
#[error("the mail could not be handed over")]
pub struct MailError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Takes mails away: to a mail server, into a folder.
#[async_trait]
pub trait Mailer: Send + Sync + 'static {
    /// Hands a mail over. It answers in good time, whatever is at the other end.
    ///
    /// # Errors
    /// [`MailError`] unless it is certain that somebody else now has it.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}
