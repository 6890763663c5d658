use std::time::Duration;

use actix_web::test::TestRequest;
use serde_json::{Value, json};
use usher_domain::{Actor, RevokeReason, SessionId, UserId};

use crate::fixture::{PASSWORD, TestApi, bearer, draft, from, json_post, keys, with_cookie};

const MINE: &str = "/api/v1/users/me/sessions";

fn of(user: impl std::fmt::Display) -> String {
    format!("/api/v1/users/{user}/sessions")
}

/// The ids of a list, and which of them is the current one.
fn listed(page: &Value) -> Vec<(String, bool)> {
    assert_eq!((keys(page), &page["next_cursor"]), (vec!["items", "next_cursor"], &Value::Null));
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| (item["id"].as_str().unwrap().to_owned(), item["current"] == true)).collect()
}

async fn owner(api: &TestApi, session: SessionId) -> UserId {
    api.session(session).await.user_id
}

/// Proves: RT-11
#[actix_web::test]
async fn a_session_shows_where_and_when_one_signed_in() {
    let api = TestApi::new().await;
    api.make(draft("ada")).await;
    let login = json_post("/api/v1/auth/login").set_json(json!({ "identifier": "ada", "password": PASSWORD }));
    let login = from(login, "203.0.113.9").insert_header(("User-Agent", "Firefox/140.0"));
    let login = api.call(login).await;
    let cookie = login.header("set-cookie").split(';').next().unwrap();
    api.clock.advance(Duration::from_secs(90));
    let renewed = api.call(with_cookie(json_post("/api/v1/auth/refresh"), cookie)).await.data();
    let page = api.get_as(renewed["access_token"].as_str().unwrap(), MINE).await.data();
    assert_eq!(
        page["items"],
        json!([{
            "id": login.data()["session_id"],
            "created_at": "2030-01-01T12:00:00.000000Z",
            "last_used_at": "2030-01-01T12:01:30.000000Z",
            "expires_at": "2030-01-31T12:00:00.000000Z",
            "ip": "203.0.113.9",
            "user_agent": "Firefox/140.0",
            "current": true,
        }])
    );
    let bare = api.call(from(TestRequest::post().uri("/api/v1/auth/login"), "2001:db8::1").set_json(json!({
        "identifier": "ada", "password": PASSWORD
    })));
    let token = bare.await.data()["access_token"].as_str().unwrap().to_owned();
    let page = api.get_as(&token, MINE).await.data();
    assert_eq!((&page["items"][0]["ip"], &page["items"][0]["user_agent"]), (&json!("2001:db8::1"), &Value::Null));
}

/// Proves: RT-11
#[actix_web::test]
async fn everybody_sees_his_own_live_sessions_the_latest_used_first() {
    let api = TestApi::new().await;
    let oldest = api.signed_in("ada").await;
    api.signed_in("bob").await;
    let mut sessions = vec![(oldest.session.to_string(), false)];
    for current in [false, true] {
        api.clock.advance(Duration::from_secs(60));
        sessions.insert(0, (api.sign_in("ada").await.session.to_string(), current));
    }
    let ended = api.sign_in("ada").await;
    api.call(with_cookie(json_post("/api/v1/auth/logout"), &ended.cookie)).await;
    let access = {
        let current = sessions[0].0.parse().unwrap();
        let body = json!({ "refresh_token": api.refresh_token_of(current).await });
        api.post("/api/v1/auth/refresh", &body).await.data()["access_token"].as_str().unwrap().to_owned()
    };
    let user = owner(&api, oldest.session).await;
    for path in [MINE.to_owned(), format!("{MINE}/"), of(user)] {
        assert_eq!(listed(&api.get_as(&access, &path).await.data()), sessions, "{path}");
    }
    api.get_as(&access, &format!("{MINE}?limit=1")).await.assert_invalid("limit", "unknown_field");
    api.get(MINE).await.assert_refused(401, "UNAUTHENTICATED");
}

/// Proves: RT-11
#[actix_web::test]
async fn one_ends_ones_own_sessions_one_by_one_and_the_current_one_too() {
    let api = TestApi::new().await;
    let (here, there) = (api.signed_in("ada").await, api.sign_in("ada").await);
    let bob = api.signed_in("bob").await;
    let end = async |id: &str| api.delete_as(&here.access, &format!("{MINE}/{id}")).await;

    assert_eq!(end(&there.session.to_string()).await.data(), Value::Null);
    assert_eq!(api.session(there.session).await.revoked.unwrap().reason, RevokeReason::EndedByOwner);
    api.get_as(&there.access, MINE).await.assert_refused(401, "UNAUTHENTICATED");
    let refresh = with_cookie(json_post("/api/v1/auth/refresh"), &there.cookie);
    api.call(refresh).await.assert_refused(401, "REFRESH_TOKEN_INVALID");

    let missing = SessionId::generate(&*api.state.environment.ids).to_string();
    for not_there in [there.session.to_string(), bob.session.to_string(), missing, "x".to_owned(), "current".to_owned()]
    {
        end(&not_there).await.assert_refused(404, "NOT_FOUND");
    }
    assert!(!api.has_ended(bob.session).await);
    assert_eq!(end(&here.session.to_string()).await.data(), Value::Null);
    api.get_as(&here.access, MINE).await.assert_refused(401, "UNAUTHENTICATED");
}

