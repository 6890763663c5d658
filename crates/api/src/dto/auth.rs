use serde::{Deserialize, Serialize};
use usher_domain::{PlainPassword, SessionId};
use usher_service::{AccessToken, ChangePassword, LoginRequest, Tokens};
use utoipa::ToSchema;

use super::{UserRead, password};

/// Who somebody says he is, and the proof.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "identifier": "ada", "password": "Analytical-Engine-1843" }))]
pub(crate) struct Credentials {
    /// A username or an e-mail address. `username` and `email` are accepted as names of this field; only
    /// one of the three may be there.
    #[serde(alias = "username", alias = "email")]
    #[schema(min_length = 1, max_length = 254)]
    identifier: String,
    /// The password, as typed.
    #[serde(deserialize_with = "password")]
    #[schema(value_type = String, format = Password)]
    password: PlainPassword,
}

impl From<Credentials> for LoginRequest {
    fn from(Credentials { identifier, password }: Credentials) -> Self {
        Self { identifier, password, replaces: None }
    }
}

/// A wish for another password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "current_password": "Analytical-Engine-1843", "new_password": "Difference-Engine-1822" }))]
pub(crate) struct PasswordChange {
    /// The password so far.
    #[serde(deserialize_with = "password")]
    #[schema(value_type = String, format = Password)]
    current_password: PlainPassword,
    /// The password from now on: 8 to 128 characters, with the kinds of characters that are asked for.
    #[serde(deserialize_with = "password")]
    #[schema(value_type = String, format = Password)]
    new_password: PlainPassword,
}

impl From<PasswordChange> for ChangePassword {
    fn from(PasswordChange { current_password, new_password }: PasswordChange) -> Self {
        Self { current_password, new_password }
    }
}

/// What opens the routes that need somebody to be signed in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "access_token": "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl",
    "token_type": "Bearer",
    "expires_in": 900,
    "session_id": "01900000-0000-7000-8000-000000000002",
}))]
pub(crate) struct Token<'a> {
    /// A JWT, for the header `Authorization: Bearer <access token>`.
    access_token: &'a str,
    /// Always `Bearer` (RFC 6750).
    token_type: &'static str,
    /// For how many seconds the access token is good.
    expires_in: u64,
    /// The session that the token belongs to.
    #[schema(value_type = String, format = "uuid")]
    session_id: SessionId,
}

impl<'a> From<&'a AccessToken> for Token<'a> {
    fn from(token: &'a AccessToken) -> Self {
        Self {
            access_token: token.token.expose(),
            token_type: "Bearer",
            expires_in: token.expires_in.as_secs(),
            session_id: token.session,
        }
    }
}

/// A token, and whose it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "access_token": "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl",
    "token_type": "Bearer",
    "expires_in": 900,
    "session_id": "01900000-0000-7000-8000-000000000002",
    "user": super::user::example(),
}))]
pub(crate) struct SignedIn<'a> {
    #[serde(flatten)]
    token: Token<'a>,
    /// Who is signed in.
    user: UserRead<'a>,
}

impl<'a> From<&'a Tokens> for SignedIn<'a> {
    fn from(tokens: &'a Tokens) -> Self {
        Self { token: (&tokens.access).into(), user: (&tokens.user).into() }
    }
}
