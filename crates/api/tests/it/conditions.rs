use actix_web::test::TestRequest;
use serde_json::json;

use crate::fixture::{Answer, TestApi, bearer, draft};

async fn with_bob() -> (TestApi, String, String) {
    let api = TestApi::new().await;
    let admin = api.admin("root").await;
    let path = format!("/api/v1/users/{}", api.make(draft("bob")).await.id);
    (api, admin, path)
}

async fn patch_if(api: &TestApi, token: &str, path: &str, conditions: &[&str]) -> Answer {
    let mut request = bearer(TestRequest::patch().uri(path).set_json(json!({ "full_name": "Bob" })), token);
    for condition in conditions {
        request = request.append_header(("If-Match", *condition));
    }
    api.call(request).await
}

#[actix_web::test]
async fn a_change_is_made_to_the_version_that_was_read() {
    for conditions in [
        &["\"1\""][..],
        &["*"],
        &[" * "],
        &["\"7\", \"1\""],
        &["\"1\",\"2\""],
        &["\"7\"", "\"1\""],
        &[" \t\"1\" "],
        &["W/\"1\", \"1\""],
        &["\"other\",\"1\""],
        &[],
    ] {
        let (api, admin, path) = with_bob().await;
        let changed = patch_if(&api, &admin, &path, conditions).await;
        assert_eq!((changed.status.as_u16(), changed.header("etag")), (200, "\"2\""), "{conditions:?}");
    }
}

#[actix_web::test]
async fn any_other_version_and_what_is_none_is_refused_and_nothing_changes() {
    let (api, admin, path) = with_bob().await;
    for conditions in [
        &["\"2\""][..],
        &["\"0\""],
        &["\"-1\""],
        &["W/\"1\""],
        &["w/\"1\""],
        &["1"],
        &["'1'"],
        &["\"1"],
        &["1\""],
        &["\"01\""],
        &["\"+1\""],
        &["\" 1\""],
        &["\"1\"x"],
        &["\"\""],
        &[""],
        &[","],
        &["\"2\", *"],
        &["*, *"],
        &["*", "*"],
        &["\"99999999999999999999\""],
        &["\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"1\""],
    ] {
        let refused = patch_if(&api, &admin, &path, conditions).await;
        refused.assert_refused(412, "VERSION_MISMATCH");
    }
    assert_eq!(api.get_as(&admin, &path).await.header("etag"), "\"1\"");
}

#[actix_web::test]
async fn every_change_of_one_account_by_put_patch_or_delete_heeds_the_condition() {
    let (api, admin, path) = with_bob().await;
    let bob = api.token("bob").await;
    let whole = json!({
        "username": "bob", "email": null, "email_verified": false, "full_name": "Bob", "external_id": null,
        "metadata": {},
    });
    let own = json!({ "username": "bob", "full_name": "Bob" });
    let me = "/api/v1/users/me";
    let roles = json!({ "roles": [] });
    let changes = [
        (&admin, TestRequest::put().uri(&path), Some(&whole)),
        (&admin, TestRequest::patch().uri(&path), Some(&own)),
        (&bob, TestRequest::put().uri(me), Some(&own)),
        (&bob, TestRequest::patch().uri(me), Some(&own)),
        (&admin, TestRequest::put().uri(&format!("{path}/roles")), Some(&roles)),
        (&admin, TestRequest::delete().uri(&path), None),
        (&admin, TestRequest::delete().uri(&format!("{path}?permanent=true")), None),
    ];
    for (token, request, body) in changes {
        let mut request = bearer(request, token).insert_header(("If-Match", "\"7\""));
        if let Some(body) = body {
            request = request.set_json(body);
        }
        api.call(request).await.assert_refused(412, "VERSION_MISMATCH");
    }
    assert_eq!(api.get_as(&admin, &path).await.header("etag"), "\"1\"");
    let delete = |condition| bearer(TestRequest::delete().uri(&path).insert_header(("If-Match", condition)), &admin);
    assert_eq!(api.call(delete("\"1\"")).await.status, 200);
    api.call(delete("\"1\"")).await.assert_refused(412, "VERSION_MISMATCH");
    api.call(delete("\"2\"")).await.assert_refused(409, "WRONG_STATUS");
}

/// RFC 9110, 13.2.1: a condition counts only where the answer would be a success without it.
#[actix_web::test]
async fn a_condition_comes_after_permission_and_existence() {
    let (api, admin, path) = with_bob().await;
    let token = api.user("eve").await;
    let missing = "/api/v1/users/01900000-0000-7000-8000-00000000ffff";
    for condition in ["\"7\"", "nonsense", "W/\"1\""] {
        patch_if(&api, &token, &path, &[condition]).await.assert_refused(403, "FORBIDDEN");
        patch_if(&api, "no.such.token", &path, &[condition]).await.assert_refused(401, "UNAUTHENTICATED");
        patch_if(&api, &admin, missing, &[condition]).await.assert_refused(404, "NOT_FOUND");
        patch_if(&api, &admin, "/api/v1/users/x", &[condition]).await.assert_refused(404, "NOT_FOUND");
    }
}

#[actix_web::test]
async fn of_two_who_read_the_same_version_the_second_is_told() {
    let (api, admin, path) = with_bob().await;
    let read = api.get_as(&admin, &path).await;
    let tag = read.header("etag");
    assert_eq!(patch_if(&api, &admin, &path, &[tag]).await.status, 200);
    patch_if(&api, &admin, &path, &[tag]).await.assert_refused(412, "VERSION_MISMATCH");
}
