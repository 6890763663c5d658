//! What is logged, and what never is.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use serde_json::Value;
use usher::{config::Telemetry, telemetry};

use crate::support::{Place, QUICK, Server, load};

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(format: &str, level: &str, work: impl FnOnce()) -> Vec<String> {
    let settings: Telemetry =
        load(&[("telemetry.log_format", format), ("telemetry.log_level", level)]).unwrap().telemetry;
    let paper = Paper::default();
    let writer = paper.clone();
    tracing::subscriber::with_default(telemetry::subscriber(&settings, false, move || writer.clone()), work);
    let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Proves: OP-03
#[test]
fn what_would_break_out_of_its_line_is_escaped() {
    let evil = "one\r\ntwo\u{1b}[31m\u{2028}\u{9b}";
    for format in ["text", "json"] {
        let lines = logged(format, "info", || {
            let span = tracing::info_span!("request", name = evil);
            let _inside = span.enter();
            tracing::info!(debug = ?evil, display = %evil, text = evil, "said {evil}");
        });
        assert_eq!(lines.len(), 1, "{lines:?}");
        // JSON escapes what could end a line; on a terminal nothing may steer it either.
        let harmful = |c: char| if format == "json" { c.is_ascii_control() } else { c.is_control() || c == '\u{2028}' };
        assert!(!lines[0].chars().any(harmful), "{lines:?}");
        assert!(lines[0].contains("two"), "{lines:?}");
    }
}

#[test]
fn the_level_holds_and_the_database_driver_is_silent() {
    let work = || {
        tracing::error!(target: "usher::x", "e");
        tracing::debug!(target: "usher_api::x", "d");
        tracing::debug!(target: "actix_http::h1", "header bytes");
        tracing::error!(target: "sqlx::query", "SELECT secret");
    };
    assert_eq!(logged("json", "info", work).len(), 1);
    assert_eq!(logged("json", "trace", work).len(), 2);
    assert!(logged("json", "off", work).is_empty());
}

/// Proves: OP-03, OP-04
#[test]
fn requests_are_logged_in_json_without_what_is_secret_at_any_level() {
    let place = Place::new();
    let trace = [("USHER__TELEMETRY__LOG_LEVEL", "trace"), ("USHER__TELEMETRY__LOG_FORMAT", "json")];
    let server = Server::start(&place, &[], &[QUICK.as_slice(), &trace].concat());
    let answer = server.client.login("admin", "admin");
    let token = answer.json()["data"]["access_token"].as_str().unwrap().to_owned();
    assert_eq!(server.client.login("admin", "hunter2-wrong").status, 401);
    assert_eq!(server.client.login("hunter2-unknown", "hunter2-wrong").status, 401);
    assert_eq!(server.client.get("/api/v1/users/hunter2-path?token=hunter2-query").status, 404);
    let log = server.stop().stderr;

    let entries: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(entries.iter().all(|entry| entry["timestamp"].as_str().unwrap().ends_with('Z')));
    let request = entries.iter().find(|entry| entry["span"]["route"] == "/api/v1/auth/login").unwrap();
    assert_eq!(request["span"]["status"], 200);
    assert!(request["span"]["request_id"].is_string());
    assert!(entries.iter().any(|entry| entry["span"]["route"] == "/api/v1/users/{id}"), "{log}");
    assert!(!log.contains("hunter2") && !log.contains(&token) && !log.contains("password\":"), "{log}");
}
