use std::{cell::RefCell, io, sync::Once};

use actix_web::test::TestRequest;
use serde_json::{Value, json};
use tracing_subscriber::{Layer, filter::dynamic_filter_fn, layer::SubscriberExt, util::SubscriberInitExt};

use crate::fixture::{PASSWORD, TestApi, bearer, draft};

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

/// What the thread of a test logs, at every level, as JSON lines. The subscriber is one for the whole
/// process, because those of single threads disturb each other.
struct Log;

impl Log {
    fn begin() -> Self {
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| {
            let wanted = dynamic_filter_fn(|_, _| LINES.with_borrow(Option::is_some));
            let lines = tracing_subscriber::fmt::layer().json().with_writer(|| Lines).with_filter(wanted);
            tracing_subscriber::registry().with(lines).init();
        });
        LINES.set(Some(Vec::new()));
        Self
    }

    fn text(&self) -> String {
        LINES.with_borrow(|lines| String::from_utf8(lines.clone().unwrap()).unwrap())
    }

    /// The lines that tell of whole requests.
    fn requests(&self) -> Vec<Value> {
        let text = self.text();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["fields"]["message"] == "request finished").collect()
    }
}

/// Proves: OP-03
#[actix_web::test]
async fn every_request_is_one_line_with_route_status_latency_user_and_id() {
    let api = TestApi::new().await;
    let ada = api.make(draft("ada")).await;
    let token = api.token("ada").await;
    let log = Log::begin();
    let request =
        TestRequest::get().uri(&format!("/api/v1/users/{}", ada.id)).insert_header(("X-Request-Id", "trace-1"));
    api.call(bearer(request, &token)).await;
    api.get("/nowhere/at/all").await;
    api.get("/health/live").await;

    let requests = log.requests();
    assert_eq!(requests.len(), 3, "{requests:?}");
    let span = &requests[0]["span"];
    assert_eq!(requests[0]["level"], "INFO");
    for (field, expected) in [
        ("name", json!("request")),
        ("method", json!("GET")),
        ("route", json!("/api/v1/users/{id}")),
        ("status", json!(200)),
        ("latency_ms", json!(0.0)),
        ("user_id", json!(ada.id.to_string())),
        ("request_id", json!("trace-1")),
    ] {
        assert_eq!(span[field], expected, "{field}: {span}");
    }
    assert_eq!((&requests[1]["span"]["route"], &requests[1]["span"]["status"]), (&json!("none"), &json!(404)));
    assert_eq!(requests[2]["span"]["user_id"], Value::Null);
}

/// Proves: OP-03, OP-04
#[actix_web::test]
async fn nothing_that_a_client_chose_is_logged_but_a_well_formed_request_id() {
    let api = TestApi::new().await;
    api.make(draft("ada")).await;
    let log = Log::begin();
    let token = api.token("ada").await;
    let request = TestRequest::get()
        .uri("/api/v1/users/me?secret_parameter=1")
        .insert_header(("Cookie", "secret_cookie=1"))
        .insert_header(("User-Agent", "secret_agent"))
        .insert_header(("X-Forwarded-For", "192.0.2.99"))
        .insert_header(("X-Request-Id", "secret id"));
    api.call(bearer(request, &token)).await;
    api.get("/secret_path%0d%0aFORGED").await;
    api.call(TestRequest::with_uri("/nowhere").method("SECRETMETHOD".parse().unwrap())).await;
    api.post_raw("/api/v1/auth/login", format!("{{\"identifier\": \"ada\", \"password\": \"{PASSWORD}")).await;
    api.post("/api/v1/auth/login", &json!({ "identifier": "secret_name", "password": "secret_password" })).await;
    api.post("/api/v1/users/login", &json!({ "identifier": 4_815_162_342_u64, "password": "x" })).await;

    assert_eq!(log.requests().len(), 7);
    let text = log.text().to_lowercase();
    assert!(!text.contains("secret"), "{text}");
    for unwanted in [PASSWORD, &token, "forged", "192.0.2.99", "4815162342", "\u{1b}"] {
        assert!(!text.contains(&unwanted.to_lowercase()), "{unwanted}: {text}");
    }
}
