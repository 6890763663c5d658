use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use usher_domain::{
    EmailAddress, ExternalId, FullName, Metadata, PlainPassword, RoleName, Timestamp, User, UserId, Username,
};
use usher_service::UserDraft;
use utoipa::ToSchema;

use super::optional_password;
use crate::extract::present;

/// An account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(example()))]
pub struct UserRead<'a> {
    /// Never changes, never used again.
    #[schema(value_type = String, format = "uuid")]
    id: UserId,
    /// The name to sign in with.
    #[schema(value_type = String)]
    username: &'a Username,
    /// The e-mail address, if there is one.
    #[schema(value_type = Option<String>, format = Email, required)]
    email: Option<&'a EmailAddress>,
    /// Whether the address was proven.
    email_verified: bool,
    /// What the person is called.
    #[schema(value_type = Option<String>, required)]
    full_name: Option<&'a FullName>,
    /// What another system calls this account.
    #[schema(value_type = Option<String>, required)]
    external_id: Option<&'a ExternalId>,
    /// The host project's own fields.
    #[schema(value_type = Object)]
    metadata: &'a Metadata,
    /// `active`, `deactivated` or `deleted`.
    status: &'static str,
    /// Whether the account can be used.
    is_active: bool,
    /// Whether it holds the role `admin`.
    is_admin: bool,
    /// Its roles, sorted by name.
    #[schema(value_type = Vec<String>)]
    roles: &'a [RoleName],
    /// Whether nothing else is open before the password is changed.
    must_change_password: bool,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When what is shown here last changed, the last login aside.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// When its owner last signed in.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    last_login_at: Option<Timestamp>,
}

impl<'a> From<&'a User> for UserRead<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: user.id,
            username: &user.username,
            email: user.email.as_ref(),
            email_verified: user.email_verified_at.is_some(),
            full_name: user.full_name.as_ref(),
            external_id: user.external_id.as_ref(),
            metadata: &user.metadata,
            status: user.status.as_str(),
            is_active: user.is_active(),
            is_admin: user.is_admin(),
            roles: &user.roles,
            must_change_password: user.must_change_password,
            created_at: user.created_at,
            updated_at: user.updated_at,
            last_login_at: user.last_login_at,
        }
    }
}

/// The account that the documentation shows.
pub(super) fn example() -> Value {
    json!({
        "id": "01900000-0000-7000-8000-000000000001",
        "username": "ada",
        "email": "ada@example.org",
        "email_verified": true,
        "full_name": "Ada Lovelace",
        "external_id": null,
        "metadata": { "theme": "dark" },
        "status": "active",
        "is_active": true,
        "is_admin": false,
        "roles": ["user"],
        "must_change_password": false,
        "created_at": "2030-01-01T12:00:00.000000Z",
        "updated_at": "2030-01-01T12:00:00.000000Z",
        "last_login_at": null,
    })
}

/// An account that an administrator wants made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "username": "grace",
    "password": "Compiler-Pioneer-1952",
    "email": "grace@example.org",
    "full_name": "Grace Hopper",
}))]
pub(crate) struct AdminUserCreate {
    /// The name to sign in with: 3 to 50 of `A-Z a-z 0-9 . _ -`.
    #[schema(min_length = 3, max_length = 50)]
    username: String,
    /// The first password: 8 to 128 characters, with the kinds of characters that are asked for. Without one, an
    /// invitation to choose it is mailed to the address.
    #[serde(default, deserialize_with = "optional_password")]
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<PlainPassword>,
    /// The e-mail address.
    #[schema(format = Email, max_length = 254)]
    email: Option<String>,
    /// Whether the address counts as proven; no, if left out.
    #[serde(default)]
    email_verified: bool,
    /// What the person is called.
    #[schema(max_length = 100)]
    full_name: Option<String>,
    /// What another system calls this account: 1 to 128 printable ASCII characters.
    #[schema(max_length = 128)]
    external_id: Option<String>,
    /// The host project's own fields: an object of at most 8 KiB.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Object, required = false)]
    metadata: Option<Value>,
    /// The roles; the default ones if left out. Needs `roles:assign`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Vec<String>, required = false)]
    roles: Option<Vec<String>>,
    /// Whether the password must be changed at the first login; yes, if left out.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = bool, required = false)]
    must_change_password: Option<bool>,
}

impl From<AdminUserCreate> for UserDraft {
    fn from(body: AdminUserCreate) -> Self {
        Self {
            username: body.username,
            password: body.password,
            email: body.email,
            email_verified: body.email_verified,
            full_name: body.full_name,
            external_id: body.external_id,
            metadata: body.metadata,
            roles: body.roles,
            must_change_password: body.must_change_password,
        }
    }
}
