use actix_web::{
    http::{Method, header::HeaderName},
    test::TestRequest,
};

use crate::fixture::{Answer, TestApi};

const LISTED: &str = "https://good.example";

async fn api() -> TestApi {
    TestApi::with(|state| state.settings.cors_origins = vec![LISTED.to_owned(), "http://localhost:3000".to_owned()])
        .await
}

fn get(origin: &str) -> TestRequest {
    TestRequest::get().uri("/health/live").insert_header(("Origin", origin))
}

fn preflight(origin: &str) -> TestRequest {
    TestRequest::with_uri("/api/v1/users/me")
        .method(Method::OPTIONS)
        .insert_header(("Origin", origin))
        .insert_header(("Access-Control-Request-Method", "GET"))
        .insert_header(("Access-Control-Request-Headers", "authorization"))
}

fn cors_headers(answer: &Answer) -> Vec<&str> {
    let names = answer.headers.keys().map(HeaderName::as_str);
    names.filter(|name| name.starts_with("access-control-")).collect()
}

/// Proves: CK-06
#[actix_web::test]
async fn without_a_list_there_is_no_cors_at_all() {
    let api = TestApi::new().await;
    let answer = api.call(get(LISTED)).await;
    assert_eq!((cors_headers(&answer), answer.header("vary")), (vec![], ""));
    let answer = api.call(preflight(LISTED)).await;
    answer.assert_refused(405, "METHOD_NOT_ALLOWED");
    assert_eq!(cors_headers(&answer), [""; 0]);
}

/// Proves: CK-06
#[actix_web::test]
async fn a_listed_origin_may_read_answers_refusals_too() {
    let api = api().await;
    for request in [get(LISTED), get(LISTED).uri("/api/v1/users/me"), get(LISTED).uri("/nowhere")] {
        let answer = api.call(request).await;
        assert_eq!(answer.header("access-control-allow-origin"), LISTED);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert_eq!(answer.header("vary"), "Origin");
        for exposed in ["ETag", "Location", "Retry-After", "WWW-Authenticate", "X-Request-Id"] {
            assert!(answer.header("access-control-expose-headers").contains(exposed), "{exposed}");
        }
    }
}

/// Proves: CK-06
#[actix_web::test]
async fn any_other_origin_is_not_repeated() {
    let api = api().await;
    for origin in [
        "https://good.example.evil.com",
        "https://evil.com",
        "https://sub.good.example",
        "http://good.example",
        "https://good.example:444",
        "https://GOOD.example",
        "https://good.example/",
        "null",
        "*",
        "",
    ] {
        let answer = api.call(get(origin)).await;
        assert_eq!((answer.status.as_u16(), answer.header("vary")), (200, "Origin"), "{origin}");
        assert_eq!(cors_headers(&answer), [""; 0], "{origin}");
        let answer = api.call(preflight(origin)).await;
        answer.assert_refused(405, "METHOD_NOT_ALLOWED");
        assert_eq!(cors_headers(&answer), [""; 0], "{origin}");
    }
    assert_eq!(api.call(TestRequest::get().uri("/health/live")).await.header("vary"), "Origin");
}

/// Proves: CK-06
#[actix_web::test]
async fn a_preflight_of_a_listed_origin_is_answered_without_a_handler() {
    let api = api().await;
    let answer = api.call(preflight(LISTED)).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
    assert_eq!(answer.header("access-control-allow-origin"), LISTED);
    assert_eq!(answer.header("access-control-allow-methods"), "GET, POST, PUT, PATCH, DELETE");
    for allowed in ["Authorization", "Content-Type", "If-Match", "X-Request-Id"] {
        assert!(answer.header("access-control-allow-headers").contains(allowed), "{allowed}");
    }
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let not_a_preflight = TestRequest::with_uri("/api/v1/users/me").method(Method::OPTIONS);
    api.call(not_a_preflight.insert_header(("Origin", LISTED))).await.assert_refused(405, "METHOD_NOT_ALLOWED");
}
