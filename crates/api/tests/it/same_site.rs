//! What a page of another site can have a browser do: nothing.

use actix_web::{http::Method, test::TestRequest};
use serde_json::{Value, json};
use usher_domain::{ActivityFilter, PageSize};
use usher_storage::ActivityQueries;

use crate::fixture::{Answer, PASSWORD, SignedIn, TestApi, bearer, json_post, with_cookie};

const SIGN_UP: &str = "/api/v1/auth/signup";
const LOGIN: &str = "/api/v1/auth/login";
const REFRESH: &str = "/api/v1/auth/refresh";
const LOGOUT: &str = "/api/v1/auth/logout";
const OURS: &str = "https://id.example.org";
const LISTED: &str = "https://app.example.org";

type Fields = &'static [(&'static str, &'static str)];

/// What browsers and others say of where a request came from, and whether it passes.
const TABLE: &[(Fields, bool)] = &[
    (&[], true),
    (&[("Sec-Fetch-Site", "same-origin")], true),
    (&[("Sec-Fetch-Site", "none")], true),
    (&[("Sec-Fetch-Site", "same-site")], false),
    (&[("Sec-Fetch-Site", "cross-site")], false),
    // Field names have no case, these values have.
    (&[("sec-fetch-site", "same-origin")], true),
    (&[("SEC-FETCH-SITE", "cross-site")], false),
    (&[("Sec-Fetch-Site", "Same-Origin")], false),
    (&[("Sec-Fetch-Site", "NONE")], false),
    (&[("Sec-Fetch-Site", "")], false),
    (&[("Sec-Fetch-Site", "same-origin;x")], false),
    (&[("Sec-Fetch-Site", "\"same-origin\"")], false),
    (&[("Sec-Fetch-Site", "something-new")], false),
    (&[("Sec-Fetch-Site", "same-origin, none")], false),
    (&[("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "same-origin")], false),
    (&[("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")], false),
    (&[("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-origin")], false),
    // It decides where it is there.
    (&[("Sec-Fetch-Site", "same-origin"), ("Origin", OURS)], true),
    (&[("Sec-Fetch-Site", "same-origin"), ("Origin", "https://evil.example")], true),
    (&[("Sec-Fetch-Site", "none"), ("Origin", "null")], true),
    (&[("Sec-Fetch-Site", "cross-site"), ("Origin", OURS)], false),
    (&[("Sec-Fetch-Site", "cross-site"), ("Origin", LISTED)], false),
    (&[("Sec-Fetch-Site", ""), ("Origin", OURS)], false),
    // Neighbours must be listed.
    (&[("Sec-Fetch-Site", "same-site"), ("Origin", LISTED)], true),
    (&[("Sec-Fetch-Site", "same-site"), ("Origin", OURS)], false),
    (&[("Sec-Fetch-Site", "same-site"), ("Origin", "https://blog.example.org")], false),
    (&[("Sec-Fetch-Site", "same-site"), ("Origin", "null")], false),
    (&[("Sec-Fetch-Site", "same-site"), ("Origin", "")], false),
    (&[("Sec-Fetch-Site", "same-site"), ("Origin", "https://APP.example.org")], false),
    (&[("Sec-Fetch-Site", "same-site"), ("Origin", LISTED), ("Origin", LISTED)], false),
    (&[("Sec-Fetch-Site", "Same-Site"), ("Origin", LISTED)], false),
    // Older browsers say only the origin.
    (&[("Origin", OURS)], true),
    (&[("origin", LISTED)], true),
    (&[("Origin", "https://evil.example")], false),
    (&[("Origin", "https://id.example.org.evil.example")], false),
    (&[("Origin", "https://id.example.org:444")], false),
    (&[("Origin", "https://id.example.org/")], false),
    (&[("Origin", "https://ID.example.org")], false),
    (&[("Origin", "http://id.example.org")], false),
    (&[("Origin", "https://id.example.or")], false),
    (&[("Origin", "id.example.org")], false),
    (&[("Origin", "null")], false),
    (&[("Origin", "")], false),
    (&[("Origin", OURS), ("Origin", OURS)], false),
    (&[("Origin", OURS), ("Origin", "https://evil.example")], false),
    // Nobody else is asked.
    (&[("Referer", "https://evil.example/"), ("Host", "evil.example"), ("X-Forwarded-Host", "evil.example")], true),
    (&[("Origin", "https://evil.example"), ("Host", "evil.example"), ("Referer", OURS)], false),
];

async fn api() -> TestApi {
    TestApi::with(|state| {
        state.settings.public_url = OURS.to_owned();
        state.settings.cors_origins = vec![LISTED.to_owned()];
    })
    .await
}

fn with(request: TestRequest, fields: &[(&str, &str)]) -> TestRequest {
    fields.iter().fold(request, |request, field| request.append_header(*field))
}

fn credentials(delivery: &str) -> Value {
    json!({ "identifier": "ada", "password": PASSWORD, "token_delivery": delivery })
}

async fn entries(api: &TestApi) -> usize {
    api.backend.activity_latest(&ActivityFilter::default(), PageSize::MAX).await.unwrap().len()
}

#[track_caller]
fn assert_cross_site(answer: &Answer) {
    answer.assert_refused(403, "CROSS_SITE_REQUEST");
    assert_eq!(answer.header("set-cookie"), "", "{answer:?}");
}

/// Proves: CK-04
#[actix_web::test]
async fn a_refresh_by_cookie_passes_from_our_own_pages_and_listed_ones_only() {
    let api = api().await;
    let ada = api.signed_in("ada").await;
    for (fields, passes) in TABLE {
        for path in [REFRESH, "/api/v1/auth/refresh_token"] {
            let before = api.session(ada.session).await;
            let cookie = format!("__Host-refresh_token={}", api.refresh_token_of(ada.session).await);
            let answer = api.call(with_cookie(with(json_post(path), fields), &cookie)).await;
            if *passes {
                assert_eq!(answer.status, 200, "{fields:?}: {answer:?}");
            } else {
                assert_cross_site(&answer);
            }
            let generation = before.generation + u32::from(*passes);
            assert_eq!(api.session(ada.session).await.generation, generation, "{fields:?}");
        }
    }
}

/// Proves: CK-04
#[actix_web::test]
async fn a_logout_by_cookie_or_by_nothing_passes_from_our_own_pages_and_listed_ones_only() {
    let api = api().await;
    let mut ada = api.signed_in("ada").await;
    for (fields, passes) in TABLE {
        let answer = api.call(with_cookie(with(json_post(LOGOUT), fields), &ada.cookie)).await;
        let without = api.call(with(json_post(LOGOUT), fields)).await;
        assert_eq!(api.has_ended(ada.session).await, *passes, "{fields:?}");
        for answer in [answer, without] {
            if *passes {
                assert!(answer.header("set-cookie").ends_with("Max-Age=0"), "{fields:?}: {answer:?}");
            } else {
                assert_cross_site(&answer);
            }
        }
        if *passes {
            ada = api.sign_in("ada").await;
        }
    }
}

/// Somebody signed in as somebody else without his knowledge would work for him.
///
/// Proves: CK-04
#[actix_web::test]
async fn a_login_that_sets_a_cookie_passes_from_our_own_pages_and_listed_ones_only() {
    let api = api().await;
    let old = api.signed_in("ada").await;
    for (fields, passes) in TABLE.iter().filter(|(_, passes)| !passes).chain(TABLE.iter().filter(|(_, passes)| *passes))
    {
        for path in [LOGIN, "/api/v1/users/login"] {
            let request = with(json_post(path).set_json(credentials("cookie")), fields);
            let answer = api.call(with_cookie(request, &old.cookie)).await;
            if *passes {
                assert_eq!(answer.status, 200, "{fields:?}: {answer:?}");
            } else {
                assert_cross_site(&answer);
                assert!(!api.has_ended(old.session).await);
            }
        }
    }
    assert!(api.has_ended(old.session).await, "by the first login that passed");
}

/// Proves: CK-04
#[actix_web::test]
async fn a_sign_up_that_sets_a_cookie_passes_from_our_own_pages_and_listed_ones_only() {
    let api = api().await;
    let old = api.signed_in("ada").await;
    for (i, (fields, passes)) in TABLE.iter().enumerate() {
        let kept = if *passes { api.sign_in("ada").await } else { old.clone() };
        let wish = |delivery: &str| {
            let username = format!("by-{delivery}-{i}");
            let body = json!({ "username": username, "password": PASSWORD, "token_delivery": delivery });
            with_cookie(with(json_post(SIGN_UP).set_json(body), fields), &kept.cookie)
        };
        let by_body = api.call(wish("body")).await;
        assert_eq!((by_body.status.as_u16(), by_body.header("set-cookie")), (201, ""), "{fields:?}");
        assert_eq!(api.has_ended(kept.session).await, *passes, "{fields:?}: only a cookie that passes is used");
        let answer = api.call(wish("cookie")).await;
        if *passes {
            assert_eq!(answer.status, 201, "{fields:?}: {answer:?}");
        } else {
            assert_cross_site(&answer);
            let login = json!({ "identifier": format!("by-cookie-{i}"), "password": PASSWORD });
            api.post(LOGIN, &login).await.assert_refused(401, "INVALID_CREDENTIALS");
        }
    }
}

#[actix_web::test]
async fn what_shows_its_token_itself_passes_from_anywhere() {
    let api = api().await;
    let bystander = api.signed_in("ada").await;
    for (fields, passes) in TABLE {
        let login = with(json_post(LOGIN).set_json(credentials("body")), fields);
        let answer = api.call(login).await;
        assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (200, ""), "{fields:?}");
        let token = answer.data()["refresh_token"].as_str().unwrap().to_owned();
        let session = answer.data()["session_id"].as_str().unwrap().parse().unwrap();

        let refresh = with(json_post(REFRESH).set_json(json!({ "refresh_token": token })), fields);
        let answer = api.call(with_cookie(refresh, &bystander.cookie)).await;
        assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (200, ""), "{fields:?}");
        let token = answer.data()["refresh_token"].as_str().unwrap().to_owned();

        let logout = with(json_post(LOGOUT).set_json(json!({ "refresh_token": token })), fields);
        let answer = api.call(logout).await;
        assert_eq!((answer.status.as_u16(), answer.header("set-cookie").is_empty()), (200, !passes), "{fields:?}");
        assert!(api.has_ended(session).await);
    }
    assert!(!api.has_ended(bystander.session).await);
}

/// Proves: CK-04, RT-09
#[actix_web::test]
async fn a_cookie_counts_at_a_login_with_tokens_in_the_body_only_where_it_would_count_elsewhere() {
    let api = api().await;
    let mut old = api.signed_in("ada").await;
    for (fields, passes) in TABLE {
        let login = with(json_post(LOGIN).set_json(credentials("body")), fields);
        assert_eq!(api.call(with_cookie(login, &old.cookie)).await.status, 200, "{fields:?}");
        assert_eq!(api.has_ended(old.session).await, *passes, "{fields:?}");
        if *passes {
            old = api.sign_in("ada").await;
        }
    }
}

/// Proves: CK-03
#[actix_web::test]
async fn no_form_can_refresh_or_sign_out() {
    let api = api().await;
    let ada = api.signed_in("ada").await;
    let forms: [fn(TestRequest) -> TestRequest; 8] = [
        |request| request,
        |request| request.insert_header(("Content-Type", "application/x-www-form-urlencoded")),
        |request| request.set_form([("scope", "all")]),
        |request| request.insert_header(("Content-Type", "text/plain")).set_payload("{}"),
        |request| request.insert_header(("Content-Type", "text/plain")).set_payload("{\"scope\":\"all\",\"x\":\"=\"}"),
        |request| request.insert_header(("Content-Type", "multipart/form-data; boundary=x")).set_payload("--x--"),
        |request| request.insert_header(("Content-Type", "")),
        |request| request.set_payload("{}"),
    ];
    for path in [REFRESH, "/api/v1/auth/refresh_token", LOGOUT] {
        for (number, form) in forms.iter().enumerate() {
            for site in [&[][..], &[("Sec-Fetch-Site", "same-origin")], &[("Sec-Fetch-Site", "none")]] {
                let request = form(with(TestRequest::post().uri(path), site));
                let answer = api.call(with_cookie(request, &ada.cookie)).await;
                let status = if number == 0 { (403, "CROSS_SITE_REQUEST") } else { (415, "UNSUPPORTED_MEDIA_TYPE") };
                answer.assert_refused(status.0, status.1);
                assert_eq!(answer.header("set-cookie"), "", "{path} {number}");
            }
        }
        for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE"] {
            let request = json_post(path).method(method.parse::<Method>().unwrap());
            api.call(with_cookie(request, &ada.cookie)).await.assert_refused(405, "METHOD_NOT_ALLOWED");
        }
    }
    let session = api.session(ada.session).await;
    assert_eq!((session.generation, session.revoked), (0, None));
}

