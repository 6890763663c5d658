//! Who may call what: every operation of the served document, by everybody who could try.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use usher_tests::{Answer, Client, Method, PASSWORD, TestApp, on_each_engine};

/// Who tries, in the order of the columns of the table.
const CALLERS: [&str; 6] = ["nobody", "bad token", "user", "restricted", "deactivated", "administrator"];

/// Open to everybody, whatever token he shows.
const OPEN: [u16; 6] = [200; 6];
/// For whoever is signed in.
const SIGNED_IN: [u16; 6] = [401, 401, 200, 200, 401, 200];
/// For whoever is signed in and need not change his password.
const SETTLED: [u16; 6] = [401, 401, 200, 403, 401, 200];
/// For those who hold a permission that an ordinary user does not have.
const GRANTED: [u16; 6] = [401, 401, 403, 403, 401, 200];

/// Open to whoever shows no token, and something is made; a token that is shown must be good for it.
const OPEN_WITHOUT_TOKEN: [u16; 6] = [201, 401, 403, 403, 401, 201];
/// Open to everybody, whatever token he shows, and something is made.
const OPEN_AND_MADE: [u16; 6] = [201; 6];

/// Open to everybody, whatever token he shows, and something will be done.
const OPEN_AND_ACCEPTED: [u16; 6] = [202; 6];
/// For whoever has the token of a mail, which nobody has here: no access token takes its place.
const MAILED: [u16; 6] = [400; 6];

/// What each of them is answered.
const TABLE: &[(&str, &str, [u16; 6])] = &[
    ("POST", "/api/v1/auth/signup", OPEN_AND_MADE),
    ("POST", "/api/v1/auth/login", OPEN),
    ("POST", "/api/v1/users/login", OPEN),
    ("POST", "/api/v1/auth/refresh", SIGNED_IN),
    ("POST", "/api/v1/auth/refresh_token", SIGNED_IN),
    ("POST", "/api/v1/auth/logout", OPEN),
    ("POST", "/api/v1/auth/verify-email/request", [202, 401, 202, 403, 401, 202]),
    ("POST", "/api/v1/auth/verify-email", MAILED),
    ("POST", "/api/v1/auth/reset-password", OPEN_AND_ACCEPTED),
    ("POST", "/api/v1/users/reset-password", OPEN_AND_ACCEPTED),
    ("POST", "/api/v1/auth/reset-password/confirm", MAILED),
    ("POST", "/api/v1/users/reset-password/confirm", MAILED),
    ("GET", "/api/v1/auth/me", SIGNED_IN),
    ("GET", "/api/v1/users/me", SIGNED_IN),
    ("PUT", "/api/v1/users/me", SETTLED),
    ("PATCH", "/api/v1/users/me", SETTLED),
    ("DELETE", "/api/v1/users/me", SETTLED),
    ("POST", "/api/v1/users/me/password", SIGNED_IN),
    ("POST", "/api/v1/users/me/email", [401, 401, 202, 403, 401, 202]),
    ("GET", "/api/v1/users/me/export", SETTLED),
    ("GET", "/api/v1/users/me/sessions", SETTLED),
    ("DELETE", "/api/v1/users/me/sessions/{id}", SETTLED),
    ("GET", "/api/v1/users/me/activity", SETTLED),
    ("GET", "/api/v1/users", GRANTED),
    ("GET", "/api/v1/users?status=deleted", GRANTED),
    ("POST", "/api/v1/users", OPEN_WITHOUT_TOKEN),
    ("GET", "/api/v1/users/{id}", GRANTED),
    ("PUT", "/api/v1/users/{id}", GRANTED),
    ("PATCH", "/api/v1/users/{id}", GRANTED),
    ("DELETE", "/api/v1/users/{id}", GRANTED),
    ("DELETE", "/api/v1/users/{id}?permanent=true", GRANTED),
    ("PUT", "/api/v1/users/{id}/roles", GRANTED),
    ("POST", "/api/v1/users/{id}/deactivate", GRANTED),
    ("POST", "/api/v1/users/{id}/activate", GRANTED),
    ("POST", "/api/v1/users/{id}/restore", GRANTED),
    ("POST", "/api/v1/users/{id}/password", GRANTED),
    ("POST", "/api/v1/users/{id}/reset-password", [401, 401, 403, 403, 401, 202]),
    ("GET", "/api/v1/users/{id}/sessions", GRANTED),
    ("DELETE", "/api/v1/users/{id}/sessions", GRANTED),
    ("GET", "/api/v1/users/{id}/activity", GRANTED),
    ("GET", "/api/v1/roles", GRANTED),
    ("POST", "/api/v1/roles", [401, 401, 403, 403, 401, 201]),
    ("GET", "/api/v1/roles/{name}", GRANTED),
    ("PUT", "/api/v1/roles/{name}", GRANTED),
    ("PATCH", "/api/v1/roles/{name}", GRANTED),
    ("DELETE", "/api/v1/roles/{name}", GRANTED),
    ("DELETE", "/api/v1/roles/{name}?force=true", GRANTED),
    ("GET", "/api/v1/permissions", GRANTED),
    ("GET", "/api/v1/activity", GRANTED),
    ("GET", "/.well-known/jwks.json", OPEN),
    ("GET", "/openapi.json", OPEN),
    ("GET", "/health/live", OPEN),
    ("HEAD", "/health/live", OPEN),
    ("GET", "/health/ready", OPEN),
    ("HEAD", "/health/ready", OPEN),
];

