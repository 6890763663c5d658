use async_trait::async_trait;
use usher_domain::{MailBacklog, MailId, MailRequest, MailRequestId, PageSize, QueuedMail, Timestamp};

use crate::StorageResult;

/// Reads of the queue of mails, and of the wishes for some.
#[async_trait]
pub trait MailQueries {
    /// Some of the wishes, the earliest first.
    async fn mail_request_page(&self, size: PageSize) -> StorageResult<Vec<MailRequest>>;

    /// Some of the mails that may be sent by now, the longest due first. Those that have expired are among
    /// them.
    async fn mail_due(&self, now: Timestamp, size: PageSize) -> StorageResult<Vec<QueuedMail>>;

    /// What waits to be sent, whether it is due or not.
    async fn mail_backlog(&self) -> StorageResult<MailBacklog>;
}

/// Changes of the queue of mails, and of the wishes for some.
#[async_trait]
pub trait MailWrites {
    /// Adds a wish.
    async fn mail_request_insert(&self, request: &MailRequest) -> StorageResult<()>;

    /// Removes a wish, whose turn has come; answers whether it was this call that did.
    async fn mail_request_remove(&self, id: MailRequestId) -> StorageResult<bool>;

    /// Adds a mail.
    ///
    /// # Errors
    /// [`Conflict`](crate::StorageError::Conflict) if the account that it is about does not exist.
    async fn mail_insert(&self, mail: &QueuedMail) -> StorageResult<()>;

    /// Takes a mail that was begun so often, to send it: counts one attempt more and keeps it from everybody
    /// else until then. Answers whether it was this call that did: of any number that race, one.
    async fn mail_claim(&self, id: MailId, attempts: u32, until: Timestamp) -> StorageResult<bool>;

    /// Has a mail wait, because of this error. Answers whether it is still there.
    async fn mail_put_off(&self, id: MailId, not_before: Timestamp, error: &str) -> StorageResult<bool>;

    /// Removes a mail; answers whether it was this call that did.
    async fn mail_remove(&self, id: MailId) -> StorageResult<bool>;
}
