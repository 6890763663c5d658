use serde::{Deserialize, Serialize};
use usher_domain::PlainPassword;
use usher_service::{SignUp as Wish, Tokens};
use utoipa::ToSchema;

use super::{Token, TokenDelivery, UserRead, optional_password, word};

/// An account that somebody wants for himself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserCreate {
    username: String,
    #[serde(default, deserialize_with = "optional_password")]
    password: Option<PlainPassword>,
    email: Option<String>,
    full_name: Option<String>,
}

impl From<UserCreate> for Wish {
    fn from(UserCreate { username, password, email, full_name }: UserCreate) -> Self {
        Self { username, password, email, full_name }
    }
}

/// An account that somebody wants for himself, to be signed in with it at once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "username": "grace",
    "password": "Compiler-Pioneer-1952",
    "email": "grace@example.org",
    "full_name": "Grace Hopper",
}))]
pub(crate) struct SignUp {
    /// The name to sign in with: 3 to 50 of `A-Z a-z 0-9 . _ -`. Some words are reserved.
    #[schema(min_length = 3, max_length = 50)]
    username: String,
    /// The password: 8 to 128 characters, with the kinds of characters that are asked for. Required, unless
    /// addresses are proven first: then it means nothing, and one is chosen when the address is proven.
    #[serde(default, deserialize_with = "optional_password")]
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<PlainPassword>,
    /// The e-mail address. Required where addresses are proven first.
    #[schema(format = Email, max_length = 254)]
    email: Option<String>,
    /// What one is called.
    #[schema(max_length = 100)]
    full_name: Option<String>,
    /// Where the refresh token goes, now and at every refresh; `cookie`, if left out.
    #[serde(default, deserialize_with = "word")]
    #[schema(required = false)]
    pub token_delivery: TokenDelivery,
}

impl From<SignUp> for Wish {
    fn from(SignUp { username, password, email, full_name, token_delivery: _ }: SignUp) -> Self {
        Self { username, password, email, full_name }
    }
}

/// A new account, and what opens the routes for it.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "user": super::user::example(),
    "tokens": crate::openapi::example_of::<Token<'_>>(),
}))]
pub(crate) struct SignedUp<'a> {
    /// Who is signed in.
    user: UserRead<'a>,
    /// For his session.
    tokens: Token<'a>,
}

impl<'a> SignedUp<'a> {
    pub(crate) fn of(tokens: &'a Tokens, delivery: TokenDelivery) -> Self {
        Self { user: (&tokens.user).into(), tokens: Token::of(tokens, delivery) }
    }
}
