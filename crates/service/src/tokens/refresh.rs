//! Refresh tokens: JWTs that name a session and a generation, and that nobody but usher reads.
//!
//! A token is made from the row of its session and nothing else, so the same row gives the same token.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;
use serde::{Deserialize, Serialize};
use usher_domain::{PlainToken, Session, SessionId, Timestamp, UserId};

use super::{InvalidToken, TokenError};
use crate::{MasterKey, Purpose};

/// `{"alg":"HS256","typ":"rt+jwt"}`, the only header that is made or accepted.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6InJ0K2p3dCJ9";

/// What a good refresh token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshClaims {
    /// `sub`.
    pub user: UserId,
    /// `sid`.
    pub session: SessionId,
    /// `gen`: how often the session had been renewed when the token was made.
    pub generation: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    sid: SessionId,
    r#gen: u32,
    iat: i64,
    exp: i64,
}

/// Makes refresh tokens and knows them again.
pub(super) struct RefreshTokens {
    key: hmac::Key,
    issuer: String,
    audience: String,
}

impl RefreshTokens {
    pub(super) fn new(master_key: &MasterKey, issuer: &str) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, master_key.derive(Purpose::SignRefreshTokens).expose());
        Self { key, issuer: issuer.to_owned(), audience: format!("{issuer}/refresh") }
    }

    pub(super) fn issue(&self, session: &Session) -> Result<PlainToken, TokenError> {
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: session.user_id,
            sid: session.id,
            r#gen: session.generation,
            iat: session.rotated_at.as_secs(),
            exp: session.idle_expires_at.as_secs(),
        };
        let claims = serde_json::to_vec(&claims).map_err(|_| TokenError::Key)?;
        let message = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(claims));
        let tag = hmac::sign(&self.key, message.as_bytes());
        Ok(PlainToken::new(format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))))
    }

    pub(super) fn verify(&self, token: &PlainToken, now: Timestamp) -> Result<RefreshClaims, InvalidToken> {
        let (message, tag) = token.expose().rsplit_once('.').ok_or(InvalidToken)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| InvalidToken)?;
        hmac::verify(&self.key, message.as_bytes(), &tag).map_err(|_| InvalidToken)?;
        let claims = message.strip_prefix(HEADER).and_then(|rest| rest.strip_prefix('.')).ok_or(InvalidToken)?;
        let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| InvalidToken)?;
        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| InvalidToken)?;
        let is_ours = claims.iss == self.issuer && claims.aud == self.audience;
        if !is_ours || now.as_secs() >= claims.exp {
            return Err(InvalidToken);
        }
        Ok(RefreshClaims { user: claims.sub, session: claims.sid, generation: claims.r#gen })
    }
}
