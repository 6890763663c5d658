use std::time::Duration;

use redis::{ParsingError, RedisError as Cause};

/// Why Redis did not do what it was asked. It tells neither where Redis is nor what was said while
/// signing in there: both may hold a password, which some servers repeat in their answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum RedisError {
    #[error("Redis failed a moment ago and is left alone")]
    LeftAlone,
    #[error("Redis does not answer within {0:?}")]
    TimedOut(Duration),
    #[error("Redis cannot be reached: {0}")]
    Unreachable(String),
    #[error("Redis lets nobody in: {0}")]
    NotLetIn(String),
    #[error("Redis refuses: {0}")]
    Refused(String),
    #[error("Redis holds something else than expected: {0}")]
    Unexpected(#[from] ParsingError),
}

impl RedisError {
    pub(super) fn connecting(cause: &Cause) -> Self {
        if cause.is_io_error() {
            Self::Unreachable(cause.to_string())
        } else {
            Self::NotLetIn(cause.code().unwrap_or(cause.category()).to_owned())
        }
    }

    pub(super) fn asking(cause: &Cause) -> Self {
        if cause.is_io_error() { Self::Unreachable(cause.to_string()) } else { Self::Refused(cause.to_string()) }
    }
}
