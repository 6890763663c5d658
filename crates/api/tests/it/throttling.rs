//! Too many attempts, as clients are told of them.

use std::time::Duration;

use actix_web::test::TestRequest;
use serde_json::{Value, json};
use usher_service::{Limit, Limits};

use crate::fixture::{Answer, PASSWORD, Setup, TestApi, bearer, draft, from, json_post, with_cookie};

const SIGN_UP: &str = "/api/v1/auth/signup";
const USERS: &str = "/api/v1/users";
const LOGIN: &str = "/api/v1/auth/login";
const REFRESH: &str = "/api/v1/auth/refresh";
const LOGOUT: &str = "/api/v1/auth/logout";
const HERE: &str = "192.0.2.1";
const ELSEWHERE: &str = "198.51.100.1";
const MINUTE: Duration = Duration::from_secs(60);

async fn limited(limits: Limits) -> TestApi {
    TestApi::set_up(Setup { limits, ..Setup::default() }).await
}

fn login(identifier: &str, password: &str) -> TestRequest {
    from(json_post(LOGIN).set_json(json!({ "identifier": identifier, "password": password })), HERE)
}

fn wish(path: &str, username: &str) -> TestRequest {
    from(json_post(path).set_json(json!({ "username": username, "password": PASSWORD })), HERE)
}

#[track_caller]
fn assert_throttled(answer: &Answer, wait: &str) {
    answer.assert_refused(429, "TOO_MANY_ATTEMPTS");
    assert_eq!((answer.header("retry-after"), answer.header("set-cookie")), (wait, ""), "{answer:?}");
    assert_eq!(answer.json()["error"]["details"], json!([]));
}