/// An id that nobody has.
const MISSING: &str = "00000000-0000-7000-8000-000000000000";

/// Neither an access token nor a refresh token.
const BAD_TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.";

/// Somebody who tries: the client with his access token, what he is called, and what else he holds.
struct Caller<'a> {
    client: Client<'a>,
    name: String,
    refresh_token: Value,
    session_id: String,
}

/// Somebody made for one call, of the kind that the column says. The restricted one is an administrator:
/// what holds him back is his password alone.
async fn caller<'a>(app: &'a TestApp, admin: &Client<'_>, kind: &str, name: &str) -> Caller<'a> {
    let unknown =
        |client, refresh_token| Caller { client, name: name.to_owned(), refresh_token, session_id: MISSING.to_owned() };
    let id = match kind {
        "nobody" => return unknown(app.nobody(), Value::Null),
        "bad token" => return unknown(app.with_token(BAD_TOKEN), json!(BAD_TOKEN)),
        "user" | "deactivated" => admin.create(name).await,
        "restricted" => admin.create_with(name, &json!({"roles": ["admin"], "must_change_password": true})).await,
        "administrator" => admin.create_admin(name).await,
        other => panic!("{other}"),
    };
    let credentials = json!({"identifier": name, "password": PASSWORD, "token_delivery": "body"});
    let login = app.post("/auth/login", &credentials).await;
    if kind == "deactivated" {
        assert_eq!(admin.post_nothing(&format!("/users/{id}/deactivate")).await.status, 200);
    }
    Caller {
        client: app.with_token(login.data()["access_token"].as_str().unwrap()),
        name: name.to_owned(),
        refresh_token: login.data()["refresh_token"].clone(),
        session_id: login.data()["session_id"].as_str().unwrap().to_owned(),
    }
}

/// The id that one call is about: of the caller's own session, or of somebody made for it, in the state
/// that the operation needs.
async fn target(admin: &Client<'_>, path: &str, caller: &Caller<'_>, name: &str) -> String {
    if path == "/api/v1/users/me/sessions/{id}" {
        return caller.session_id.clone();
    }
    if path.ends_with("{name}") {
        assert_eq!(admin.post("/roles", &json!({"name": name})).await.status, 201);
        return name.to_owned();
    }
    let id = admin.create_with(name, &json!({"email": address_of(name)})).await;
    let prepared = match path {
        "/api/v1/users/{id}/activate" => admin.post_nothing(&format!("/users/{id}/deactivate")).await,
        "/api/v1/users/{id}/restore" => admin.delete(&format!("/users/{id}")).await,
        _ => return id,
    };
    assert_eq!(prepared.status, 200, "{prepared:?}");
    id
}

fn address_of(name: &str) -> String {
    format!("{name}@example.org")
}

