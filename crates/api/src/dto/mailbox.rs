use serde::Deserialize;
use usher_domain::{PlainPassword, PlainToken};
use utoipa::ToSchema;

use super::{optional_password, password, token};

/// The wish for a mail.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "email": "ada@example.org" }))]
pub(crate) struct MailRequest {
    /// The address that the account has.
    #[schema(format = Email, max_length = 254)]
    pub email: String,
}

/// The wish for a mail that an address is proven with.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "email": "ada@example.org" }))]
pub(crate) struct VerificationRequest {
    /// The address that the account has. Without `Authorization` it is required; with it, one's own if left out.
    #[schema(format = Email, max_length = 254)]
    pub email: Option<String>,
}

/// What a mail brought, to set another password with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "token": "AZqkFv5adAGAAAAAAAAAAUBmVyS1mNf0x1YkNf2W8m3zXo4yJrQhK7vTqEo0cD5s",
    "new_password": "Difference-Engine-1822",
}))]
pub(crate) struct PasswordReset {
    /// The token of the mail. It is good once.
    #[serde(deserialize_with = "token")]
    #[schema(value_type = String)]
    pub token: PlainToken,
    /// The password from now on: 8 to 128 characters, with the kinds of characters that are asked for.
    #[serde(deserialize_with = "password")]
    #[schema(value_type = String, format = Password)]
    pub new_password: PlainPassword,
}

/// What a mail brought, to prove an address with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "token": "AZqkFv5adAGAAAAAAAAAAUBmVyS1mNf0x1YkNf2W8m3zXo4yJrQhK7vTqEo0cD5s" }))]
pub(crate) struct EmailVerification {
    /// The token of the mail. It is good once.
    #[serde(deserialize_with = "token")]
    #[schema(value_type = String)]
    pub token: PlainToken,
    /// The password of the account that is made now. Required if the token is that of a sign-up, and without
    /// meaning otherwise.
    #[serde(default, deserialize_with = "optional_password")]
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<PlainPassword>,
}

/// A wish for another address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "email": "countess@example.org", "current_password": "Analytical-Engine-1843" }))]
pub(crate) struct EmailChange {
    /// The new address.
    #[schema(format = Email, max_length = 254)]
    pub email: String,
    /// The password.
    #[serde(deserialize_with = "password")]
    #[schema(value_type = String, format = Password)]
    pub current_password: PlainPassword,
}
