use std::{error::Error, fmt, net::IpAddr, time::Duration};

use usher_domain::{
    Action, ActivityEntry, Actor, ClientInfo, MailKind, MailRequest, OneTimeToken, OneTimeTokenId, Outcome, PageSize,
    PlainToken, QueuedMail, RequestId, Role, Session, SigningKeyRecord, User, UserId, UserInDB, UserScope, Username,
};
use usher_service::{
    AuthError, BootstrapAdmin, ChangePassword, Limit, Limits, LoginRequest, LogoutScope, LogoutTokens, MailboxError,
    RegistrationError, RegistrationMode, RolePatch, SignUp, Tokens, UserDraft, UserPatch, UsersError,
};
use usher_storage::{
    MailQueries, OneTimeTokenQueries, RoleQueries, SessionQueries, SigningKeyStore, UserQueries, UsersStorageBackend,
};

use super::deeds::{Deed, Origin, Who, Written};
use crate::{
    fixture::{PASSWORD, draft, password, request},
    post::{ADA, NEW_PASSWORD, Post, wish},
    roles::{granting, name, owned, role_draft},
};

const EVE: &str = "eve@example.org";
const WRONG: &str = "Not-it-7-times";
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// One try of anything; and the next after an hour.
const STRICT: Limits = {
    let hour = Duration::from_secs(60 * 60);
    let once = Limit::steady(1, 1, hour);
    Limits {
        login_account_network: Limit::waits(1, hour, hour, hour),
        signup_network: once,
        refresh_network: once,
        mail_network: once,
        confirm_network: once,
        ..Limits::OFF
    }
};

/// An administrator, and somebody who is signed in, has an address and waits for the mail that sets his password.
pub(super) struct World {
    pub(super) post: Post,
    ada: User,
    /// As an actor.
    herself: Actor,
    login: Tokens,
    root: Actor,
    /// Of the mail that she waits for.
    awaited: Option<OneTimeTokenId>,
    /// That a deed is done with.
    token: Option<PlainToken>,
}

/// What deeds change.
#[derive(Debug, PartialEq)]
pub(super) struct State {
    users: Vec<UserInDB>,
    roles: Vec<Role>,
    sessions: Vec<Session>,
    awaited: Option<OneTimeToken>,
    requests: Vec<MailRequest>,
    mails: Vec<QueuedMail>,
    keys: Vec<SigningKeyRecord>,
}

/// What every entry tells.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Facts {
    action: Action,
    actor: Option<UserId>,
    subject: Option<UserId>,
    outcome: Outcome,
    ip: Option<IpAddr>,
    user_agent: Option<String>,
    request_id: Option<String>,
}

pub(super) fn facts(entry: &ActivityEntry) -> Facts {
    Facts {
        action: entry.action,
        actor: entry.actor,
        subject: entry.subject,
        outcome: entry.outcome,
        ip: entry.ip,
        user_agent: entry.user_agent.clone(),
        request_id: entry.request_id.as_ref().map(ToString::to_string),
    }
}

/// A request from somewhere.
fn client() -> ClientInfo {
    let ip = "192.0.2.7".parse().unwrap();
    ClientInfo::new(Some(ip), Some("Browser/1.0"), RequestId::parse("request-7"))
}

/// Takes the refusal that a deed consists of.
fn refused<T, E: Error + 'static>(answer: Result<T, E>, is_it: impl Fn(&E) -> bool) -> Result<(), Box<dyn Error>>
where
    T: fmt::Debug,
{
    match answer {
        Err(error) if is_it(&error) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(done) => panic!("it was not refused: {done:?}"),
    }
}

impl World {
    /// A fresh one, in which nothing but the deed is left to do.
    pub(super) async fn ready_for(deed: Deed) -> Self {
        let mut world = match deed {
            Deed::TakeOtherAddress => Self::with(Post::none().await).await,
            Deed::LoginTooOften
            | Deed::SignUpTooOften
            | Deed::RefreshTooOften
            | Deed::AskMailTooOften
            | Deed::ConfirmTooOften
            | Deed::GuessOwnPasswordTooOften => Self::with(Post::with(STRICT).await).await,
            _ => Self::with(Post::new().await).await,
        };
        world.token = world.prepare(deed).await;
        world
    }

    async fn with(post: Post) -> Self {
        let ada = post.ada().await;
        let login = post.login("ada").await;
        let herself = Actor::user(ada.clone().into(), login.access.session, client());
        post.user_with_role("root", "admin").await;
        let root = post.login("root").await;
        let root = post.auth.authenticate(root.access.token.expose(), client()).await.unwrap();
        let mut awaited = None;
        if post.outbox.is_on() {
            post.users.send_reset(&root, ada.id).await.unwrap();
            awaited = post.queue().await[0].token;
        }
        Self { post, ada, herself, login, root, awaited, token: None }
    }

