//! What the managers promise.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod auth;
mod blocklist;
mod environment;
mod fixture;
mod forged_tokens;
mod issuer;
mod key_rotation;
mod managing_users;
mod master_key;
mod password_forms;
mod password_queue;
mod passwords;
mod signing_keys;
mod tokens;
mod users;
