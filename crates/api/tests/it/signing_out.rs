use std::time::Duration;

use actix_web::test::TestRequest;
use serde_json::{Value, json};
use usher_storage::UsersStorageBackend;

use crate::fixture::{Answer, SignedIn, TestApi, bearer, json_post, with_cookie};

const LOGOUT: &str = "/api/v1/auth/logout";
const CLEARED: &str = "refresh_token=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0";

fn logout() -> TestRequest {
    json_post(LOGOUT)
}

/// Status, header fields and bytes, but for the id of the request.
fn essence(answer: &Answer) -> String {
    let mut headers: Vec<_> = answer.headers.iter().filter(|(name, _)| name.as_str() != "x-request-id").collect();
    headers.sort_by_key(|(name, _)| name.as_str());
    format!("{} {headers:?} {}", answer.status, answer.text())
}

#[track_caller]
fn assert_signed_out(answer: &Answer, set_cookie: &str) {
    assert_eq!((answer.status.as_u16(), answer.data()), (200, Value::Null), "{answer:?}");
    assert_eq!(answer.header("set-cookie"), set_cookie, "{answer:?}");
}

/// Proves: RT-10
#[actix_web::test]
async fn whatever_names_the_session_ends_it_and_the_answer_is_always_the_same() {
    let api = TestApi::new().await;
    api.user("ada").await;
    let ways: [fn(TestRequest, &SignedIn) -> TestRequest; 5] = [
        |request, ada| with_cookie(request, &ada.cookie),
        |request, ada| bearer(request, &ada.access),
        |request, ada| request.set_json(json!({ "refresh_token": ada.refresh })),
        |request, ada| with_cookie(bearer(request, &ada.access), &ada.cookie),
        |request, ada| bearer(request, "no.such.token").set_json(json!({ "refresh_token": ada.refresh })),
    ];
    let nobody = essence(&api.call(logout()).await);
    for (way, present) in ways.iter().enumerate() {
        let ada = api.sign_in("ada").await;
        for time in ["the first time", "once more"] {
            let answer = api.call(present(logout(), &ada)).await;
            assert_signed_out(&answer, CLEARED);
            assert_eq!(essence(&answer), nobody, "{way}, {time}");
            assert!(api.has_ended(ada.session).await, "{way}");
        }
        api.get_as(&ada.access, "/api/v1/users/me").await.assert_refused(401, "UNAUTHENTICATED");
        let refresh = with_cookie(json_post("/api/v1/auth/refresh"), &ada.cookie);
        api.call(refresh).await.assert_refused(401, "REFRESH_TOKEN_INVALID");
    }
}

/// Proves: RT-10
#[actix_web::test]
async fn a_token_that_is_no_good_is_no_error() {
    let api = TestApi::new().await;
    let ada = api.signed_in("ada").await;
    for request in [
        bearer(logout(), "x"),
        bearer(logout(), &ada.refresh),
        logout().insert_header(("Authorization", "Basic YTpi")),
        logout().insert_header(("Authorization", "")),
        bearer(logout(), &ada.access).append_header(("Authorization", "Bearer x")),
        with_cookie(logout(), "refresh_token=x.y.z"),
        with_cookie(logout(), &format!("refresh_token={}", ada.access)),
        logout().set_json(json!({ "refresh_token": "" })),
        logout().set_json(json!({ "refresh_token": ada.access, "scope": "all" })),
    ] {
        assert_signed_out(&api.call(request).await, CLEARED);
        assert!(!api.has_ended(ada.session).await);
    }
    api.clock.advance(Duration::from_secs(3600));
    let expired = with_cookie(bearer(logout(), &ada.access), &ada.cookie);
    assert_signed_out(&api.call(expired).await, CLEARED);
    assert!(api.has_ended(ada.session).await, "by the cookie");
}

/// Proves: RT-10, RT-11
#[actix_web::test]
async fn the_scope_says_which_sessions_end_and_a_session_that_stays_keeps_its_cookie() {
    let api = TestApi::new().await;
    let bob = api.signed_in("bob").await;
    api.user("ada").await;
    for (body, others_end, cookie) in [
        (json!({}), false, CLEARED),
        (json!({ "scope": "session" }), false, CLEARED),
        (json!({ "scope": "others" }), true, ""),
        (json!({ "scope": "all" }), true, CLEARED),
    ] {
        for with_token in [true, false] {
            let (here, there) = (api.sign_in("ada").await, api.sign_in("ada").await);
            let request = with_cookie(logout().set_json(&body), &here.cookie);
            let request = if with_token { bearer(request, &here.access) } else { request };
            assert_signed_out(&api.call(request).await, cookie);
            assert_eq!(api.has_ended(here.session).await, !cookie.is_empty(), "{body}");
            assert_eq!(api.has_ended(there.session).await, others_end, "{body}");
            assert!(!api.has_ended(bob.session).await, "nobody else's");
            let nobody = logout().set_json(&body);
            assert_signed_out(&api.call(nobody).await, cookie);
        }
    }
}

#[actix_web::test]
async fn whoever_must_change_his_password_can_sign_out() {
    let api = TestApi::new().await;
    api.unsettled("root").await;
    for scope in ["session", "others", "all"] {
        let root = api.sign_in("root").await;
        let request = logout().set_json(json!({ "scope": scope }));
        assert_eq!(api.call(bearer(request, &root.access)).await.status, 200);
        assert_eq!(api.has_ended(root.session).await, scope != "others");
    }
}