    /// Does what comes before a deed, and answers the one-time token that it takes, if it takes one.
    async fn prepare(&self, deed: Deed) -> Option<PlainToken> {
        let Self { post, ada, root, .. } = self;
        match deed {
            Deed::CompleteSignUp => {
                post.wish("eve", EVE).await;
                return Some(post.token(MailKind::SignUp).await);
            }
            Deed::Activate => drop(post.users.deactivate_user(root, ada.id, None).await.unwrap()),
            Deed::Restore => drop(post.users.delete_user(root, ada.id, None).await.unwrap()),
            Deed::PurgeExpired => {
                post.users.delete_user(root, ada.id, None).await.unwrap();
                post.clock.advance(DAY * 31);
            }
            Deed::DeleteHeldRole => {
                post.roles.create(root, role_draft("clerk", &[])).await.unwrap();
                post.users.set_roles(root, ada.id, &owned(&["clerk"]), None).await.unwrap();
            }
            Deed::Reuse => {
                post.refresh(&self.login).await.unwrap();
                post.clock.advance(MINUTE);
            }
            Deed::AskReset => post.mailbox.request_reset(ADA, &client()).await.unwrap(),
            Deed::Reset => return Some(post.reset_token(ADA).await),
            Deed::AcceptInvitation => {
                post.invited("eve", EVE).await;
                return Some(post.token(MailKind::Invite).await);
            }
            Deed::LoseMail => {
                post.mailer.fail("the mailbox is full");
                assert!(post.dispatcher.send_next().await.unwrap());
                post.clock.advance(DAY);
            }
            Deed::ProveOtherAddress => return Some(post.change_token(&self.herself, EVE).await),
            Deed::ProveAddress => return Some(post.verify_token(ADA).await),
            Deed::UpdateRole | Deed::DeleteRole => {
                post.roles.create(root, role_draft("clerk", &[])).await.unwrap();
            }
            Deed::LetNextKeySign => {
                post.tokens.rotate_keys().await.unwrap();
                post.clock.advance(MINUTE * 15);
            }
            Deed::Bootstrap => {
                let transaction = post.backend.begin().await.unwrap();
                for user in [ada.id, root.user_id().unwrap()] {
                    assert!(transaction.user_purge(user).await.unwrap());
                }
                transaction.commit().await.unwrap();
            }
            // The one try that there is.
            Deed::LoginTooOften => drop(post.auth.login(&request("ada", WRONG), &client()).await),
            Deed::GuessOwnPasswordTooOften => drop(post.users.change_password(&self.herself, change(WRONG)).await),
            Deed::SignUpTooOften => self.sign_up(RegistrationMode::Open, "mallory").await.unwrap(),
            Deed::RefreshTooOften => drop(post.auth.refresh(&forged(), &client()).await),
            Deed::AskMailTooOften => post.mailbox.request_reset(EVE, &client()).await.unwrap(),
            Deed::ConfirmTooOften => drop(post.mailbox.verify_email(&forged(), None, &client()).await),
            Deed::Create
            | Deed::SignUp
            | Deed::Register
            | Deed::Invite
            | Deed::Update
            | Deed::UpdateOneself
            | Deed::Deactivate
            | Deed::Delete
            | Deed::Leave
            | Deed::Purge
            | Deed::SetRoles
            | Deed::Login
            | Deed::LoginWrongly
            | Deed::LoginAsNobody
            | Deed::Logout
            | Deed::LogoutEverywhere
            | Deed::TryForbidden
            | Deed::EndSession
            | Deed::EndAllSessions
            | Deed::LoginInstead
            | Deed::ChangePassword
            | Deed::ChangePasswordWrongly
            | Deed::SetPassword
            | Deed::SendReset
            | Deed::Export
            | Deed::AskOtherAddress
            | Deed::TakeOtherAddress
            | Deed::CreateRole
            | Deed::ReplaceKeys => {}
        }
        None
    }

