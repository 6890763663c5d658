use async_trait::async_trait;
use usher_domain::{MailBacklog, MailId, MailRequest, MailRequestId, PageSize, QueuedMail, Timestamp};

use super::{MemoryBackend, Open, View};
use crate::{MailQueries, MailWrites, StorageError, StorageResult};

#[async_trait]
impl<V: View> MailQueries for MemoryBackend<V> {
    async fn mail_request_page(&self, size: PageSize) -> StorageResult<Vec<MailRequest>> {
        let mut requests: Vec<_> = self.view.read(|state| state.mail_requests.values().cloned().collect())?;
        requests.sort_by_key(|request| (request.created_at, request.id));
        requests.truncate(size.get());
        Ok(requests)
    }

    async fn mail_due(&self, now: Timestamp, size: PageSize) -> StorageResult<Vec<QueuedMail>> {
        let due = |mail: &&QueuedMail| mail.not_before <= now;
        let mut mails: Vec<_> = self.view.read(|state| state.mails.values().filter(due).cloned().collect())?;
        mails.sort_by_key(|mail| (mail.not_before, mail.id));
        mails.truncate(size.get());
        Ok(mails)
    }

    async fn mail_backlog(&self) -> StorageResult<MailBacklog> {
        self.view.read(|state| MailBacklog {
            count: state.mails.len() as u64,
            oldest: state.mails.values().map(|mail| mail.created_at).min(),
        })
    }
}

#[async_trait]
impl MailWrites for MemoryBackend<Open> {
    async fn mail_request_insert(&self, request: &MailRequest) -> StorageResult<()> {
        self.view.write(|state| match state.mail_requests.insert(request.id, request.clone()) {
            None => Ok(()),
            Some(_) => Err(StorageError::Backend("the id of the wish is taken".into())),
        })
    }

    async fn mail_request_remove(&self, id: MailRequestId) -> StorageResult<bool> {
        self.view.write(|state| Ok(state.mail_requests.remove(&id).is_some()))
    }

    async fn mail_insert(&self, mail: &QueuedMail) -> StorageResult<()> {
        self.view.write(|state| {
            state.check_user(mail.user)?;
            match state.mails.insert(mail.id, mail.clone()) {
                None => Ok(()),
                Some(_) => Err(StorageError::Backend("the id of the mail is taken".into())),
            }
        })
    }

    async fn mail_claim(&self, id: MailId, attempts: u32, until: Timestamp) -> StorageResult<bool> {
        self.view.write(|state| {
            let Some(mail) = state.mails.get_mut(&id).filter(|mail| mail.attempts == attempts) else {
                return Ok(false);
            };
            mail.attempts += 1;
            mail.not_before = until;
            Ok(true)
        })
    }

    async fn mail_put_off(&self, id: MailId, not_before: Timestamp, error: &str) -> StorageResult<bool> {
        self.view.write(|state| {
            let Some(mail) = state.mails.get_mut(&id) else { return Ok(false) };
            mail.not_before = not_before;
            mail.last_error = Some(error.to_owned());
            Ok(true)
        })
    }

    async fn mail_remove(&self, id: MailId) -> StorageResult<bool> {
        self.view.write(|state| Ok(state.mails.remove(&id).is_some()))
    }
}