/// What the operation is sent: always something that it would do, but for the token of a mail.
fn body(method: &str, path: &str, caller: &Caller<'_>, target: &str) -> Option<Value> {
    match (method, path) {
        ("POST", "/api/v1/auth/refresh" | "/api/v1/auth/refresh_token" | "/api/v1/auth/logout") => {
            Some(json!({"refresh_token": caller.refresh_token}))
        }
        ("POST", "/api/v1/auth/login" | "/api/v1/users/login") => {
            Some(json!({"identifier": target, "password": PASSWORD}))
        }
        (
            "POST",
            "/api/v1/auth/reset-password" | "/api/v1/users/reset-password" | "/api/v1/auth/verify-email/request",
        ) => Some(json!({"email": address_of(target)})),
        ("POST", "/api/v1/auth/reset-password/confirm" | "/api/v1/users/reset-password/confirm") => {
            Some(json!({"token": BAD_TOKEN, "new_password": "Another-7-word"}))
        }
        ("POST", "/api/v1/auth/verify-email") => Some(json!({"token": BAD_TOKEN})),
        ("POST", "/api/v1/users/me/email") => {
            Some(json!({"email": format!("new.{}", address_of(&caller.name)), "current_password": PASSWORD}))
        }
        ("PUT", "/api/v1/users/me") => Some(json!({"username": caller.name, "full_name": null})),
        ("PATCH", "/api/v1/users/me" | "/api/v1/users/{id}") => Some(json!({"full_name": "Somebody Else"})),
        ("POST", "/api/v1/users/me/password") => {
            Some(json!({"current_password": PASSWORD, "new_password": "Another-7-word"}))
        }
        ("DELETE", "/api/v1/users/me") => Some(json!({"current_password": PASSWORD})),
        ("POST", "/api/v1/users" | "/api/v1/auth/signup") => {
            Some(json!({"username": format!("{target}.new"), "password": PASSWORD}))
        }
        ("PUT", "/api/v1/users/{id}") => Some(json!({
            "username": format!("{target}.renamed"), "email": null, "email_verified": false, "full_name": null,
            "external_id": null, "metadata": {},
        })),
        ("PUT", "/api/v1/users/{id}/roles") => Some(json!({"roles": ["user", "admin"]})),
        ("POST", "/api/v1/roles") => Some(json!({"name": format!("{target}-new"), "permissions": ["texts:edit"]})),
        ("PUT", "/api/v1/roles/{name}") => Some(json!({"description": "Edits", "permissions": ["texts:edit"]})),
        ("PATCH", "/api/v1/roles/{name}") => Some(json!({"permissions": ["texts:edit"]})),
        ("POST", "/api/v1/users/{id}/password") => Some(json!({"new_password": "Another-7-word"})),
        _ => None,
    }
}

async fn call(app: &TestApp, client: &Client<'_>, method: &str, path: &str, body: Option<&Value>) -> Answer {
    let path = path.strip_prefix("/api/v1").map_or_else(|| format!("/{path}"), str::to_owned);
    let request = client.request(Method::from_bytes(method.as_bytes()).unwrap(), &path);
    app.read(match body {
        Some(body) => request.json(body),
        None => request,
    })
    .await
}

/// The method and the path of an operation, its query left out.
fn operation(row: &(&str, &str, [u16; 6])) -> (String, String) {
    (row.0.to_owned(), row.1.split('?').next().unwrap().to_owned())
}

fn assert_refusal(answer: &Answer, path: &str, kind: &str, what: &str) {
    match answer.status {
        400 => assert_eq!(answer.code(), "INVALID_OR_EXPIRED_TOKEN", "{what}"),
        401 if path.starts_with("/api/v1/auth/refresh") => {
            assert_eq!(answer.code(), "REFRESH_TOKEN_INVALID", "{what}");
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{what}");
        }
        401 => {
            assert_eq!(answer.code(), "UNAUTHENTICATED", "{what}");
            let challenge = if kind == "nobody" { "Bearer" } else { "Bearer error=\"invalid_token\"" };
            assert_eq!(answer.header("www-authenticate"), challenge, "{what}");
        }
        403 => {
            let code = if kind == "restricted" { "PASSWORD_CHANGE_REQUIRED" } else { "FORBIDDEN" };
            assert_eq!(answer.code(), code, "{what}");
        }
        _ => {}
    }
}

