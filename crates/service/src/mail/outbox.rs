use std::{fmt, sync::Arc, time::Duration};

use usher_domain::{
    ClientInfo, Details, EmailAddress, MailId, MailKind, OneTimeToken, OneTimeTokenId, QueuedMail, TokenKind,
    TokenPurpose, User, UserId,
};
use usher_storage::{StorageError, Transaction};

use crate::{Environment, MasterKey, one_time_tokens::OneTimeTokens};

/// How long a mail without a token is worth sending.
const NOTICE_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// How long one-time tokens are good.
#[derive(Debug, Clone, Copy)]
pub struct TokenLifetimes {
    /// To set another password.
    pub reset: Duration,
    /// To prove an address, or to sign up with it.
    pub verify: Duration,
    /// To accept an invitation.
    pub invite: Duration,
}

impl Default for TokenLifetimes {
    /// 30 minutes, 24 hours, 72 hours.
    fn default() -> Self {
        const HOUR: Duration = Duration::from_secs(60 * 60);
        Self { reset: HOUR / 2, verify: HOUR * 24, invite: HOUR * 72 }
    }
}

impl TokenLifetimes {
    fn of(&self, kind: TokenKind) -> Duration {
        match kind {
            TokenKind::ResetPassword => self.reset,
            TokenKind::SignUp | TokenKind::VerifyEmail | TokenKind::ChangeEmail => self.verify,
            TokenKind::Invite => self.invite,
        }
    }
}

/// Where managers put mails that are to be sent: into the queue, in the transaction of what they tell of.
/// Cloned, it is the same.
#[derive(Clone, Default)]
pub struct Outbox(Option<Arc<Inner>>);

struct Inner {
    tokens: OneTimeTokens,
    lifetimes: TokenLifetimes,
}

/// To whom a mail goes, and what caused it.
pub(crate) struct Addressee<'a> {
    pub(crate) email: &'a EmailAddress,
    /// What he is called.
    pub(crate) username: &'a str,
    pub(crate) client: &'a ClientInfo,
}

impl<'a> Addressee<'a> {
    /// The owner of an account, if it has an address.
    pub(crate) fn owner(user: &'a User, client: &'a ClientInfo) -> Option<Self> {
        let email = user.email.as_ref()?;
        Some(Self { email, username: user.username.as_str(), client })
    }
}

impl Outbox {
    /// Takes mails. Tokens are made with a key of their own.
    #[must_use]
    pub fn new(master_key: &MasterKey, lifetimes: TokenLifetimes) -> Self {
        Self(Some(Arc::new(Inner { tokens: OneTimeTokens::new(master_key), lifetimes })))
    }

    /// Takes none: there is no mail here. No one-time token is good.
    #[must_use]
    pub fn off() -> Self {
        Self::default()
    }

    /// Whether mails are sent at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn tokens(&self) -> Option<&OneTimeTokens> {
        self.0.as_deref().map(|inner| &inner.tokens)
    }

    /// Makes a token and queues the mail that brings it. Of its kind the account keeps the latest few. Where
    /// there is an account it must be locked.
    pub(crate) async fn send_token(
        &self,
        transaction: &dyn Transaction,
        environment: &Environment,
        purpose: TokenPurpose,
        to: Addressee<'_>,
    ) -> Result<(), StorageError> {
        let Some(inner) = &self.0 else { return Ok(()) };
        let (kind, user) = (purpose.kind(), purpose.user());
        if let Some(user) = user {
            transaction.one_time_token_void(user, Some(kind), OneTimeToken::MOST_OF_A_KIND - 1).await?;
        }
        let id = OneTimeTokenId::generate(&*environment.ids);
        let mail = queued(environment, kind.into(), user, &to, inner.lifetimes.of(kind));
        let QueuedMail { expires_at, created_at, .. } = mail;
        let token = OneTimeToken { id, hash: inner.tokens.hash(id), purpose, expires_at, created_at };
        transaction.one_time_token_insert(&token).await?;
        transaction.mail_insert(&QueuedMail { token: Some(id), ..mail }).await
    }

    /// Queues a mail that only tells of something.
    pub(crate) async fn notify(
        &self,
        transaction: &dyn Transaction,
        environment: &Environment,
        kind: MailKind,
        user: UserId,
        to: Option<Addressee<'_>>,
    ) -> Result<(), StorageError> {
        let Some(to) = to.filter(|_| self.is_on()) else { return Ok(()) };
        transaction.mail_insert(&queued(environment, kind, Some(user), &to, NOTICE_TTL)).await
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("is_on", &self.is_on()).finish()
    }
}

fn queued(
    environment: &Environment,
    kind: MailKind,
    user: Option<UserId>,
    to: &Addressee<'_>,
    ttl: Duration,
) -> QueuedMail {
    let created_at = environment.clock.now();
    let facts = Details::default().with("username", to.username);
    let facts = match to.client.ip {
        Some(ip) => facts.with("ip", ip.to_string()),
        None => facts,
    };
    QueuedMail {
        id: MailId::generate(&*environment.ids),
        kind,
        recipient: to.email.clone(),
        user,
        token: None,
        facts,
        languages: to.client.languages(),
        attempts: 0,
        not_before: created_at,
        expires_at: created_at + ttl,
        last_error: None,
        created_at,
    }
}