/// Proves: AZ-02, RT-11
#[actix_web::test]
async fn others_sessions_need_permissions_that_are_asked_for_first() {
    let api = TestApi::new().await;
    let ada = api.signed_in("ada").await;
    let user = owner(&api, ada.session).await;
    let nobody = UserId::generate(&*api.state.environment.ids);
    let bob = api.user("bob").await;
    let reader = api.with_permissions("reader", &["users:read"]).await;
    let writer = api.with_permissions("writer", &["users:write"]).await;
    for id in [user, nobody] {
        api.get_as(&bob, &of(id)).await.assert_refused(403, "FORBIDDEN");
        api.delete_as(&bob, &of(id)).await.assert_refused(403, "FORBIDDEN");
        api.get_as(&writer, &of(id)).await.assert_refused(403, "FORBIDDEN");
        api.delete_as(&reader, &of(id)).await.assert_refused(403, "FORBIDDEN");
    }
    api.get_as(&reader, &of(nobody)).await.assert_refused(404, "NOT_FOUND");
    api.delete_as(&writer, &of(nobody)).await.assert_refused(404, "NOT_FOUND");
    api.get_as(&reader, &of("x")).await.assert_refused(404, "NOT_FOUND");
    assert_eq!(listed(&api.get_as(&reader, &of(user)).await.data()), [(ada.session.to_string(), false)]);
    assert!(!api.has_ended(ada.session).await);
    api.delete_as(&ada.access, &of(user)).await.assert_refused(403, "FORBIDDEN");

    let admin = api.admin("root").await;
    let root = api.state.auth.authenticate(&admin, <_>::default()).await.unwrap().user_id().unwrap();
    api.delete_as(&writer, &of(root)).await.assert_refused(403, "FORBIDDEN");
    assert_eq!(api.get_as(&admin, MINE).await.status, 200, "who may do more is not signed out");
}

/// Proves: JW-17, RT-11
#[actix_web::test]
async fn an_administrator_signs_somebody_out_everywhere() {
    let api = TestApi::new().await;
    let admin = api.admin("root").await;
    let (one, other) = (api.signed_in("ada").await, api.sign_in("ada").await);
    let user = owner(&api, one.session).await;
    for time in ["the first time", "once more"] {
        let answer = api.delete_as(&admin, &of(user)).await;
        assert_eq!((answer.status.as_u16(), answer.data()), (200, Value::Null), "{time}");
    }
    for session in [&one, &other] {
        assert_eq!(api.session(session.session).await.revoked.unwrap().reason, RevokeReason::EndedByAdmin);
        api.get_as(&session.access, MINE).await.assert_refused(401, "UNAUTHENTICATED");
        let refresh = with_cookie(json_post("/api/v1/auth/refresh"), &session.cookie);
        api.call(refresh).await.assert_refused(401, "REFRESH_TOKEN_INVALID");
    }
    assert_eq!(listed(&api.get_as(&admin, &of(user)).await.data()), []);
    assert_eq!(api.get_as(&admin, MINE).await.status, 200, "his own go on");
    let again = api.sign_in("ada").await;
    assert_eq!(api.get_as(&again.access, MINE).await.status, 200);
}

#[actix_web::test]
async fn sessions_of_deleted_accounts_are_for_those_who_may_see_them() {
    let api = TestApi::new().await;
    let ada = api.signed_in("ada").await;
    let user = owner(&api, ada.session).await;
    let reader = api.with_permissions("reader", &["users:read"]).await;
    let keeper = api.with_permissions("keeper", &["users:read", "users:delete"]).await;
    api.state.users.delete_user(&Actor::system(), user, None).await.unwrap();
    api.get_as(&reader, &of(user)).await.assert_refused(404, "NOT_FOUND");
    assert_eq!(listed(&api.get_as(&keeper, &of(user)).await.data()), []);
}

#[actix_web::test]
async fn sessions_are_shut_until_the_password_is_changed() {
    let api = TestApi::new().await;
    let token = api.unsettled("root").await;
    let id = SessionId::generate(&*api.state.environment.ids);
    for request in [
        TestRequest::get().uri(MINE),
        TestRequest::delete().uri(&format!("{MINE}/{id}")),
        TestRequest::get().uri(&of(id)),
        TestRequest::delete().uri(&of(id)),
    ] {
        api.call(bearer(request, &token)).await.assert_refused(403, "PASSWORD_CHANGE_REQUIRED");
    }
}
