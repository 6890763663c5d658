use actix_web::test::TestRequest;
use serde_json::{Value, json};
use usher_domain::{Actor, UserId};
use usher_service::UserDraft;

use crate::fixture::{PASSWORD, TestApi, bearer, draft, keys};

pub(crate) const USER_READ: [&str; 15] = [
    "created_at",
    "email",
    "email_verified",
    "external_id",
    "full_name",
    "id",
    "is_active",
    "is_admin",
    "last_login_at",
    "metadata",
    "must_change_password",
    "roles",
    "status",
    "updated_at",
    "username",
];

#[actix_web::test]
async fn a_login_answers_a_token_and_whose_it_is() {
    let api = TestApi::new().await;
    api.make(UserDraft { email: Some("ada@example.org".to_owned()), ..draft("Ada") }).await;
    for path in ["/api/v1/auth/login", "/api/v1/users/login", "/api/v1/auth/login/", "/api/v1/users/login/"] {
        for identifier in ["ada", "ADA@example.org"] {
            let answer = api.post(path, &json!({ "identifier": identifier, "password": PASSWORD })).await;
            let data = answer.data();
            assert_eq!(
                keys(&data),
                ["access_token", "expires_in", "refresh_expires_in", "session_id", "token_type", "user"]
            );
            assert_eq!((&data["token_type"], &data["expires_in"]), (&json!("Bearer"), &json!(900)));
            assert_eq!(keys(&data["user"]), USER_READ);
            assert_eq!(data["user"]["username"], "Ada");
            assert_eq!(data["user"]["last_login_at"], "2030-01-01T12:00:00.000000Z");
            assert_eq!(answer.header("cache-control"), "no-store");
        }
    }
}

#[actix_web::test]
async fn ones_own_account_is_the_same_on_all_its_paths() {
    let api = TestApi::new().await;
    let token = api.user("ada").await;
    let me = api.get_as(&token, "/api/v1/users/me").await;
    let data = me.data();
    assert_eq!(keys(&data), USER_READ);
    assert_eq!(me.header("etag"), "\"1\"");
    let by_id = format!("/api/v1/users/{}", data["id"].as_str().unwrap());
    for path in ["/api/v1/auth/me", "/api/v1/auth/me/", "/api/v1/users/me/", by_id.as_str()] {
        let other = api.get_as(&token, path).await;
        assert_eq!((other.data(), other.header("etag")), (data.clone(), "\"1\""), "{path}");
    }
}

#[actix_web::test]
async fn an_administrator_makes_an_account_and_is_told_where_it_is() {
    let api = TestApi::new().await;
    let admin = api.admin("root").await;
    let body = json!({
        "username": "grace",
        "password": "Compiler-Pioneer-1952",
        "email": "Grace@Example.ORG",
        "email_verified": true,
        "full_name": "Grace Hopper",
        "external_id": "navy-1",
        "metadata": { "rank": { "name": "Rear Admiral" } },
        "roles": ["user"],
        "must_change_password": false,
    });
    let made = api.post_as(&admin, "/api/v1/users", &body).await;
    assert_eq!(made.status, 201);
    let data = made.data();
    assert_eq!(keys(&data), USER_READ);
    for (field, expected) in [
        ("email", json!("Grace@example.org")),
        ("email_verified", json!(true)),
        ("full_name", json!("Grace Hopper")),
        ("external_id", json!("navy-1")),
        ("metadata", json!({ "rank": { "name": "Rear Admiral" } })),
        ("roles", json!(["user"])),
        ("status", json!("active")),
        ("is_active", json!(true)),
        ("is_admin", json!(false)),
        ("must_change_password", json!(false)),
        ("last_login_at", Value::Null),
    ] {
        assert_eq!(data[field], expected, "{field}");
    }
    assert_eq!(made.header("etag"), "\"1\"");
    let location = made.header("location");
    assert_eq!(location, format!("/api/v1/users/{}", data["id"].as_str().unwrap()));
    assert_eq!(api.get_as(&admin, location).await.data(), data);
}

#[actix_web::test]
async fn whoever_got_his_password_from_somebody_else_must_change_it_unless_told_otherwise() {
    let api = TestApi::new().await;
    let admin = api.admin("root").await;
    let made = api.post_as(&admin, "/api/v1/users", &json!({ "username": "bob", "password": PASSWORD })).await;
    assert_eq!(made.data()["must_change_password"], true);
}

