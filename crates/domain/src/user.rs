//! Accounts: as they are shown, as they rest, and how they change.

use crate::{
    EmailAddress, ExternalId, FullName, Metadata, PasswordHash, Permissions, RoleName, Timestamp, UserId, Username,
};

/// Whether an account can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserStatus {
    /// It can.
    Active,
    /// Shut by an administrator; names stay taken.
    Deactivated {
        /// Since when.
        since: Timestamp,
    },
    /// Deleted softly: out of sight, names stay taken, can be restored.
    Deleted {
        /// Since when.
        since: Timestamp,
        /// A deactivation that will be in force again after a restore.
        deactivated_since: Option<Timestamp>,
    },
}

impl UserStatus {
    /// From the two moments that rest in the database.
    #[must_use]
    pub fn from_stored(deactivated_at: Option<Timestamp>, deleted_at: Option<Timestamp>) -> Self {
        match (deleted_at, deactivated_at) {
            (Some(since), deactivated_since) => Self::Deleted { since, deactivated_since },
            (None, Some(since)) => Self::Deactivated { since },
            (None, None) => Self::Active,
        }
    }

    /// The moments that rest in the database: of deactivation and of deletion.
    #[must_use]
    pub fn to_stored(self) -> (Option<Timestamp>, Option<Timestamp>) {
        match self {
            Self::Active => (None, None),
            Self::Deactivated { since } => (Some(since), None),
            Self::Deleted { since, deactivated_since } => (deactivated_since, Some(since)),
        }
    }

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deactivated { .. } => "deactivated",
            Self::Deleted { .. } => "deleted",
        }
    }
}

/// An account as it may be shown to those who may see it.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// Never changes, never used again.
    pub id: UserId,
    /// The name to sign in with.
    pub username: Username,
    /// The address, if there is one.
    pub email: Option<EmailAddress>,
    /// When the address was proven.
    pub email_verified_at: Option<Timestamp>,
    /// What the person is called.
    pub full_name: Option<FullName>,
    /// What another system calls this account.
    pub external_id: Option<ExternalId>,
    /// The host project's own fields.
    pub metadata: Metadata,
    /// Whether it can be used.
    pub status: UserStatus,
    /// The roles, sorted by name.
    pub roles: Vec<RoleName>,
    /// What the roles amount to.
    pub permissions: Permissions,
    /// Nothing else is open before the password is changed.
    pub must_change_password: bool,
    /// Raised by every change of what is shown, but not by a login. The entity tag of HTTP.
    pub version: i64,
    /// The last login.
    pub last_login_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When what is shown last changed.
    pub updated_at: Timestamp,
}

impl User {
    /// Whether it can be used.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status == UserStatus::Active
    }

    /// Whether it holds the role with every permission.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.roles.contains(&RoleName::ADMIN)
    }
}

/// An account as it rests: with what is never shown.
#[derive(Debug, Clone, PartialEq)]
pub struct UserInDB {
    /// What may be shown.
    pub user: User,
    /// None for somebody who was invited and has not set a password yet.
    pub password_hash: Option<PasswordHash>,
    /// Access tokens of a lower epoch are refused.
    pub token_epoch: i64,
}

/// Everything that makes a new account, finished: storage adds nothing. It begins active, with
/// version 1 and epoch 0.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Its id.
    pub id: UserId,
    /// The name to sign in with.
    pub username: Username,
    /// The address, if there is one.
    pub email: Option<EmailAddress>,
    /// When the address was proven.
    pub email_verified_at: Option<Timestamp>,
    /// What the person is called.
    pub full_name: Option<FullName>,
    /// What another system calls this account.
    pub external_id: Option<ExternalId>,
    /// The host project's own fields.
    pub metadata: Metadata,
    /// None for an invitation.
    pub password_hash: Option<PasswordHash>,
    /// The roles, each of which must exist.
    pub roles: Vec<RoleName>,
    /// Nothing else is open before the password is changed.
    pub must_change_password: bool,
    /// The moment of its making.
    pub created_at: Timestamp,
}

/// What changes about an account: `None` leaves a field as it is, `Some(None)` clears it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UserChanges {
    /// A new username.
    pub username: Option<Username>,
    /// A new address, or none.
    pub email: Option<Option<EmailAddress>>,
    /// When the address was proven, or that it is not.
    pub email_verified_at: Option<Option<Timestamp>>,
    /// A new full name, or none.
    pub full_name: Option<Option<FullName>>,
    /// A new external id, or none.
    pub external_id: Option<Option<ExternalId>>,
    /// New fields of the host project, replacing the old.
    pub metadata: Option<Metadata>,
    /// A new status.
    pub status: Option<UserStatus>,
}

impl UserChanges {
    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Which accounts a look-up sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserScope {
    /// All but softly deleted ones.
    Existing,
    /// Softly deleted ones too.
    WithDeleted,
}
