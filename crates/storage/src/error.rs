use std::{error::Error, fmt};

/// What uniqueness or reference a write ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Constraint {
    /// Another account has this username.
    UsernameUnique,
    /// Another account has this address.
    EmailUnique,
    /// Another account has this external id.
    ExternalIdUnique,
    /// Another role has this name.
    RoleNameUnique,
    /// An account was given a role that does not exist.
    RoleExists,
    /// A row was tied to an account that does not exist.
    UserExists,
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UsernameUnique => "username is unique",
            Self::EmailUnique => "e-mail address is unique",
            Self::ExternalIdUnique => "external id is unique",
            Self::RoleNameUnique => "role name is unique",
            Self::RoleExists => "role exists",
            Self::UserExists => "user exists",
        })
    }
}

/// What can go wrong between usher and its database. Absence is not among it: that is an `Option`.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// A write would break a rule of the schema.
    #[error("conflict: {0}")]
    Conflict(Constraint),
    /// Somebody else was in the way (deadlock, serialization, busy): the whole transaction may be
    /// run again.
    #[error("another transaction was in the way")]
    Contention,
    /// The database cannot be reached, or did not answer in time.
    #[error("the database is not available")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// A row holds what no version of usher wrote.
    #[error("corrupt value in {table}.{column}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// The transaction failed earlier and can only be dropped.
    #[error("the transaction had failed before")]
    Poisoned,
    /// Anything else; a defect.
    #[error("the database refused")]
    Backend(#[source] Box<dyn Error + Send + Sync>),
}
