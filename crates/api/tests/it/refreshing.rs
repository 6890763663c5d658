use std::time::Duration;

use actix_web::test::TestRequest;
use serde_json::json;
use usher_domain::{Action, ActivityFilter, Actor, PageSize, RevokeReason};
use usher_storage::{ActivityQueries, UsersStorageBackend};

use crate::fixture::{Answer, PASSWORD, TestApi, bearer, json_post, keys, with_cookie};

const REFRESH: &str = "/api/v1/auth/refresh";
const CLEARED: &str = "refresh_token=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0";

fn by_cookie(cookie: &str) -> TestRequest {
    with_cookie(json_post(REFRESH), cookie)
}

fn by_body(token: &str) -> TestRequest {
    json_post(REFRESH).set_json(json!({ "refresh_token": token }))
}

/// The `name=value` of the cookie that an answer sets.
fn pair(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// Proves: PW-13, RT-01, RT-02
#[actix_web::test]
async fn the_next_token_goes_out_as_the_one_before_came_in() {
    let api = TestApi::new().await;
    let ada = api.signed_in("ada").await;
    let (mut cookie, mut token) = (ada.cookie.clone(), String::new());
    for path in [REFRESH, "/api/v1/auth/refresh/", "/api/v1/auth/refresh_token", "/api/v1/auth/refresh_token/"] {
        let answer = api.call(by_cookie(&cookie).uri(path)).await;
        let data = answer.data();
        assert_eq!(keys(&data), ["access_token", "expires_in", "refresh_expires_in", "session_id", "token_type"]);
        assert_eq!((&data["token_type"], &data["expires_in"]), (&json!("Bearer"), &json!(900)));
        assert_eq!(data["session_id"], ada.session.to_string());
        token = api.refresh_token_of(ada.session).await;
        assert!(!answer.text().contains(&token), "{path}");
        assert_ne!(pair(&answer), cookie, "{path}");
        cookie = pair(&answer);
        assert_eq!(cookie, format!("refresh_token={token}"));
        let access = data["access_token"].as_str().unwrap();
        assert_eq!(api.get_as(access, "/api/v1/users/me").await.status, 200);
    }
    for path in [REFRESH, "/api/v1/auth/refresh_token"] {
        let answer = api.call(by_body(&token).uri(path)).await;
        let data = answer.data();
        assert_eq!(
            keys(&data),
            ["access_token", "expires_in", "refresh_expires_in", "refresh_token", "session_id", "token_type"]
        );
        assert_eq!(answer.header("set-cookie"), "");
        let next = data["refresh_token"].as_str().unwrap().to_owned();
        assert_ne!(next, token);
        assert_eq!(next, api.refresh_token_of(ada.session).await);
        token = next;
    }
}

#[actix_web::test]
async fn a_token_in_the_body_wins_over_the_cookie_which_is_left_alone() {
    let api = TestApi::new().await;
    let ada = api.signed_in("ada").await;
    let other = api.sign_in("ada").await;
    let both = |token: &str| with_cookie(by_body(token), &other.cookie);

    let answer = api.call(both(&ada.refresh)).await;
    assert_eq!(answer.data()["session_id"], ada.session.to_string());
    assert_eq!(answer.header("set-cookie"), "");
    for bad in ["", "x.y.z", &ada.access] {
        let answer = api.call(both(bad)).await;
        answer.assert_refused(401, "REFRESH_TOKEN_INVALID");
        assert_eq!(answer.header("set-cookie"), "", "{bad}");
    }
    let untouched = api.session(other.session).await;
    assert_eq!((untouched.generation, untouched.revoked), (0, None));
    let two = with_cookie(both(&api.refresh_token_of(ada.session).await), "refresh_token=x");
    assert_eq!(api.call(two).await.status, 200, "even beside two");
}

/// Proves: JW-07, RT-01
#[actix_web::test]
async fn a_cookie_that_is_refused_is_cleared() {
    let api = TestApi::new().await;
    let ada = api.signed_in("ada").await;
    let ended = api.sign_in("ada").await;
    assert_eq!(api.call(with_cookie(json_post("/api/v1/auth/logout"), &ended.cookie)).await.status, 200);
    for token in ["", "x", "x.y.z", &ada.access, &ended.refresh, &format!("{}A", ada.refresh)] {
        let by_cookie = api.call(by_cookie(&format!("refresh_token={token}"))).await;
        by_cookie.assert_refused(401, "REFRESH_TOKEN_INVALID");
        assert_eq!(by_cookie.header("set-cookie"), CLEARED, "{token}");
        assert_eq!(by_cookie.header("www-authenticate"), "Bearer");
        let by_body = api.call(by_body(token)).await;
        by_body.assert_refused(401, "REFRESH_TOKEN_INVALID");
        assert_eq!(by_body.header("set-cookie"), "", "{token}");
    }
    let none = api.call(json_post(REFRESH)).await;
    none.assert_refused(401, "REFRESH_TOKEN_INVALID");
    assert_eq!(none.header("set-cookie"), "");
    assert!(none.message().contains("sign in"), "{none:?}");
    let as_access = api.get_as(&ada.refresh, "/api/v1/users/me").await;
    as_access.assert_refused(401, "UNAUTHENTICATED");
    assert_eq!(api.call(by_cookie(&ada.cookie)).await.status, 200, "the session lives");
}

/// Proves: RT-02, RT-03, RT-04
#[actix_web::test]
async fn a_token_that_was_used_gets_its_successor_for_a_moment_and_then_ends_the_session() {
    let api = TestApi::new().await;
    let ada = api.signed_in("ada").await;
    let first = api.call(by_cookie(&ada.cookie)).await;
    api.clock.advance(Duration::from_secs(10));
    let again = api.call(by_cookie(&ada.cookie)).await;
    assert_eq!(pair(&again), pair(&first));
    let access = again.data()["access_token"].as_str().unwrap().to_owned();

    api.clock.advance(Duration::from_secs(1));
    let reused = api.call(by_cookie(&ada.cookie)).await;
    reused.assert_refused(401, "REFRESH_TOKEN_REUSED");
    assert_eq!(reused.header("set-cookie"), CLEARED);
    assert_eq!(api.session(ada.session).await.revoked.unwrap().reason, RevokeReason::RefreshReused);
    api.call(by_cookie(&pair(&first))).await.assert_refused(401, "REFRESH_TOKEN_INVALID");
    api.get_as(&access, "/api/v1/users/me").await.assert_refused(401, "UNAUTHENTICATED");
    let filter = ActivityFilter::default();
    let entries = api.backend.activity_latest(&filter, PageSize::MAX).await.unwrap();
    assert_eq!(entries.iter().filter(|entry| entry.action == Action::AuthRefreshReused).count(), 1);
}

/// Proves: RT-07
#[actix_web::test]
async fn a_refresh_that_could_not_be_done_leaves_the_token_and_the_cookie_as_they_were() {
    let mut api = TestApi::new().await;
    let ada = api.signed_in("ada").await;
    let patience = api.answer_within(Duration::from_millis(20));
    let in_the_way = api.backend.begin().await.unwrap();
    let answer = api.call(by_cookie(&ada.cookie)).await;
    answer.assert_refused(503, "TIMEOUT");
    assert_eq!(answer.header("set-cookie"), "");
    drop(in_the_way);
    api.answer_within(patience);
    assert_eq!(api.session(ada.session).await.generation, 0);
    assert_eq!(api.call(by_cookie(&ada.cookie)).await.status, 200);
}

/// With more permissions than a token can name.
#[actix_web::test]
async fn a_failure_on_our_side_clears_no_cookie() {
    let api = TestApi::new().await;
    let permissions: Vec<_> = (0..100).map(|i| format!("{}:verb-{i}", "a".repeat(50))).collect();
    let permissions: Vec<_> = permissions.iter().map(String::as_str).collect();
    api.add_role("everything", &permissions).await;
    let ada = api.signed_in("ada").await;
    let id = api.session(ada.session).await.user_id;
    let set_roles = async |roles: &[String]| {
        api.state.users.set_roles(&Actor::system(), id, roles, None).await.unwrap();
    };
    set_roles(&["everything".to_owned()]).await;
    let failed = api.call(by_cookie(&ada.cookie)).await;
    failed.assert_refused(500, "INTERNAL");
    assert_eq!(failed.header("set-cookie"), "");
    set_roles(&[]).await;
    assert_eq!(api.call(by_cookie(&ada.cookie)).await.status, 200);
}

#[actix_web::test]
async fn of_two_cookies_neither_is_used_nor_touched() {
    let api = TestApi::new().await;
    let ada = api.signed_in("ada").await;
    for cookies in [
        vec![format!("{}; {}", ada.cookie, ada.cookie)],
        vec![format!("{}; refresh_token=x", ada.cookie)],
        vec![format!("refresh_token=; {}", ada.cookie)],
        vec![ada.cookie.clone(), ada.cookie.clone()],
    ] {
        let request = cookies.iter().fold(json_post(REFRESH), |request, line| with_cookie(request, line));
        let answer = api.call(request).await;
        answer.assert_refused(401, "REFRESH_TOKEN_INVALID");
        assert!(answer.message().contains("several"), "{answer:?}");
        assert_eq!(answer.header("set-cookie"), "", "{cookies:?}");
    }
    let session = api.session(ada.session).await;
    assert_eq!((session.generation, session.revoked), (0, None));
    assert_eq!(api.call(by_cookie(&ada.cookie)).await.status, 200);
}

/// Proves: IN-04, RT-01
#[actix_web::test]
async fn a_body_is_optional_and_the_token_is_nowhere_else() {
    let api = TestApi::new().await;
    let ada = api.signed_in("ada").await;
    let send = async |body: &'static str| api.call(by_cookie(&ada.cookie).set_payload(body)).await;
    for accepted in ["", "{}", r#"{"refresh_token":null}"#] {
        let answer = send(accepted).await;
        assert_eq!(answer.status, 200, "{accepted}");
        assert!(answer.header("set-cookie").contains("Max-Age=1209600"), "{accepted}");
    }
    send("{").await.assert_refused(400, "MALFORMED_REQUEST");
    send("[]").await.assert_refused(422, "VALIDATION_FAILED");
    send(r#"{"refresh_token":1}"#).await.assert_invalid("refresh_token", "wrong_type");
    send(r#"{"token":"x"}"#).await.assert_invalid("token", "unknown_field");
    send(r#"{"token_delivery":"body"}"#).await.assert_invalid("token_delivery", "unknown_field");
    let in_query = json_post(&format!("{REFRESH}?refresh_token={}", ada.refresh));
    api.call(in_query).await.assert_invalid("refresh_token", "unknown_field");
    let in_header = bearer(json_post(REFRESH), &api.refresh_token_of(ada.session).await);
    api.call(in_header).await.assert_refused(401, "REFRESH_TOKEN_INVALID");
}

#[actix_web::test]
async fn whoever_must_change_his_password_stays_signed_in() {
    let api = TestApi::new().await;
    api.unsettled("root").await;
    let root = api.sign_in("root").await;
    let renewed = api.call(by_cookie(&root.cookie)).await.data();
    let access = renewed["access_token"].as_str().unwrap();
    let me = api.get_as(access, "/api/v1/users/me").await;
    assert_eq!(me.data()["must_change_password"], true);
    api.get_as(access, "/api/v1/users").await.assert_refused(403, "PASSWORD_CHANGE_REQUIRED");
}

/// Proves: RT-12
#[actix_web::test]
async fn a_changed_password_leaves_the_cookie_of_this_session_good() {
    let api = TestApi::new().await;
    let ada = api.signed_in("ada").await;
    let other = api.sign_in("ada").await;
    let change = json!({ "current_password": PASSWORD, "new_password": "Difference-Engine-1822" });
    let request = json_post("/api/v1/users/me/password").set_json(change);
    let changed = api.call(with_cookie(bearer(request, &ada.access), &ada.cookie)).await;
    assert_eq!(keys(&changed.data()), ["access_token", "expires_in", "session_id", "token_type"]);
    assert_eq!(changed.header("set-cookie"), "");
    api.call(by_cookie(&other.cookie)).await.assert_refused(401, "REFRESH_TOKEN_INVALID");
    assert_eq!(api.call(by_cookie(&ada.cookie)).await.status, 200);
}

/// Proves: RT-13
#[actix_web::test]
async fn a_deactivated_account_is_refused_and_its_sessions_stay_dead() {
    let api = TestApi::new().await;
    let ada = api.signed_in("ada").await;
    let id = api.session(ada.session).await.user_id;
    api.state.users.deactivate_user(&Actor::system(), id, None).await.unwrap();
    for _ in 0..2 {
        let answer = api.call(by_cookie(&ada.cookie)).await;
        answer.assert_refused(401, "REFRESH_TOKEN_INVALID");
        assert_eq!(answer.header("set-cookie"), CLEARED);
        api.state.users.activate_user(&Actor::system(), id, None).await.ok();
    }
    assert_ne!(api.sign_in("ada").await.session, ada.session, "but one may sign in again");
}
