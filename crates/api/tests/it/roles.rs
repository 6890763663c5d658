//! Roles and permissions over HTTP.

use actix_web::test::TestRequest;
use serde_json::{Value, json};
use usher_service::UserDraft;

use crate::fixture::{TestApi, bearer, draft, keys};

const ROLES: &str = "/api/v1/roles";
const SUPPORT: &str = "/api/v1/roles/support";

fn support() -> Value {
    json!({ "name": "support", "description": "Answers questions", "permissions": ["users:read", "tickets:answer"] })
}

/// An administrator, and a role that he has made.
async fn with_support() -> (TestApi, String) {
    let api = TestApi::new().await;
    let root = api.admin("root").await;
    assert_eq!(api.post_as(&root, ROLES, &support()).await.status, 201);
    (api, root)
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn a_role_is_made_shown_and_listed() {
    let api = TestApi::new().await;
    let root = api.admin("root").await;
    let made = api.post_as(&root, ROLES, &support()).await;
    assert_eq!((made.status.as_u16(), made.header("location"), made.header("etag")), (201, SUPPORT, "\"1\""));
    let shown = api.get_as(&root, SUPPORT).await;
    assert_eq!((shown.data(), shown.header("etag")), (made.data(), "\"1\""));
    assert_eq!(keys(&made.data()), ["built_in", "created_at", "description", "name", "permissions", "updated_at"]);
    let told = [&made.data()["description"], &made.data()["permissions"], &made.data()["built_in"]];
    assert_eq!(told, [&json!("Answers questions"), &json!(["tickets:answer", "users:read"]), &json!(false)]);

    let list = api.get_as(&root, ROLES).await.data();
    assert_eq!((names(&list), &list["next_cursor"]), (vec!["admin", "support", "user"], &Value::Null));
    let permissions = api.get_as(&root, "/api/v1/permissions").await.data();
    let named = |name: &str| permissions["items"].as_array().unwrap().iter().find(|it| it["name"] == name).cloned();
    let foreign = json!({ "name": "tickets:answer", "description": null, "built_in": false });
    assert_eq!(named("tickets:answer"), Some(foreign));
    let ours = json!({ "name": "users:read", "description": "See all accounts and their sessions.", "built_in": true });
    assert_eq!(named("users:read"), Some(ours));
    assert_eq!(names(&permissions).len(), 9);
    assert_eq!(
        list["items"][0]["permissions"],
        json!(names(&permissions)),
        "an administrator may do all that there is"
    );
}

#[actix_web::test]
async fn a_role_needs_no_more_than_a_name() {
    let api = TestApi::new().await;
    let root = api.admin("root").await;
    let made = api.post_as(&root, ROLES, &json!({ "name": "guests" })).await.data();
    assert_eq!((&made["description"], &made["permissions"]), (&json!(""), &json!([])));
}

/// Proves: AZ-03
#[actix_web::test]
async fn all_that_is_wrong_with_a_role_is_told_at_once() {
    let (api, root) = with_support().await;
    let bad =
        json!({ "name": "Support", "description": "x".repeat(201), "permissions": ["users:read", "users:*", "x"] });
    let refused = api.post_as(&root, ROLES, &bad).await;
    refused.assert_refused(422, "VALIDATION_FAILED");
    let expected = [
        ("name", "invalid_format"),
        ("description", "too_long"),
        ("permissions.1", "invalid_format"),
        ("permissions.2", "invalid_format"),
    ];
    assert_eq!(refused.details(), expected.map(|(field, code)| (field.to_owned(), code.to_owned())));
    for (field, value) in
        [("built_in", json!(true)), ("version", json!(7)), ("created_at", json!("2030-01-01T00:00:00Z"))]
    {
        let mut body = support();
        body[field] = value;
        api.post_as(&root, ROLES, &body).await.assert_invalid(field, "unknown_field");
        api.patch_as(&root, SUPPORT, &json!({ field: body[field] })).await.assert_invalid(field, "unknown_field");
    }
    let line_break = json!({ "description": "one\ntwo" });
    api.patch_as(&root, SUPPORT, &line_break).await.assert_invalid("description", "invalid_format");
    let taken = api.post_as(&root, ROLES, &support()).await;
    taken.assert_refused(409, "ROLE_NAME_TAKEN");
    assert_eq!(taken.details(), [("name".to_owned(), "taken".to_owned())]);
}

#[actix_web::test]
async fn put_replaces_and_patch_merges() {
    let (api, root) = with_support().await;
    let whole = json!({ "name": "support", "description": "", "permissions": ["users:write"] });
    let replaced = api.put_as(&root, SUPPORT, &whole).await;
    assert_eq!((replaced.status.as_u16(), replaced.header("etag")), (200, "\"2\""));
    assert_eq!(
        (&replaced.data()["description"], &replaced.data()["permissions"]),
        (&json!(""), &json!(["users:write"]))
    );
    for missing in ["description", "permissions"] {
        let mut body = whole.clone();
        body.as_object_mut().unwrap().remove(missing);
        api.put_as(&root, SUPPORT, &body).await.assert_invalid(missing, "required");
    }
    let patched = api.patch_as(&root, SUPPORT, &json!({ "description": "Helps" })).await.data();
    assert_eq!((&patched["description"], &patched["permissions"]), (&json!("Helps"), &json!(["users:write"])));
    let cleared = api.patch_as(&root, SUPPORT, &json!({ "description": null, "permissions": [] })).await;
    assert_eq!((&cleared.data()["description"], &cleared.data()["permissions"]), (&json!(""), &json!([])));
    api.patch_as(&root, SUPPORT, &json!({ "permissions": null })).await.assert_invalid("permissions", "wrong_type");
    let same = api.patch_as(&root, SUPPORT, &json!({ "description": "" })).await;
    assert_eq!(
        (cleared.header("etag"), same.header("etag")),
        ("\"4\"", "\"4\""),
        "what changes nothing raises no version"
    );
}

#[actix_web::test]
async fn a_role_keeps_its_name() {
    let (api, root) = with_support().await;
    let rename = json!({ "name": "helpers", "description": "", "permissions": [] });
    api.put_as(&root, SUPPORT, &rename).await.assert_invalid("name", "unknown_value");
    api.patch_as(&root, SUPPORT, &json!({ "name": "helpers" })).await.assert_invalid("name", "unknown_value");
    assert_eq!(api.patch_as(&root, SUPPORT, &json!({ "name": "support" })).await.header("etag"), "\"1\"");
}

#[actix_web::test]
async fn what_is_no_role_name_is_no_path() {
    let (api, root) = with_support().await;
    for path in ["/api/v1/roles/Support", "/api/v1/roles/x", "/api/v1/roles/sup%20port", "/api/v1/roles/nobody"] {
        api.get_as(&root, path).await.assert_refused(404, "NOT_FOUND");
        api.delete_as(&root, path).await.assert_refused(404, "NOT_FOUND");
    }
}

#[actix_web::test]
async fn a_change_of_a_role_heeds_the_condition() {
    let (api, root) = with_support().await;
    let whole = json!({ "description": "", "permissions": [] });
    let changes = [
        (TestRequest::put().uri(SUPPORT), Some(&whole)),
        (TestRequest::patch().uri(SUPPORT), Some(&whole)),
        (TestRequest::delete().uri(SUPPORT), None),
    ];
    for (request, body) in changes {
        let mut request = bearer(request, &root).insert_header(("If-Match", "\"7\""));
        if let Some(body) = body {
            request = request.set_json(body);
        }
        api.call(request).await.assert_refused(412, "VERSION_MISMATCH");
    }
    assert_eq!(api.get_as(&root, SUPPORT).await.header("etag"), "\"1\"");
    let delete = bearer(TestRequest::delete().uri(SUPPORT), &root).insert_header(("If-Match", "\"7\", \"1\""));
    assert_eq!(api.call(delete).await.status, 200);
}

#[actix_web::test]
async fn the_roles_of_usher_stay() {
    let (api, root) = with_support().await;
    for path in ["/api/v1/roles/admin", "/api/v1/roles/user"] {
        for force in ["", "?force=true"] {
            api.delete_as(&root, &format!("{path}{force}")).await.assert_refused(409, "ROLE_BUILT_IN");
        }
    }
    let body = json!({ "permissions": ["users:read"] });
    api.patch_as(&root, "/api/v1/roles/admin", &body).await.assert_refused(409, "ROLE_BUILT_IN");
    assert_eq!(api.patch_as(&root, "/api/v1/roles/user", &body).await.status, 200);
    let bob = api.user("bob").await;
    assert_eq!(api.get_as(&bob, "/api/v1/users").await.status, 200, "everybody may now");
}

#[actix_web::test]
async fn a_role_in_use_is_deleted_only_by_force() {
    let (api, root) = with_support().await;
    let ada = api.make(UserDraft { roles: Some(vec!["support".to_owned(), "user".to_owned()]), ..draft("ada") }).await;
    let token = api.token("ada").await;
    assert_eq!(api.get_as(&token, "/api/v1/users").await.status, 200);
    api.delete_as(&root, SUPPORT).await.assert_refused(409, "ROLE_IN_USE");
    let deleted = api.delete_as(&root, &format!("{SUPPORT}?force=true")).await;
    assert_eq!((deleted.status.as_u16(), deleted.data()), (200, Value::Null));
    api.get_as(&token, "/api/v1/users").await.assert_refused(401, "UNAUTHENTICATED");
    let shown = api.get_as(&root, &format!("/api/v1/users/{}", ada.id)).await;
    assert_eq!((&shown.data()["roles"], shown.header("etag")), (&json!(["user"]), "\"2\""));
    api.get_as(&root, SUPPORT).await.assert_refused(404, "NOT_FOUND");

    let entries = api.get_as(&root, "/api/v1/activity?action=role.deleted,user.roles_changed").await.data();
    let told: Vec<_> = entries["items"].as_array().unwrap().iter().map(|it| (&it["action"], &it["details"])).collect();
    let role = json!({ "role": "support", "permissions": ["tickets:answer", "users:read"], "holders": 1 });
    let user = json!({ "old": ["support", "user"], "new": ["user"] });
    assert_eq!(told.len(), 2);
    assert!(told.contains(&(&json!("role.deleted"), &role)), "{told:?}");
    assert!(told.contains(&(&json!("user.roles_changed"), &user)), "{told:?}");
}

/// Proves: AZ-06
#[actix_web::test]
async fn nobody_grants_or_takes_what_he_does_not_hold() {
    let (api, root) = with_support().await;
    let editor = api.with_permissions("eve", &["roles:read", "roles:write", "users:read"]).await;
    let more = json!({ "name": "more", "permissions": ["users:read", "users:write"] });
    api.post_as(&editor, ROLES, &more).await.assert_refused(403, "FORBIDDEN");
    let foreign = json!({ "name": "more", "permissions": ["tickets:answer"] });
    api.post_as(&editor, ROLES, &foreign).await.assert_refused(403, "FORBIDDEN");
    let fine = json!({ "name": "readers", "permissions": ["users:read"] });
    assert_eq!(api.post_as(&editor, ROLES, &fine).await.status, 201);

    for permissions in [json!(["users:read"]), json!(["users:read", "tickets:answer", "users:purge"])] {
        let body = json!({ "permissions": permissions });
        api.patch_as(&editor, SUPPORT, &body).await.assert_refused(403, "FORBIDDEN");
    }
    let without_his = json!({ "permissions": ["tickets:answer"] });
    assert_eq!(api.patch_as(&editor, SUPPORT, &without_his).await.status, 200, "what he holds he may take");
    api.delete_as(&editor, SUPPORT).await.assert_refused(403, "FORBIDDEN");
    assert_eq!(names(&api.get_as(&root, ROLES).await.data()), ["admin", "readers", "role-of-eve", "support", "user"]);
}

/// Proves: AZ-06, JW-17
#[actix_web::test]
async fn an_edited_role_is_in_force_at_once() {
    let (api, root) = with_support().await;
    api.make(UserDraft { roles: Some(vec!["support".to_owned()]), ..draft("ada") }).await;
    let token = api.token("ada").await;
    for (permissions, status) in [(json!([]), 403), (json!(["users:read"]), 200), (json!(["users:write"]), 403)] {
        assert_eq!(api.patch_as(&root, SUPPORT, &json!({ "permissions": permissions })).await.status, 200);
        assert_eq!(api.get_as(&token, "/api/v1/users").await.status.as_u16(), status, "{permissions}");
    }
}