/// Proves: LG-08
#[actix_web::test]
async fn a_throttled_login_tells_neither_accounts_nor_passwords_apart() {
    let api = limited(Limits::default()).await;
    let ada = api.signed_in("ada").await;
    for name in ["ada", "nobody"] {
        for _ in 0..5 {
            api.call(login(name, "wrong")).await.assert_refused(401, "INVALID_CREDENTIALS");
        }
    }
    let mut answers = Vec::new();
    for (name, password) in [("ada", "wrong"), ("ada", PASSWORD), ("nobody", "wrong"), ("nobody", PASSWORD)] {
        let request = with_cookie(login(name, password).insert_header(("X-Request-Id", "same")), &ada.cookie);
        let answer = api.call(request).await;
        assert_throttled(&answer, "1");
        answers.push(answer.seen());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert!(!api.has_ended(ada.session).await);
    let elsewhere = from(login("ada", PASSWORD), ELSEWHERE);
    assert_eq!(api.call(elsewhere).await.status, 200, "others do not wait for him");
    api.clock.advance(Duration::from_secs(1));
    assert_eq!(api.call(login("ada", PASSWORD)).await.status, 200);
}

/// Proves: LG-08, LG-11
#[actix_web::test]
async fn the_current_password_cannot_be_guessed_faster_than_at_a_login() {
    let wrong_change = json!({ "current_password": "wrong", "new_password": "Difference-Engine-1822" });
    let right_change = json!({ "current_password": PASSWORD, "new_password": "Difference-Engine-1822" });
    let address = |password: &str| json!({ "email": "ada@example.org", "current_password": password });
    let change = |body: &Value| TestRequest::post().uri("/api/v1/users/me/password").set_json(body);
    let move_to = |body: &Value| TestRequest::post().uri("/api/v1/users/me/email").set_json(body);
    let leave = |body: &Value| TestRequest::delete().uri("/api/v1/users/me").set_json(body);
    let api = limited(Limits::default()).await;
    let ada = api.signed_in("ada").await;
    let send = async |request: TestRequest| {
        let request = bearer(with_cookie(from(request, HERE), &ada.cookie), &ada.access);
        api.call(request.insert_header(("X-Request-Id", "same"))).await
    };
    let (wrong, right) = (json!({ "current_password": "wrong" }), json!({ "current_password": PASSWORD }));
    let (wrong_address, right_address) = (address("wrong"), address(PASSWORD));
    for request in [leave(&wrong), change(&wrong_change), move_to(&wrong_address), leave(&wrong), change(&wrong_change)]
    {
        send(request).await.assert_refused(422, "CURRENT_PASSWORD_INCORRECT");
    }
    let mut answers = Vec::new();
    for request in [
        leave(&wrong),
        leave(&right),
        change(&wrong_change),
        change(&right_change),
        move_to(&wrong_address),
        move_to(&right_address),
    ] {
        let answer = send(request).await;
        assert_throttled(&answer, "1");
        answers.push(answer.seen());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_throttled(&api.call(login("ada", PASSWORD)).await, "1");
    assert!(!api.has_ended(ada.session).await);
    api.clock.advance(Duration::from_secs(1));
    assert_eq!(send(leave(&right)).await.status, 200);
}

/// Proves: ID-09
#[actix_web::test]
async fn sign_ups_with_a_session_and_without_count_together_for_each_network() {
    let api = limited(Limits::default()).await;
    let admin = api.admin("root").await;
    let old = api.signed_in("ada").await;
    for faulty in [wish(SIGN_UP, "x"), wish(USERS, "x"), wish(SIGN_UP, "admin")] {
        assert_eq!(api.call(faulty).await.status, 422, "what cannot be made is no try");
    }
    for (path, name, status) in
        [(SIGN_UP, "one", 201), (USERS, "two", 201), (SIGN_UP, "ada", 409), (USERS, "ada", 409), (SIGN_UP, "five", 201)]
    {
        assert_eq!(api.call(wish(path, name)).await.status, status, "{name}");
    }
    let mut answers = Vec::new();
    for (path, name) in [(SIGN_UP, "six"), (USERS, "six"), (SIGN_UP, "ada"), (USERS, "ada")] {
        let request = with_cookie(wish(path, name), &old.cookie).insert_header(("X-Request-Id", "same"));
        let answer = api.call(request).await;
        assert_throttled(&answer, "360");
        answers.push(answer.seen());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert!(!api.has_ended(old.session).await);
    assert_eq!(api.call(bearer(wish(USERS, "six"), &admin)).await.status, 201, "who may is not counted");
    assert_eq!(api.call(from(wish(SIGN_UP, "seven"), ELSEWHERE)).await.status, 201);
    api.clock.advance(Duration::from_secs(360));
    assert_eq!(api.call(wish(USERS, "eight")).await.status, 201);
    assert_throttled(&api.call(wish(SIGN_UP, "nine")).await, "360");
}

/// Proves: LG-12
#[actix_web::test]
async fn nobody_gets_more_tries_by_naming_another_address() {
    let limits = Limits { signup_network: Limit::steady(1, 1, MINUTE), ..Limits::OFF };
    for (is_trusted, status) in [(false, 429), (true, 201)] {
        let api = TestApi::built(Setup { limits, ..Setup::default() }, |state| {
            let proxies = if is_trusted { vec!["192.0.2.0/24".parse().unwrap()] } else { Vec::new() };
            state.settings.trusted_proxies = proxies;
        })
        .await;
        let named = |name: &str, hops: &str| wish(SIGN_UP, name).insert_header(("X-Forwarded-For", hops.to_owned()));
        assert_eq!(api.call(named("one", "203.0.113.1")).await.status, 201);
        assert_eq!(api.call(named("two", "198.51.100.7")).await.status, status, "{is_trusted}");
        // What stands left of the right-most untrusted hop is what the client wrote himself.
        assert_throttled(&api.call(named("three", "198.51.100.99, 203.0.113.1")).await, "60");
    }
}

/// Proves: RT-15
#[actix_web::test]
async fn a_throttled_refresh_leaves_the_cookie_and_its_session() {
    let per_session = Limits { refresh_session: Limit::steady(1, 2, MINUTE), ..Limits::OFF };
    let per_network = Limits { refresh_network: Limit::steady(1, 2, MINUTE), ..Limits::OFF };
    for (limits, other_passes) in [(per_session, true), (per_network, false)] {
        let api = limited(limits).await;
        let (mut ada, bob) = (api.signed_in("ada").await, api.signed_in("bob").await);
        let renew = |cookie: &str| from(with_cookie(json_post(REFRESH), cookie), HERE);
        for _ in 0..2 {
            let answer = api.call(renew(&ada.cookie)).await;
            assert_eq!(answer.status, 200);
            ada.cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        }
        let generation = api.session(ada.session).await.generation;
        for path in [REFRESH, "/api/v1/auth/refresh_token"] {
            assert_throttled(&api.call(renew(&ada.cookie).uri(path)).await, "60");
        }
        let body = json!({ "refresh_token": api.refresh_token_of(ada.session).await });
        assert_throttled(&api.call(from(json_post(REFRESH).set_json(body), HERE)).await, "60");
        let other = api.call(renew(&bob.cookie)).await;
        assert_eq!(other.status.as_u16(), if other_passes { 200 } else { 429 });
        let session = api.session(ada.session).await;
        assert_eq!((session.generation, session.revoked), (generation, None));
        api.clock.advance(MINUTE);
        assert_eq!(api.call(renew(&ada.cookie)).await.status, 200);
    }
}

/// Proves: RT-15
#[actix_web::test]
async fn a_throttled_logout_leaves_the_cookie_and_its_session() {
    let api = limited(Limits { refresh_network: Limit::steady(1, 1, MINUTE), ..Limits::OFF }).await;
    let (ada, bob) = (api.signed_in("ada").await, api.signed_in("bob").await);
    let leave = |cookie: &str| from(with_cookie(json_post(LOGOUT), cookie), HERE);
    assert_eq!(api.call(leave(&bob.cookie)).await.status, 200);
    assert_throttled(&api.call(leave(&ada.cookie)).await, "60");
    assert_throttled(&api.call(leave("refresh_token=x")).await, "60");
    assert!(!api.has_ended(ada.session).await);
    assert_eq!(api.call(bearer(from(json_post(LOGOUT), HERE), &ada.access)).await.status, 200);
    assert!(api.has_ended(ada.session).await, "an access token cannot be guessed");
}

#[actix_web::test]
async fn who_comes_from_nowhere_that_is_known_is_told_when_to_come_back_too() {
    let api = limited(Limits { login_account: Limit::waits(1, MINUTE, MINUTE, MINUTE), ..Limits::OFF }).await;
    api.make(draft("ada")).await;
    let body = json!({ "identifier": "ada", "password": "wrong" });
    api.post(LOGIN, &body).await.assert_refused(401, "INVALID_CREDENTIALS");
    for path in [LOGIN, "/api/v1/users/login"] {
        assert_throttled(&api.post(path, &body).await, "60");
    }
}
