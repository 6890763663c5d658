//! What goes over the wire. Requests refuse fields that they do not know; answers hold no secret but the
//! tokens that they are asked for.

mod auth;
mod health;
mod page;
mod user;
mod user_list;
mod user_update;

pub(crate) use auth::{Credentials, PasswordChange, SignedIn, Token};
pub(crate) use health::Health;
pub(crate) use page::Page;
use serde::{Deserialize, Deserializer};
pub(crate) use user::{AdminUserCreate, UserRead};
pub(crate) use user_list::{Deletion, UserListQuery};
pub(crate) use user_update::{
    AdminUserUpdateFull, AdminUserUpdatePartial, PasswordAssignment, RoleAssignment, StatusChange, UserUpdateFull,
    UserUpdatePartial,
};
use usher_domain::PlainPassword;

/// Straight into the type that does not show itself.
fn password<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PlainPassword, D::Error> {
    String::deserialize(deserializer).map(PlainPassword::new)
}

fn optional_password<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PlainPassword>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(PlainPassword::new))
}
