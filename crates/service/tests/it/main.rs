//! What the managers promise.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod auth;
mod blocklist;
mod ended_sessions;
mod environment;
mod failing_storage;
mod fixture;
mod forged_refresh_tokens;
mod forged_tokens;
mod issuer;
mod key_rotation;
mod mailer;
mod managing_users;
mod master_key;
mod password_forms;
mod password_queue;
mod passwords;
mod post;
mod rate_limiter;
mod refresh_tokens;
mod refreshing;
mod reuse;
mod sessions;
mod signing_in_again;
mod signing_keys;
mod signing_out;
mod signing_up;
mod state_cache;
mod telling_others;
mod throttling;
mod tokens;
mod users;
mod verified_tokens;
mod watched;
