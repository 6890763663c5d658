//! Servers to test against, also for tests of other packages.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests, although they are no test build")]

mod mail_server;
mod server;
mod shared;

use std::{
    io::{self, Write},
    sync::Once,
    time::Duration,
};

use redis::{Client, Cmd, FromRedisValue};

pub use self::{
    mail_server::{MailSecurity, MailServer, MailStep, Misbehavior, received},
    server::RedisServer,
    shared::TestRedis,
};

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(10);

/// Does one command, given as on the command line of `redis-cli`.
fn ask<T: FromRedisValue>(url: &str, words: &[&str]) -> T {
    let mut connection = Client::open(url).unwrap().get_connection_with_timeout(PATIENCE).unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = Cmd::new();
    command.arg(words);
    command.query(&mut connection).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "what tests run against is no configuration of usher")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Says once what is missing, and that is all; unless nothing may be.
#[expect(clippy::explicit_write, reason = "what a test says through eprintln is not shown if it passes")]
fn skip<T>(said: &Once, missing: &str) -> Option<T> {
    assert!(variable("USHER_TEST_REQUIRE_SERVICES").as_deref() != Some("1"), "{missing}");
    said.call_once(|| writeln!(io::stderr(), "skipped: tests against Redis, because {missing}").unwrap());
    None
}
