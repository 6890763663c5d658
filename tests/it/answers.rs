//! What the framework answers by itself is ours as well.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use usher_tests::{Answer, TestApp};

/// Sends bytes as they are, and answers what comes back until the server closes.
async fn raw(app: &TestApp, request: &str) -> String {
    let mut stream = TcpStream::connect(app.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    read.unwrap().unwrap();
    String::from_utf8(answer).unwrap()
}

fn assert_envelope(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/json");
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&answer.json), ["data", "error", "success"]);
    assert_eq!(keys(&answer.json["error"]), ["code", "details", "message", "request_id"]);
    assert_eq!(answer.json["error"]["request_id"], answer.header("x-request-id"));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("server"), "");
}

/// Proves: IN-01, IN-02, IN-03, IN-04, CK-07, CK-08
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_wrong_before_a_handler_is_the_envelope_too() {
    let app = TestApp::on_sqlite_with(&[]).await;
    let http = reqwest::Client::new();
    let send = async |request: reqwest::RequestBuilder| app.read(request).await;
    let login = || http.post(app.url("/auth/login"));
    let with_json = |body: String| login().header("content-type", "application/json").body(body);

    assert_envelope(&app.get("/nowhere").await, 404, "NOT_FOUND");
    assert_envelope(&app.get("//nowhere").await, 404, "NOT_FOUND");
    let wrong_method = send(http.delete(app.url("/auth/login"))).await;
    assert_envelope(&wrong_method, 405, "METHOD_NOT_ALLOWED");
    assert_eq!(wrong_method.header("allow"), "POST");
    assert_envelope(&send(login().body("identifier=bob")).await, 415, "UNSUPPORTED_MEDIA_TYPE");
    assert_envelope(
        &send(login().header("content-type", "text/plain").body("{}")).await,
        415,
        "UNSUPPORTED_MEDIA_TYPE",
    );
    let large = format!(r#"{{"identifier":"bob","password":"{}"}}"#, "x".repeat(17 * 1024));
    assert_envelope(&send(with_json(large)).await, 413, "PAYLOAD_TOO_LARGE");
    for malformed in [
        "",
        "{",
        "{\"identifier\":}",
        "{} x",
        "\u{feff}{}",
        r#"{"a":NaN}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"identifier":"a","identifier":"b","password":"c"}"#,
        &format!("{}1{}", "[".repeat(40), "]".repeat(40)),
    ] {
        assert_envelope(&send(with_json(malformed.to_owned())).await, 400, "MALFORMED_REQUEST");
    }
    for (wrong, field, code) in [
        (json!({"identifier": "bob"}), "password", "required"),
        (json!({"identifier": "bob", "password": 1}), "password", "wrong_type"),
        (json!({"identifier": "bob", "password": "x", "admin": true}), "admin", "unknown_field"),
        (json!({"identifier": "a".repeat(255), "password": "x"}), "identifier", "too_long"),
        (json!({"identifier": "bob", "username": "bob", "password": "x"}), "username", "unknown_field"),
    ] {
        let answer = app.post("/auth/login", &wrong).await;
        assert_envelope(&answer, 422, "VALIDATION_FAILED");
        if wrong.get("username").is_none() {
            assert_eq!(
                (answer.details()[0]["field"].as_str(), answer.details()[0]["code"].as_str()),
                (Some(field), Some(code))
            );
        }
    }
    assert_envelope(&app.get("/users/me").await, 401, "UNAUTHENTICATED");
    let utf8 = login()
        .header("content-type", "Application/JSON; charset=utf-8")
        .body("{\"identifier\":\"b\",\"password\":\"x\"}");
    assert_envelope(&send(utf8).await, 401, "INVALID_CREDENTIALS");
}

/// Proves: IN-12
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_never_ends_is_answered_in_time() {
    let app = TestApp::on_sqlite_with(&[("http.body_timeout", "100ms")]).await;
    let answer = raw(
        &app,
        "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("REQUEST_TIMEOUT"), "{answer}");
}

/// Proves: IN-13
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_logins_than_can_be_checked_are_turned_away_at_once_and_the_rest_go_on() {
    let app = TestApp::on_sqlite_with(&[
        ("password.bcrypt_cost", "10"),
        ("password.hash_threads", "1"),
        ("password.hash_queue", "1s"),
    ])
    .await;
    let body = json!({"identifier": "nobody", "password": "x"});
    let answers = futures_util::future::join_all((0..200).map(|_| app.post("/auth/login", &body))).await;
    let busy: Vec<_> = answers.iter().filter(|answer| answer.status == 503).collect();
    assert!(!busy.is_empty() && busy.len() < 200, "{} of 200", busy.len());
    for answer in busy {
        assert_envelope(answer, 503, "BUSY");
        assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
    }
    assert!(answers.iter().all(|answer| matches!(answer.status, 401 | 503)));
}

/// Proves: IN-14
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_tells_strangers_nothing_and_documentation_can_be_off() {
    let app = TestApp::on_sqlite_with(&[("http.docs", "false")]).await;
    for path in ["//docs", "//docs/", "//openapi.json", "//metrics", "//debug"] {
        assert_eq!(app.get(path).await.status, 404, "{path}");
    }
    for path in ["//health/live", "//health/ready"] {
        let answer = app.get(path).await;
        assert_eq!(answer.status, 200);
        for told in ["sqlite", "version", env!("CARGO_PKG_VERSION"), "usher"] {
            assert!(!answer.text.contains(told), "{path} tells {told}: {}", answer.text);
        }
    }
}

/// What the parser answers passes every middleware by: docs/api-conventions.md lists it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_parser_refuses_has_no_body_and_tells_nothing() {
    let app = TestApp::on_sqlite_with(&[]).await;
    for request in ["GET / HTTP/1.1\r\n\r\n", "nonsense\r\n\r\n", "GET / HTTP/1.1\r\nHost : x\r\n\r\n"] {
        let answer = raw(&app, request).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{request:?}: {answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
        assert!(!answer.to_lowercase().contains("server:"), "{answer}");
    }
}
