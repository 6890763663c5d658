use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Map, Value};
use usher_domain::{FaultCode, FieldFault, PlainPassword};
use usher_service::UserPatch;
use utoipa::ToSchema;

use super::password;
use crate::{
    error::{ApiError, ErrorCode},
    extract::{nullable, present},
};

/// Everything of an account that can be changed, as it is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "username": "ada",
    "email": "ada@example.org",
    "email_verified": true,
    "full_name": "Ada Lovelace",
    "external_id": null,
    "metadata": { "theme": "light" },
}))]
pub(crate) struct AdminUserUpdateFull {
    /// The name to sign in with: 3 to 50 of `A-Z a-z 0-9 . _ -`.
    #[schema(min_length = 3, max_length = 50)]
    username: String,
    /// The e-mail address; `null` for none.
    #[serde(deserialize_with = "nullable")]
    #[schema(format = Email, max_length = 254, required)]
    email: Option<String>,
    /// Whether the address counts as proven.
    email_verified: bool,
    /// What the person is called; `null` for nothing.
    #[serde(deserialize_with = "nullable")]
    #[schema(max_length = 100, required)]
    full_name: Option<String>,
    /// What another system calls this account; `null` for nothing.
    #[serde(deserialize_with = "nullable")]
    #[schema(max_length = 128, required)]
    external_id: Option<String>,
    /// The host project's own fields: an object of at most 8 KiB; `null` for none.
    #[schema(value_type = Option<Object>, required)]
    metadata: Value,
}

impl From<AdminUserUpdateFull> for UserPatch {
    fn from(body: AdminUserUpdateFull) -> Self {
        Self {
            username: Some(body.username),
            email: Some(body.email),
            email_verified: Some(body.email_verified),
            full_name: Some(body.full_name),
            external_id: Some(body.external_id),
            metadata: Some(object_or_empty(body.metadata)),
        }
    }
}

/// What of an account is to change: a field that is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "full_name": "Augusta Ada King", "external_id": null }))]
pub(crate) struct AdminUserUpdatePartial {
    /// The name to sign in with: 3 to 50 of `A-Z a-z 0-9 . _ -`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, min_length = 3, max_length = 50, required = false)]
    username: Option<String>,
    /// The e-mail address; `null` for none. A new one counts as not proven unless `email_verified` says
    /// otherwise.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = Email, max_length = 254)]
    email: Option<Option<String>>,
    /// Whether the address counts as proven.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = bool, required = false)]
    email_verified: Option<bool>,
    /// What the person is called; `null` for nothing.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 100)]
    full_name: Option<Option<String>>,
    /// What another system calls this account; `null` for nothing.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 128)]
    external_id: Option<Option<String>>,
    /// The host project's own fields, instead of all there are: an object of at most 8 KiB; `null` for
    /// none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
}

impl From<AdminUserUpdatePartial> for UserPatch {
    fn from(body: AdminUserUpdatePartial) -> Self {
        Self {
            username: body.username,
            email: body.email,
            email_verified: body.email_verified,
            full_name: body.full_name,
            external_id: body.external_id,
            metadata: body.metadata.map(object_or_empty),
        }
    }
}

/// `null` clears, and what is clear is an empty object.
fn object_or_empty(metadata: Value) -> Value {
    if metadata.is_null() { Value::Object(Map::new()) } else { metadata }
}

/// Everything of one's own account that one can change, as it is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "username": "ada", "full_name": "Ada Lovelace" }))]
pub(crate) struct UserUpdateFull {
    /// The name to sign in with: 3 to 50 of `A-Z a-z 0-9 . _ -`.
    #[schema(min_length = 3, max_length = 50)]
    username: String,
    /// What one is called; `null` for nothing.
    #[serde(deserialize_with = "nullable")]
    #[schema(max_length = 100, required)]
    full_name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(ignore)]
    email: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    #[schema(ignore)]
    password: Option<IgnoredAny>,
}

impl TryFrom<UserUpdateFull> for UserPatch {
    type Error = ApiError;

    fn try_from(body: UserUpdateFull) -> Result<Self, ApiError> {
        refuse_elsewhere(body.email, body.password)?;
        Ok(Self { username: Some(body.username), full_name: Some(body.full_name), ..Self::default() })
    }
}

/// What of one's own account is to change: a field that is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "full_name": null }))]
pub(crate) struct UserUpdatePartial {
    /// The name to sign in with: 3 to 50 of `A-Z a-z 0-9 . _ -`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, min_length = 3, max_length = 50, required = false)]
    username: Option<String>,
    /// What one is called; `null` for nothing.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 100)]
    full_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(ignore)]
    email: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    #[schema(ignore)]
    password: Option<IgnoredAny>,
}

impl TryFrom<UserUpdatePartial> for UserPatch {
    type Error = ApiError;

    fn try_from(body: UserUpdatePartial) -> Result<Self, ApiError> {
        refuse_elsewhere(body.email, body.password)?;
        Ok(Self { username: body.username, full_name: body.full_name, ..Self::default() })
    }
}

/// Refuses what of one's own account takes more than a token to change.
fn refuse_elsewhere(email: Option<IgnoredAny>, password: Option<IgnoredAny>) -> Result<(), ApiError> {
    let sent = [("email", email), ("password", password)].into_iter().filter(|(_, sent)| sent.is_some());
    let details: Vec<_> = sent
        .map(|(field, _)| FieldFault {
            field: field.to_owned(),
            code: FaultCode::UnknownField,
            message: "has a route of its own, which asks for the current password".to_owned(),
        })
        .collect();
    if details.is_empty() {
        return Ok(());
    }
    let message = "addresses and passwords are not changed here, but by routes of their own";
    Err(ApiError::new(ErrorCode::UseDedicatedEndpoint, message).with_details(details))
}

/// The roles of an account, as they are to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "roles": ["user"] }))]
pub(crate) struct RoleAssignment {
    /// Their names; none are fine.
    pub roles: Vec<String>,
}

/// A password that an administrator sets for somebody.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "new_password": "Difference-Engine-1822" }))]
pub(crate) struct PasswordAssignment {
    /// The password until he changes it: 8 to 128 characters, with the kinds of characters that are
    /// asked for.
    #[serde(deserialize_with = "password")]
    #[schema(value_type = String, format = Password)]
    pub new_password: PlainPassword,
}

/// Why something is done to an account.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "on leave until spring" }))]
pub(crate) struct StatusChange {
    /// For the activity log: at most 500 characters.
    #[schema(max_length = 500)]
    pub reason: Option<String>,
}
