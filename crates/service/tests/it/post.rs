//! A world with mail: what managers put into the outbox, what is sent, what arrives.

use std::{
    ops::Deref,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use usher_domain::{Actor, ClientInfo, MailKind, PageSize, PlainToken, QueuedMail, User, UserId, UserInDB, UserScope};
use usher_service::{
    AuthManager, EmailChange, Limits, LinkTemplate, Mail, MailDispatcher, MailError, MailLinks, MailboxError,
    MailboxManager, Mailer, MasterKey, MemoryMailer, Outbox, RegistrationManager, RegistrationMode, SignUp,
    SignUpOutcome, Stationery, Templates, Throttle, TokenLifetimes, UserDraft, UsersError, UsersManager,
};
use usher_storage::{MailQueries, UserQueries};

use crate::fixture::{Doors, Fixture, MASTER_KEY, PASSWORD, draft, password};

/// Another password that will do.
pub(crate) const NEW_PASSWORD: &str = "Zq9#kLm-pW2";

/// The one address of most tests.
pub(crate) const ADA: &str = "ada@example.org";

/// A mailer that can be told to fail.
#[derive(Default)]
pub(crate) struct TestMailer {
    pub(crate) arrived: MemoryMailer,
    fails: Mutex<Option<&'static str>>,
}

impl TestMailer {
    pub(crate) fn fail(&self, why: &'static str) {
        *self.fails.lock().unwrap() = Some(why);
    }

    pub(crate) fn heal(&self) {
        *self.fails.lock().unwrap() = None;
    }
}

#[async_trait]
impl Mailer for TestMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let fails = *self.fails.lock().unwrap();
        match fails {
            Some(why) => Err(MailError(why.into())),
            None => self.arrived.send(mail).await,
        }
    }
}

/// The managers of a [`Fixture`], with mail.
pub(crate) struct Post {
    pub(crate) fixture: Fixture,
    pub(crate) users: UsersManager,
    pub(crate) auth: AuthManager,
    pub(crate) mailbox: MailboxManager,
    pub(crate) mailer: Arc<TestMailer>,
    pub(crate) dispatcher: MailDispatcher,
    pub(crate) outbox: Outbox,
    throttle: Throttle,
}

impl Deref for Post {
    type Target = Fixture;

    fn deref(&self) -> &Fixture {
        &self.fixture
    }
}

pub(crate) fn stationery() -> Stationery {
    let page = |page: &str| LinkTemplate::of_page(&format!("https://id.example.org/pages/{page}"));
    let links =
        MailLinks { reset: page("reset-password"), verify: page("verify-email"), invite: page("accept-invitation") };
    Stationery { service: "Example".to_owned(), links, templates: Templates::built_in().unwrap() }
}

impl Post {
    pub(crate) async fn new() -> Self {
        Self::with(Limits::OFF).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        Self::sending(limits, Outbox::new(&MASTER_KEY, TokenLifetimes::default())).await
    }

    /// Where tokens are made with this key.
    pub(crate) async fn keyed(key: &MasterKey) -> Self {
        Self::sending(Limits::OFF, Outbox::new(key, TokenLifetimes::default())).await
    }

    /// Where no mail is sent.
    pub(crate) async fn none() -> Self {
        Self::sending(Limits::OFF, Outbox::off()).await
    }

    async fn sending(limits: Limits, outbox: Outbox) -> Self {
        let fixture = Fixture::new().await;
        let Doors { users, auth, throttle, .. } = fixture.doors(limits);
        let (users, auth) = (users.with_outbox(outbox.clone()), auth.with_outbox(outbox.clone()));
        let mailbox = MailboxManager::new(
            fixture.backend.clone(),
            users.clone(),
            fixture.revocations.clone(),
            throttle.clone(),
            fixture.environment.clone(),
        );
        let mailer = Arc::new(TestMailer::default());
        let (backend, environment) = (fixture.backend.clone(), fixture.environment.clone());
        let dispatcher = MailDispatcher::new(backend, mailer.clone(), outbox.clone(), stationery(), environment);
        Self { fixture, users, auth, mailbox, mailer, dispatcher, outbox, throttle }
    }

    /// Where mails are written like this.
    pub(crate) async fn written(stationery: Stationery) -> Self {
        let post = Self::new().await;
        let (backend, environment) = (post.backend.clone(), post.environment.clone());
        let dispatcher =
            MailDispatcher::new(backend, post.mailer.clone(), post.outbox.clone(), stationery, environment);
        Self { dispatcher, ..post }
    }

    pub(crate) fn registration(&self, mode: RegistrationMode) -> RegistrationManager {
        RegistrationManager::new(
            self.backend.clone(),
            self.users.clone(),
            self.auth.clone(),
            self.throttle.clone(),
            mode,
            self.environment.clone(),
        )
    }

    /// Ada, with her address, which is not proven.
    pub(crate) async fn ada(&self) -> User {
        self.somebody("ada", ADA).await
    }

