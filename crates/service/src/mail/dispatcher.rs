use std::{sync::Arc, time::Duration};

use tracing::Instrument;
use usher_domain::{
    Action, ActivityEntry, ClientInfo, Details, EmailAddress, MailKind, MailRequest, MailRequestKind, OneTimeToken,
    PageSize, QueuedMail, Timestamp, TokenPurpose, User, UserScope,
};
use usher_storage::{StorageError, UsersStorageBackend};

use super::{
    Mail, MailError, MailLinks, Mailer, Outbox, Templates,
    outbox::Addressee,
    templates::{Content, Written},
};
use crate::{
    Environment, Failure,
    failure::chain,
    metrics,
    transact::{OpenTransaction, transact},
};

/// For how long a mail that is being sent is kept from other processes: longer than any mailer takes.
const LEASE: Duration = Duration::from_secs(120);

/// How long the first retry waits; each further one twice as long.
const FIRST_RETRY: Duration = Duration::from_secs(30);
const LONGEST_RETRY: Duration = Duration::from_secs(60 * 60);

/// The most characters of an error that are kept.
const ERROR_LENGTH: usize = 500;

/// What is written into mails besides what they tell of.
#[derive(Debug)]
pub struct Stationery {
    /// What the service is called.
    pub service: String,
    /// Where links lead.
    pub links: MailLinks,
    /// How mails are written.
    pub templates: Templates,
}

/// Answers wishes for mails, and sends what is in the queue. Several processes may do this at once.
#[derive(Clone)]
pub struct MailDispatcher {
    backend: Arc<dyn UsersStorageBackend>,
    mailer: Arc<dyn Mailer>,
    outbox: Outbox,
    stationery: Arc<Stationery>,
    environment: Environment,
}

/// What a mail is made of.
struct Draft {
    kind: MailKind,
    to: EmailAddress,
    username: String,
    token: Option<OneTimeToken>,
}

impl MailDispatcher {
    /// Sends with this mailer what the managers put into this outbox.
    #[must_use]
    pub fn new(
        backend: Arc<dyn UsersStorageBackend>,
        mailer: Arc<dyn Mailer>,
        outbox: Outbox,
        stationery: Stationery,
        environment: Environment,
    ) -> Self {
        Self { backend, mailer, outbox, stationery: Arc::new(stationery), environment }
    }

    /// Works off some of the wishes: only now somebody looks whether there is an account, and the mail goes to
    /// the address that it has. Answers how many there were.
    ///
    /// # Errors
    /// [`Failure`]; what is left is done next time.
    pub async fn answer_requests(&self) -> Result<usize, Failure> {
        let requests = self.backend.mail_request_page(PageSize::MAX).await?;
        for request in &requests {
            self.answer(request).await?;
        }
        Ok(requests.len())
    }

    /// Sends the mail that is due the longest; answers whether there was one. A mail that cannot be sent waits,
    /// longer each time. Once its time is over it is dropped, and that is written down.
    ///
    /// # Errors
    /// [`Failure`]; the mail is tried again later, also if it has gone out already.
    pub async fn send_next(&self) -> Result<bool, Failure> {
        let now = self.environment.clock.now();
        let Some(mail) = self.backend.mail_due(now, PageSize::ONE).await?.pop() else { return Ok(false) };
        if mail.expires_at <= now {
            self.drop_expired(&mail).await?;
        } else if self.claim(&mail, now).await? {
            self.send(&mail).await?;
        }
        Ok(true)
    }

    async fn answer(&self, request: &MailRequest) -> Result<(), Failure> {
        let mut client = ClientInfo::new(request.ip, None, request.request_id.clone());
        client = client.accepting(Some(&request.languages.to_string()));
        let client = &client;
        transact(&*self.backend, &self.environment, |transaction| async move {
            if !transaction.mail_request_remove(request.id).await? {
                return Ok(());
            }
            if let Some(user) = find(&transaction, &request.email).await? {
                self.answer_to(&transaction, request.kind, &user, client).await?;
            }
            transaction.commit(()).await
        })
        .await
    }

    async fn answer_to(
        &self,
        transaction: &OpenTransaction,
        kind: MailRequestKind,
        user: &User,
        client: &ClientInfo,
    ) -> Result<(), StorageError> {
        let Some(to) = Addressee::owner(user, client).filter(|_| user.is_active()) else { return Ok(()) };
        let purpose = match kind {
            MailRequestKind::ResetPassword => {
                let entry = self.environment.entry_from(client, Action::PasswordResetRequested).about(user.id);
                transaction.activity_append(&entry).await?;
                TokenPurpose::ResetPassword { user: user.id }
            }
            MailRequestKind::VerifyEmail if user.email_verified_at.is_none() => {
                TokenPurpose::VerifyEmail { user: user.id, email: to.email.clone() }
            }
            MailRequestKind::VerifyEmail => return Ok(()),
        };
        self.outbox.send_token(&**transaction, &self.environment, purpose, to).await
    }

    async fn claim(&self, mail: &QueuedMail, now: Timestamp) -> Result<bool, Failure> {
        transact(&*self.backend, &self.environment, |transaction| async move {
            let claimed = transaction.mail_claim(mail.id, mail.attempts, now + LEASE).await?;
            transaction.commit(claimed).await
        })
        .await
    }

    async fn send(&self, mail: &QueuedMail) -> Result<(), Failure> {
        let Some(draft) = self.draft(mail).await? else {
            return self.remove(mail).await;
        };
        let sent = match self.write(mail, &draft) {
            Ok(written) => self.mailer.send(&written).instrument(tracing::debug_span!("send mail")).await,
            Err(error) => Err(error),
        };
        match sent {
            Ok(()) => {
                metrics::mail("sent");
                self.remove(mail).await
            }
            Err(error) => {
                metrics::mail("put_off");
                self.put_off(mail, &error).await
            }
        }
    }

