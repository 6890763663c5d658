//! What goes over the wire. Requests refuse fields that they do not know; answers hold no secret but the
//! tokens that they are asked for.

mod activity;
mod auth;
mod health;
mod mailbox;
mod page;
mod personal_data;
mod role;
mod session;
mod sign_up;
mod user;
mod user_list;
mod user_update;

pub use activity::ActivityRead;
pub(crate) use activity::{ActivityListQuery, UserActivityQuery};
pub(crate) use auth::{
    AccountDeletion, Credentials, Logout, PasswordChange, SignedIn, Token, TokenDelivery, TokenRefresh,
    without_refresh_token,
};
pub(crate) use health::Health;
pub(crate) use mailbox::{EmailChange, EmailVerification, MailRequest, PasswordReset, VerificationRequest};
pub(crate) use page::Page;
pub(crate) use personal_data::Export;
pub use role::RoleRead;
pub(crate) use role::{PermissionRead, RoleCreate, RoleDeletion, RoleUpdateFull, RoleUpdatePartial};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IntoDeserializer},
};
pub(crate) use session::SessionRead;
pub(crate) use sign_up::{SignUp, SignedUp, UserCreate};
pub(crate) use user::AdminUserCreate;
pub use user::UserRead;
pub(crate) use user_list::{Deletion, UserListQuery};
pub(crate) use user_update::{
    AdminUserUpdateFull, AdminUserUpdatePartial, PasswordAssignment, RoleAssignment, StatusChange, UserUpdateFull,
    UserUpdatePartial,
};
use usher_domain::{PlainPassword, PlainToken};

/// Straight into the type that does not show itself.
fn password<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PlainPassword, D::Error> {
    String::deserialize(deserializer).map(PlainPassword::new)
}

fn optional_password<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PlainPassword>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(PlainPassword::new))
}

fn token<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PlainToken, D::Error> {
    String::deserialize(deserializer).map(PlainToken::new)
}

fn optional_token<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PlainToken>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(PlainToken::new))
}

/// One of a few words, as a text: serde would take an object with the word as its key, too.
fn word<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::deserialize(String::deserialize(deserializer)?.into_deserializer())
}
