use usher_domain::{
    Actor, ClientInfo, EmailAddress, MailRequest, MailRequestId, MailRequestKind, Principal, ValidationError,
};

use super::{MailboxError, MailboxManager};
use crate::{UsersError, transact::transact};

impl MailboxManager {
    /// Notes that somebody wants to set another password for the account with this address. Whether there is
    /// one, nobody looks now: what is done is the same for every address.
    ///
    /// # Errors
    /// [`UsersError::Invalid`] for a text that is no address; [`MailboxError::TooManyAttempts`] for too many
    /// from one network. Too many for one address are no error: there is just no further mail.
    pub async fn request_reset(&self, email: &str, client: &ClientInfo) -> Result<(), MailboxError> {
        self.request(MailRequestKind::ResetPassword, email, client).await
    }

    /// Notes that somebody wants to prove this address. As for [`request_reset`](Self::request_reset), nobody
    /// looks now whether an account has it.
    ///
    /// # Errors
    /// As for [`request_reset`](Self::request_reset).
    pub async fn request_verification(&self, email: &str, client: &ClientInfo) -> Result<(), MailboxError> {
        self.request(MailRequestKind::VerifyEmail, email, client).await
    }

    /// Notes that the actor wants to prove this address, or, if he names none, the one that he has. Without one,
    /// nothing happens.
    ///
    /// # Errors
    /// [`UsersError::Denied`] while he must change his password, and those of
    /// [`request_verification`](Self::request_verification).
    pub async fn request_verification_by(&self, actor: &Actor, email: Option<&str>) -> Result<(), MailboxError> {
        actor.require_settled().map_err(UsersError::from)?;
        if let Some(email) = email {
            return self.request_verification(email, actor.client()).await;
        }
        match actor.principal() {
            Principal::User { user, .. } => match &user.email {
                Some(email) => self.write_down(MailRequestKind::VerifyEmail, email, actor.client()).await,
                None => Ok(()),
            },
            Principal::System => Ok(()),
        }
    }

    async fn request(&self, kind: MailRequestKind, email: &str, client: &ClientInfo) -> Result<(), MailboxError> {
        let email =
            EmailAddress::parse(email).map_err(|fault| UsersError::Invalid(ValidationError::of("email", fault)))?;
        self.write_down(kind, &email, client).await
    }

    async fn write_down(
        &self,
        kind: MailRequestKind,
        email: &EmailAddress,
        client: &ClientInfo,
    ) -> Result<(), MailboxError> {
        self.require_admission(self.throttle.admit_mails_from(client.ip).await, client).await?;
        if !self.users.outbox().is_on() || !self.throttle.admits_mail_to(email).await {
            return Ok(());
        }
        let request = MailRequest {
            id: MailRequestId::generate(&*self.environment.ids),
            kind,
            email: email.folded(),
            ip: client.ip,
            request_id: client.request_id.clone(),
            languages: client.languages(),
            created_at: self.environment.clock.now(),
        };
        let request = &request;
        transact(&*self.backend, &self.environment, |transaction| async move {
            transaction.mail_request_insert(request).await?;
            transaction.commit(()).await
        })
        .await
    }
}
