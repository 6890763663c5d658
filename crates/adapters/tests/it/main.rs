//! The ports on Redis: what they promise, and what they do when Redis does not.
#![expect(clippy::unwrap_used, reason = "tests")]

mod blocklist;
mod breaker;
mod faults;
mod fixture;
mod log;
mod rate_limiter;
mod tls;
