use std::{collections::BTreeSet, net::IpAddr};

use async_trait::async_trait;
use usher_domain::{Revocation, Rotation, Session, SessionId, Timestamp, UserId, UserInDB};

use crate::StorageResult;

/// Reads of sessions.
#[async_trait]
pub trait SessionQueries {
    /// A session and the account that it belongs to, in one query: all that a request with an access
    /// token needs to know. Ended sessions and softly deleted accounts are found too.
    async fn session_with_user(&self, id: SessionId) -> StorageResult<Option<(Session, UserInDB)>>;

    /// From which addresses an account was signed in to since then, also in sessions that have ended.
    async fn session_addresses(&self, user: UserId, since: Timestamp) -> StorageResult<BTreeSet<IpAddr>>;

    /// The sessions of an account that were not revoked, the latest used first.
    async fn session_by_user(&self, user: UserId) -> StorageResult<Vec<Session>>;
}

/// Changes of sessions.
#[async_trait]
pub trait SessionWrites {
    /// Adds a session.
    ///
    /// # Errors
    /// [`Conflict`](crate::StorageError::Conflict) if the account does not exist.
    async fn session_insert(&self, session: &Session) -> StorageResult<()>;

    /// Counts a session on by one generation, marks it as used and moves its end, if it still has the
    /// generation that the rotation is from, was not revoked and has not ended by the time of the
    /// rotation. Answers whether it was this call that did: of any number that race, one.
    async fn session_rotate(&self, id: SessionId, rotation: Rotation) -> StorageResult<bool>;

    /// Ends a session; answers whether it was this call that did.
    async fn session_revoke(&self, id: SessionId, revocation: Revocation) -> StorageResult<bool>;

    /// Ends all sessions of an account but the excepted one, and answers which this call ended.
    async fn session_revoke_all(
        &self,
        user: UserId,
        except: Option<SessionId>,
        revocation: Revocation,
    ) -> StorageResult<Vec<SessionId>>;

    /// Ends every session of everybody; answers how many this call ended.
    async fn session_revoke_everybodys(&self, revocation: Revocation) -> StorageResult<u64>;

    /// Removes up to `most` sessions whose absolute end came before this moment; answers how many it was.
    async fn session_delete_expired(&self, before: Timestamp, most: u64) -> StorageResult<u64>;
}