    /// To whom a mail goes, and which; none where it is of no use any more. Somebody who gave an address that
    /// another has meanwhile does not learn of it: its owner does.
    async fn draft(&self, mail: &QueuedMail) -> Result<Option<Draft>, Failure> {
        let username = mail.facts.text("username").unwrap_or_default().to_owned();
        let draft = Draft { kind: mail.kind, to: mail.recipient.clone(), username, token: None };
        let Some(id) = mail.token else { return Ok(Some(draft)) };
        let Some(token) = self.backend.one_time_token_by_id(id).await? else { return Ok(None) };
        let kind_if_taken = match &token.purpose {
            TokenPurpose::SignUp(_) => Some(MailKind::SignUpTaken),
            TokenPurpose::ChangeEmail { .. } => Some(MailKind::ChangeEmailTaken),
            TokenPurpose::VerifyEmail { .. } | TokenPurpose::ResetPassword { .. } | TokenPurpose::Invite { .. } => None,
        };
        let draft = Draft { token: Some(token), ..draft };
        let Some(kind) = kind_if_taken else { return Ok(Some(draft)) };
        let owner = self.backend.user_by_email(&mail.recipient, UserScope::WithDeleted).await?;
        let Some(owner) = owner.map(|owner| owner.user).filter(|owner| Some(owner.id) != mail.user) else {
            return Ok(Some(draft));
        };
        let told = owner.is_active().then_some(owner.email).flatten();
        Ok(told.map(|to| Draft { kind, to, username: owner.username.to_string(), token: None }))
    }

    fn write(&self, mail: &QueuedMail, draft: &Draft) -> Result<Mail, MailError> {
        let Stationery { service, links, templates } = &*self.stationery;
        let token = draft.token.as_ref().zip(self.outbox.tokens());
        let link = token.map(|(token, tokens)| links.to(token.purpose.kind(), &tokens.make(token.id)));
        let expires_at = draft.token.as_ref().map(|token| minute(token.expires_at));
        let content = Content {
            service,
            email: draft.to.as_str(),
            username: &draft.username,
            time: &minute(mail.created_at),
            ip: mail.facts.text("ip"),
            link: link.as_deref(),
            expires_at: expires_at.as_deref(),
        };
        let written = templates.write(draft.kind, &mail.languages, &content);
        let Written { subject, text, html } = written.map_err(|error| MailError(Box::new(error)))?;
        Ok(Mail { id: mail.id, kind: draft.kind, to: draft.to.clone(), subject, text, html, date: mail.created_at })
    }

    /// Takes a mail out of the queue: it was sent, or need not be.
    async fn remove(&self, mail: &QueuedMail) -> Result<(), Failure> {
        transact(&*self.backend, &self.environment, |transaction| async move {
            transaction.mail_remove(mail.id).await?;
            transaction.commit(()).await
        })
        .await
    }

    async fn put_off(&self, mail: &QueuedMail, error: &MailError) -> Result<(), Failure> {
        let error: String = chain(error).chars().take(ERROR_LENGTH).collect();
        let wait = FIRST_RETRY.saturating_mul(1 << mail.attempts.min(16)).min(LONGEST_RETRY);
        let not_before = (self.environment.clock.now() + wait).min(mail.expires_at);
        let (id, kind, attempts) = (mail.id, mail.kind, mail.attempts + 1);
        tracing::warn!(mail = %id, %kind, attempts, ?error, "a mail could not be sent: it is tried again later");
        let error = &error;
        transact(&*self.backend, &self.environment, |transaction| async move {
            transaction.mail_put_off(id, not_before, error).await?;
            transaction.commit(()).await
        })
        .await
    }

    async fn drop_expired(&self, mail: &QueuedMail) -> Result<(), Failure> {
        let details = Details::default().with("kind", mail.kind.as_str()).with("attempts", mail.attempts);
        let details = match &mail.last_error {
            Some(error) => details.with("error", error.as_str()),
            None => details,
        };
        let entry = self.environment.entry_from(&ClientInfo::default(), Action::MailFailed).failed();
        let entry = &ActivityEntry { subject: mail.user, ..entry.with_details(details) };
        let dropped: Result<_, Failure> = transact(&*self.backend, &self.environment, |transaction| async move {
            let dropped = transaction.mail_remove(mail.id).await?;
            if dropped {
                transaction.activity_append(entry).await?;
            }
            transaction.commit(dropped).await
        })
        .await;
        if dropped? {
            metrics::mail("dropped");
            tracing::error!(mail = %mail.id, kind = %mail.kind, attempts = mail.attempts, "a mail was never sent");
        }
        Ok(())
    }
}

/// The account that has this address, locked.
async fn find(transaction: &OpenTransaction, email: &EmailAddress) -> Result<Option<User>, StorageError> {
    let Some(found) = transaction.user_by_email(email, UserScope::Existing).await? else { return Ok(None) };
    let locked = transaction.user_by_id_for_update(found.user.id, UserScope::Existing).await?;
    let has_it = |user: &User| user.email.as_ref().is_some_and(|its| its.key() == email.key());
    Ok(locked.map(|account| account.user).filter(has_it))
}

/// A moment as people read it, in every language: `2026-11-21 17:30 UTC`.
fn minute(moment: Timestamp) -> String {
    let text = moment.to_string().replace('T', " ");
    format!("{} UTC", text.get(..16).unwrap_or(&text))
}
