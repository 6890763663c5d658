//! The cookie of the refresh token, as browsers are given it and as they send it back.

use std::time::Duration;

use actix_web::http::header::HeaderValue;
use serde_json::json;

use crate::fixture::{Answer, PASSWORD, TestApi, draft, json_post, with_cookie};

const LOGIN: &str = "/api/v1/auth/login";
const REFRESH: &str = "/api/v1/auth/refresh";
const LOGOUT: &str = "/api/v1/auth/logout";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn api_at(public_url: &str) -> TestApi {
    let api = TestApi::with(|state| state.settings.public_url = public_url.to_owned()).await;
    api.make(draft("ada")).await;
    api
}

/// Every cookie that a session is given, from its beginning to its end, with the tokens that they should
/// hold.
async fn cookies_of_a_life(api: &TestApi) -> Vec<(String, String)> {
    let login = api.post(LOGIN, &json!({ "identifier": "ada", "password": PASSWORD })).await;
    let session = login.data()["session_id"].as_str().unwrap().parse().unwrap();
    let first = (login.header("set-cookie").to_owned(), api.refresh_token_of(session).await);
    let pair = first.0.split(';').next().unwrap();
    let refreshed = api.call(with_cookie(json_post(REFRESH), pair)).await;
    let second = (refreshed.header("set-cookie").to_owned(), api.refresh_token_of(session).await);
    let pair = second.0.split(';').next().unwrap();
    let left = api.call(with_cookie(json_post(LOGOUT), pair)).await;
    let refused = api.call(with_cookie(json_post(REFRESH), pair)).await;
    refused.assert_refused(401, "REFRESH_TOKEN_INVALID");
    for answer in [&login, &refreshed, &left, &refused] {
        assert!(answer.headers.get("set-cookie").unwrap().is_sensitive(), "it does not show itself");
    }
    let cleared = [&left, &refused].map(|answer| (answer.header("set-cookie").to_owned(), String::new()));
    assert_ne!(first.1, second.1);
    [first, second].into_iter().chain(cleared).collect()
}

/// Proves: CK-01, RT-10
#[actix_web::test]
async fn over_https_the_cookie_is_bound_to_the_host_and_cleared_as_it_was_set() {
    let api = api_at("https://id.example.org").await;
    let cookies = cookies_of_a_life(&api).await;
    for ((cookie, token), seconds) in cookies.iter().zip([1_209_600, 1_209_600, 0, 0]) {
        let expected =
            format!("__Host-refresh_token={token}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}");
        assert_eq!(*cookie, expected);
        assert!(cookie.len() < 4096 / 4, "{}", cookie.len());
    }
}

/// Proves: CK-02, RT-10
#[actix_web::test]
async fn over_plain_http_the_cookie_has_neither_the_prefix_nor_secure() {
    let api = api_at("http://127.0.0.1:8080").await;
    let cookies = cookies_of_a_life(&api).await;
    for ((cookie, token), seconds) in cookies.iter().zip([1_209_600, 1_209_600, 0, 0]) {
        assert_eq!(*cookie, format!("refresh_token={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}"));
    }
}

/// What decides is where clients find the service, not how this request came in.
///
/// Proves: CK-02
#[actix_web::test]
async fn no_header_of_a_request_makes_the_cookie_a_plain_one() {
    let api = api_at("https://id.example.org").await;
    let login = json_post(LOGIN)
        .insert_header(("X-Forwarded-Proto", "http"))
        .insert_header(("Forwarded", "proto=http"))
        .insert_header(("Host", "127.0.0.1"))
        .set_json(json!({ "identifier": "ada", "password": PASSWORD }));
    let cookie = api.call(login).await.header("set-cookie").to_owned();
    assert!(cookie.starts_with("__Host-refresh_token=") && cookie.contains("; Secure;"), "{cookie}");
}

/// Proves: CK-01
#[actix_web::test]
async fn the_cookie_lives_exactly_as_long_as_its_token() {
    let api = TestApi::new().await;
    let mut pair = api.signed_in("ada").await.cookie;
    let three = Duration::from_secs(3);
    for (wait, days_left) in [(DAY * 10, 14), (DAY * 10 - three, 10), (DAY * 9 - three, 1)] {
        api.clock.advance(wait);
        let answer = api.call(with_cookie(json_post(REFRESH), &pair)).await;
        assert_max_age(&answer, days_left * DAY.as_secs());
        api.clock.advance(three);
        let repeated = api.call(with_cookie(json_post(REFRESH), &pair)).await;
        assert_max_age(&repeated, days_left * DAY.as_secs() - 3);
        pair = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        assert!(repeated.header("set-cookie").starts_with(&pair), "the same successor");
    }
    api.clock.advance(DAY);
    api.call(with_cookie(json_post(REFRESH), &pair)).await.assert_refused(401, "REFRESH_TOKEN_INVALID");
}

#[track_caller]
fn assert_max_age(answer: &Answer, seconds: u64) {
    assert_eq!(answer.data()["refresh_expires_in"], seconds, "{answer:?}");
    let cookie = answer.header("set-cookie");
    assert!(cookie.ends_with(&format!("; Max-Age={seconds}")), "{cookie}");
}

#[actix_web::test]
async fn the_cookie_is_found_among_others_and_nothing_else_is_taken_for_it() {
    for (public_url, name, other) in [
        ("https://id.example.org", "__Host-refresh_token", "refresh_token"),
        ("http://127.0.0.1:8080", "refresh_token", "__Host-refresh_token"),
    ] {
        let api = api_at(public_url).await;
        let token = api.sign_in("ada").await.refresh;
        let refresh = async |lines: &[&[u8]]| {
            let request = lines.iter().fold(json_post(REFRESH), |request, line| {
                request.append_header(("Cookie", HeaderValue::from_bytes(line).unwrap()))
            });
            api.call(request).await
        };
        let status = async |text: &str| refresh(&[text.as_bytes()]).await.status.as_u16();
        for found in [
            format!("{name}={token}"),
            format!("a=b; {name}={token}; c=d"),
            format!("a=b;{name}={token};"),
            format!(";; a; =b; \t{name}={token} ; x=\"y"),
            format!("{name}={token}; {other}=x; {name}_2=x; x{name}=x"),
        ] {
            assert_eq!(status(&found).await, 200, "{found}");
        }
        let pair = format!("{name}={token}");
        assert_eq!(refresh(&[b"a=b", pair.as_bytes()]).await.status, 200, "on a line of its own");
        let foreign = [b"a=\xff\xfe; ".as_slice(), pair.as_bytes()].concat();
        assert_eq!(refresh(&[&foreign]).await.status, 200, "beside one that is not UTF-8");
        for none in [
            format!("{other}={token}"),
            format!("{}={token}", name.to_uppercase()),
            format!("{}={token}", name.replace('_', "%5F")),
            format!("\u{2000}{name}={token}"),
            format!("\u{a0}{name}={token}"),
            format!("x{name}={token}"),
            name.to_owned(),
        ] {
            let answer = refresh(&[none.as_bytes()]).await;
            answer.assert_refused(401, "REFRESH_TOKEN_INVALID");
            assert_eq!(answer.header("set-cookie"), "", "there was none: {none}");
        }
        for not_the_token in [format!("{name}="), format!("{name}=\"{token}\""), format!("{name}={token}%00")] {
            let answer = refresh(&[not_the_token.as_bytes()]).await;
            answer.assert_refused(401, "REFRESH_TOKEN_INVALID");
            assert!(answer.header("set-cookie").ends_with("; Max-Age=0"), "{not_the_token}");
        }
    }
}
