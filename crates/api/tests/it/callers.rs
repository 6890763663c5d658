use actix_web::test::TestRequest;
use serde_json::json;

use crate::fixture::{PASSWORD, TestApi, bearer};

const ME: &str = "/api/v1/users/me";
const INVALID: &str = r#"Bearer error="invalid_token""#;

fn me(authorization: &str) -> TestRequest {
    TestRequest::get().uri(ME).insert_header(("Authorization", authorization))
}

/// Proves: JW-15
#[actix_web::test]
async fn the_scheme_is_read_in_any_case() {
    let api = TestApi::new().await;
    let token = api.user("ada").await;
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        assert_eq!(api.call(me(&format!("{scheme} {token}"))).await.status, 200, "{scheme}");
    }
}

/// Proves: JW-15
#[actix_web::test]
async fn a_token_anywhere_but_in_the_header_is_none() {
    let api = TestApi::new().await;
    let token = api.user("ada").await;
    let elsewhere = [
        TestRequest::get().uri(&format!("{ME}?access_token={token}")),
        TestRequest::get().uri(ME).insert_header(("Cookie", format!("access_token={token}; Authorization={token}"))),
        TestRequest::get().uri(ME).insert_header(("X-Authorization", format!("Bearer {token}"))),
        TestRequest::get().uri(ME).insert_header(("Proxy-Authorization", format!("Bearer {token}"))),
        TestRequest::get().uri(ME).set_form([("access_token", &token)]),
    ];
    for request in elsewhere {
        let answer = api.call(request).await;
        answer.assert_refused(401, "UNAUTHENTICATED");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
}

/// Proves: JW-16
#[actix_web::test]
async fn the_challenge_says_whether_a_token_was_sent() {
    let api = TestApi::new().await;
    let token = api.user("ada").await;
    let without = [TestRequest::get().uri(ME), me("Basic YTpi"), me("Bearer"), me("x"), me(&token)];
    for request in without {
        let answer = api.call(request).await;
        answer.assert_refused(401, "UNAUTHENTICATED");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    let mut damaged = token.clone();
    damaged.replace_range(token.len() - 9..token.len() - 5, "AAAA");
    let with = [
        me("Bearer x"),
        me("Bearer "),
        me(&format!("Bearer {damaged}")),
        me(&format!("Bearer {token} {token}")),
        me(&format!("Bearer {token}")).append_header(("Authorization", format!("Bearer {token}"))),
    ];
    for request in with {
        let answer = api.call(request).await;
        answer.assert_refused(401, "UNAUTHENTICATED");
        assert_eq!(answer.header("www-authenticate"), INVALID);
    }
}

/// Proves: JW-16
#[actix_web::test]
async fn only_somebody_who_is_signed_in_is_told_that_he_may_not() {
    let api = TestApi::new().await;
    let token = api.user("ada").await;
    let body = json!({ "username": "bob", "password": "Difference-Engine-1822" });
    let refused = api.post_as(&token, "/api/v1/users", &body).await;
    refused.assert_refused(403, "FORBIDDEN");
    assert_eq!(refused.header("www-authenticate"), "");
    api.post_as("no.such.token", "/api/v1/users", &body).await.assert_refused(401, "UNAUTHENTICATED");
}

#[actix_web::test]
async fn wrong_credentials_are_one_answer_with_a_challenge() {
    let api = TestApi::new().await;
    api.user("ada").await;
    let login = |identifier: &str, password: &str| {
        let body = json!({ "identifier": identifier, "password": password });
        let request = TestRequest::post().uri("/api/v1/auth/login").insert_header(("X-Request-Id", "same"));
        let api = api.clone();
        async move { api.call(request.set_json(body)).await }
    };
    let (wrong, unknown) = (login("ada", "wrong").await, login("nobody", "wrong").await);
    wrong.assert_refused(401, "INVALID_CREDENTIALS");
    assert_eq!(wrong.header("www-authenticate"), "Bearer");
    assert_eq!(wrong.body, unknown.body);
    let headers = |answer: &crate::fixture::Answer| format!("{:?}", answer.headers);
    assert_eq!(headers(&wrong), headers(&unknown));
}

#[actix_web::test]
async fn until_the_password_is_changed_only_that_and_ones_own_account_are_open() {
    let api = TestApi::new().await;
    let token = api.unsettled("root").await;
    for (method, template, operation) in [("GET", "/api/v1/users/me", 200), ("GET", "/api/v1/auth/me", 200)] {
        let answer = api.call(bearer(TestRequest::with_uri(template).method(method.parse().unwrap()), &token)).await;
        assert_eq!(answer.status.as_u16(), operation, "{template}");
        assert_eq!(answer.data()["must_change_password"], true);
    }
    let own_id = api.get_as(&token, ME).await.data()["id"].as_str().unwrap().to_owned();
    api.get_as(&token, &format!("/api/v1/users/{own_id}")).await.assert_refused(403, "PASSWORD_CHANGE_REQUIRED");
    let body = json!({ "username": "bob", "password": "Difference-Engine-1822" });
    api.post_as(&token, "/api/v1/users", &body).await.assert_refused(403, "PASSWORD_CHANGE_REQUIRED");

    let change = json!({ "current_password": PASSWORD, "new_password": "Difference-Engine-1822" });
    let changed = api.post_as(&token, "/api/v1/users/me/password", &change).await;
    let token = changed.data()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(api.post_as(&token, "/api/v1/users", &body).await.status, 201);
}
