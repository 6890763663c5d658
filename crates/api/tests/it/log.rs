use std::{cell::RefCell, io, sync::Once};

use actix_web::test::TestRequest;
use serde_json::{Value, json};
use tracing_subscriber::{Layer, filter::dynamic_filter_fn, layer::SubscriberExt, util::SubscriberInitExt};
use usher_domain::MailKind;

use crate::{
    fixture::{PASSWORD, TestApi, bearer, draft, json_post, with_cookie},
    post::{ADA, NEW_PASSWORD},
};

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

/// Proves: OP-04, RT-01
#[actix_web::test]
async fn no_refresh_token_is_logged_however_it_travels_and_whatever_becomes_of_it() {
    let api = TestApi::new().await;
    let ada = api.signed_in("ada").await;
    let in_body = |path: &str, token: &str| json_post(path).set_json(json!({ "refresh_token": token }));
    let in_cookie = |path: &str, cookie: &str| with_cookie(json_post(path), cookie);
    let (refresh, logout) = ("/api/v1/auth/refresh", "/api/v1/auth/logout");
    let log = Log::begin();
    api.sign_in("ada").await;
    let next = api.call(in_cookie(refresh, &ada.cookie)).await.header("set-cookie").to_owned();
    let next = next.split([';', '=']).nth(1).unwrap();
    api.call(in_body(refresh, next)).await;
    api.call(in_body(refresh, "secret.refresh.token")).await;
    api.call(in_cookie(refresh, "refresh_token=secret; refresh_token=secret")).await;
    api.call(in_cookie(logout, "refresh_token=secret")).await;
    api.call(json_post(refresh).set_payload("{\"refresh_token\": \"secret")).await;
    api.clock.advance(std::time::Duration::from_secs(60));
    api.call(in_cookie(refresh, &ada.cookie)).await.assert_refused(401, "REFRESH_TOKEN_REUSED");
    api.call(in_body(logout, next)).await;

    assert_eq!(log.requests().len(), 9);
    let text = log.text();
    let payload = |token: &str| token.split('.').nth(1).unwrap().to_owned();
    for unwanted in ["secret", "eyJ", &payload(&ada.refresh), &payload(next)] {
        assert!(!text.contains(unwanted), "{unwanted}: {text}");
    }
}

/// Proves: OP-04, RS-12
#[actix_web::test]
async fn no_one_time_token_and_no_mail_is_logged_whatever_becomes_of_it() {
    let api = TestApi::new().await;
    api.make_with_address("ada", ADA).await;
    let (reset, confirm) = ("/api/v1/auth/reset-password", "/api/v1/auth/reset-password/confirm");
    let (request, verify) = ("/api/v1/auth/verify-email/request", "/api/v1/auth/verify-email");
    let log = Log::begin();
    for path in [reset, request] {
        api.post(path, &json!({ "email": ADA })).await;
    }
    let (to_reset, to_verify) =
        (api.mailed_token(MailKind::ResetPassword).await, api.mailed_token(MailKind::VerifyEmail).await);
    let set = |token: &str, password: &str| json!({ "token": token, "new_password": password });
    api.post(confirm, &set("secret_token", NEW_PASSWORD)).await;
    api.post(confirm, &set(&to_reset, "secret")).await;
    api.post(&format!("{confirm}?token={to_reset}"), &set(&to_reset, NEW_PASSWORD)).await;
    api.post(&format!("{verify}/{to_verify}"), &json!({})).await;
    api.post_raw(verify, format!("{{\"token\": \"{to_verify}")).await;
    api.post(verify, &json!({ "token": to_reset, "password": NEW_PASSWORD })).await;
    assert_eq!(api.post(verify, &json!({ "token": to_verify })).await.status, 200);
    assert_eq!(api.post(confirm, &set(&to_reset, NEW_PASSWORD)).await.status, 200);
    api.post(confirm, &set(&to_reset, NEW_PASSWORD)).await;

    assert_eq!(log.requests().len(), 11);
    let text = log.text();
    for unwanted in ["secret", "#token=", "example.org", NEW_PASSWORD, &to_reset, &to_verify] {
        assert!(!text.contains(unwanted), "{unwanted}: {text}");
    }
}
