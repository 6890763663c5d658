//! Signing up: an account that somebody makes for himself.

use std::{sync::Arc, time::Duration};

use usher_domain::{
    Action, ClientInfo, NewUser, PendingSignUp, PlainPassword, PlainToken, Session, TokenPurpose, User, UserId,
    UserInDB, UserScope,
};
use usher_storage::{StorageError, UsersStorageBackend};

use crate::{
    AuthError, AuthManager, Environment, Failure, Throttle, Tokens, UserDraft, UsersError, UsersManager,
    mail::Addressee,
    transact::{OpenTransaction, Rollback, transact},
    users::taken,
};

/// Who may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RegistrationMode {
    /// Everybody.
    #[default]
    Open,
    /// Everybody who proves his address first: there is no account before.
    Verified,
    /// Nobody: accounts are made by administrators.
    Closed,
}

/// What became of a sign-up.
#[derive(Debug, Clone)]
pub enum SignUpOutcome<T> {
    /// There is an account now.
    Made(T),
    /// There will be one, once the address is proven: a mail is on its way to it.
    Pending,
}

/// An account that may be made.
struct Admitted {
    new: NewUser,
    asks_for_proof: bool,
}

/// What somebody wants who signs up, as it came in.
#[derive(Debug, Clone)]
pub struct SignUp {
    /// The name to sign in with.
    pub username: String,
    /// The password. Where addresses are proven first it means nothing: whoever proves his chooses one then.
    pub password: Option<PlainPassword>,
    /// The address.
    pub email: Option<String>,
    /// What the person is called.
    pub full_name: Option<String>,
}