/// Two people at one browser, say: both are gone.
#[actix_web::test]
async fn a_cookie_beside_an_access_token_ends_its_session_as_well() {
    let api = TestApi::new().await;
    let (ada, bob) = (api.signed_in("ada").await, api.signed_in("bob").await);
    let everywhere = api.sign_in("bob").await;
    for (scope, cookie) in [("session", &bob.cookie), ("all", &everywhere.cookie)] {
        let request = logout().set_json(json!({ "scope": scope }));
        let ada = api.sign_in("ada").await;
        let answer = api.call(with_cookie(bearer(request, &ada.access), cookie)).await;
        assert_signed_out(&answer, CLEARED);
        assert!(api.has_ended(ada.session).await, "{scope}");
    }
    assert!(api.has_ended(bob.session).await && api.has_ended(everywhere.session).await);
    let request = TestRequest::post().uri(LOGOUT);
    let bob = api.sign_in("bob").await;
    assert_signed_out(&api.call(with_cookie(bearer(request, &ada.access), &bob.cookie)).await, CLEARED);
    assert!(api.has_ended(bob.session).await, "also without a body");
}

/// Proves: CK-04
#[actix_web::test]
async fn a_cookie_beside_a_token_is_left_alone_where_another_site_could_have_had_it_sent() {
    let api = TestApi::new().await;
    let bob = api.signed_in("bob").await;
    api.user("ada").await;
    for (name, value) in [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
    ] {
        let ada = api.sign_in("ada").await;
        let by_access = bearer(logout(), &ada.access);
        let by_refresh = logout().set_json(json!({ "refresh_token": api.sign_in("ada").await.refresh }));
        for request in [by_access, by_refresh] {
            let answer = api.call(with_cookie(request.insert_header((name, value)), &bob.cookie)).await;
            assert_signed_out(&answer, "");
        }
        assert!(api.has_ended(ada.session).await, "{name} {value}");
        assert!(!api.has_ended(bob.session).await, "{name} {value}");
    }
}

#[actix_web::test]
async fn of_two_cookies_neither_is_used_nor_touched() {
    let api = TestApi::new().await;
    let (ada, bob) = (api.signed_in("ada").await, api.signed_in("bob").await);
    let two = |request| with_cookie(with_cookie(request, &ada.cookie), &bob.cookie);
    let alone = api.call(two(logout())).await;
    alone.assert_refused(401, "REFRESH_TOKEN_INVALID");
    assert_eq!(alone.header("set-cookie"), "");
    assert!(!api.has_ended(ada.session).await && !api.has_ended(bob.session).await);
    assert_signed_out(&api.call(two(bearer(logout(), &ada.access))).await, "");
    assert!(api.has_ended(ada.session).await && !api.has_ended(bob.session).await);
}

#[actix_web::test]
async fn a_token_in_the_body_wins_over_the_cookie() {
    let api = TestApi::new().await;
    let (ada, bob) = (api.signed_in("ada").await, api.signed_in("bob").await);
    let request = logout().set_json(json!({ "refresh_token": ada.refresh }));
    assert_signed_out(&api.call(with_cookie(request, &bob.cookie)).await, CLEARED);
    assert!(api.has_ended(ada.session).await && !api.has_ended(bob.session).await);
}

#[actix_web::test]
async fn a_logout_that_could_not_be_done_says_so_and_clears_nothing() {
    let mut api = TestApi::new().await;
    let ada = api.signed_in("ada").await;
    let patience = api.answer_within(Duration::from_millis(20));
    let in_the_way = api.backend.begin().await.unwrap();
    for request in [with_cookie(logout(), &ada.cookie), bearer(logout(), &ada.access)] {
        let answer = api.call(request).await;
        answer.assert_refused(503, "TIMEOUT");
        assert_eq!(answer.header("set-cookie"), "");
    }
    drop(in_the_way);
    api.answer_within(patience);
    assert!(!api.has_ended(ada.session).await);
    assert_signed_out(&api.call(with_cookie(logout(), &ada.cookie)).await, CLEARED);
}

/// Proves: IN-04
#[actix_web::test]
async fn a_malformed_request_signs_nobody_out() {
    let api = TestApi::new().await;
    let ada = api.signed_in("ada").await;
    let send = async |body: &'static str| {
        let answer = api.call(with_cookie(bearer(logout(), &ada.access), &ada.cookie).set_payload(body)).await;
        assert_eq!(answer.header("set-cookie"), "", "{body}");
        answer
    };
    send("{").await.assert_refused(400, "MALFORMED_REQUEST");
    send("[]").await.assert_refused(422, "VALIDATION_FAILED");
    send(r#"{"everything":true}"#).await.assert_invalid("everything", "unknown_field");
    send(r#"{"refresh_token":1}"#).await.assert_invalid("refresh_token", "wrong_type");
    let unknown = send(r#"{"scope":"everybody"}"#).await;
    unknown.assert_invalid("scope", "unknown_value");
    assert_eq!(unknown.json()["error"]["details"][0]["message"], "must be one of session, others, all");
    for mistyped in [r#"{"scope":null}"#, r#"{"scope":{"all":null}}"#] {
        send(mistyped).await.assert_invalid("scope", "wrong_type");
    }
    let form = TestRequest::post().uri(LOGOUT).set_form([("scope", "all")]);
    api.call(bearer(form, &ada.access)).await.assert_refused(415, "UNSUPPORTED_MEDIA_TYPE");
    let in_query = bearer(json_post(&format!("{LOGOUT}?scope=all")), &ada.access);
    api.call(in_query).await.assert_invalid("scope", "unknown_field");
    assert!(!api.has_ended(ada.session).await);
    for accepted in ["", "{}", r#"{"refresh_token":null}"#] {
        let request = bearer(logout(), "x").set_payload(accepted);
        assert_signed_out(&api.call(request).await, CLEARED);
    }
}
