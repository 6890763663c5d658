use serde_json::{Value, json};
use usher_service::UserDraft;

use crate::fixture::{Answer, PASSWORD, TestApi, draft};

const ME: &str = "/api/v1/users/me";

async fn with_bob() -> (TestApi, String, String) {
    let api = TestApi::new().await;
    let admin = api.admin("root").await;
    let bob = api
        .make(UserDraft {
            email: Some("bob@example.org".to_owned()),
            email_verified: true,
            full_name: Some("Bob Builder".to_owned()),
            external_id: Some("crm-1".to_owned()),
            metadata: Some(json!({ "theme": "dark", "tags": ["a"] })),
            ..draft("bob")
        })
        .await;
    (api, admin, format!("/api/v1/users/{}", bob.id))
}

fn whole() -> Value {
    json!({
        "username": "bob",
        "email": "bob@example.org",
        "email_verified": true,
        "full_name": "Bob Builder",
        "external_id": "crm-1",
        "metadata": { "theme": "dark", "tags": ["a"] },
    })
}

fn assert_shows(answer: &Answer, expected: &Value) {
    assert_eq!(answer.status, 200, "{answer:?}");
    let data = answer.data();
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(data[field], *value, "{field}: {data}");
    }
}

#[actix_web::test]
async fn a_patch_changes_what_it_names_and_null_clears() {
    let (api, admin, path) = with_bob().await;
    let mut expected = whole();
    for (version, (field, value, shown)) in (2..).zip([
        ("username", json!("Robert"), json!("Robert")),
        ("full_name", json!("Robert Builder"), json!("Robert Builder")),
        ("full_name", Value::Null, Value::Null),
        ("external_id", json!("crm/2"), json!("crm/2")),
        ("external_id", Value::Null, Value::Null),
        ("metadata", json!({ "n": 1 }), json!({ "n": 1 })),
        ("metadata", Value::Null, json!({})),
        ("email_verified", json!(false), json!(false)),
        ("email_verified", json!(true), json!(true)),
    ]) {
        let changed = api.patch_as(&admin, &path, &json!({ field: value })).await;
        expected[field] = shown;
        assert_shows(&changed, &expected);
        assert_eq!(changed.header("etag"), format!("\"{version}\""), "{field}");
        let read = api.get_as(&admin, &path).await;
        assert_eq!((read.data(), read.header("etag")), (changed.data(), changed.header("etag")));
    }
    let moved = api.patch_as(&admin, &path, &json!({ "email": "Robert@Example.ORG" })).await;
    assert_shows(&moved, &json!({ "email": "Robert@example.org", "email_verified": false }));
    let proven = json!({ "email": "bob@example.org", "email_verified": true });
    assert_shows(&api.patch_as(&admin, &path, &proven).await, &proven);
    let cleared = api.patch_as(&admin, &path, &json!({ "email": null })).await;
    assert_shows(&cleared, &json!({ "email": null, "email_verified": false }));
}

#[actix_web::test]
async fn what_changes_nothing_raises_no_version() {
    let (api, admin, path) = with_bob().await;
    for body in [json!({}), json!({ "username": "bob" }), whole()] {
        let unchanged = api.patch_as(&admin, &path, &body).await;
        assert_shows(&unchanged, &whole());
        assert_eq!(unchanged.header("etag"), "\"1\"", "{body}");
    }
    assert_eq!(api.put_as(&admin, &path, &whole()).await.header("etag"), "\"1\"");
}

#[actix_web::test]
async fn a_put_replaces_everything_and_nothing_may_be_missing() {
    let (api, admin, path) = with_bob().await;
    let bare = json!({
        "username": "rob", "email": null, "email_verified": false, "full_name": null, "external_id": null,
        "metadata": {},
    });
    let replaced = api.put_as(&admin, &path, &bare).await;
    assert_shows(&replaced, &bare);
    assert_eq!(replaced.header("etag"), "\"2\"");
    assert_shows(&api.put_as(&admin, &path, &whole()).await, &whole());
    let mut without_metadata = whole();
    without_metadata["metadata"] = Value::Null;
    assert_shows(&api.put_as(&admin, &path, &without_metadata).await, &json!({ "metadata": {} }));
    for field in whole().as_object().unwrap().keys() {
        let mut partial = whole();
        partial.as_object_mut().unwrap().remove(field);
        api.put_as(&admin, &path, &partial).await.assert_invalid(field, "required");
    }
    api.put_as(&admin, &path, &json!({})).await.assert_invalid("username", "required");
}

