use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{Mail, MailError, Mailer};

/// Keeps mails for whoever wants to look at them: for tests and examples.
#[derive(Debug, Default)]
pub struct MemoryMailer(Mutex<Vec<Mail>>);

impl MemoryMailer {
    /// One that has no mail yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The mails that came, the earliest first.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Mailer for MemoryMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(mail.clone());
        Ok(())
    }
}
