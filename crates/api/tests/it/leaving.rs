//! Deleting one's own account.

use actix_web::test::TestRequest;
use serde_json::{Value, json};
use usher_service::UserDraft;

use crate::fixture::{Answer, PASSWORD, SignedIn, TestApi, bearer, draft, json_post, with_cookie};

const ME: &str = "/api/v1/users/me";

fn leave(token: &str, password: &str) -> TestRequest {
    bearer(TestRequest::delete().uri(ME).set_json(json!({ "current_password": password })), token)
}

async fn is_there(api: &TestApi, somebody: &SignedIn) -> bool {
    api.get_as(&somebody.access, ME).await.status == 200
}

#[track_caller]
fn assert_cleared(answer: &Answer) {
    let expected = "refresh_token=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0";
    assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (200, expected), "{answer:?}");
}

/// Proves: ID-06, ID-07
#[actix_web::test]
async fn whoever_leaves_is_gone_and_leaves_his_names_to_nobody() {
    let api = TestApi::new().await;
    let admin = api.admin("root").await;
    let id = api.make(UserDraft { email: Some("ada@example.org".to_owned()), ..draft("ada") }).await.id;
    let (ada, other) = (api.sign_in("ada").await, api.sign_in("ada").await);
    let left = api.call(leave(&ada.access, PASSWORD)).await;
    assert_eq!((left.status.as_u16(), left.data(), left.header("set-cookie")), (200, Value::Null, ""));
    for session in [&ada, &other] {
        assert!(api.has_ended(session.session).await);
        api.get_as(&session.access, ME).await.assert_refused(401, "UNAUTHENTICATED");
        let refresh = with_cookie(json_post("/api/v1/auth/refresh"), &session.cookie);
        api.call(refresh).await.assert_refused(401, "REFRESH_TOKEN_INVALID");
    }
    api.call(leave(&ada.access, PASSWORD)).await.assert_refused(401, "UNAUTHENTICATED");
    for identifier in ["ada", "ada@example.org"] {
        let login = json!({ "identifier": identifier, "password": PASSWORD });
        api.post("/api/v1/auth/login", &login).await.assert_refused(401, "INVALID_CREDENTIALS");
    }
    for path in ["/api/v1/auth/signup", "/api/v1/users"] {
        let taken = json!({ "username": "ADA", "password": PASSWORD });
        api.post(path, &taken).await.assert_refused(409, "USERNAME_TAKEN");
        let taken = json!({ "username": "bob", "password": PASSWORD, "email": "Ada@example.org" });
        api.post(path, &taken).await.assert_refused(409, "EMAIL_TAKEN");
    }
    let path = format!("/api/v1/users/{id}");
    assert_eq!(api.get_as(&admin, &path).await.data()["status"], "deleted");
    assert_eq!(api.post_nothing_as(&admin, &format!("{path}/restore")).await.data()["status"], "active");
    api.sign_in("ada").await;
}

/// Proves: AZ-04
#[actix_web::test]
async fn a_stolen_token_is_not_enough_and_the_last_administrator_stays() {
    let api = TestApi::new().await;
    let ada = api.signed_in("ada").await;
    for (body, field, code) in [
        (json!({}), "current_password", "required"),
        (json!({ "current_password": null }), "current_password", "wrong_type"),
        (json!({ "current_password": [PASSWORD] }), "current_password", "wrong_type"),
        (json!({ "current_password": PASSWORD, "id": 1 }), "id", "unknown_field"),
        (json!({ "Current_Password": PASSWORD }), "Current_Password", "unknown_field"),
        (json!({ "password": PASSWORD }), "password", "unknown_field"),
    ] {
        let request = bearer(TestRequest::delete().uri(ME).set_json(body), &ada.access);
        api.call(request).await.assert_invalid(field, code);
    }
    api.delete_as(&ada.access, ME).await.assert_refused(415, "UNSUPPORTED_MEDIA_TYPE");
    api.delete_as(&ada.access, &format!("{ME}?permanent=true")).await.assert_invalid("permanent", "unknown_field");
    for wrong in ["", "wrong", "analytical-engine-1843", &format!("{PASSWORD} ")] {
        let answer = api.call(with_cookie(leave(&ada.access, wrong), &ada.cookie)).await;
        answer.assert_refused(422, "CURRENT_PASSWORD_INCORRECT");
        assert_eq!(answer.header("set-cookie"), "");
    }
    assert!(is_there(&api, &ada).await);

    let unsettled = api.unsettled("new").await;
    api.call(leave(&unsettled, PASSWORD)).await.assert_refused(403, "PASSWORD_CHANGE_REQUIRED");
    let api = TestApi::new().await;
    let (admin, second) = (api.admin("root").await, api.admin("second").await);
    assert_eq!(api.call(leave(&second, PASSWORD)).await.status, 200);
    let root = with_cookie(leave(&admin, PASSWORD), &api.sign_in("root").await.cookie);
    let last = api.call(root).await;
    last.assert_refused(409, "LAST_ADMIN");
    assert_eq!(last.header("set-cookie"), "");
    assert_eq!(api.get_as(&admin, ME).await.status, 200);
}

#[actix_web::test]
async fn the_cookie_is_cleared_if_there_is_one_that_may_be_touched() {
    let api = TestApi::new().await;
    let touched: [(&[(&str, &str)], bool); 5] = [
        (&[], true),
        (&[("Sec-Fetch-Site", "same-origin")], true),
        (&[("Sec-Fetch-Site", "cross-site")], false),
        (&[("Origin", "https://evil.example")], false),
        (&[("Cookie", "refresh_token=x")], false),
    ];
    for (i, (fields, is_cleared)) in touched.into_iter().enumerate() {
        let ada = api.signed_in(&format!("ada{i}")).await;
        let request = with_cookie(leave(&ada.access, PASSWORD), &ada.cookie);
        let answer = api.call(fields.iter().fold(request, |request, field| request.append_header(*field))).await;
        if is_cleared {
            assert_cleared(&answer);
        } else {
            assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (200, ""), "{fields:?}");
        }
        assert!(!is_there(&api, &ada).await, "the token counts, wherever the request came from");
    }
}
