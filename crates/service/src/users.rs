//! Accounts: making them, reading them, changing their password.

mod bootstrap;
mod change_email;
mod change_password;
mod create;
mod current_password;
mod delete_own;
mod export;
mod list;
mod purge;
mod roles;
mod send_reset;
mod set_password;
mod sign_up;
mod status;
mod target;
mod update;

use std::{sync::Arc, time::Duration};

use usher_domain::{
    Action, ActivityEntry, Actor, Denied, NamePolicy, PasswordContext, PasswordHash, PasswordPolicy, PlainPassword,
    RoleName, User, UserId, UserScope, Username, ValidationError, permissions,
};
use usher_storage::{Constraint, StorageError, UsersStorageBackend};

pub use bootstrap::{BootstrapAdmin, BootstrapOutcome, DEFAULT_ADMIN_PASSWORD};
pub use change_email::EmailChange;
pub use change_password::ChangePassword;
pub use create::UserDraft;
pub use export::PersonalData;
pub use list::{Total, UserList};
pub use update::UserPatch;

use crate::{Environment, Failure, Outbox, PasswordHasher, Revocations, Throttle, transact::Rollback};

/// What accounts must be like.
#[derive(Debug, Clone)]
pub struct UsersSettings {
    /// What names must be like.
    pub names: NamePolicy,
    /// What new passwords must be like.
    pub passwords: PasswordPolicy,
    /// What an account is given that nobody chose roles for.
    pub default_roles: Vec<RoleName>,
    /// Whether an account needs an address.
    pub require_email: bool,
}

impl Default for UsersSettings {
    fn default() -> Self {
        Self {
            names: NamePolicy::default(),
            passwords: PasswordPolicy::default(),
            default_roles: vec![RoleName::USER],
            require_email: false,
        }
    }
}

/// Why something about accounts was not done.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such account, as far as the actor may know.
    #[error("there is no such user")]
    NotFound,
    /// What was sent is at fault.
    #[error(transparent)]
    Invalid(#[from] ValidationError),
    /// Somebody has the username.
    #[error("the username is taken")]
    UsernameTaken,
    /// Somebody has the address.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// Somebody has the external id.
    #[error("the external id is taken")]
    ExternalIdTaken,
    /// Nobody does this to himself.
    #[error("nobody does this to his own account")]
    CannotTargetSelf,
    /// There would be no active administrator left.
    #[error("this is the last active administrator")]
    LastAdmin,
    /// The account is not in a state for this.
    #[error("the account is {0}")]
    WrongStatus(&'static str),
    /// It has changed since the caller read it.
    #[error("the account has changed since it was read")]
    VersionMismatch,
    /// Too many tries of a password: this one was not looked at.
    #[error("too many attempts: try again later")]
    TooManyAttempts {
        /// When to come back.
        retry_after: Duration,
    },
    /// The password that was given as the current one is not.
    #[error("the current password is not correct")]
    CurrentPasswordIncorrect,
    /// Not the caller's fault.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StorageError> for UsersError {
    fn from(error: StorageError) -> Self {
        Self::Failure(error.into())
    }
}

/// Tells a name that is taken from a failure of the database.
pub(crate) fn taken(error: StorageError) -> Rollback<UsersError> {
    match error {
        StorageError::Conflict(Constraint::UsernameUnique) => Rollback::Refused(UsersError::UsernameTaken),
        StorageError::Conflict(Constraint::EmailUnique) => Rollback::Refused(UsersError::EmailTaken),
        StorageError::Conflict(Constraint::ExternalIdUnique) => Rollback::Refused(UsersError::ExternalIdTaken),
        StorageError::Conflict(Constraint::RoleNameUnique | Constraint::RoleExists | Constraint::UserExists)
        | StorageError::Contention
        | StorageError::Unavailable(_)
        | StorageError::Corrupt { .. }
        | StorageError::Poisoned
        | StorageError::Backend(_) => Rollback::Storage(error),
    }
}

/// Accounts: making them, reading them, changing them.
#[derive(Clone)]
pub struct UsersManager {
    backend: Arc<dyn UsersStorageBackend>,
    hasher: Arc<PasswordHasher>,
    revocations: Revocations,
    throttle: Throttle,
    outbox: Outbox,
    settings: Arc<UsersSettings>,
    environment: Environment,
}

impl UsersManager {
    /// A manager over a backend. It sends no mail.
    #[must_use]
    pub fn new(
        backend: Arc<dyn UsersStorageBackend>,
        hasher: Arc<PasswordHasher>,
        revocations: Revocations,
        throttle: Throttle,
        settings: UsersSettings,
        environment: Environment,
    ) -> Self {
        let (outbox, settings) = (Outbox::off(), Arc::new(settings));
        Self { backend, hasher, revocations, throttle, outbox, settings, environment }
    }

    /// The same, and mails go into this outbox.
    #[must_use]
    pub fn with_outbox(self, outbox: Outbox) -> Self {
        Self { outbox, ..self }
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// The account with this id. One's own needs no permission, others' need `users:read`, softly
    /// deleted ones `users:delete` as well.
    ///
    /// # Errors
    /// [`UsersError::Denied`], before it is looked up; [`UsersError::NotFound`].
    pub async fn get_by_id(&self, actor: &Actor, id: UserId) -> Result<User, UsersError> {
        actor.require_settled()?;
        if !actor.is(id) {
            actor.require(&permissions::USERS_READ)?;
        }
        let found = self.backend.user_by_id(id, visible_to(actor)).await?;
        Ok(found.ok_or(UsersError::NotFound)?.user)
    }

    /// The account with this username, however it is spelt; permissions as for
    /// [`get_by_id`](Self::get_by_id).
    ///
    /// # Errors
    /// [`UsersError::Denied`], before it is looked up; [`UsersError::NotFound`].
    pub async fn get_by_username(&self, actor: &Actor, username: &Username) -> Result<User, UsersError> {
        actor.require(&permissions::USERS_READ)?;
        let found = self.backend.user_by_username(username, visible_to(actor)).await?;
        Ok(found.ok_or(UsersError::NotFound)?.user)
    }

    /// What is wrong with the password that somebody wants for this account.
    fn new_password_faults(&self, password: &PlainPassword, user: &User) -> ValidationError {
        let context = PasswordContext { username: Some(&user.username), email: user.email.as_ref() };
        let mut faults = ValidationError::default();
        faults.push_all("new_password", self.settings.passwords.faults(password, context));
        faults
    }

    /// Hashes the password that somebody wants for this account, if it will do.
    pub(crate) async fn hash_new_password(
        &self,
        password: PlainPassword,
        user: &User,
    ) -> Result<PasswordHash, UsersError> {
        self.new_password_faults(&password, user).into_result()?;
        Ok(self.hasher.hash(password).await.map_err(Failure::from)?)
    }

    fn entry(&self, actor: &Actor, action: Action, subject: UserId) -> ActivityEntry {
        self.environment.entry_by(actor, action).about(subject)
    }
}

pub(crate) fn visible_to(actor: &Actor) -> UserScope {
    match actor.require(&permissions::USERS_DELETE) {
        Ok(()) => UserScope::WithDeleted,
        Err(Denied::Forbidden | Denied::PasswordChangeRequired) => UserScope::Existing,
    }
}