on_each_engine! {
    /// Proves: AZ-01, JW-16
    async fn every_operation_answers_everybody_as_the_table_says(app: TestApp) {
        let document = app.get("//openapi.json").await.json;
        let served: BTreeSet<_> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                item.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone()))
            })
            .collect();
        let known: BTreeSet<_> = TABLE.iter().map(operation).collect();
        assert_eq!(served, known, "the document and the table have the same operations");

        let admin = app.admin().await;
        for (i, row) in TABLE.iter().enumerate() {
            let (method, path, expected) = row;
            let template = operation(row).1;
            for (column, (kind, status)) in CALLERS.into_iter().zip(expected).enumerate() {
                let what = format!("{method} {path} as {kind}");
                let (own_name, name) = (format!("caller{i}-{column}"), format!("target{i}-{column}"));
                let caller = caller(&app, &admin, kind, &own_name).await;
                let id = target(&admin, &template, &caller, &name).await;
                let body = body(method, &template, &caller, &name);
                let path = path.replace("{id}", &id).replace("{name}", &id);
                let answer = call(&app, &caller.client, method, &path, body.as_ref()).await;
                assert_eq!(answer.status, *status, "{what}: {answer:?}");
                assert_refusal(&answer, &template, kind, &what);
            }
        }
    }

    /// Proves: AZ-02
    async fn whoever_may_not_gets_the_same_for_accounts_that_exist_and_that_do_not(app: TestApp) {
        let admin = app.admin().await;
        let id = admin.create("other").await;
        let user = caller(&app, &admin, "user", "bob").await;
        for row in TABLE.iter().filter(|row| row.1.starts_with("/api/v1/users/{id}")) {
            let (method, path, _) = row;
            let body = body(method, &operation(row).1, &user, "other");
            let mut answers = Vec::new();
            for id in [id.as_str(), MISSING] {
                let answer = call(&app, &user.client, method, &path.replace("{id}", id), body.as_ref()).await;
                assert_eq!((answer.status, answer.code()), (403, "FORBIDDEN"), "{method} {path}");
                answers.push(answer.without_request_id());
            }
            assert_eq!(answers[0], answers[1], "{method} {path}");
            let missing = call(&app, &admin, method, &path.replace("{id}", MISSING), body.as_ref()).await;
            // Entries of the activity log outlive the account.
            let expected = if path.ends_with("/activity") { 200 } else { 404 };
            assert_eq!(missing.status, expected, "{method} {path}: {missing:?}");
        }
    }

    /// Proves: AZ-02
    async fn whoever_may_not_gets_the_same_for_roles_that_exist_and_that_do_not(app: TestApp) {
        let admin = app.admin().await;
        assert_eq!(admin.post("/roles", &json!({"name": "support"})).await.status, 201);
        let user = caller(&app, &admin, "user", "bob").await;
        for row in TABLE.iter().filter(|row| row.1.starts_with("/api/v1/roles/{name}")) {
            let (method, path, _) = row;
            let body = body(method, &operation(row).1, &user, "other");
            let mut answers = Vec::new();
            for name in ["support", "admin", "missing"] {
                let answer = call(&app, &user.client, method, &path.replace("{name}", name), body.as_ref()).await;
                assert_eq!((answer.status, answer.code()), (403, "FORBIDDEN"), "{method} {path}");
                answers.push(answer.without_request_id());
            }
            assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{method} {path}");
            let missing = call(&app, &admin, method, &path.replace("{name}", "missing"), body.as_ref()).await;
            assert_eq!(missing.status, 404, "{method} {path}: {missing:?}");
        }
    }

    /// Proves: AZ-10
    async fn what_is_not_in_the_table_does_not_exist(app: TestApp) {
        let admin = app.admin().await;
        let id = admin.create("bob").await;
        for path in [
            "/users/{id}", "/users/{id}/roles", "/users/{id}/deactivate", "/users/{id}/sessions", "/users/me/sessions",
            "/users/me/sessions/{id}", "/users/me", "/users", "/auth/signup", "/auth/refresh", "/auth/refresh_token", "/auth/logout",
            "/auth/verify-email/request", "/auth/verify-email", "/auth/reset-password", "/auth/reset-password/confirm",
            "/users/reset-password", "/users/reset-password/confirm", "/users/me/email", "/users/{id}/reset-password",
            "/roles", "/roles/{name}", "/permissions", "/activity",
        ] {
            let known = TABLE.iter().map(operation).filter(|(_, known)| known == &format!("/api/v1{path}"));
            let known: BTreeSet<_> = known.map(|(method, _)| method).collect();
            for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"] {
                if known.contains(method) {
                    continue;
                }
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                let answer = app.read(admin.request(method.clone(), &path.replace("{id}", &id).replace("{name}", "user"))).await;
                assert_eq!(answer.status, 405, "{method} {path}");
                let allowed: BTreeSet<_> = answer.header("allow").split(", ").map(str::to_owned).collect();
                assert_eq!(allowed, known, "{method} {path}");
            }
        }
        for path in ["/users/{id}/nothing", "/users/{id}/sessions/x", "/roles/admin/users", "//metrics"] {
            assert_eq!(admin.get(&path.replace("{id}", &id)).await.status, 404, "{path}");
        }
        assert_eq!(admin.get(&format!("/users/{id}")).await.header("etag"), "\"1\"");
    }
}