    /// Does it.
    pub(super) async fn perform(&self, deed: Deed) -> Result<(), Box<dyn Error>> {
        let Self { post, ada, herself, login, root, .. } = self;
        let (users, auth, mailbox, sessions, roles) =
            (&post.users, &post.auth, &post.mailbox, &post.sessions, &post.roles);
        let (id, client) = (ada.id, &client());
        match deed {
            Deed::Create => drop(users.create_user(root, draft("eve")).await?),
            Deed::SignUp => self.sign_up(RegistrationMode::Open, "eve").await?,
            Deed::Register => {
                let registration = post.registration(RegistrationMode::Open);
                registration.register(sign_up("eve"), client).await?;
            }
            Deed::CompleteSignUp => drop(mailbox.verify_email(self.token(), Some(password(PASSWORD)), client).await?),
            Deed::Invite => {
                let draft = UserDraft { password: None, email: Some(EVE.to_owned()), ..draft("eve") };
                users.create_user(root, draft).await?;
            }
            Deed::Update => drop(users.update_user(root, id, called("Ada Lovelace"), None).await?),
            Deed::UpdateOneself => drop(users.update_user(herself, id, called("Ada Lovelace"), None).await?),
            Deed::Deactivate => drop(users.deactivate_user(root, id, None).await?),
            Deed::Activate => drop(users.activate_user(root, id, None).await?),
            Deed::Delete => drop(users.delete_user(root, id, None).await?),
            Deed::Leave => users.delete_own_account(herself, password(PASSWORD), None).await?,
            Deed::Restore => drop(users.restore_user(root, id, None).await?),
            Deed::Purge => users.purge_user(root, id, None).await?,
            Deed::PurgeExpired => assert_eq!(users.purge_expired(DAY * 30).await?, 1),
            Deed::SetRoles => drop(users.set_roles(root, id, &owned(&["admin"]), None).await?),
            Deed::DeleteHeldRole => roles.delete(root, &name("clerk"), true, None).await?,
            Deed::Login => drop(auth.login(&request("ada", PASSWORD), client).await?),
            Deed::LoginWrongly => return wrong(auth.login(&request("ada", WRONG), client).await),
            Deed::LoginAsNobody => return wrong(auth.login(&request("nobody", WRONG), client).await),
            Deed::Logout => {
                let shown = LogoutTokens { access: Some(login.access.token.expose()), refresh: None };
                auth.logout(shown, LogoutScope::Session, client).await?;
            }
            Deed::LogoutEverywhere => {
                let shown = LogoutTokens { access: None, refresh: Some(&login.refresh.token) };
                auth.logout(shown, LogoutScope::All, client).await?;
            }
            Deed::Reuse => {
                let answer = auth.refresh(&login.refresh.token, client).await;
                return refused(answer, |error| matches!(error, AuthError::RefreshTokenReused));
            }
            Deed::LoginTooOften => {
                let answer = auth.login(&request("ada", PASSWORD), client).await;
                return refused(answer, |error| matches!(error, AuthError::TooManyAttempts { .. }));
            }
            Deed::SignUpTooOften => {
                let answer = self.sign_up(RegistrationMode::Open, "eve").await;
                return refused(answer, |error| matches!(error, RegistrationError::TooManyAttempts { .. }));
            }
            Deed::RefreshTooOften => {
                let answer = auth.refresh(&login.refresh.token, client).await;
                return refused(answer, |error| matches!(error, AuthError::TooManyAttempts { .. }));
            }
            Deed::AskMailTooOften => {
                let answer = mailbox.request_reset(ADA, client).await;
                return refused(answer, |error| matches!(error, MailboxError::TooManyAttempts { .. }));
            }
            Deed::ConfirmTooOften => {
                let answer = mailbox.reset_password(&forged(), password(NEW_PASSWORD), client).await;
                return refused(answer, |error| matches!(error, MailboxError::TooManyAttempts { .. }));
            }
            Deed::GuessOwnPasswordTooOften => {
                let answer = users.delete_own_account(herself, password(PASSWORD), None).await;
                return refused(answer, |error| matches!(error, UsersError::TooManyAttempts { .. }));
            }
            Deed::TryForbidden => auth.note_denied(herself, "GET /users").await?,
            Deed::EndSession => sessions.end(herself, login.access.session).await?,
            Deed::EndAllSessions => sessions.end_all(root, id).await?,
            Deed::LoginInstead => {
                let replaces = Some(login.refresh.token.clone());
                auth.login(&LoginRequest { replaces, ..request("ada", PASSWORD) }, client).await?;
            }
            Deed::ChangePassword => drop(users.change_password(herself, change(PASSWORD)).await?),
            Deed::ChangePasswordWrongly => {
                let answer = users.change_password(herself, change(WRONG)).await;
                return refused(answer, |error| matches!(error, UsersError::CurrentPasswordIncorrect));
            }
            Deed::SetPassword => users.set_password(root, id, password(NEW_PASSWORD)).await?,
            Deed::AskReset => assert_eq!(post.dispatcher.answer_requests().await?, 1),
            Deed::SendReset => users.send_reset(root, id).await?,
            Deed::Reset | Deed::AcceptInvitation => {
                mailbox.reset_password(self.token(), password(NEW_PASSWORD), client).await?;
            }
            Deed::Export => drop(users.export_own_data(herself).await?),
            Deed::LoseMail => assert!(post.dispatcher.send_next().await?),
            Deed::AskOtherAddress | Deed::TakeOtherAddress => {
                users.change_email(herself, EVE, password(PASSWORD)).await?;
            }
            Deed::ProveOtherAddress | Deed::ProveAddress => {
                mailbox.verify_email(self.token(), None, client).await?;
            }
            Deed::CreateRole => drop(roles.create(root, role_draft("clerk", &["tickets:answer"])).await?),
            Deed::UpdateRole => drop(roles.update(root, &name("clerk"), &patch(), None).await?),
            Deed::DeleteRole => roles.delete(root, &name("clerk"), false, None).await?,
            Deed::LetNextKeySign => post.tokens.keep_keys().await?,
            Deed::ReplaceKeys => post.tokens.replace_keys().await?,
            Deed::Bootstrap => {
                let admin = BootstrapAdmin { username: username("eve"), password: password("admin") };
                users.ensure_default_admin(admin).await?;
            }
        }
        Ok(())
    }

