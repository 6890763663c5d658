use std::{error::Error, time::Duration};

use usher_storage::StorageError;

use crate::{HashError, TokenError};

/// What kept usher from doing what it was rightly asked for. Never the caller's fault; repeating is
/// safe where it says so.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// More passwords wait to be checked than can be in good time. Nothing was done.
    #[error("too many passwords are waiting to be checked")]
    Busy {
        /// When to come back.
        retry_after: Duration,
    },
    /// The database cannot be reached, or others kept getting in the way. Nothing was done, unless the
    /// connection was lost inside a commit.
    #[error("the database is not available")]
    Unavailable(#[source] StorageError),
    /// A defect.
    #[error("internal error")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Unavailable(_) | StorageError::Contention => Self::Unavailable(error),
            StorageError::Conflict(_)
            | StorageError::Corrupt { .. }
            | StorageError::Poisoned
            | StorageError::Backend(_) => Self::Internal(Box::new(error)),
        }
    }
}

impl From<HashError> for Failure {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy { retry_after } => Self::Busy { retry_after },
            HashError::Stopped => Self::Internal(Box::new(error)),
        }
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        Self::Internal(Box::new(error))
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.replace(char::is_control, " ")
}
