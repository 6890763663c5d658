use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::fixture::{PASSWORD, TestApi, bearer, draft, json_post};

async fn with_bob() -> (TestApi, String, String) {
    let api = TestApi::new().await;
    let admin = api.admin("root").await;
    let path = format!("/api/v1/users/{}", api.make(draft("bob")).await.id);
    (api, admin, path)
}

#[actix_web::test]
async fn an_account_is_shut_opened_deleted_and_restored() {
    let (api, admin, path) = with_bob().await;
    let step = async |name: &str| api.post_nothing_as(&admin, &format!("{path}/{name}")).await;
    step("activate").await.assert_refused(409, "WRONG_STATUS");
    step("restore").await.assert_refused(409, "WRONG_STATUS");
    for (version, (name, status)) in
        (2..).zip([("deactivate", "deactivated"), ("activate", "active"), ("deactivate", "deactivated")])
    {
        let answer = step(name).await;
        assert_eq!(
            (&answer.data()["status"], answer.header("etag")),
            (&json!(status), format!("\"{version}\"").as_str())
        );
        assert_eq!(answer.data()["is_active"], status == "active");
        step(name).await.assert_refused(409, "WRONG_STATUS");
    }
    let deleted = api.delete_as(&admin, &path).await;
    assert_eq!((deleted.data(), deleted.header("etag")), (Value::Null, ""));
    api.delete_as(&admin, &path).await.assert_refused(409, "WRONG_STATUS");
    step("deactivate").await.assert_refused(409, "WRONG_STATUS");
    api.patch_as(&admin, &path, &json!({ "full_name": "Bob" })).await.assert_refused(409, "WRONG_STATUS");
    api.put_as(&admin, &format!("{path}/roles"), &json!({ "roles": [] })).await.assert_refused(409, "WRONG_STATUS");
    assert_eq!(api.get_as(&admin, &path).await.data()["status"], "deleted");
    assert_eq!(step("restore").await.data()["status"], "deactivated", "as it was");
    let purged = api.delete_as(&admin, &format!("{path}?permanent=true")).await;
    assert_eq!(purged.data(), Value::Null);
    api.get_as(&admin, &path).await.assert_refused(404, "NOT_FOUND");
    api.delete_as(&admin, &format!("{path}?permanent=true")).await.assert_refused(404, "NOT_FOUND");
}

