use actix_web::{http::Method, test::TestRequest};
use serde_json::json;

use crate::fixture::{TestApi, bearer};

/// Proves: IN-01
#[actix_web::test]
async fn an_unknown_path_is_not_found_with_any_method() {
    let api = TestApi::new().await;
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
        for path in
            ["/", "/nowhere", "/api/v1", "/api/v1/", "/api/v1/users/me/x", "/api/v2/users/me", "/users/me", "/metrics"]
        {
            let request = TestRequest::with_uri(path).method(method.parse().unwrap());
            api.call(request).await.assert_refused(404, "NOT_FOUND");
        }
    }
}

/// Proves: AZ-10, IN-01
#[actix_web::test]
async fn a_method_that_a_path_does_not_have_is_refused_with_those_that_it_has() {
    let api = TestApi::new().await;
    let token = api.admin("root").await;
    for (path, allowed) in [
        ("/api/v1/auth/login", "POST"),
        ("/api/v1/users/login", "POST"),
        ("/api/v1/auth/refresh", "POST"),
        ("/api/v1/auth/refresh_token/", "POST"),
        ("/api/v1/auth/logout", "POST"),
        ("/api/v1/auth/verify-email/request", "POST"),
        ("/api/v1/auth/verify-email/", "POST"),
        ("/api/v1/auth/reset-password", "POST"),
        ("/api/v1/auth/reset-password/confirm/", "POST"),
        ("/api/v1/users/reset-password", "POST"),
        ("/api/v1/users/reset-password/confirm", "POST"),
        ("/api/v1/users/me/email", "POST"),
        ("/api/v1/users/01900000-0000-7000-8000-000000000001/reset-password", "POST"),
        ("/api/v1/users", "GET, POST"),
        ("/api/v1/users/", "GET, POST"),
        ("/api/v1/users/me", "GET, PUT, PATCH, DELETE"),
        ("/api/v1/users/me/sessions", "GET"),
        ("/api/v1/users/me/sessions/01900000-0000-7000-8000-000000000001", "DELETE"),
        ("/api/v1/users/01900000-0000-7000-8000-000000000001/sessions", "GET, DELETE"),
        ("/api/v1/users/01900000-0000-7000-8000-000000000001", "GET, PUT, PATCH, DELETE"),
        ("/api/v1/users/01900000-0000-7000-8000-000000000001/roles", "PUT"),
        ("/api/v1/users/01900000-0000-7000-8000-000000000001/deactivate/", "POST"),
        ("/.well-known/jwks.json", "GET"),
        ("/openapi.json", "GET"),
        ("/docs", "GET"),
        ("/health/live", "GET, HEAD"),
    ] {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW"] {
            if allowed.split(", ").any(|allowed| allowed == method) {
                continue;
            }
            let request = bearer(TestRequest::with_uri(path).method(method.parse().unwrap()), &token);
            let answer = api.call(request).await;
            answer.assert_refused(405, "METHOD_NOT_ALLOWED");
            assert_eq!(answer.header("allow"), allowed, "{method} {path}");
        }
    }
}

/// Proves: AZ-10
#[actix_web::test]
async fn no_header_overrides_the_method() {
    let api = TestApi::new().await;
    let token = api.admin("root").await;
    for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
        let request = TestRequest::post().uri("/api/v1/users/me").insert_header((name, "GET"));
        api.call(bearer(request, &token)).await.assert_refused(405, "METHOD_NOT_ALLOWED");
    }
}

/// Proves: AZ-10
#[actix_web::test]
async fn a_path_has_one_spelling_and_a_slash_at_its_end_is_the_only_freedom() {
    let api = TestApi::new().await;
    let token = api.admin("root").await;
    for path in ["/api/v1/users/me", "/api/v1/users/me/"] {
        let answer = api.get_as(&token, path).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (200, ""), "{path}");
    }
    for path in [
        "//api/v1/users/me",
        "/api//v1/users/me",
        "/api/v1//users/me",
        "/api/v1/users//me",
        "/api/v1/users/me//",
        "/./api/v1/users/me",
        "/api/v1/./users/me",
        "/api/v1/users/./me",
        "/api/v1/users/x/../me",
        "/api/v1/users/%2e%2e/users/me",
        "/api/v1/users/%2e/me",
        "/api/v1/%2e%2e/v1/users/me",
        "/api/v1/users%2fme",
        "/api/v1/users/me;x",
        "/api/v1/users;x/me",
        "/api/v1/users/me;x=1",
        "/api/v1/users/me%3b",
        "/api/v1/users/me%00",
        "/api/v1/users/me%20",
        "/API/V1/users/me",
        "/api/v1/Users/me",
        "/api/v1/users/ME",
        "/api/v1/users\\me",
    ] {
        for token in [Some(&token), None] {
            let request = TestRequest::with_uri(path).method(Method::GET);
            let request = match token {
                Some(token) => bearer(request, token),
                None => request,
            };
            api.call(request).await.assert_refused(404, "NOT_FOUND");
        }
    }
}

/// Proves: AZ-08
#[actix_web::test]
async fn an_id_is_a_hyphenated_uuid_or_not_found() {
    let api = TestApi::new().await;
    let token = api.user("ada").await;
    let id = api.get_as(&token, "/api/v1/users/me").await.data()["id"].as_str().unwrap().to_owned();
    let simple = id.replace('-', "");
    for same in [id.clone(), id.to_uppercase()] {
        let answer = api.get_as(&token, &format!("/api/v1/users/{same}")).await;
        assert_eq!(answer.data()["id"], id, "{same}");
    }
    for not_an_id in [
        simple.clone(),
        format!("%7B{id}%7D"),
        format!("urn:uuid:{id}"),
        "1".to_owned(),
        "-1".to_owned(),
        "me%27--".to_owned(),
        format!("{id}x"),
        format!("{id}%20"),
        "..".to_owned(),
    ] {
        let path = format!("/api/v1/users/{not_an_id}");
        api.get_as(&token, &path).await.assert_refused(404, "NOT_FOUND");
        api.get(&path).await.assert_refused(404, "NOT_FOUND");
    }
}

#[actix_web::test]
async fn the_base_path_moves_the_api_and_nothing_else() {
    for base_path in ["", "/id", "/a/b/c"] {
        let api = TestApi::with(|state| state.settings.base_path = base_path.to_owned()).await;
        api.make(crate::fixture::draft("ada")).await;
        api.make(usher_service::UserDraft { roles: Some(vec!["admin".to_owned()]), ..crate::fixture::draft("root") })
            .await;
        let body = json!({ "identifier": "root", "password": crate::fixture::PASSWORD });
        let login = api.post(&format!("{base_path}/auth/login/"), &body).await;
        let token = login.data()["access_token"].as_str().unwrap().to_owned();
        assert_eq!(api.get_as(&token, &format!("{base_path}/users/me")).await.status, 200);
        let bob = json!({ "username": "bob", "password": crate::fixture::PASSWORD });
        let made = api.post_as(&token, &format!("{base_path}/users"), &bob).await;
        assert!(made.header("location").starts_with(&format!("{base_path}/users/")), "{made:?}");
        for outside in ["/health/live", "/.well-known/jwks.json", "/openapi.json", "/docs", "/docs/"] {
            assert_eq!(api.get(outside).await.status, 200, "{outside}");
        }
        api.get("/api/v1/users/me").await.assert_refused(404, "NOT_FOUND");
    }
}
