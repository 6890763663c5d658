//! What a login does with refresh tokens. The rest of it is in `accounts.rs`.

use actix_web::test::TestRequest;
use serde_json::{Value, json};
use usher_domain::{RevokeReason, SessionId};

use crate::fixture::{Answer, PASSWORD, SignedIn, TestApi, draft, json_post, keys, with_cookie};

const LOGIN: &str = "/api/v1/auth/login";

fn login(name: &str, more: &Value) -> TestRequest {
    let mut body = json!({ "identifier": name, "password": PASSWORD });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json_post(LOGIN).set_json(body)
}

fn session_of(answer: &Answer) -> SessionId {
    answer.data()["session_id"].as_str().unwrap().parse().unwrap()
}

/// Proves: PW-13, RT-01
#[actix_web::test]
async fn the_refresh_token_is_in_the_cookie_alone_unless_the_body_was_asked_for() {
    let api = TestApi::new().await;
    api.make(draft("ada")).await;
    for path in [LOGIN, "/api/v1/users/login"] {
        for asked in [json!({}), json!({ "token_delivery": "cookie" })] {
            let answer = api.call(login("ada", &asked).uri(path)).await;
            let data = answer.data();
            assert_eq!(
                keys(&data),
                ["access_token", "expires_in", "refresh_expires_in", "session_id", "token_type", "user"]
            );
            assert_eq!(data["refresh_expires_in"], 1_209_600);
            let token = api.refresh_token_of(session_of(&answer)).await;
            assert!(answer.header("set-cookie").contains(&token) && !answer.text().contains(&token), "{answer:?}");
        }
        let answer = api.call(login("ada", &json!({ "token_delivery": "body" })).uri(path)).await;
        let data = answer.data();
        assert_eq!(
            keys(&data),
            ["access_token", "expires_in", "refresh_expires_in", "refresh_token", "session_id", "token_type", "user"]
        );
        assert_eq!(data["refresh_expires_in"], 1_209_600);
        assert_eq!(data["refresh_token"], api.refresh_token_of(session_of(&answer)).await);
        assert_eq!(answer.header("set-cookie"), "");
    }
}

#[actix_web::test]
async fn there_are_two_deliveries_and_no_others() {
    let api = TestApi::new().await;
    api.make(draft("ada")).await;
    for unknown in ["", "header", "Cookie", "BODY", "both", "x, expected `s3cret` or `s3cret`"] {
        let answer = api.call(login("ada", &json!({ "token_delivery": unknown }))).await;
        answer.assert_invalid("token_delivery", "unknown_value");
        assert_eq!(answer.json()["error"]["details"][0]["message"], "must be one of cookie, body");
    }
    for mistyped in [json!(null), json!(1), json!(["body"]), json!({ "body": null })] {
        let answer = api.call(login("ada", &json!({ "token_delivery": mistyped }))).await;
        answer.assert_invalid("token_delivery", "wrong_type");
    }
}

#[actix_web::test]
async fn a_failed_login_touches_no_cookie() {
    let api = TestApi::new().await;
    let ada = api.signed_in("ada").await;
    let wrong = login("ada", &json!({ "password": "wrong" }));
    let answer = api.call(with_cookie(wrong, &ada.cookie)).await;
    answer.assert_refused(401, "INVALID_CREDENTIALS");
    assert_eq!(answer.header("set-cookie"), "");
    assert!(!api.has_ended(ada.session).await);
}

/// Proves: RT-09
#[actix_web::test]
async fn a_login_ends_the_session_of_the_cookie_and_never_takes_it_over() {
    let api = TestApi::new().await;
    api.make(draft("bob")).await;
    let mut browser = api.signed_in("ada").await;
    for (name, delivery) in [("ada", "cookie"), ("bob", "cookie"), ("bob", "body")] {
        let request = with_cookie(login(name, &json!({ "token_delivery": delivery })), &browser.cookie);
        let answer = api.call(request).await;
        let session = session_of(&answer);
        assert_ne!(session, browser.session);
        assert!(!api.has_ended(session).await);
        let ended = api.session(browser.session).await.revoked.unwrap();
        assert_eq!(ended.reason, RevokeReason::Replaced, "{name} {delivery}");
        assert_ne!(api.refresh_token_of(session).await, browser.refresh);
        if delivery == "cookie" {
            let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
            browser = SignedIn { cookie, refresh: api.refresh_token_of(session).await, session, ..browser };
        }
    }
}

/// Proves: RT-09
#[actix_web::test]
async fn a_cookie_that_is_worth_nothing_or_is_not_alone_does_not_keep_anybody_out() {
    let api = TestApi::new().await;
    let ada = api.signed_in("ada").await;
    let ended = api.sign_in("ada").await;
    let leave = with_cookie(json_post("/api/v1/auth/logout"), &ended.cookie);
    assert_eq!(api.call(leave).await.status, 200);
    for ignored in [
        "refresh_token=".to_owned(),
        "refresh_token=x.y.z".to_owned(),
        format!("refresh_token={}", ada.access),
        ended.cookie.clone(),
        format!("{}; {}", ada.cookie, ada.cookie),
        format!("{}; refresh_token=x", ada.cookie),
    ] {
        let answer = api.call(with_cookie(login("ada", &json!({})), &ignored)).await;
        assert_eq!(answer.status, 200, "{ignored}");
        assert!(answer.header("set-cookie").contains("Max-Age=1209600"), "{ignored}");
        assert!(!api.has_ended(ada.session).await, "{ignored}");
    }
}
