//! What is counted, through the facade of the crate `metrics`: whoever runs the service installs a recorder, and
//! without one nothing is counted. No label is of a client's choice.

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

use crate::{AuthError, Failure};

/// Logins, by `outcome`: `success`, `refused`, `throttled`, `busy`, `error`.
pub const LOGINS: &str = "usher_logins_total";
/// Refreshes, by `outcome`: `success`, `invalid`, `reused`, `throttled`, `error`.
pub const REFRESHES: &str = "usher_refreshes_total";
/// Tries that a limit turned away, by `limit`.
pub const THROTTLED: &str = "usher_throttled_total";
/// Requests that asked what was remembered of a session, by `result`: `hit`, `miss`.
pub const STATE_CACHE: &str = "usher_state_cache_lookups_total";
/// Access tokens whose signature was looked up, by `result`: `hit`, `miss`.
pub const TOKEN_CACHE: &str = "usher_token_cache_lookups_total";
/// How long passwords waited for a thread.
pub const HASH_WAIT: &str = "usher_hash_wait_seconds";
/// How long hashing them took.
pub const HASH_TIME: &str = "usher_hash_seconds";
/// Mails, by `outcome`: `sent`, `put_off`, `dropped`.
pub const MAILS: &str = "usher_mails_total";

/// Tells the recorder what each of them is, and begins to count.
pub fn describe() {
    describe_counter!(LOGINS, "Logins by outcome.");
    describe_counter!(REFRESHES, "Refreshes by outcome.");
    describe_counter!(THROTTLED, "Tries that a limit turned away.");
    describe_counter!(STATE_CACHE, "Look-ups of what is remembered of a session.");
    describe_counter!(TOKEN_CACHE, "Look-ups of tokens whose signature was good before.");
    describe_histogram!(HASH_WAIT, Unit::Seconds, "How long passwords waited for a hashing thread.");
    describe_histogram!(HASH_TIME, Unit::Seconds, "How long hashing a password took.");
    describe_counter!(MAILS, "Mails by outcome.");
    for (name, label, values) in LABELS {
        for value in *values {
            counter!(*name, *label => *value).increment(0);
        }
    }
}

/// What is counted from zero on, so that the first time is seen as well.
const LABELS: &[(&str, &str, &[&str])] = &[
    (LOGINS, "outcome", &["success", "refused", "throttled", "busy", "error"]),
    (REFRESHES, "outcome", &["success", "invalid", "reused", "throttled", "error"]),
    (STATE_CACHE, "result", &["hit", "miss"]),
    (TOKEN_CACHE, "result", &["hit", "miss"]),
    (MAILS, "outcome", &["sent", "put_off", "dropped"]),
];

pub(crate) fn login<T>(outcome: &Result<T, AuthError>) {
    let outcome = match outcome {
        Ok(_) => "success",
        Err(AuthError::TooManyAttempts { .. }) => "throttled",
        Err(AuthError::Failure(Failure::Busy { .. })) => "busy",
        Err(AuthError::Failure(Failure::Unavailable(_) | Failure::Internal(_))) => "error",
        Err(
            AuthError::Invalid(_)
            | AuthError::InvalidCredentials
            | AuthError::DefaultPasswordFromElsewhere
            | AuthError::Unauthenticated
            | AuthError::RefreshTokenInvalid
            | AuthError::RefreshTokenReused,
        ) => "refused",
    };
    counter!(LOGINS, "outcome" => outcome).increment(1);
}

pub(crate) fn refresh<T>(outcome: &Result<T, AuthError>) {
    let outcome = match outcome {
        Ok(_) => "success",
        Err(AuthError::TooManyAttempts { .. }) => "throttled",
        Err(AuthError::RefreshTokenReused) => "reused",
        Err(AuthError::Failure(_)) => "error",
        Err(
            AuthError::Invalid(_)
            | AuthError::InvalidCredentials
            | AuthError::DefaultPasswordFromElsewhere
            | AuthError::Unauthenticated
            | AuthError::RefreshTokenInvalid,
        ) => "invalid",
    };
    counter!(REFRESHES, "outcome" => outcome).increment(1);
}

pub(crate) fn throttled(limit: &'static str) {
    counter!(THROTTLED, "limit" => limit).increment(1);
}

pub(crate) fn state_cache(hit: bool) {
    counter!(STATE_CACHE, "result" => result(hit)).increment(1);
}

pub(crate) fn token_cache(hit: bool) {
    counter!(TOKEN_CACHE, "result" => result(hit)).increment(1);
}

pub(crate) fn hashed(waited: Duration, took: Duration) {
    histogram!(HASH_WAIT).record(waited);
    histogram!(HASH_TIME).record(took);
}

pub(crate) fn mail(outcome: &'static str) {
    counter!(MAILS, "outcome" => outcome).increment(1);
}

fn result(hit: bool) -> &'static str {
    if hit { "hit" } else { "miss" }
}
