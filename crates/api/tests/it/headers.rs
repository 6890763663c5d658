use actix_web::test::TestRequest;
use serde_json::json;
use usher_domain::RequestId;

use crate::fixture::{TestApi, json_post};

/// One answer of every kind.
async fn answers(api: &TestApi) -> Vec<crate::fixture::Answer> {
    let token = api.user("ada").await;
    vec![
        api.get("/health/live").await,
        api.get("/health/ready").await,
        api.get("/nowhere").await,
        api.get("/api/v1/auth/login").await,
        api.get("/api/v1/users/me").await,
        api.get_as(&token, "/api/v1/users/me").await,
        api.post("/api/v1/auth/login", &json!({ "identifier": "ada", "password": "wrong" })).await,
        api.post_raw("/api/v1/auth/login", "{").await,
        api.post_raw("/api/v1/auth/login", "x".repeat(20_000)).await,
        api.call(TestRequest::post().uri("/api/v1/auth/login")).await,
        api.call(TestRequest::get().uri("/health/live").insert_header(("X-Large", "x".repeat(17_000)))).await,
        api.post("/api/v1/auth/reset-password", &json!({ "email": "ada@example.org" })).await,
        api.post("/api/v1/auth/verify-email", &json!({ "token": "x" })).await,
        api.post("/api/v1/auth/reset-password/confirm", &json!({ "token": "x", "new_password": "x" })).await,
        api.get("/.well-known/jwks.json").await,
        api.get("/openapi.json").await,
        api.get("/docs").await,
        api.get("/docs/swagger-ui.css").await,
    ]
}

/// Proves: CK-07, CK-08
#[actix_web::test]
async fn every_answer_has_the_headers_that_protect_browsers() {
    let api = TestApi::new().await;
    for answer in answers(&api).await {
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{answer:?}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{answer:?}");
        let policy = answer.header("content-security-policy");
        for directive in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(directive), "{answer:?}");
        }
        assert_eq!(answer.header("server"), "", "{answer:?}");
        assert_eq!(answer.header("strict-transport-security"), "", "{answer:?}");
        assert!(RequestId::parse(answer.header("x-request-id")).is_some(), "{answer:?}");
    }
}

/// Proves: CK-07
#[actix_web::test]
async fn over_https_every_answer_says_to_stay_there() {
    let api = TestApi::with(|state| state.settings.public_url = "https://id.example.org".to_owned()).await;
    for answer in answers(&api).await {
        let policy = answer.header("strict-transport-security");
        assert_eq!(policy, "max-age=31536000; includeSubDomains", "{answer:?}");
    }
}

/// Proves: CK-07, JW-11
#[actix_web::test]
async fn nothing_is_kept_by_caches_but_what_is_the_same_for_everybody() {
    let api = TestApi::new().await;
    for answer in answers(&api).await {
        let is_document = answer.json_or_none().is_none_or(|json| json.get("success").is_none());
        if !is_document {
            assert_eq!(answer.header("cache-control"), "no-store", "{answer:?}");
        }
    }
    assert_eq!(api.get("/.well-known/jwks.json").await.header("cache-control"), "public, max-age=300");
    assert_eq!(api.get("/docs/swagger-ui.css").await.header("cache-control"), "public, max-age=3600");
    assert_eq!(api.get("/docs/nothing.js").await.header("cache-control"), "no-store");
}

#[actix_web::test]
async fn a_well_formed_request_id_is_taken_and_any_other_replaced() {
    let api = TestApi::new().await;
    let longest = "x".repeat(64);
    for taken in ["a", "Trace-1.2_3", longest.as_str()] {
        let answer = api.call(TestRequest::get().uri("/nowhere").insert_header(("X-Request-Id", taken))).await;
        assert_eq!(answer.header("x-request-id"), taken);
        assert_eq!(answer.json()["error"]["request_id"], taken);
    }
    let too_long = "x".repeat(65);
    for replaced in ["", "a b", "a;b", "ä", "<script>", "a\tb", too_long.as_str()] {
        let answer = api.call(TestRequest::get().uri("/nowhere").insert_header(("X-Request-Id", replaced))).await;
        assert_ne!(answer.header("x-request-id"), replaced);
        assert_eq!(answer.header("x-request-id").len(), 36, "a UUID: {answer:?}");
        assert_eq!(answer.json()["error"]["request_id"], answer.header("x-request-id"));
    }
}

/// Proves: IN-06
#[actix_web::test]
async fn a_head_beyond_16_kib_is_refused() {
    let api = TestApi::new().await;
    let with_field =
        |length: usize| TestRequest::get().uri("/health/live").insert_header(("X-Large", "x".repeat(length)));
    assert_eq!(api.call(with_field(16_000)).await.status, 200);
    api.call(with_field(16_384)).await.assert_refused(431, "HEADERS_TOO_LARGE");
    let long_path = format!("/api/v1/{}", "x".repeat(16_384));
    api.call(TestRequest::get().uri(&long_path)).await.assert_refused(431, "HEADERS_TOO_LARGE");
    let many = (0..90).fold(json_post("/api/v1/auth/login"), |request, i| {
        request.insert_header((format!("X-Field-{i}"), "x".repeat(200)))
    });
    api.call(many).await.assert_refused(431, "HEADERS_TOO_LARGE");
}
