//! Signing up: an account that somebody makes for himself.

use std::{sync::Arc, time::Duration};

use usher_domain::{
    Action, ActivityEntry, ClientInfo, NewUser, PlainPassword, PlainToken, Session, User, UserId, UserInDB, UserScope,
};
use usher_storage::{StorageError, UsersStorageBackend};

use crate::{
    AuthError, AuthManager, Environment, Failure, Throttle, Tokens, UserDraft, UsersError, UsersManager,
    transact::{OpenTransaction, Rollback, transact},
    users::taken,
};

/// Who may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RegistrationMode {
    /// Everybody.
    #[default]
    Open,
    /// Nobody: accounts are made by administrators.
    Closed,
}

/// What somebody wants who signs up, as it came in.
#[derive(Debug, Clone)]
pub struct SignUp {
    /// The name to sign in with.
    pub username: String,
    /// The password.
    pub password: PlainPassword,
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
    ) -> Result<Tokens, RegistrationError> {
        let user = self.admit(wish, client).await?;
        let replaced = self.auth.replaced(replaces, client).await?;
        let session = self.auth.new_session(user.id, client);
        let (user, session, replaced) = (&user, &session, replaced.as_ref());
        transact(&*self.backend, &self.environment, |transaction| async move {
            self.insert(&transaction, user, client).await?;
            let account = self.note_login(&transaction, user, session).await?;
            let tokens = self.auth.tokens_of(account, session).await.map_err(refused)?;
            let change = self.auth.write_session(&transaction, session, replaced, client).await?;
            transaction.commit_then(tokens, self.auth.announce(change)).await
        })
        .await
    }

    /// Makes an account, and signs nobody in.
    ///
    /// # Errors
    /// [`RegistrationError`].
    pub async fn register(&self, wish: SignUp, client: &ClientInfo) -> Result<User, RegistrationError> {
        let user = self.admit(wish, client).await?;
        let user = &user;
        transact(&*self.backend, &self.environment, |transaction| async move {
            self.insert(&transaction, user, client).await?;
            let made = read_back(&transaction, user.id).await?;
            transaction.commit(made.user).await
        })
        .await
    }

    /// The account that is to be made, if it may be. What can be said without asking anybody is said first;
    /// only then it counts as a try.
    async fn admit(&self, wish: SignUp, client: &ClientInfo) -> Result<NewUser, RegistrationError> {
        match self.mode {
            RegistrationMode::Open => {}
            RegistrationMode::Closed => return Err(RegistrationError::Closed),
        }
        let (user, password) = self.users.check_sign_up(draft(wish))?;
        let admission = self.throttle.admit_signup(client.ip).await;
        let entry = |details| self.environment.entry_from(client, Action::AuthThrottled).with_details(details);
        let wait = self.throttle.note_refusal(admission, &*self.backend, &self.environment, entry).await?;
        if let Some(retry_after) = wait {
            return Err(RegistrationError::TooManyAttempts { retry_after });
        }
        Ok(self.users.with_password(user, password).await?)
    }

    async fn insert(
        &self,
        transaction: &OpenTransaction,
        user: &NewUser,
        client: &ClientInfo,
    ) -> Result<(), Rollback<RegistrationError>> {
        transaction.user_insert(user).await.map_err(|error| match taken(error) {
            Rollback::Refused(error) => refused(error),
            Rollback::Storage(error) => Rollback::Storage(error),
        })?;
        let entry = self.environment.entry_from(client, Action::UserSignedUp).about(user.id);
        transaction.activity_append(&ActivityEntry { actor: Some(user.id), ..entry }).await?;
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
        password: Some(wish.password),
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
