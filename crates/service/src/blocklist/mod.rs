//! Word for other services of access tokens that are no good any more, although their signature is.
//!
//! usher itself asks its database. Services that verify tokens by themselves, through the public keys, can
//! ask here what was revoked before it expired.

#[cfg(feature = "contract")]
pub mod contract;
mod memory;

use std::{error::Error, time::Duration};

use async_trait::async_trait;
pub use memory::MemoryBlocklist;
use usher_domain::{SessionId, UserId};

use crate::AccessClaims;

/// Tokens that are no good any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockedTokens {
    /// All of a session.
    OfSession(SessionId),
    /// All of a user whose epoch (`ver`) is less than this one.
    OfUser {
        /// Whose.
        user: UserId,
        /// The least epoch that is still good.
        minimum_epoch: i64,
    },
}

/// A blocklist that could not be reached. Nothing depends on it but what other services know.
#[derive(Debug, thiserror::Error)]
#[error("the blocklist cannot be reached")]
pub struct BlocklistError(#[source] Box<dyn Error + Send + Sync>);

impl BlocklistError {
    /// Takes the cause, for the log.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

/// Where revoked tokens are listed for as long as they would else be good.
#[async_trait]
pub trait TokenBlocklist: Send + Sync + 'static {
    /// Lists tokens for a while. What is listed already stays listed at least as long and as far: a
    /// smaller minimum epoch, or a shorter while, changes nothing.
    ///
    /// # Errors
    /// [`BlocklistError`]; then some of it may be listed, and repeating is safe.
    async fn block(&self, tokens: &[BlockedTokens], lifetime: Duration) -> Result<(), BlocklistError>;

    /// Whether a token, verified otherwise, is listed.
    ///
    /// # Errors
    /// [`BlocklistError`].
    async fn blocks(&self, token: &AccessClaims) -> Result<bool, BlocklistError>;
}
