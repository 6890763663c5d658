//! What is logged, and what never is.

use std::{cell::RefCell, io, net::Ipv4Addr, sync::Once, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tracing_subscriber::{Layer, filter::dynamic_filter_fn, layer::SubscriberExt, util::SubscriberInitExt};
use usher_adapters::{Redis, RedisBlocklist, RedisSettings, contract::RedisServer};
use usher_service::{Environment, TokenBlocklist};

use crate::fixture::{PATIENCE, blocklist, token};

thread_local! {
    /// What this thread has logged, once it wants to know.
    static LINES: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

struct Lines;

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.as_mut().map(|lines| lines.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Begins to take down what the thread of a test logs, at every level. The subscriber is one for the
/// whole process, because those of single threads disturb each other.
pub(crate) fn listen() {
    static SUBSCRIBER: Once = Once::new();
    SUBSCRIBER.call_once(|| {
        let wanted = dynamic_filter_fn(|_, _| LINES.with_borrow(Option::is_some));
        let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| Lines).with_filter(wanted);
        tracing_subscriber::registry().with(lines).init();
    });
    LINES.set(Some(Vec::new()));
}

/// What was logged since it was asked for last.
pub(crate) fn logged() -> String {
    String::from_utf8(LINES.replace(Some(Vec::new())).unwrap()).unwrap()
}

/// The lines of it that are ours: crates below may have some of their own, at the level of traces.
fn logged_by_us() -> String {
    logged().lines().filter(|line| line.contains(" usher_adapters::")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn an_outage_is_one_line_at_its_beginning_and_one_at_its_end() {
    let Some(mut server) = RedisServer::down() else { return };
    let (blocklist, clock) = blocklist(server.settings());
    let token = token();
    listen();
    blocklist.blocks(&token).await.unwrap_err();
    let lines = logged_by_us();
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert!(lines.contains("WARN") && lines.contains("Connection refused"), "{lines}");

    for _ in 0..5 {
        clock.advance(Duration::from_secs(10));
        for _ in 0..5 {
            blocklist.blocks(&token).await.unwrap_err();
        }
    }
    assert_eq!(logged_by_us(), "");

    server.start(&[]);
    clock.advance(Duration::from_secs(10));
    for _ in 0..5 {
        assert!(!blocklist.blocks(&token).await.unwrap());
    }
    let lines = logged_by_us();
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert!(lines.contains("INFO"), "{lines}");
}

/// An error as it is written down, in all forms.
async fn error_of(redis: &RedisBlocklist) -> String {
    let error = redis.blocks(&token()).await.unwrap_err();
    let mut shown = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        shown += &format!(" {error} {error:?}");
        cause = error.source();
    }
    shown
}

/// Proves: OP-02, OP-04
#[tokio::test]
async fn a_wrong_password_is_told_and_not_shown() {
    let Some(mut server) = RedisServer::down() else { return };
    server.start(&["--requirepass", "secret"]);
    for (login, expected) in [(":hunter2@", "authentication failed"), ("usher:hunter2@", "authentication failed")] {
        let url = server.url().replace("redis://", &format!("redis://{login}"));
        let (blocklist, _) = blocklist(RedisSettings { url, ..server.settings() });
        listen();
        let shown = error_of(&blocklist).await + &logged();
        assert!(shown.contains(expected) && shown.contains("WARN"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[tokio::test]
async fn a_missing_password_is_told() {
    let Some(mut server) = RedisServer::down() else { return };
    server.start(&["--requirepass", "secret"]);
    let shown = error_of(&blocklist(server.settings()).0).await;
    assert!(shown.contains("NOAUTH"), "{shown}");
}

/// Proves: OP-02, OP-04
#[tokio::test]
async fn a_server_that_repeats_the_password_is_not_quoted() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut visitor, _)) = listener.accept().await {
            let mut read = [0; 4096];
            while visitor.read(&mut read).await.unwrap_or(0) > 0 {
                let echo = "-ERR unknown command `AUTH`, with args beginning with: `usher`, `hunter2`,\r\n";
                // One answer for each command that may have been sent at once.
                visitor.write_all(echo.repeat(3).as_bytes()).await.unwrap();
            }
        }
    });
    for url in [format!("redis://usher:hunter2@{address}"), format!("redis://usher:hunter2@{address}?protocol=3")] {
        let (blocklist, _) = blocklist(RedisSettings { timeout: PATIENCE, ..RedisSettings::new(url) });
        listen();
        let shown = error_of(&blocklist).await + &logged();
        assert!(shown.contains("WARN"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

/// Proves: OP-02
#[test]
fn the_url_is_shown_nowhere() {
    let (environment, _) = Environment::mock();
    let settings = RedisSettings::new("redis://usher:hunter2@localhost");
    let redis = Redis::open(settings.clone(), &environment).unwrap();
    let blocklist = RedisBlocklist::new(redis.clone(), &environment);
    let shown = format!("{settings:?} {redis:?} {blocklist:?}");
    assert!(!shown.contains("hunter2") && shown.contains("redacted"), "{shown}");
}

/// Proves: OP-02
#[test]
fn a_url_that_leads_nowhere_is_refused_and_not_shown() {
    let (environment, _) = Environment::mock();
    for (url, expected) in [
        ("hunter2", "must look like"),
        ("", "must look like"),
        ("http://usher:hunter2@localhost", "must look like"),
        ("redis://usher:hunter2@localhost/hunter2", "must look like"),
        ("redis://usher:hunter2@localhost?protocol=hunter2", "must look like"),
        ("redis://usher:hunter2@0.0.0.0", "must look like"),
        ("rediss://usher:hunter2@localhost#hunter2", "must look like"),
        ("rediss://usher:hunter2@localhost#insecure", "must not end with #insecure"),
    ] {
        let error = Redis::open(RedisSettings::new(url), &environment).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(expected) && !shown.contains("hunter2"), "{url}: {shown}");
    }
}

#[test]
fn every_kind_of_url_is_understood() {
    let (environment, _) = Environment::mock();
    for url in [
        "redis://localhost",
        "redis://127.0.0.1:6380/3",
        "redis://[::1]:6379",
        "redis://:p%40ss@redis.example.org",
        "rediss://usher:password@redis.example.org:6380/1",
        "valkey://localhost",
    ] {
        Redis::open(RedisSettings::new(url), &environment).unwrap();
    }
    #[cfg(unix)]
    Redis::open(RedisSettings::new("unix:///run/redis.sock?db=1&pass=password"), &environment).unwrap();
}