#[actix_web::test]
async fn names_that_are_taken_are_conflicts_that_name_the_field() {
    let api = TestApi::new().await;
    let admin = api.admin("root").await;
    let taken = json!({ "username": "bob", "password": PASSWORD, "email": "bob@example.org", "external_id": "b" });
    assert_eq!(api.post_as(&admin, "/api/v1/users", &taken).await.status, 201);
    for (field, value, code) in [
        ("username", "BOB", "USERNAME_TAKEN"),
        ("email", "Bob@Example.org", "EMAIL_TAKEN"),
        ("external_id", "b", "EXTERNAL_ID_TAKEN"),
    ] {
        let mut body = json!({ "username": "other", "password": PASSWORD });
        body[field] = json!(value);
        let answer = api.post_as(&admin, "/api/v1/users", &body).await;
        answer.assert_refused(409, code);
        assert_eq!(answer.details(), [(field.to_owned(), "taken".to_owned())]);
    }
}

#[actix_web::test]
async fn faults_of_values_are_told_all_at_once_and_weak_passwords_by_a_code_of_their_own() {
    let api = TestApi::new().await;
    let admin = api.admin("root").await;
    let faulty = json!({ "username": "x", "password": "short", "email": "nobody", "roles": ["No!"] });
    let answer = api.post_as(&admin, "/api/v1/users", &faulty).await;
    answer.assert_refused(422, "VALIDATION_FAILED");
    let fields: Vec<_> = answer.details().into_iter().map(|(field, _)| field).collect();
    for field in ["username", "email", "roles.0", "password"] {
        assert!(fields.contains(&field.to_owned()), "{fields:?}");
    }
    let weak = api.post_as(&admin, "/api/v1/users", &json!({ "username": "bob", "password": "short" })).await;
    weak.assert_refused(422, "WEAK_PASSWORD");
    assert!(weak.details().contains(&("password".to_owned(), "too_short".to_owned())), "{weak:?}");
}

/// Proves: AZ-02
#[actix_web::test]
async fn whoever_may_not_read_accounts_cannot_tell_which_exist() {
    let api = TestApi::new().await;
    let token = api.user("ada").await;
    let existing = api.make(draft("bob")).await.id;
    let missing = UserId::generate(&*api.state.environment.ids);
    for id in [existing, missing] {
        let request = bearer(TestRequest::get().uri(&format!("/api/v1/users/{id}")), &token);
        api.call(request).await.assert_refused(403, "FORBIDDEN");
    }
    let admin = api.admin("root").await;
    assert_eq!(api.get_as(&admin, &format!("/api/v1/users/{existing}")).await.status, 200);
    api.get_as(&admin, &format!("/api/v1/users/{missing}")).await.assert_refused(404, "NOT_FOUND");
}

/// Proves: PW-08
#[actix_web::test]
async fn a_changed_password_brings_a_token_of_the_same_session() {
    let api = TestApi::new().await;
    let login = {
        api.make(draft("ada")).await;
        api.post("/api/v1/auth/login", &json!({ "identifier": "ada", "password": PASSWORD })).await.data()
    };
    let token = login["access_token"].as_str().unwrap();
    let path = "/api/v1/users/me/password";
    let change = |current: &str, new: &str| json!({ "current_password": current, "new_password": new });

    let wrong = api.post_as(token, path, &change("wrong", "Difference-Engine-1822")).await;
    wrong.assert_refused(422, "CURRENT_PASSWORD_INCORRECT");
    let weak = api.post_as(token, path, &change(PASSWORD, "short")).await;
    weak.assert_refused(422, "WEAK_PASSWORD");
    assert!(weak.details().iter().all(|(field, _)| field == "new_password"), "{weak:?}");

    let changed = api.post_as(token, path, &change(PASSWORD, "Difference-Engine-1822")).await;
    assert_eq!(keys(&changed.data()), ["access_token", "expires_in", "session_id", "token_type"]);
    assert_eq!(changed.data()["session_id"], login["session_id"]);
    api.get_as(token, "/api/v1/users/me").await.assert_refused(401, "UNAUTHENTICATED");
    let renewed = changed.data()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(api.get_as(&renewed, "/api/v1/users/me").await.status, 200);
}

/// Proves: PW-13
#[actix_web::test]
async fn no_answer_holds_a_password_or_a_hash() {
    let api = TestApi::new().await;
    let admin = api.admin("root").await;
    let made = api.post_as(&admin, "/api/v1/users", &json!({ "username": "bob", "password": PASSWORD })).await;
    let id = made.data()["id"].as_str().unwrap().to_owned();
    let read = api.get_as(&admin, &format!("/api/v1/users/{id}")).await;
    let login = api.post("/api/v1/auth/login", &json!({ "identifier": "bob", "password": PASSWORD })).await;
    let stored = api.state.users.get_by_id(&Actor::system(), id.parse().unwrap()).await.unwrap();
    assert_eq!(stored.username.as_str(), "bob");
    for answer in [made, read, login] {
        for secret in [PASSWORD, "$2b$", "bcrypt", "hash"] {
            assert!(!answer.text().contains(secret), "{secret}: {answer:?}");
        }
    }
}
