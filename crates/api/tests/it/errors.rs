use std::{sync::Arc, time::Duration};

use actix_web::rt::time::timeout;
use futures_util::future::{join_all, pending};
use serde_json::json;
use usher_api::{ErrorCode, ReadinessProbe, async_trait};
use usher_service::{HashAlgorithm, PasswordSettings};

use crate::fixture::{Setup, TestApi};

/// Proves: IN-01
#[test]
fn the_codes_are_those_of_the_specification() {
    let specified = [
        (400, "MALFORMED_REQUEST INVALID_CURSOR INVALID_OR_EXPIRED_TOKEN"),
        (401, "UNAUTHENTICATED INVALID_CREDENTIALS REFRESH_TOKEN_INVALID REFRESH_TOKEN_REUSED"),
        (403, "FORBIDDEN PASSWORD_CHANGE_REQUIRED REGISTRATION_CLOSED CROSS_SITE_REQUEST"),
        (404, "NOT_FOUND"),
        (405, "METHOD_NOT_ALLOWED"),
        (408, "REQUEST_TIMEOUT"),
        (413, "PAYLOAD_TOO_LARGE"),
        (415, "UNSUPPORTED_MEDIA_TYPE"),
        (431, "HEADERS_TOO_LARGE"),
        (
            409,
            "USERNAME_TAKEN EMAIL_TAKEN EXTERNAL_ID_TAKEN ROLE_NAME_TAKEN ROLE_IN_USE ROLE_BUILT_IN \
             CANNOT_TARGET_SELF LAST_ADMIN WRONG_STATUS",
        ),
        (412, "VERSION_MISMATCH"),
        (422, "VALIDATION_FAILED WEAK_PASSWORD CURRENT_PASSWORD_INCORRECT USE_DEDICATED_ENDPOINT"),
        (429, "TOO_MANY_ATTEMPTS"),
        (500, "INTERNAL"),
        (503, "BUSY UNAVAILABLE TIMEOUT"),
    ];
    let specified: Vec<_> = specified
        .iter()
        .flat_map(|(status, codes)| codes.split_whitespace().map(move |code| (*status, code)))
        .collect();
    let ours: Vec<_> = ErrorCode::ALL.iter().map(|code| (code.status().as_u16(), code.as_str())).collect();
    assert_eq!(ours, specified);
}

#[test]
fn the_document_lists_every_code_of_answers_and_of_details() {
    let document = crate::contract::document("");
    let schemas = &document["components"]["schemas"];
    let codes: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(schemas["ErrorCode"]["enum"], json!(codes));
    assert_eq!(
        schemas["DetailCode"]["enum"],
        json!([
            "required",
            "unknown_field",
            "unknown_value",
            "wrong_type",
            "too_short",
            "too_long",
            "invalid_format",
            "out_of_range",
            "reserved",
            "taken",
            "missing_upper",
            "missing_lower",
            "missing_digit",
            "missing_symbol",
            "too_common",
            "contains_identity"
        ])
    );
}

struct Panics;

#[async_trait]
impl ReadinessProbe for Panics {
    async fn unready(&self) -> Vec<&'static str> {
        panic!("a secret of the inside")
    }
}

/// Proves: CK-08, IN-01
#[actix_web::test]
async fn a_panic_is_one_internal_error_without_its_cause_and_the_next_request_is_served() {
    let api = TestApi::with(|state| state.readiness = Arc::new(Panics)).await;
    let answer = api.get("/health/ready").await;
    answer.assert_refused(500, "INTERNAL");
    assert!(!answer.text().contains("secret"), "{answer:?}");
    assert_eq!(api.get("/health/live").await.status, 200);
}

struct Hangs;

#[async_trait]
impl ReadinessProbe for Hangs {
    async fn unready(&self) -> Vec<&'static str> {
        pending().await
    }
}

/// Proves: IN-12
#[actix_web::test]
async fn what_takes_too_long_is_given_up() {
    let api = TestApi::with(|state| {
        state.readiness = Arc::new(Hangs);
        state.settings.request_timeout = Duration::from_millis(20);
    })
    .await;
    let answer = timeout(Duration::from_secs(1), api.get("/health/ready")).await.unwrap();
    answer.assert_refused(503, "TIMEOUT");
    assert_eq!(answer.header("retry-after"), "1");
}

/// Proves: IN-13
#[actix_web::test]
async fn more_logins_than_can_be_checked_are_told_when_to_come_back() {
    let passwords = PasswordSettings {
        algorithm: HashAlgorithm::Bcrypt { cost: 10 },
        threads: 1,
        queue: Duration::from_millis(1),
        nice: 0,
        ..PasswordSettings::default()
    };
    let api = TestApi::set_up(Setup { passwords, ..Setup::default() }).await;
    let body = json!({ "identifier": "nobody", "password": "x" });
    let answers = join_all((0..20).map(|_| api.post("/api/v1/auth/login", &body))).await;
    let busy: Vec<_> = answers.iter().filter(|answer| answer.status != 401).collect();
    assert!(!busy.is_empty() && busy.len() < 20, "{}", busy.len());
    for answer in busy {
        answer.assert_refused(503, "BUSY");
        assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
    }
}