/// Proves: CK-03
#[actix_web::test]
async fn a_request_without_a_body_needs_what_no_form_can_send() {
    let api = api().await;
    for path in [REFRESH, LOGOUT] {
        for (name, value) in [
            ("X-Requested-With", "XMLHttpRequest"),
            ("x-requested-with", ""),
            ("Content-Type", "application/json"),
            ("Content-Type", "application/json; charset=utf-8"),
        ] {
            let name_of_user = format!("user{}", entries(&api).await);
            let ada = api.signed_in(&name_of_user).await;
            let request = TestRequest::post().uri(path).insert_header((name, value));
            assert_eq!(api.call(with_cookie(request, &ada.cookie)).await.status, 200, "{path} {name}");
        }
    }
    let both = TestRequest::post().uri(LOGOUT).insert_header(("X-Requested-With", "x")).set_form([("a", "b")]);
    api.call(both).await.assert_refused(415, "UNSUPPORTED_MEDIA_TYPE");
    let ada = api.signed_in("ada").await;
    let by_access = bearer(TestRequest::post().uri(LOGOUT), &ada.access);
    assert_eq!(api.call(by_access).await.status, 200, "nor can a form send an access token");
    assert!(api.has_ended(ada.session).await);
}

/// Proves: CK-04
#[actix_web::test]
async fn whoever_is_refused_has_cost_nothing_and_left_nothing() {
    let api = api().await;
    let ada = api.signed_in("ada").await;
    let (hashed, written) = (api.hasher.stats(), entries(&api).await);
    let foreign = |request| with(request, &[("Sec-Fetch-Site", "cross-site")]);
    let wrong = json!({ "identifier": "ada", "password": "wrong" });
    let empty = json!({ "identifier": "", "password": "x" });
    for request in [
        json_post(LOGIN).set_json(credentials("cookie")),
        json_post(LOGIN).set_json(wrong),
        json_post(LOGIN).set_json(empty),
        json_post(REFRESH),
        json_post(LOGOUT),
        json_post(LOGOUT).set_json(json!({ "scope": "all" })),
    ] {
        assert_cross_site(&api.call(with_cookie(foreign(request), &ada.cookie)).await);
    }
    assert_eq!((api.hasher.stats(), entries(&api).await), (hashed, written));
    let session = api.session(ada.session).await;
    assert_eq!((session.generation, session.revoked), (0, None));
}

#[actix_web::test]
async fn a_refusal_says_what_to_do() {
    let api = api().await;
    let SignedIn { cookie, .. } = api.signed_in("ada").await;
    let ask = async |fields: Fields| api.call(with_cookie(with(json_post(REFRESH), fields), &cookie)).await.message();
    let foreign = ask(&[("Sec-Fetch-Site", "cross-site")]).await;
    assert!(foreign.contains("token_delivery body") && !foreign.contains("cors_origins"), "{foreign}");
    for fields in [&[("Sec-Fetch-Site", "same-site")], &[("Origin", "https://evil.example")]] {
        let unlisted = ask(fields).await;
        assert!(unlisted.contains("token_delivery body") && unlisted.contains("http.cors_origins"), "{unlisted}");
        assert!(!unlisted.contains("evil"), "{unlisted}");
    }
    let bare = api.call(with_cookie(TestRequest::post().uri(REFRESH), &cookie)).await.message();
    assert!(bare.contains("Content-Type: application/json") && bare.contains("X-Requested-With"), "{bare}");
}
