//! What an access token says (RFC 9068, 2.2).

use serde::{Deserialize, Serialize};
use usher_domain::{SessionId, TokenId, UserId};

/// Every claim is needed, in its one type. No secret, no e-mail address, no hash among them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) aud: String,
    pub(super) sub: UserId,
    /// In seconds since the Unix epoch, like `iat` and `nbf`.
    pub(super) exp: i64,
    pub(super) iat: i64,
    pub(super) nbf: i64,
    pub(super) jti: TokenId,
    pub(super) sid: SessionId,
    /// The epoch of the user.
    pub(super) ver: i64,
    pub(super) roles: Vec<String>,
    pub(super) permissions: Vec<String>,
    pub(super) username: String,
}
