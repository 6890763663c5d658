//! What the vocabulary promises.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod actor;
mod client;
mod clock;
mod email;
mod full_name;
mod ids;
mod languages;
mod mail;
mod metadata;
mod page;
mod password_policy;
mod permission;
mod role;
mod rotation;
mod secrets;
mod username;