    pub(crate) async fn somebody(&self, username: &str, email: &str) -> User {
        let draft = UserDraft { email: Some(email.to_owned()), ..draft(username) };
        self.users.create_user(&Actor::system(), draft).await.unwrap()
    }

    /// An administrator.
    pub(crate) async fn root(&self) -> Actor {
        self.user_with_role("root", "admin").await;
        self.actor("root").await
    }

    /// Somebody who may sign in once he has chosen a password.
    pub(crate) async fn invited(&self, username: &str, email: &str) -> User {
        let draft = UserDraft { password: None, email: Some(email.to_owned()), ..draft(username) };
        self.users.create_user(&Actor::system(), draft).await.unwrap()
    }

    /// Signs up with an address that is to be proven first.
    pub(crate) async fn wish(&self, username: &str, email: &str) {
        let registration = self.registration(RegistrationMode::Verified);
        let outcome = registration.sign_up(wish(username, email), None, &ClientInfo::default()).await.unwrap();
        assert!(matches!(outcome, SignUpOutcome::Pending));
    }

    /// Works off everything that is due.
    pub(crate) async fn deliver(&self) {
        while self.dispatcher.answer_requests().await.unwrap() > 0 {}
        while self.dispatcher.send_next().await.unwrap() {}
    }

    /// What has arrived since the beginning, after everything that is due was worked off: to whom, and what.
    pub(crate) async fn arrived(&self) -> Vec<(String, MailKind)> {
        self.deliver().await;
        self.mailer.arrived.mails().iter().map(|mail| (mail.to.to_string(), mail.kind)).collect()
    }

    /// The token that the last mail of this kind brought.
    pub(crate) async fn token(&self, kind: MailKind) -> PlainToken {
        self.deliver().await;
        let mails = self.mailer.arrived.mails();
        let mail = mails.iter().rev().find(|mail| mail.kind == kind).expect("such a mail has arrived");
        token_in(mail)
    }

    /// The token of a reset that somebody asked for.
    pub(crate) async fn reset_token(&self, email: &str) -> PlainToken {
        self.mailbox.request_reset(email, &ClientInfo::default()).await.unwrap();
        self.token(MailKind::ResetPassword).await
    }

    /// The token of a proof that somebody asked for.
    pub(crate) async fn verify_token(&self, email: &str) -> PlainToken {
        self.mailbox.request_verification(email, &ClientInfo::default()).await.unwrap();
        self.token(MailKind::VerifyEmail).await
    }

    /// The token that proves the address that the actor is to have.
    pub(crate) async fn change_token(&self, actor: &Actor, email: &str) -> PlainToken {
        let change = self.users.change_email(actor, email, password(PASSWORD)).await.unwrap();
        assert_eq!(change, EmailChange::Pending);
        self.token(MailKind::ChangeEmail).await
    }

    pub(crate) async fn reset(&self, token: &PlainToken, text: &str) -> Result<(), MailboxError> {
        self.mailbox.reset_password(token, password(text), &ClientInfo::default()).await
    }

    pub(crate) async fn verify(&self, token: &PlainToken, text: Option<&str>) -> Result<User, MailboxError> {
        self.mailbox.verify_email(token, text.map(password), &ClientInfo::default()).await
    }

    /// Whether a token sets passwords still. It is not used up.
    pub(crate) async fn is_good(&self, token: &PlainToken) -> bool {
        match self.reset(token, "short").await {
            Err(MailboxError::Account(UsersError::Invalid(_))) => true,
            Err(MailboxError::InvalidOrExpiredToken) => false,
            other => panic!("{other:?}"),
        }
    }

    /// The account as it rests.
    pub(crate) async fn stored(&self, id: UserId) -> UserInDB {
        self.backend.user_by_id(id, UserScope::WithDeleted).await.unwrap().unwrap()
    }

    /// The queue, whatever is due.
    pub(crate) async fn queue(&self) -> Vec<QueuedMail> {
        let far = self.environment.clock.now() + Duration::from_secs(1000 * 24 * 60 * 60);
        self.backend.mail_due(far, PageSize::MAX).await.unwrap()
    }

    /// Whether this password opens the account.
    pub(crate) async fn opens(&self, username: &str, text: &str) -> bool {
        let request = crate::fixture::request(username, text);
        self.auth.login(&request, &ClientInfo::default()).await.is_ok()
    }
}

/// Somebody who wants an account, and names no password.
pub(crate) fn wish(username: &str, email: &str) -> SignUp {
    SignUp { username: username.to_owned(), password: None, email: Some(email.to_owned()), full_name: None }
}

/// Whether a token was refused, with the one answer that there is.
pub(crate) fn is_refused<T>(answer: &Result<T, MailboxError>) -> bool {
    matches!(answer, Err(MailboxError::InvalidOrExpiredToken))
}

/// The token in the link of a mail.
pub(crate) fn token_in(mail: &Mail) -> PlainToken {
    let (_, rest) = mail.text.split_once("#token=").expect("a link with a token");
    let token = rest.split_whitespace().next().unwrap();
    assert!(mail.html.contains(token), "the HTML has it too");
    PlainToken::new(token.to_owned())
}