    async fn sign_up(&self, mode: RegistrationMode, username: &str) -> Result<(), RegistrationError> {
        self.post.registration(mode).sign_up(sign_up(username), None, &client()).await.map(drop)
    }

    fn token(&self) -> &PlainToken {
        self.token.as_ref().unwrap()
    }

    /// The entry that is expected, as it reads in this world once the deed is done.
    pub(super) async fn facts_of(&self, written: &Written) -> Facts {
        let Written { action, actor, subject, outcome, origin } = *written;
        let (actor, subject) = (self.id_of(actor).await, self.id_of(subject).await);
        let client = match origin {
            Origin::Request => client(),
            Origin::EarlierRequest => ClientInfo::new(client().ip, None, client().request_id),
            Origin::System => ClientInfo::default(),
        };
        Facts {
            action,
            actor,
            subject,
            outcome,
            ip: client.ip,
            user_agent: client.user_agent().map(str::to_owned),
            request_id: client.request_id.map(|id| id.to_string()),
        }
    }

    async fn id_of(&self, who: Who) -> Option<UserId> {
        match who {
            Who::Nobody => None,
            Who::Root => self.root.user_id(),
            Who::Ada => Some(self.ada.id),
            Who::Eve => Some(self.find("eve").await.expect("she is there now").user.id),
        }
    }

    async fn find(&self, name: &str) -> Option<UserInDB> {
        self.post.backend.user_by_username(&username(name), UserScope::WithDeleted).await.unwrap()
    }

    /// How everything rests that a deed might change.
    pub(super) async fn state(&self) -> State {
        let backend = &self.post.backend;
        let (mut users, mut sessions) = (Vec::new(), Vec::new());
        for name in ["ada", "root", "eve", "mallory"] {
            if let Some(user) = self.find(name).await {
                sessions.extend(backend.session_by_user(user.user.id).await.unwrap());
                users.push(user);
            }
        }
        let awaited = match self.awaited {
            Some(token) => backend.one_time_token_by_id(token).await.unwrap(),
            None => None,
        };
        State {
            users,
            roles: backend.role_all().await.unwrap(),
            sessions,
            awaited,
            requests: backend.mail_request_page(PageSize::MAX).await.unwrap(),
            mails: self.post.queue().await,
            keys: backend.signing_keys().await.unwrap(),
        }
    }
}

fn wrong(answer: Result<Tokens, AuthError>) -> Result<(), Box<dyn Error>> {
    refused(answer, |error| matches!(error, AuthError::InvalidCredentials))
}

fn forged() -> PlainToken {
    PlainToken::new("no.such.token".to_owned())
}

fn username(text: &str) -> Username {
    Username::parse(text).unwrap()
}

fn sign_up(username: &str) -> SignUp {
    SignUp { password: Some(password(PASSWORD)), ..wish(username, &format!("{username}@example.org")) }
}

fn called(full_name: &str) -> UserPatch {
    UserPatch { full_name: Some(Some(full_name.to_owned())), ..UserPatch::default() }
}

fn change(current: &str) -> ChangePassword {
    ChangePassword { current_password: password(current), new_password: password(NEW_PASSWORD) }
}

fn patch() -> RolePatch {
    granting(&["tickets:answer"])
}