#[actix_web::test]
async fn null_is_no_value_where_nothing_can_be_cleared() {
    let (api, admin, path) = with_bob().await;
    for field in ["username", "email_verified"] {
        api.patch_as(&admin, &path, &json!({ field: null })).await.assert_invalid(field, "wrong_type");
        let mut body = whole();
        body[field] = Value::Null;
        api.put_as(&admin, &path, &body).await.assert_invalid(field, "wrong_type");
    }
    for (field, wrong) in [
        ("username", json!(1)),
        ("email", json!(["bob@example.org"])),
        ("email_verified", json!("true")),
        ("full_name", json!({})),
        ("external_id", json!(7)),
        ("metadata", json!([])),
        ("metadata", json!("{}")),
    ] {
        api.patch_as(&admin, &path, &json!({ field: wrong })).await.assert_invalid(field, "wrong_type");
    }
    let own = api.token("bob").await;
    api.patch_as(&own, ME, &json!({ "username": null })).await.assert_invalid("username", "wrong_type");
}

/// Proves: IN-10
#[actix_web::test]
async fn faults_of_values_are_told_all_at_once_and_nothing_changes() {
    let (api, admin, path) = with_bob().await;
    let faulty = json!({
        "username": "b\0b", "email": "nobody", "full_name": "Bob\0", "external_id": "x\0", "metadata": { "a": "\0" },
    });
    let answer = api.patch_as(&admin, &path, &faulty).await;
    answer.assert_refused(422, "VALIDATION_FAILED");
    let mut fields: Vec<_> = answer.details().into_iter().map(|(field, _)| field).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["email", "external_id", "full_name", "metadata", "username"]);
    let unproven = api.patch_as(&admin, &path, &json!({ "email": null, "email_verified": true })).await;
    unproven.assert_invalid("email_verified", "invalid_format");
    let read = api.get_as(&admin, &path).await;
    assert_shows(&read, &whole());
    assert_eq!(read.header("etag"), "\"1\"");
}

/// Proves: AZ-03
#[actix_web::test]
async fn fields_that_nobody_sets_are_refused_and_unchanged() {
    let (api, admin, path) = with_bob().await;
    let own = api.token("bob").await;
    let before = api.get_as(&admin, &path).await.data();
    for field in [
        "role",
        "roles",
        "is_admin",
        "isAdmin",
        "IS_ADMIN",
        "is_active",
        "is_verified",
        "status",
        "id",
        "created_at",
        "updated_at",
        "last_login_at",
        "password_hash",
        "passwordHash",
        "token_version",
        "token_epoch",
        "version",
        "permissions",
        "must_change_password",
        "deleted_at",
        "Username",
        "EMAIL",
        "Email_Verified",
        "emailVerified",
        "__proto__",
    ] {
        for value in [json!(true), json!(null), json!({ "nested": { "is_admin": true } })] {
            let body = json!({ field: value });
            api.patch_as(&admin, &path, &body).await.assert_invalid(field, "unknown_field");
            api.patch_as(&own, ME, &body).await.assert_invalid(field, "unknown_field");
        }
        let mut body = whole();
        body[field] = json!(true);
        api.put_as(&admin, &path, &body).await.assert_invalid(field, "unknown_field");
        let own_body = json!({ "username": "bob", "full_name": null, field: true });
        api.put_as(&own, ME, &own_body).await.assert_invalid(field, "unknown_field");
    }
    api.patch_as(&admin, &path, &json!({ "password": PASSWORD })).await.assert_invalid("password", "unknown_field");
    for field in ["metadata", "external_id", "email_verified"] {
        api.patch_as(&own, ME, &json!({ field: null })).await.assert_invalid(field, "unknown_field");
    }
    assert_eq!(api.get_as(&admin, &path).await.data(), before);
}

