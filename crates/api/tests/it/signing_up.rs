//! Accounts that people make for themselves, with a session or without.

use std::collections::BTreeSet;

use actix_web::test::TestRequest;
use serde_json::{Map, Value, json};
use usher_domain::{RevokeReason, SessionId};
use usher_service::RegistrationMode;

use crate::{
    accounts::USER_READ,
    fixture::{Answer, PASSWORD, Setup, TestApi, bearer, draft, json_post, keys, with_cookie},
};

const SIGN_UP: &str = "/api/v1/auth/signup";
const USERS: &str = "/api/v1/users";
const LOGIN: &str = "/api/v1/auth/login";

fn wish(username: &str) -> Value {
    json!({ "username": username, "password": PASSWORD })
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

fn session_of(answer: &Answer) -> SessionId {
    answer.data()["tokens"]["session_id"].as_str().unwrap().parse().unwrap()
}

async fn has_account(api: &TestApi, username: &str) -> bool {
    let login = json!({ "identifier": username, "password": PASSWORD, "token_delivery": "body" });
    api.post(LOGIN, &login).await.status == 200
}

#[actix_web::test]
async fn a_sign_up_answers_the_account_and_its_first_tokens() {
    let api = TestApi::with(|state| state.settings.base_path = "/id".to_owned()).await;
    let body = json!({
        "username": "Ada", "password": PASSWORD, "email": "Ada@Example.ORG", "full_name": "Ada Lovelace",
    });
    let made = api.post("/id/auth/signup", &body).await;
    assert_eq!(made.status, 201);
    let data = made.data();
    assert_eq!(keys(&data), ["tokens", "user"]);
    let user = &data["user"];
    assert_eq!(keys(user), USER_READ);
    for (field, expected) in [
        ("username", json!("Ada")),
        ("email", json!("Ada@example.org")),
        ("email_verified", json!(false)),
        ("full_name", json!("Ada Lovelace")),
        ("external_id", Value::Null),
        ("metadata", json!({})),
        ("status", json!("active")),
        ("is_active", json!(true)),
        ("is_admin", json!(false)),
        ("roles", json!(["user"])),
        ("must_change_password", json!(false)),
        ("last_login_at", json!("2030-01-01T12:00:00.000000Z")),
    ] {
        assert_eq!(user[field], expected, "{field}");
    }
    assert_eq!(made.header("location"), format!("/id/users/{}", user["id"].as_str().unwrap()));
    assert_eq!(made.header("cache-control"), "no-store");
    let token = data["tokens"]["access_token"].as_str().unwrap();
    let me = api.get_as(token, made.header("location")).await;
    assert_eq!(me.data(), *user);
    let refreshed = api.call(with_cookie(json_post("/id/auth/refresh"), cookie_of(&made))).await;
    assert_eq!(refreshed.data()["session_id"], data["tokens"]["session_id"]);
}

/// The `name=value` of the cookie that an answer sets.
fn cookie_of(answer: &Answer) -> &str {
    answer.header("set-cookie").split(';').next().unwrap()
}

/// Proves: PW-13
#[actix_web::test]
async fn the_refresh_token_is_in_the_cookie_alone_unless_the_body_was_asked_for() {
    let api = TestApi::new().await;
    let in_cookie = ["access_token", "expires_in", "refresh_expires_in", "session_id", "token_type"];
    for (name, asked) in [("ada", wish("ada")), ("bob", with(wish("bob"), "token_delivery", json!("cookie")))] {
        let answer = api.post(SIGN_UP, &asked).await;
        assert_eq!(keys(&answer.data()["tokens"]), in_cookie, "{name}");
        let token = api.refresh_token_of(session_of(&answer)).await;
        assert!(answer.header("set-cookie").contains(&token) && !answer.text().contains(&token), "{answer:?}");
        assert!(answer.header("set-cookie").contains("HttpOnly; SameSite=Strict; Max-Age=1209600"), "{answer:?}");
    }
    let answer = api.post(SIGN_UP, &with(wish("eve"), "token_delivery", json!("body"))).await;
    let token = api.refresh_token_of(session_of(&answer)).await;
    assert_eq!((&answer.data()["tokens"]["refresh_token"], answer.header("set-cookie")), (&json!(token), ""));
    for secret in [PASSWORD, "$2b$", "bcrypt", "hash"] {
        assert!(!answer.text().contains(secret), "{secret}: {answer:?}");
    }
    for unknown in [json!("Body"), json!("both"), json!(null), json!(["body"])] {
        let answer = api.post(SIGN_UP, &with(wish("mal"), "token_delivery", unknown)).await;
        answer.assert_refused(422, "VALIDATION_FAILED");
    }
}

/// Proves: RT-09
#[actix_web::test]
async fn a_sign_up_ends_the_session_of_the_cookie_and_never_takes_it_over() {
    let api = TestApi::new().await;
    for delivery in ["cookie", "body"] {
        let old = api.signed_in(&format!("old-{delivery}")).await;
        let body = with(wish(&format!("new-{delivery}")), "token_delivery", json!(delivery));
        let answer = api.call(with_cookie(json_post(SIGN_UP).set_json(body), &old.cookie)).await;
        assert_eq!(answer.status, 201);
        assert_ne!(session_of(&answer), old.session);
        assert_eq!(api.session(old.session).await.revoked.unwrap().reason, RevokeReason::Replaced, "{delivery}");
    }
    let old = api.signed_in("eve").await;
    let refused = json_post(SIGN_UP).set_json(wish("eve"));
    let refused = api.call(with_cookie(refused, &old.cookie)).await;
    refused.assert_refused(409, "USERNAME_TAKEN");
    assert_eq!(refused.header("set-cookie"), "");
    assert!(!api.has_ended(old.session).await, "nothing was made, so nothing is replaced");
}

#[actix_web::test]
async fn without_a_token_an_account_is_made_and_nobody_signed_in() {
    let api = TestApi::new().await;
    let admin = api.admin("root").await;
    let old = api.signed_in("old").await;
    for (path, name) in [(USERS, "ada"), ("/api/v1/users/", "bob")] {
        let body = with(with(wish(name), "full_name", json!("Ada")), "email", json!(format!("{name}@example.org")));
        let made = api.call(with_cookie(json_post(path).set_json(body), &old.cookie)).await;
        assert_eq!((made.status.as_u16(), made.header("etag"), made.header("set-cookie")), (201, "\"1\"", ""));
        let data = made.data();
        assert_eq!(keys(&data), USER_READ);
        assert_eq!((&data["last_login_at"], &data["must_change_password"]), (&Value::Null, &json!(false)));
        assert_eq!(data["roles"], json!(["user"]));
        assert_eq!(api.get_as(&admin, made.header("location")).await.data(), data);
        assert!(has_account(&api, name).await);
    }
    assert!(!api.has_ended(old.session).await);
    api.post(USERS, &json!({ "username": "eve" })).await.assert_invalid("password", "required");
    let delivery = with(wish("eve"), "token_delivery", json!("body"));
    api.post(USERS, &delivery).await.assert_invalid("token_delivery", "unknown_field");
}

/// Proves: AZ-01
#[actix_web::test]
async fn whoever_shows_a_token_must_be_allowed_to_make_accounts() {
    let api = TestApi::new().await;
    let user = api.user("ada").await;
    let unsettled = api.unsettled("new").await;
    for (authorization, challenge) in [
        ("Bearer no.such.token", r#"Bearer error="invalid_token""#),
        ("Bearer ", r#"Bearer error="invalid_token""#),
        ("", "Bearer"),
        ("Bearer", "Bearer"),
        ("Basic YTpi", "Bearer"),
    ] {
        let request = json_post(USERS).set_json(wish("bob")).insert_header(("Authorization", authorization));
        let answer = api.call(request).await;
        answer.assert_refused(401, "UNAUTHENTICATED");
        assert_eq!(answer.header("www-authenticate"), challenge, "{authorization}");
    }
    let twice = bearer(json_post(USERS).set_json(wish("bob")), &user).append_header(("Authorization", "Bearer x"));
    api.call(twice).await.assert_refused(401, "UNAUTHENTICATED");
    api.post_as(&user, USERS, &wish("bob")).await.assert_refused(403, "FORBIDDEN");
    api.post_as(&unsettled, USERS, &wish("bob")).await.assert_refused(403, "PASSWORD_CHANGE_REQUIRED");
    assert!(!has_account(&api, "bob").await);
    let writer = api.with_permissions("writer", &["users:write"]).await;
    let made = api.post_as(&writer, USERS, &wish("bob")).await;
    assert_eq!((made.status.as_u16(), &made.data()["must_change_password"]), (201, &json!(true)));
    // A token is of no use where everybody may.
    let body = with(wish("eve"), "token_delivery", json!("body"));
    assert_eq!(api.post_as("no.such.token", SIGN_UP, &body).await.status, 201);
}

#[actix_web::test]
async fn where_nobody_can_sign_up_only_who_may_makes_accounts() {
    let api = TestApi::set_up(Setup { registration: RegistrationMode::Closed, ..Setup::default() }).await;
    let old = api.signed_in("ada").await;
    let closed = api.call(with_cookie(json_post(SIGN_UP).set_json(wish("bob")), &old.cookie)).await;
    closed.assert_refused(403, "REGISTRATION_CLOSED");
    assert_eq!((closed.header("set-cookie"), closed.header("www-authenticate")), ("", ""));
    assert!(!api.has_ended(old.session).await);
    for taken in ["bob", "ada", "x"] {
        let answer = api.post(USERS, &wish(taken)).await;
        answer.assert_refused(401, "UNAUTHENTICATED");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        api.post(SIGN_UP, &wish(taken)).await.assert_refused(403, "REGISTRATION_CLOSED");
    }
    assert!(!has_account(&api, "bob").await);
    let admin = api.admin("root").await;
    assert_eq!(api.post_as(&admin, USERS, &wish("bob")).await.status, 201);
}

/// Fields that are nobody's to choose at a sign-up, or do not exist.
const FORBIDDEN: [(&str, &str); 19] = [
    ("role", r#""admin""#),
    ("roles", r#"["admin"]"#),
    ("permissions", r#"["users:write"]"#),
    ("is_admin", "true"),
    ("is_active", "true"),
    ("is_verified", "true"),
    ("is_superuser", "true"),
    ("email_verified", "true"),
    ("email_verified_at", r#""2030-01-01T12:00:00Z""#),
    ("id", r#""01900000-0000-7000-8000-000000000001""#),
    ("created_at", r#""2000-01-01T12:00:00Z""#),
    ("updated_at", r#""2000-01-01T12:00:00Z""#),
    ("deleted_at", "null"),
    ("last_login_at", "null"),
    ("password_hash", r#""$2b$04$x""#),
    ("token_version", "7"),
    ("status", r#""active""#),
    ("external_id", r#""x""#),
    ("must_change_password", "false"),
];

/// A name as other languages and careless filters write it.
fn spellings(name: &str) -> BTreeSet<String> {
    let capitalized = |word: &str| word[..1].to_uppercase() + &word[1..];
    let pascal: String = name.split('_').map(capitalized).collect();
    let camel = pascal[..1].to_lowercase() + &pascal[1..];
    let spellings = [
        name.to_owned(),
        name.to_uppercase(),
        capitalized(name),
        name.replace('_', "-"),
        name.replace('_', ""),
        pascal,
        camel,
        format!(" {name}"),
        format!("{name}\0"),
        format!("{name}[]"),
        format!("user.{name}"),
        format!("user[{name}]"),
        format!("$.{name}"),
    ];
    spellings.into()
}

/// Proves: AZ-03
#[actix_web::test]
async fn forbidden_fields_are_refused_in_every_spelling_and_make_nothing() {
    let api = TestApi::new().await;
    let ada = api.user("ada").await;
    let before = api.get_as(&ada, "/api/v1/users/me").await.data();
    let spelled =
        FORBIDDEN.iter().flat_map(|(name, value)| spellings(name).into_iter().map(move |name| (name, *value)));
    let spelled: Vec<(_, Value)> = spelled.map(|(name, value)| (name, serde_json::from_str(value).unwrap())).collect();
    assert!(spelled.len() > 200, "{}", spelled.len());
    for (name, value) in spelled {
        for path in [SIGN_UP, USERS] {
            api.post(path, &with(wish("bob"), &name, value.clone())).await.assert_invalid(&name, "unknown_field");
        }
        let update = json!({ "username": "bob", "full_name": "Bob" });
        let replaced = api.put_as(&ada, "/api/v1/users/me", &with(update, &name, value.clone())).await;
        replaced.assert_invalid(&name, "unknown_field");
        let patched = api.patch_as(&ada, "/api/v1/users/me", &with(json!({ "full_name": "Bob" }), &name, value)).await;
        patched.assert_invalid(&name, "unknown_field");
    }
    assert!(!has_account(&api, "bob").await);
    assert_eq!(api.get_as(&ada, "/api/v1/users/me").await.data(), before);
}

/// Proves: AZ-03
#[actix_web::test]
async fn forbidden_fields_are_refused_however_deep_they_lie() {
    let api = TestApi::new().await;
    let forbidden: Map<_, _> =
        FORBIDDEN.iter().map(|(name, value)| ((*name).to_owned(), serde_json::from_str(value).unwrap())).collect();
    for envelope in ["user", "data", "attributes", "profile", "metadata", "tokens", "__proto__", "constructor", "0", ""]
    {
        for deep in [json!(forbidden), json!({ "user": forbidden }), json!([forbidden]), json!(null)] {
            for path in [SIGN_UP, USERS] {
                let answer = api.post(path, &with(wish("bob"), envelope, deep.clone())).await;
                answer.assert_invalid(envelope, "unknown_field");
            }
        }
    }
    for field in ["username", "password", "email", "full_name", "token_delivery"] {
        let mut deep = forbidden.clone();
        deep.insert(field.to_owned(), json!("body"));
        for deep in [json!(deep), json!([deep])] {
            api.post(SIGN_UP, &with(wish("bob"), field, deep)).await.assert_invalid(field, "wrong_type");
        }
    }
    let doubled = format!(r#"{{"username":"bob","password":"{PASSWORD}","username":"admin"}}"#);
    for path in [SIGN_UP, USERS] {
        api.post(path, &json!([wish("bob")])).await.assert_refused(422, "VALIDATION_FAILED");
        api.post_raw(path, doubled.clone()).await.assert_refused(400, "MALFORMED_REQUEST");
        let query = format!("{path}?is_admin=true");
        api.post(&query, &wish("bob")).await.assert_invalid("is_admin", "unknown_field");
    }
    assert!(!has_account(&api, "bob").await);
}

/// Proves: ID-02
#[actix_web::test]
async fn usernames_are_plain_and_of_a_moderate_length() {
    let api = TestApi::new().await;
    let (longest, too_long) = ("x".repeat(50), "x".repeat(51));
    for path in [SIGN_UP, USERS] {
        for (name, code) in [
            ("ab", "too_short"),
            ("", "too_short"),
            (too_long.as_str(), "too_long"),
            ("with space", "invalid_format"),
            ("ada@example.org", "invalid_format"),
            ("\u{430}dam", "invalid_format"),
            ("\u{ff41}\u{ff44}\u{ff41}", "invalid_format"),
            ("ada\u{200b}", "invalid_format"),
            ("ada\0", "invalid_format"),
        ] {
            api.post(path, &wish(name)).await.assert_invalid("username", code);
        }
    }
    for name in ["Abc", "A.b_c-9", &longest] {
        assert_eq!(api.post(SIGN_UP, &wish(name)).await.status, 201, "{name}");
        for same in [name.to_owned(), name.to_uppercase(), name.to_lowercase()] {
            for path in [SIGN_UP, USERS] {
                let answer = api.post(path, &wish(&same)).await;
                answer.assert_refused(409, "USERNAME_TAKEN");
                assert_eq!(answer.details(), [("username".to_owned(), "taken".to_owned())]);
            }
        }
    }
}

/// Proves: ID-03
#[actix_web::test]
async fn addresses_are_those_that_mail_servers_take_and_belong_to_one_account() {
    let api = TestApi::new().await;
    let addressed = |name: &str, email: &str| with(wish(name), "email", json!(email));
    for email in [
        "ada",
        "@example.org",
        "ada@",
        "ada@b@example.org",
        "ada lovelace@example.org",
        "\"ada\"@example.org",
        "<ada@example.org>",
        "a,b@example.org",
        "ada\n@example.org",
        "ad\u{e4}@example.org",
        &format!("{}@example.org", "x".repeat(65)),
    ] {
        for path in [SIGN_UP, USERS] {
            let answer = api.post(path, &addressed("ada", email)).await;
            answer.assert_refused(422, "VALIDATION_FAILED");
            assert_eq!(answer.details()[0].0, "email", "{email}");
        }
    }
    let made = api.post(SIGN_UP, &addressed("ada", "ada@B\u{dc}CHER.example")).await;
    assert_eq!(made.data()["user"]["email"], "ada@xn--bcher-kva.example");
    for same in ["ada@xn--bcher-kva.example", "ADA@b\u{fc}cher.example", "Ada@XN--BCHER-KVA.EXAMPLE"] {
        for path in [SIGN_UP, USERS] {
            let answer = api.post(path, &addressed("bob", same)).await;
            answer.assert_refused(409, "EMAIL_TAKEN");
            assert_eq!(answer.details(), [("email".to_owned(), "taken".to_owned())]);
        }
    }
    assert!(!has_account(&api, "bob").await);
}

/// Proves: ID-05
#[actix_web::test]
async fn reserved_names_are_nobodys() {
    let api = TestApi::new().await;
    let admin = api.admin("chief").await;
    let words = ["admin", "root", "me", "system", "support", "login", "signup", "users", "roles", "auth", "health"];
    for word in words.into_iter().flat_map(|word| [word.to_owned(), word.to_uppercase()]).filter(|word| word.len() > 2)
    {
        for path in [SIGN_UP, USERS] {
            api.post(path, &wish(&word)).await.assert_invalid("username", "reserved");
        }
    }
    assert_eq!(api.post_as(&admin, USERS, &wish("support")).await.status, 201);
}

#[actix_web::test]
async fn faults_are_told_all_at_once_and_weak_passwords_by_a_code_of_their_own() {
    let api = TestApi::new().await;
    for path in [SIGN_UP, USERS] {
        let weak = api.post(path, &json!({ "username": "ada", "password": "short" })).await;
        weak.assert_refused(422, "WEAK_PASSWORD");
        let faulty = json!({ "username": "x", "password": "short", "email": "nobody", "full_name": "a\0b" });
        let answer = api.post(path, &faulty).await;
        answer.assert_refused(422, "VALIDATION_FAILED");
        let fields: BTreeSet<_> = answer.details().into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields.into_iter().collect::<Vec<_>>(), ["email", "full_name", "password", "username"]);
    }
}

#[actix_web::test]
async fn other_methods_are_refused_with_each_that_there_is_named_once() {
    let api = TestApi::new().await;
    api.make(draft("ada")).await;
    for (path, allowed) in [(USERS, "GET, POST"), (SIGN_UP, "POST")] {
        for token in [None, Some("no.such.token")] {
            let request = TestRequest::delete().uri(path);
            let answer = api.call(if let Some(token) = token { bearer(request, token) } else { request }).await;
            answer.assert_refused(405, "METHOD_NOT_ALLOWED");
            assert_eq!(answer.header("allow"), allowed);
        }
    }
    api.get(USERS).await.assert_refused(401, "UNAUTHENTICATED");
}
