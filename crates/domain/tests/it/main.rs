//! What the vocabulary promises.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod access;
mod clock;
mod email;
mod full_name;
mod ids;
mod languages;
mod mail;
mod metadata;
mod page;
mod password_policy;
mod rotation;
mod secrets;
mod username;
