use serde::{Deserialize, Serialize};
use usher_domain::{Fault, FaultCode, Permission, Role, RoleName, Timestamp};
use usher_service::{KnownPermission, RoleDraft, RolePatch};
use utoipa::{ToSchema, openapi::path::Parameter};

use super::Page;
use crate::{
    error::ApiError,
    extract::{FromQuery, Parameters, flag, present},
    openapi,
};

/// A role.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "name": "support",
    "description": "Answers questions, and shuts accounts that are misused.",
    "permissions": ["tickets:answer", "users:read", "users:write"],
    "built_in": false,
    "created_at": "2030-01-01T12:00:00.000000Z",
    "updated_at": "2030-01-01T12:00:00.000000Z",
}))]
pub struct RoleRead<'a> {
    /// Its name, which never changes: it stands in access tokens.
    name: &'a str,
    /// What it is for.
    description: &'a str,
    /// What it grants, by name; for `admin` all permissions that there are.
    permissions: Vec<&'a str>,
    /// Whether usher made it: `admin` is neither changed nor deleted, `user` not deleted.
    built_in: bool,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl<'a> From<&'a Role> for RoleRead<'a> {
    fn from(role: &'a Role) -> Self {
        Self {
            name: role.name.as_str(),
            description: role.description.as_str(),
            permissions: role.granted.iter().map(Permission::as_str).collect(),
            built_in: role.built_in,
            created_at: role.created_at,
            updated_at: role.updated_at,
        }
    }
}

impl<'a> RoleRead<'a> {
    /// All roles.
    pub(crate) fn page(roles: &'a [Role]) -> Page<Self> {
        Page::whole(roles.iter().map(Self::from).collect())
    }
}

/// A permission.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "name": "users:read", "description": "See all accounts and their sessions.", "built_in": true }))]
pub(crate) struct PermissionRead<'a> {
    /// `area:verb`.
    name: &'a str,
    /// What it is good for; `null` for one that only other services know.
    #[schema(required)]
    description: Option<&'static str>,
    /// Whether usher itself asks for it. Others are there because a role names them.
    built_in: bool,
}

impl<'a> PermissionRead<'a> {
    /// All permissions.
    pub(crate) fn page(permissions: &'a [KnownPermission]) -> Page<Self> {
        let shown = permissions.iter().map(|KnownPermission { name, description, built_in }| Self {
            name: name.as_str(),
            description: *description,
            built_in: *built_in,
        });
        Page::whole(shown.collect())
    }
}

/// A role to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "support",
    "description": "Answers questions, and shuts accounts that are misused.",
    "permissions": ["tickets:answer", "users:read", "users:write"],
}))]
pub(crate) struct RoleCreate {
    /// Its name, which never changes: a lower-case letter, then letters, digits, `_` or `-`.
    #[schema(min_length = 2, max_length = 50)]
    name: String,
    /// What it is for, in one line.
    #[serde(default)]
    #[schema(max_length = 200, required = false)]
    description: String,
    /// What it grants: permissions of usher, and any others of the form `area:verb`.
    #[serde(default)]
    #[schema(required = false)]
    permissions: Vec<String>,
}

impl From<RoleCreate> for RoleDraft {
    fn from(body: RoleCreate) -> Self {
        let RoleCreate { name, description, permissions } = body;
        Self { name, description, permissions }
    }
}

/// Everything of a role that can be changed, as it is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "description": "Answers questions.",
    "permissions": ["tickets:answer", "users:read"],
}))]
pub(crate) struct RoleUpdateFull {
    /// The name that it has, if it is said again.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false)]
    name: Option<String>,
    /// What it is for, in one line.
    #[schema(max_length = 200)]
    description: String,
    /// What it grants.
    permissions: Vec<String>,
}

/// What of a role is to change: a field that is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "permissions": ["tickets:answer", "users:read"] }))]
pub(crate) struct RoleUpdatePartial {
    /// The name that it has, if it is said again.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false)]
    name: Option<String>,
    /// What it is for, in one line; `null` for nothing.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 200)]
    description: Option<Option<String>>,
    /// What it grants, instead of what it did.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Vec<String>, required = false)]
    permissions: Option<Vec<String>>,
}

impl RoleUpdateFull {
    /// The change of the role of this name.
    pub(crate) fn of(self, role: &RoleName) -> Result<RolePatch, ApiError> {
        require_same(role, self.name)?;
        Ok(RolePatch { description: Some(self.description), permissions: Some(self.permissions) })
    }
}

impl RoleUpdatePartial {
    /// The change of the role of this name.
    pub(crate) fn of(self, role: &RoleName) -> Result<RolePatch, ApiError> {
        require_same(role, self.name)?;
        Ok(RolePatch { description: self.description.map(Option::unwrap_or_default), permissions: self.permissions })
    }
}

/// Refuses another name: services downstream go by it.
fn require_same(role: &RoleName, name: Option<String>) -> Result<(), ApiError> {
    if name.is_some_and(|name| name != role.as_str()) {
        let fault = Fault::new(FaultCode::UnknownValue, "is not the name of this role, and roles are not renamed");
        return Err(ApiError::invalid("name".to_owned(), fault));
    }
    Ok(())
}

/// How a role is to be deleted.
#[derive(Debug)]
pub(crate) struct RoleDeletion {
    pub force: bool,
}

impl FromQuery for RoleDeletion {
    fn from_query(sent: &mut Parameters) -> Result<Self, ApiError> {
        Ok(Self { force: sent.take("force", flag).unwrap_or_default() })
    }
}

impl RoleDeletion {
    /// What is documented of the parameters.
    pub(crate) fn parameters() -> [Parameter; 1] {
        [openapi::in_query("force", "Whether to take it from those who hold it.", openapi::flag())]
    }
}