/// Why somebody was not signed up.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// Nobody may.
    #[error("accounts are made by administrators here")]
    Closed,
    /// Too many tries: nothing was looked up.
    #[error("too many attempts: try again later")]
    TooManyAttempts {
        /// When to come back.
        retry_after: Duration,
    },
    /// The account cannot be made.
    #[error(transparent)]
    Account(#[from] UsersError),
    /// The session cannot be opened.
    #[error(transparent)]
    Session(#[from] AuthError),
    /// Not the caller's fault.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StorageError> for RegistrationError {
    fn from(error: StorageError) -> Self {
        Self::Failure(error.into())
    }
}

/// Lets people make accounts for themselves.
#[derive(Clone)]
pub struct RegistrationManager {
    backend: Arc<dyn UsersStorageBackend>,
    users: UsersManager,
    auth: AuthManager,
    throttle: Throttle,
    mode: RegistrationMode,
    environment: Environment,
}

impl RegistrationManager {
    /// A manager over the same backend as the two others.
    #[must_use]
    pub fn new(
        backend: Arc<dyn UsersStorageBackend>,
        users: UsersManager,
        auth: AuthManager,
        throttle: Throttle,
        mode: RegistrationMode,
        environment: Environment,
    ) -> Self {
        Self { backend, users, auth, throttle, mode, environment }
    }

    /// Makes an account and signs its owner in. A session that his browser still has is ended.
    ///
    /// # Errors
    /// [`RegistrationError`].
    pub async fn sign_up(
        &self,
        wish: SignUp,
        replaces: Option<&PlainToken>,
        client: &ClientInfo,
    ) -> Result<SignUpOutcome<Tokens>, RegistrationError> {
        let Some(user) = self.admit(wish, client).await? else { return Ok(SignUpOutcome::Pending) };
        let replaced = self.auth.replaced(replaces, client).await?;
        let session = self.auth.new_session(user.new.id, client);
        let (user, session, replaced) = (&user, &session, replaced.as_ref());
        transact(&*self.backend, &self.environment, |transaction| async move {
            self.insert(&transaction, user, client).await?;
            let account = self.note_login(&transaction, &user.new, session).await?;
            let tokens = self.auth.tokens_of(account, session).await.map_err(refused)?;
            let change = self.auth.write_session(&transaction, session, replaced, client).await?;
            transaction.commit_then(SignUpOutcome::Made(tokens), self.auth.announce(change)).await
        })
        .await
    }

    /// Makes an account, and signs nobody in.
    ///
    /// # Errors
    /// [`RegistrationError`].
    pub async fn register(&self, wish: SignUp, client: &ClientInfo) -> Result<SignUpOutcome<User>, RegistrationError> {
        let Some(user) = self.admit(wish, client).await? else { return Ok(SignUpOutcome::Pending) };
        let user = &user;
        transact(&*self.backend, &self.environment, |transaction| async move {
            self.insert(&transaction, user, client).await?;
            let made = read_back(&transaction, user.new.id).await?;
            transaction.commit(SignUpOutcome::Made(made.user)).await
        })
        .await
    }

    /// The account that is to be made now, if it may be; none where the address is to be proven first. What can
    /// be said without asking anybody is said first; only then it counts as a try.
    async fn admit(&self, wish: SignUp, client: &ClientInfo) -> Result<Option<Admitted>, RegistrationError> {
        match self.mode {
            RegistrationMode::Open => {
                let (user, password) = self.users.check_sign_up(draft(wish))?;
                self.count(client).await?;
                let new = self.users.with_password(user, password).await?;
                let asks_for_proof = match &new.email {
                    Some(email) => self.throttle.admits_mail_to(email).await,
                    None => false,
                };
                Ok(Some(Admitted { new, asks_for_proof }))
            }
            RegistrationMode::Verified => {
                let wish = self.users.check_pending_sign_up(&draft(wish))?;
                self.count(client).await?;
                self.note_pending(wish, client).await?;
                Ok(None)
            }
            RegistrationMode::Closed => Err(RegistrationError::Closed),
        }
    }

    async fn count(&self, client: &ClientInfo) -> Result<(), RegistrationError> {
        let admission = self.throttle.admit_signup(client.ip).await;
        let entry = |details| self.environment.entry_from(client, Action::AuthThrottled).with_details(details);
        match self.throttle.note_refusal(admission, &*self.backend, &self.environment, entry).await? {
            Some(retry_after) => Err(RegistrationError::TooManyAttempts { retry_after }),
            None => Ok(()),
        }
    }

    /// Writes down that somebody wants an account, and a mail to whoever has the address. Whether an account has
    /// it, nobody looks now: what is done is the same for every address. Names are no secret.
    async fn note_pending(&self, wish: PendingSignUp, client: &ClientInfo) -> Result<(), RegistrationError> {
        if self.backend.user_by_username(&wish.username, UserScope::WithDeleted).await?.is_some() {
            return Err(UsersError::UsernameTaken.into());
        }
        if !self.throttle.admits_mail_to(&wish.email).await {
            return Ok(());
        }
        let wish = &wish;
        transact(&*self.backend, &self.environment, |transaction| async move {
            let to = Addressee { email: &wish.email, username: wish.username.as_str(), client };
            let purpose = TokenPurpose::SignUp(wish.clone());
            self.users.outbox().send_token(&*transaction, &self.environment, purpose, to).await?;
            transaction.commit(()).await
        })
        .await
    }

    async fn insert(
        &self,
        transaction: &OpenTransaction,
        user: &Admitted,
        client: &ClientInfo,
    ) -> Result<(), Rollback<RegistrationError>> {
        let Admitted { new, asks_for_proof } = user;
        transaction.user_insert(new).await.map_err(|error| match taken(error) {
            Rollback::Refused(error) => refused(error),
            Rollback::Storage(error) => Rollback::Storage(error),
        })?;
        let entry = self.environment.entry_of_owner(new.id, client, Action::UserSignedUp);
        transaction.activity_append(&entry).await?;
        if let Some(email) = new.email.as_ref().filter(|_| *asks_for_proof) {
            let to = Addressee { email, username: new.username.as_str(), client };
            let purpose = TokenPurpose::VerifyEmail { user: new.id, email: email.clone() };
            self.users.outbox().send_token(&**transaction, &self.environment, purpose, to).await?;
        }
        Ok(())
    }

    async fn note_login(
        &self,
        transaction: &OpenTransaction,
        user: &NewUser,
        session: &Session,
    ) -> Result<UserInDB, Rollback<RegistrationError>> {
        if let Some(hash) = &user.password_hash {
            transaction.user_record_login(user.id, hash, session.created_at).await?;
        }
        read_back(transaction, user.id).await
    }
}

fn draft(wish: SignUp) -> UserDraft {
    UserDraft {
        username: wish.username,
        password: wish.password,
        email: wish.email,
        full_name: wish.full_name,
        must_change_password: Some(false),
        ..UserDraft::default()
    }
}

fn refused(error: impl Into<RegistrationError>) -> Rollback<RegistrationError> {
    Rollback::Refused(error.into())
}

async fn read_back(transaction: &OpenTransaction, id: UserId) -> Result<UserInDB, Rollback<RegistrationError>> {
    let made = transaction.user_by_id(id, UserScope::Existing).await?;
    made.ok_or(refused(UsersError::NotFound))
}