#[actix_web::test]
async fn everybody_changes_his_own_names() {
    let (api, _, path) = with_bob().await;
    let own = api.token("bob").await;
    let patched = api.patch_as(&own, ME, &json!({ "username": "Rob", "full_name": null })).await;
    assert_shows(&patched, &json!({ "username": "Rob", "full_name": null, "email": "bob@example.org" }));
    assert_eq!(patched.header("etag"), "\"2\"");
    let replaced = api.put_as(&own, ME, &json!({ "username": "rob", "full_name": "Rob Builder" })).await;
    assert_shows(&replaced, &json!({ "username": "rob", "full_name": "Rob Builder", "metadata": whole()["metadata"] }));
    api.put_as(&own, ME, &json!({ "username": "rob" })).await.assert_invalid("full_name", "required");
    api.put_as(&own, ME, &json!({ "full_name": null })).await.assert_invalid("username", "required");
    assert_shows(
        &api.patch_as(&own, &path, &json!({ "full_name": "Robert" })).await,
        &json!({ "full_name": "Robert" }),
    );
    let mut same = whole();
    same["username"] = json!("rob");
    same["full_name"] = json!("Robert");
    assert_eq!(api.put_as(&own, &path, &same).await.header("etag"), "\"4\"", "what does not differ may be there");
}

#[actix_web::test]
async fn an_address_and_a_password_take_more_than_a_token() {
    let (api, admin, path) = with_bob().await;
    let own = api.token("bob").await;
    for field in ["email", "password"] {
        for value in [json!("bob@evil.example"), json!(null), json!({ "x": 1 })] {
            let patched = api.patch_as(&own, ME, &json!({ field: value })).await;
            let replaced = api.put_as(&own, ME, &json!({ "username": "bob", "full_name": null, field: value })).await;
            for answer in [patched, replaced] {
                answer.assert_refused(422, "USE_DEDICATED_ENDPOINT");
                assert_eq!(answer.details(), [(field.to_owned(), "unknown_field".to_owned())]);
            }
        }
    }
    for body in [json!({ "email": "bob@evil.example" }), json!({ "email": null }), json!({ "email_verified": false })] {
        api.patch_as(&own, &path, &body).await.assert_refused(403, "FORBIDDEN");
    }
    let root = api.get_as(&admin, ME).await.data()["id"].as_str().unwrap().to_owned();
    let root = format!("/api/v1/users/{root}");
    let address = json!({ "email": "root@evil.example" });
    api.patch_as(&admin, &root, &address).await.assert_refused(409, "CANNOT_TARGET_SELF");
    assert_shows(&api.get_as(&admin, &path).await, &whole());
}

#[actix_web::test]
async fn names_that_are_taken_are_conflicts() {
    let (api, admin, path) = with_bob().await;
    let other =
        UserDraft { email: Some("eve@example.org".to_owned()), external_id: Some("crm-9".to_owned()), ..draft("eve") };
    api.make(other).await;
    for (field, value, code) in [
        ("username", "EVE", "USERNAME_TAKEN"),
        ("email", "Eve@example.org", "EMAIL_TAKEN"),
        ("external_id", "crm-9", "EXTERNAL_ID_TAKEN"),
    ] {
        let answer = api.patch_as(&admin, &path, &json!({ field: value })).await;
        answer.assert_refused(409, code);
        assert_eq!(answer.details(), [(field.to_owned(), "taken".to_owned())]);
    }
    let own = api.token("bob").await;
    api.patch_as(&own, ME, &json!({ "username": "eve" })).await.assert_refused(409, "USERNAME_TAKEN");
    api.patch_as(&own, ME, &json!({ "username": "admin" })).await.assert_invalid("username", "reserved");
}

/// Proves: AZ-02
#[actix_web::test]
async fn whoever_may_not_write_cannot_tell_which_accounts_exist() {
    let (api, admin, existing) = with_bob().await;
    let missing = "/api/v1/users/01900000-0000-7000-8000-00000000ffff";
    let token = api.with_permissions("reader", &["users:read"]).await;
    for path in [existing.as_str(), missing] {
        for answer in [
            api.patch_as(&token, path, &json!({ "full_name": null })).await,
            api.put_as(&token, path, &whole()).await,
            api.put_as(&token, &format!("{path}/roles"), &json!({ "roles": [] })).await,
            api.delete_as(&token, path).await,
            api.delete_as(&token, &format!("{path}?permanent=true")).await,
            api.post_nothing_as(&token, &format!("{path}/deactivate")).await,
            api.post_nothing_as(&token, &format!("{path}/activate")).await,
            api.post_nothing_as(&token, &format!("{path}/restore")).await,
            api.post_as(&token, &format!("{path}/password"), &json!({ "new_password": PASSWORD })).await,
        ] {
            answer.assert_refused(403, "FORBIDDEN");
        }
    }
    api.patch_as(&admin, missing, &json!({ "full_name": null })).await.assert_refused(404, "NOT_FOUND");
    assert_shows(&api.get_as(&admin, &existing).await, &whole());
}
