use actix_web::test::TestRequest;
use serde_json::json;

use crate::fixture::{PASSWORD, TestApi, bearer, draft, json_post};

const LOGIN: &str = "/api/v1/auth/login";

/// Proves: IN-04
#[actix_web::test]
async fn a_body_must_say_that_it_is_json() {
    let api = TestApi::new().await;
    api.make(draft("ada")).await;
    let body = json!({ "identifier": "ada", "password": PASSWORD }).to_string();
    let post = || TestRequest::post().uri(LOGIN).set_payload(body.clone());
    for accepted in [
        "application/json",
        "Application/JSON",
        "application/json;charset=utf-8",
        "application/json; charset=UTF-8",
        "application/json; charset=\"utf-8\"",
    ] {
        assert_eq!(api.call(post().insert_header(("Content-Type", accepted))).await.status, 200, "{accepted}");
    }
    for refused in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin1",
        "application/jsonp",
        "application/ld+json",
        "text/json",
        "",
    ] {
        let answer = api.call(post().insert_header(("Content-Type", refused))).await;
        answer.assert_refused(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    api.call(post()).await.assert_refused(415, "UNSUPPORTED_MEDIA_TYPE");
    let twice =
        post().insert_header(("Content-Type", "application/json")).append_header(("Content-Type", "text/plain"));
    api.call(twice).await.assert_refused(415, "UNSUPPORTED_MEDIA_TYPE");
    let zipped = post().insert_header(("Content-Type", "application/json")).insert_header(("Content-Encoding", "gzip"));
    api.call(zipped).await.assert_refused(415, "UNSUPPORTED_MEDIA_TYPE");
}

/// Proves: IN-02
#[actix_web::test]
async fn bodies_are_limited_more_strictly_where_somebody_proves_who_he_is() {
    const KIB: usize = 1024;
    let api = TestApi::new().await;
    let token = api.admin("root").await;
    let body_of = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    for (path, limit) in [
        (LOGIN, 16 * KIB),
        ("/api/v1/auth/signup", 16 * KIB),
        ("/api/v1/users/login", 16 * KIB),
        ("/api/v1/auth/refresh", 16 * KIB),
        ("/api/v1/auth/refresh_token", 16 * KIB),
        ("/api/v1/auth/logout", 16 * KIB),
        ("/api/v1/auth/verify-email/request", 16 * KIB),
        ("/api/v1/auth/verify-email", 16 * KIB),
        ("/api/v1/auth/reset-password", 16 * KIB),
        ("/api/v1/auth/reset-password/confirm", 16 * KIB),
        ("/api/v1/users/reset-password", 16 * KIB),
        ("/api/v1/users/reset-password/confirm", 16 * KIB),
        ("/api/v1/users/me/password", 16 * KIB),
        ("/api/v1/users/me/email", 16 * KIB),
        ("/api/v1/users/01900000-0000-7000-8000-000000000001/password", 16 * KIB),
        ("/api/v1/users", 64 * KIB),
        ("/api/v1/users/01900000-0000-7000-8000-000000000001/deactivate", 64 * KIB),
    ] {
        let send = |bytes| api.call(bearer(json_post(path).set_payload(body_of(bytes)), &token));
        send(limit).await.assert_refused(422, "VALIDATION_FAILED");
        send(limit + 1).await.assert_refused(413, "PAYLOAD_TOO_LARGE");
    }
    // Two operations of one path have each their own.
    let methods: [(fn() -> TestRequest, _, _); 4] = [
        (|| json_post("/api/v1/users"), None, 16 * KIB),
        (|| json_post("/api/v1/auth/verify-email/request"), None, 16 * KIB),
        (|| TestRequest::patch().uri("/api/v1/users/me"), Some(&token), 64 * KIB),
        (|| TestRequest::delete().uri("/api/v1/users/me"), Some(&token), 16 * KIB),
    ];
    for (request, token, limit) in methods {
        let send = |bytes| {
            let request = request().insert_header(("Content-Type", "application/json")).set_payload(body_of(bytes));
            api.call(if let Some(token) = token { bearer(request, token) } else { request })
        };
        send(limit).await.assert_refused(422, "VALIDATION_FAILED");
        send(limit + 1).await.assert_refused(413, "PAYLOAD_TOO_LARGE");
    }
}

/// Proves: IN-02
#[actix_web::test]
async fn a_body_that_says_it_is_too_large_is_not_looked_at() {
    let api = TestApi::new().await;
    let request = json_post(LOGIN).set_payload("{}").insert_header(("Content-Length", "100000000"));
    api.call(request).await.assert_refused(413, "PAYLOAD_TOO_LARGE");
}

/// Proves: IN-02
#[actix_web::test]
async fn an_endless_identifier_is_refused_by_its_length() {
    let api = TestApi::new().await;
    for (length, status) in [(254, 401), (255, 422)] {
        let body = json!({ "identifier": "x".repeat(length), "password": "x" });
        assert_eq!(api.post(LOGIN, &body).await.status, status, "{length}");
    }
    api.post(LOGIN, &json!({ "identifier": "", "password": "x" })).await.assert_invalid("identifier", "required");
}

#[actix_web::test]
async fn query_parameters_that_a_route_does_not_know_are_refused_by_name_only() {
    let api = TestApi::new().await;
    let token = api.admin("root").await;
    for path in [
        "/api/v1/users/me?access_token=s3cret",
        "/api/v1/auth/me?access_token=s3cret",
        "/health/live?access_token=s3cret",
    ] {
        let answer = api.get_as(&token, path).await;
        answer.assert_invalid("access_token", "unknown_field");
        assert!(!answer.text().contains("s3cret"), "{answer:?}");
    }
    for path in [
        "/api/v1/users?access_token=x",
        "/api/v1/users/me/password?access_token=x",
        "/api/v1/auth/login?access_token=x",
        "/api/v1/auth/verify-email/request?access_token=x",
        "/api/v1/users/me/email?access_token=x",
    ] {
        api.post_as(&token, path, &json!({})).await.assert_invalid("access_token", "unknown_field");
    }
    assert_eq!(api.get_as(&token, "/api/v1/users/me?").await.status, 200, "an empty query is none");
}

/// What a stranger sends is not read: he is told first that he is one.
#[actix_web::test]
async fn the_caller_comes_before_what_he_sent() {
    let api = TestApi::new().await;
    for request in [
        json_post("/api/v1/users/me/password").set_payload("{"),
        json_post("/api/v1/users/me/password?x=1").set_payload("{}"),
        TestRequest::post().uri("/api/v1/users/me/password"),
        json_post("/api/v1/users/me/email").set_payload("{"),
        bearer(json_post("/api/v1/auth/verify-email/request").set_payload("{"), "no.such.token"),
        json_post("/api/v1/users/me/password").insert_header(("Content-Length", "100000000")),
        bearer(json_post("/api/v1/users").set_payload("{"), "no.such.token"),
        bearer(json_post("/api/v1/users").insert_header(("Content-Length", "100000000")), "no.such.token"),
    ] {
        api.call(request).await.assert_refused(401, "UNAUTHENTICATED");
    }
    api.get("/api/v1/users/me?x=1").await.assert_refused(401, "UNAUTHENTICATED");
}
