use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use usher_domain::{PlainPassword, PlainToken, SessionId};
use usher_service::{AccessToken, ChangePassword, LoginRequest, LogoutScope, Tokens};
use utoipa::ToSchema;

use super::{UserRead, optional_token, password, word};

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
    /// Where the refresh token goes, now and at every refresh; `cookie`, if left out.
    #[serde(default, deserialize_with = "word")]
    #[schema(required = false)]
    pub token_delivery: TokenDelivery,
}

impl Credentials {
    /// With the refresh token that this client still has.
    pub(crate) fn replacing(self, replaces: Option<PlainToken>) -> LoginRequest {
        LoginRequest { identifier: self.identifier, password: self.password, replaces }
    }
}

/// How a refresh token travels: `cookie` keeps it out of reach of scripts, `body` is for clients that are no
/// browsers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TokenDelivery {
    #[default]
    Cookie,
    Body,
}

/// What is renewed.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub(crate) struct TokenRefresh {
    /// The refresh token, where it is not in the cookie.
    #[serde(default, deserialize_with = "optional_token")]
    #[schema(value_type = Option<String>)]
    pub refresh_token: Option<PlainToken>,
}

/// What ends.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "scope": "session" }))]
pub(crate) struct Logout {
    /// `session`, if left out.
    #[serde(default, deserialize_with = "word")]
    #[schema(required = false)]
    pub scope: Scope,
    /// The refresh token, where it is not in the cookie.
    #[serde(default, deserialize_with = "optional_token")]
    #[schema(value_type = Option<String>)]
    pub refresh_token: Option<PlainToken>,
}

/// Which sessions end: the one that the tokens belong to, all others of its owner, or all.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[schema(as = LogoutScope)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    #[default]
    Session,
    Others,
    All,
}

impl From<Scope> for LogoutScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Session => Self::Session,
            Scope::Others => Self::Others,
            Scope::All => Self::All,
        }
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

/// The wish to have one's account deleted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "current_password": "Analytical-Engine-1843" }))]
pub(crate) struct AccountDeletion {
    /// The password so far.
    #[serde(deserialize_with = "password")]
    #[schema(value_type = String, format = Password)]
    pub current_password: PlainPassword,
}

/// What opens the routes that need somebody to be signed in.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "access_token": "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl",
    "token_type": "Bearer",
    "expires_in": 900,
    "refresh_expires_in": 1_209_600,
    "session_id": "01900000-0000-7000-8000-000000000002",
}))]
pub(crate) struct Token<'a> {
    /// A JWT, for the header `Authorization: Bearer <access token>`.
    access_token: &'a str,
    /// Always `Bearer` (RFC 6750).
    token_type: &'static str,
    /// For how many seconds the access token is good.
    expires_in: u64,
    /// For the next tokens. Here only if the client asked for `token_delivery: body`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    refresh_token: Option<&'a str>,
    /// For how many seconds the refresh token is good, wherever it is. Not there when the password was changed: the
    /// refresh token stays what it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    refresh_expires_in: Option<u64>,
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
            refresh_token: None,
            refresh_expires_in: None,
            session_id: token.session,
        }
    }
}

impl<'a> Token<'a> {
    /// Both tokens; the refresh token itself only if it travels in bodies.
    pub(crate) fn of(tokens: &'a Tokens, delivery: TokenDelivery) -> Self {
        Self {
            refresh_token: match delivery {
                TokenDelivery::Cookie => None,
                TokenDelivery::Body => Some(tokens.refresh.token.expose()),
            },
            refresh_expires_in: Some(tokens.refresh.expires_in.as_secs()),
            ..(&tokens.access).into()
        }
    }
}

/// The token that the documentation shows where the refresh token stays what it was.
pub(crate) fn without_refresh_token() -> Value {
    json!({
        "access_token": "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl",
        "token_type": "Bearer",
        "expires_in": 900,
        "session_id": "01900000-0000-7000-8000-000000000002",
    })
}

/// A token, and whose it is.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "access_token": "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl",
    "token_type": "Bearer",
    "expires_in": 900,
    "refresh_expires_in": 1_209_600,
    "session_id": "01900000-0000-7000-8000-000000000002",
    "user": super::user::example(),
}))]
pub(crate) struct SignedIn<'a> {
    #[serde(flatten)]
    token: Token<'a>,
    /// Who is signed in.
    user: UserRead<'a>,
}

impl<'a> SignedIn<'a> {
    pub(crate) fn of(tokens: &'a Tokens, delivery: TokenDelivery) -> Self {
        Self { token: Token::of(tokens, delivery), user: (&tokens.user).into() }
    }
}