/// Proves: IN-04
#[actix_web::test]
async fn a_reason_is_optional_and_so_is_the_body() {
    for name in ["deactivate", "activate", "restore"] {
        let bodies = [
            (None, None, 200),
            (Some("application/json"), None, 200),
            (Some("application/json"), Some("{}"), 200),
            (Some("application/json"), Some(r#"{"reason":null}"#), 200),
            (Some("application/json"), Some(r#"{"reason":"on leave"}"#), 200),
            (None, Some(r#"{"reason":"on leave"}"#), 415),
            (None, Some(" "), 415),
            (Some("text/plain"), None, 415),
            (Some("application/x-www-form-urlencoded"), Some("reason=x"), 415),
            (Some("application/json"), Some(" "), 400),
            (Some("application/json"), Some("{"), 400),
            (Some("application/json"), Some("null"), 422),
            (Some("application/json"), Some(r#"{"Reason":"x"}"#), 422),
            (Some("application/json"), Some(r#"{"reason":1}"#), 422),
            (Some("application/json"), Some(r#"{"reason":"\u0000"}"#), 422),
        ];
        for (media_type, body, status) in bodies {
            let (api, admin, path) = with_bob().await;
            match name {
                "activate" => assert_eq!(api.post_nothing_as(&admin, &format!("{path}/deactivate")).await.status, 200),
                "restore" => assert_eq!(api.delete_as(&admin, &path).await.status, 200),
                _ => {}
            }
            let mut request = bearer(TestRequest::post().uri(&format!("{path}/{name}")), &admin);
            if let Some(media_type) = media_type {
                request = request.insert_header(("Content-Type", media_type));
            }
            if let Some(body) = body {
                request = request.set_payload(body);
            }
            assert_eq!(api.call(request).await.status, status, "{name} {media_type:?} {body:?}");
        }
    }
    let (api, admin, path) = with_bob().await;
    for (length, status) in [(501, 422), (500, 200)] {
        let body = json!({ "reason": "é".repeat(length) });
        assert_eq!(api.post_as(&admin, &format!("{path}/deactivate"), &body).await.status, status, "{length}");
    }
}

#[actix_web::test]
async fn deletion_is_soft_unless_it_is_said_to_be_permanent() {
    let (api, admin, path) = with_bob().await;
    for (value, code) in [("1", "wrong_type"), ("", "wrong_type"), ("TRUE", "wrong_type")] {
        api.delete_as(&admin, &format!("{path}?permanent={value}")).await.assert_invalid("permanent", code);
    }
    let twice = format!("{path}?permanent=false&permanent=true");
    api.delete_as(&admin, &twice).await.assert_invalid("permanent", "invalid_format");
    api.delete_as(&admin, &format!("{path}?force=true")).await.assert_invalid("force", "unknown_field");
    assert_eq!(api.delete_as(&admin, &format!("{path}?permanent=false")).await.status, 200);
    assert_eq!(api.get_as(&admin, &path).await.data()["status"], "deleted");

    let deleter = api.with_permissions("deleter", &["users:read", "users:delete"]).await;
    api.delete_as(&deleter, &format!("{path}?permanent=true")).await.assert_refused(403, "FORBIDDEN");
    let purger = api.with_permissions("purger", &["users:purge"]).await;
    api.delete_as(&purger, &path).await.assert_refused(403, "FORBIDDEN");
    assert_eq!(api.delete_as(&purger, &format!("{path}?permanent=true")).await.status, 200);
}

/// Proves: AZ-06
#[actix_web::test]
async fn roles_are_given_by_whoever_holds_what_they_give() {
    let (api, admin, path) = with_bob().await;
    let roles = format!("{path}/roles");
    let given = api.put_as(&admin, &roles, &json!({ "roles": ["user", "admin", "user"] })).await;
    assert_eq!((&given.data()["roles"], &given.data()["is_admin"]), (&json!(["admin", "user"]), &json!(true)));
    assert_eq!(given.header("etag"), "\"2\"");
    let none = api.put_as(&admin, &roles, &json!({ "roles": [] })).await;
    assert_eq!(none.data()["roles"], json!([]));

    for (body, field, code) in [
        (json!({ "roles": ["user", "nobody", "No!"] }), "roles.1", "unknown_value"),
        (json!({ "roles": null }), "roles", "wrong_type"),
        (json!({ "roles": "admin" }), "roles", "wrong_type"),
        (json!({ "roles": ["user", 1] }), "roles.1", "wrong_type"),
        (json!({ "role": "admin" }), "role", "unknown_field"),
        (json!({}), "roles", "required"),
    ] {
        let answer = api.put_as(&admin, &roles, &body).await;
        answer.assert_refused(422, "VALIDATION_FAILED");
        assert_eq!(answer.details()[0], (field.to_owned(), code.to_owned()), "{body}");
    }
    let assigner = api.with_permissions("assigner", &["users:write", "roles:assign"]).await;
    let escalation = json!({ "roles": ["admin"] });
    api.put_as(&assigner, &roles, &escalation).await.assert_refused(403, "FORBIDDEN");
    let writer = api.with_permissions("writer", &["users:write"]).await;
    api.put_as(&writer, &roles, &json!({ "roles": ["user"] })).await.assert_refused(403, "FORBIDDEN");
    assert_eq!(api.put_as(&assigner, &roles, &json!({ "roles": ["user"] })).await.status, 200);
}

/// Proves: AZ-04
#[actix_web::test]
async fn nobody_does_to_himself_or_to_the_last_administrator_what_cannot_be_undone() {
    let (api, admin, _) = with_bob().await;
    let data = api.get_as(&admin, "/api/v1/users/me").await.data();
    let own = format!("/api/v1/users/{}", data["id"].as_str().unwrap());
    let assigner = ["users:read", "users:write", "users:delete", "users:purge", "roles:assign"];
    let other = api.with_permissions("almost", &assigner).await;
    let try_all = async |token: &str, code: u16, text: &str| {
        for answer in [
            api.delete_as(token, &own).await,
            api.delete_as(token, &format!("{own}?permanent=true")).await,
            api.post_nothing_as(token, &format!("{own}/deactivate")).await,
            api.put_as(token, &format!("{own}/roles"), &json!({ "roles": ["user"] })).await,
            api.post_as(token, &format!("{own}/password"), &json!({ "new_password": "Difference-Engine-1822" })).await,
        ] {
            answer.assert_refused(code, text);
        }
    };
    try_all(&admin, 409, "CANNOT_TARGET_SELF").await;
    try_all(&other, 403, "FORBIDDEN").await;
    assert_eq!(api.get_as(&admin, &own).await.data(), data);

    let second = api.admin("second").await;
    assert_eq!(api.delete_as(&second, &own).await.status, 200);
    api.get_as(&admin, "/api/v1/users/me").await.assert_refused(401, "UNAUTHENTICATED");
    let last = api.get_as(&second, "/api/v1/users/me").await.data()["id"].as_str().unwrap().to_owned();
    api.delete_as(&second, &format!("/api/v1/users/{last}")).await.assert_refused(409, "CANNOT_TARGET_SELF");
}

/// Proves: PW-15
#[actix_web::test]
async fn a_password_that_somebody_else_set_must_be_changed() {
    let (api, admin, path) = with_bob().await;
    let bob = api.token("bob").await;
    let set = async |token: &str, password: &str| {
        api.post_as(token, &format!("{path}/password"), &json!({ "new_password": password })).await
    };
    let weak = set(&admin, "short").await;
    weak.assert_refused(422, "WEAK_PASSWORD");
    assert!(weak.details().iter().all(|(field, _)| field == "new_password"), "{weak:?}");
    set(&admin, "Xk7!vQz\0mN4").await.assert_refused(422, "WEAK_PASSWORD");
    assert_eq!(api.get_as(&bob, "/api/v1/users/me").await.status, 200, "nothing has happened");

    let done = set(&admin, "Difference-Engine-1822").await;
    assert_eq!((done.status.as_u16(), done.data()), (200, Value::Null));
    api.get_as(&bob, "/api/v1/users/me").await.assert_refused(401, "UNAUTHENTICATED");
    let body = json!({ "identifier": "bob", "password": "Difference-Engine-1822" });
    let login = api.post("/api/v1/auth/login", &body).await;
    assert_eq!(login.data()["user"]["must_change_password"], true);
    let missing = json!({ "password": PASSWORD });
    api.post_as(&admin, &format!("{path}/password"), &missing).await.assert_invalid("password", "unknown_field");
}

#[actix_web::test]
async fn until_the_password_is_changed_nothing_of_this_is_open() {
    let (api, _, path) = with_bob().await;
    let token = api.unsettled("newcomer").await;
    let me = "/api/v1/users/me";
    let own = json!({ "username": "newcomer", "full_name": null });
    let whole = json!({
        "username": "bob", "email": null, "email_verified": false, "full_name": null, "external_id": null, "metadata": {},
    });
    for answer in [
        api.get_as(&token, "/api/v1/users").await,
        api.get_as(&token, &path).await,
        api.put_as(&token, me, &own).await,
        api.patch_as(&token, me, &json!({})).await,
        api.put_as(&token, &path, &whole).await,
        api.patch_as(&token, &path, &json!({})).await,
        api.put_as(&token, &format!("{path}/roles"), &json!({ "roles": [] })).await,
        api.delete_as(&token, &path).await,
        api.delete_as(&token, &format!("{path}?permanent=true")).await,
        api.post_nothing_as(&token, &format!("{path}/deactivate")).await,
        api.post_nothing_as(&token, &format!("{path}/activate")).await,
        api.post_nothing_as(&token, &format!("{path}/restore")).await,
        api.post_as(&token, &format!("{path}/password"), &json!({ "new_password": PASSWORD })).await,
    ] {
        answer.assert_refused(403, "PASSWORD_CHANGE_REQUIRED");
    }
}

/// What a stranger sends is not read: he is told first that he is one.
#[actix_web::test]
async fn the_caller_comes_before_query_body_and_condition() {
    let (api, _, path) = with_bob().await;
    for request in [
        TestRequest::get().uri("/api/v1/users?limit=0&x=1&cursor=x"),
        TestRequest::delete().uri(&format!("{path}?permanent=perhaps")),
        TestRequest::delete().uri(&path).insert_header(("If-Match", "nonsense")),
        TestRequest::patch().uri(&path).insert_header(("If-Match", "\"7\"")).set_payload("{"),
        TestRequest::put().uri("/api/v1/users/me").set_payload("{"),
        json_post(&format!("{path}/deactivate")).set_payload("{"),
        TestRequest::post().uri(&format!("{path}/password")),
    ] {
        api.call(request).await.assert_refused(401, "UNAUTHENTICATED");
    }
}
