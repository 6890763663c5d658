use async_trait::async_trait;
use usher_domain::{OneTimeToken, OneTimeTokenId, Timestamp, TokenHash, TokenKind, UserId};

use crate::StorageResult;

/// Reads of one-time tokens. Those that have expired are found too.
#[async_trait]
pub trait OneTimeTokenQueries {
    /// The token that is known by this digest.
    async fn one_time_token_by_hash(&self, hash: &TokenHash) -> StorageResult<Option<OneTimeToken>>;

    /// The token with this id.
    async fn one_time_token_by_id(&self, id: OneTimeTokenId) -> StorageResult<Option<OneTimeToken>>;
}

/// Changes of one-time tokens.
#[async_trait]
pub trait OneTimeTokenWrites {
    /// Adds a token.
    ///
    /// # Errors
    /// [`Conflict`](crate::StorageError::Conflict) if the account that it is for does not exist.
    async fn one_time_token_insert(&self, token: &OneTimeToken) -> StorageResult<()>;

    /// Uses a token up, and answers it: of any number that race, one gets it. One that has expired by now
    /// stays, and nobody gets it.
    async fn one_time_token_consume(&self, hash: &TokenHash, now: Timestamp) -> StorageResult<Option<OneTimeToken>>;

    /// Removes the tokens of an account, all or those of one kind, but keeps this many of the latest.
    async fn one_time_token_void(&self, user: UserId, kind: Option<TokenKind>, kept: usize) -> StorageResult<()>;

    /// Removes up to `most` tokens that have expired by now; answers how many it was.
    async fn one_time_token_delete_expired(&self, now: Timestamp, most: u64) -> StorageResult<u64>;

    /// Removes every token of everybody; answers how many it was.
    async fn one_time_token_delete_everybodys(&self) -> StorageResult<u64>;
}
