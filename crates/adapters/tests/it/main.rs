//! The real forms of the ports: what they promise, and what they do when the other end does not.
#![expect(clippy::unwrap_used, reason = "tests")]

mod blocklist;
mod breaker;
mod faults;
mod fixture;
mod log;
mod mail_faults;
mod mail_files;
mod mail_fixture;
mod mail_secrets;
mod mail_tls;
mod mailer;
mod rate_limiter;
mod tls;
