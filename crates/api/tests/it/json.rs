use std::collections::HashSet;

use actix_web::rt::System;
use proptest::{
    prelude::{Just, Strategy, any, prop},
    prop_oneof,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use crate::fixture::TestApi;

const LOGIN: &str = "/api/v1/auth/login";

/// Proves: IN-03
#[actix_web::test]
async fn what_is_not_json_in_every_respect_is_malformed() {
    let api = TestApi::new().await;
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let malformed: [&[u8]; 17] = [
        b"",
        b" ",
        b"{",
        b"{} {}",
        b"{}x",
        b"{\"a\":1,}",
        b"{'a':1}",
        b"{\"a\":NaN}",
        b"{\"a\":Infinity}",
        b"{\"a\":01}",
        b"\xef\xbb\xbf{}",
        b"{\"a\":\"\xff\"}",
        b"{\"a\":\"\\ud800\"}",
        b"{\"a\":\"\\udc00\\ud800\"}",
        b"{\"a\":\"\n\"}",
        b"{\"a\":1,\"\\u0061\":1}",
        b"{\"x\":{\"a\":1,\"b\":2,\"a\":3}}",
    ];
    for body in malformed {
        api.post_raw(LOGIN, body.to_vec()).await.assert_refused(400, "MALFORMED_REQUEST");
    }
    api.post_raw(LOGIN, nested(33)).await.assert_refused(400, "MALFORMED_REQUEST");
    api.post_raw(LOGIN, nested(5_000)).await.assert_refused(400, "MALFORMED_REQUEST");
    api.post_raw(LOGIN, nested(32)).await.assert_refused(422, "VALIDATION_FAILED");
}

#[actix_web::test]
async fn malformed_json_is_told_where_but_never_repeated() {
    let api = TestApi::new().await;
    let answer = api.post_raw(LOGIN, "{\"password\": \"hunter2\",\n oops").await;
    assert!(answer.message().contains("line 2"), "{answer:?}");
    assert!(!answer.text().contains("hunter2") && !answer.text().contains("oops"), "{answer:?}");
}

/// Proves: IN-03
#[actix_web::test]
async fn ten_thousand_keys_are_looked_at_once() {
    let api = TestApi::with(|state| state.settings.body_limit = 1024 * 1024).await;
    let admin = api.admin("root").await;
    let distinct: Vec<_> = (0..10_000).map(|i| format!("\"{i:x}\":0")).collect();
    let body = format!("{{{}}}", distinct.join(","));
    let request = crate::fixture::json_post("/api/v1/users").set_payload(body);
    api.call(crate::fixture::bearer(request, &admin)).await.assert_refused(422, "VALIDATION_FAILED");
}

#[actix_web::test]
async fn a_fault_of_shape_is_told_with_its_path() {
    let api = TestApi::new().await;
    let admin = api.admin("root").await;
    for (body, field, code) in [
        (json!({}), "username", "required"),
        (json!({ "username": 1 }), "username", "wrong_type"),
        (json!({ "username": "bob", "is_admin": true }), "is_admin", "unknown_field"),
        (json!({ "username": "bob", "Username": "bob" }), "Username", "unknown_field"),
        (json!({ "username": "bob", "roles": ["user", 7] }), "roles.1", "wrong_type"),
        (json!({ "username": "bob", "roles": null }), "roles", "wrong_type"),
        (json!({ "username": "bob", "email_verified": "yes" }), "email_verified", "wrong_type"),
        (json!({ "username": "bob", "must_change_password": null }), "must_change_password", "wrong_type"),
        (json!({ "username": "bob", "password": { "x": 1 } }), "password", "wrong_type"),
        (json!([]), "", "wrong_type"),
        (json!(["bob", null, null, true, null, null]), "", "wrong_type"),
        (json!("bob"), "", "wrong_type"),
        (json!(null), "", "wrong_type"),
    ] {
        let answer = api.post_as(&admin, "/api/v1/users", &body).await;
        answer.assert_invalid(field, code);
    }
}

/// Proves: AZ-03
#[actix_web::test]
async fn fields_that_nobody_sets_are_refused_in_every_spelling() {
    let api = TestApi::new().await;
    let admin = api.admin("root").await;
    for field in [
        "role",
        "is_admin",
        "isAdmin",
        "IS_ADMIN",
        "is_active",
        "status",
        "id",
        "created_at",
        "password_hash",
        "token_version",
        "token_epoch",
        "version",
        "permissions",
        "__proto__",
    ] {
        let body = json!({ "username": "bob", "password": "Difference-Engine-1822", field: true });
        api.post_as(&admin, "/api/v1/users", &body).await.assert_invalid(field, "unknown_field");
    }
}

#[actix_web::test]
async fn a_fault_of_shape_never_repeats_a_value() {
    let api = TestApi::new().await;
    for body in [
        json!({ "identifier": "ada", "password": 4_815_162_342_u64 }),
        json!({ "identifier": 4_815_162_342_u64, "password": "x" }),
        json!({ "identifier": "ada", "password": ["4815162342"] }),
        json!("4815162342"),
    ] {
        let answer = api.post(LOGIN, &body).await;
        answer.assert_refused(422, "VALIDATION_FAILED");
        assert!(!answer.text().contains("4815162342"), "{answer:?}");
    }
}

#[actix_web::test]
async fn an_endless_field_name_is_told_in_part() {
    let api = TestApi::new().await;
    let answer = api.post(LOGIN, &json!({ "x".repeat(10_000): 1 })).await;
    answer.assert_invalid(&"x".repeat(128), "unknown_field");
}

/// The names that `identifier` goes by are one field: of several it could not be said which counts.
#[actix_web::test]
async fn only_one_name_of_the_identifier_may_be_there() {
    let api = TestApi::new().await;
    api.make(crate::fixture::draft("ada")).await;
    for name in ["identifier", "username", "email"] {
        let login = api.post(LOGIN, &json!({ name: "ada", "password": crate::fixture::PASSWORD })).await;
        assert_eq!(login.status, 200, "{name}: {login:?}");
    }
    for (one, other) in [("identifier", "username"), ("identifier", "email"), ("username", "email")] {
        let body = json!({ one: "ada", other: "ada", "password": crate::fixture::PASSWORD });
        api.post(LOGIN, &body).await.assert_invalid("identifier", "unknown_field");
    }
}

/// Whether a JSON text is one that we accept, judged by `serde_json` and, for what it lets pass, by a
/// look at the value and at the keys of the text.
fn is_acceptable(text: &[u8], keys_are_distinct: bool) -> bool {
    fn depth(value: &Value) -> usize {
        match value {
            Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
            Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        }
    }
    keys_are_distinct && serde_json::from_slice(text).is_ok_and(|value: Value| depth(&value) <= 32)
}

/// JSON texts, and whether no object in them has a key twice.
fn json_texts() -> impl Strategy<Value = (String, bool)> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        any::<f64>().prop_map(|value| json!(value).to_string()),
        any::<String>().prop_map(|value| json!(value).to_string()),
    ]
    .prop_map(|text| (text, true));
    leaf.prop_recursive(40, 64, 4, |inner| {
        let items = prop::collection::vec(inner.clone(), 0..4).prop_map(|items| {
            let texts: Vec<_> = items.iter().map(|(text, _)| text.as_str()).collect();
            (format!("[{}]", texts.join(",")), items.iter().all(|(_, distinct)| *distinct))
        });
        let fields = prop::collection::vec(("[abc]", inner), 0..4).prop_map(|fields| {
            let texts: Vec<_> = fields.iter().map(|(key, (value, _))| format!("\"{key}\" : {value}")).collect();
            let keys: HashSet<_> = fields.iter().map(|(key, _)| key).collect();
            let distinct = keys.len() == fields.len() && fields.iter().all(|(_, (_, distinct))| *distinct);
            (format!("{{{}}}", texts.join(",\n")), distinct)
        });
        prop_oneof![items, fields]
    })
}

fn is_accepted_exactly_if_acceptable(cases: u32, texts: &impl Strategy<Value = (Vec<u8>, bool)>) {
    let system = System::new();
    let api = system.block_on(TestApi::new());
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
        .run(texts, |(text, keys_are_distinct)| {
            let answer = system.block_on(api.post_raw(LOGIN, text.clone()));
            let is_malformed = answer.code() == "MALFORMED_REQUEST";
            assert_eq!(!is_malformed, is_acceptable(&text, keys_are_distinct), "{answer:?}");
            Ok(())
        })
        .unwrap();
}

#[test]
fn any_json_is_accepted_unless_it_is_too_deep_or_has_a_key_twice() {
    is_accepted_exactly_if_acceptable(256, &json_texts().prop_map(|(text, distinct)| (text.into_bytes(), distinct)));
}

#[test]
fn any_damage_is_noticed_exactly_where_the_parser_notices_it() {
    let keyless = |(text, distinct): (String, bool)| distinct.then_some(text.into_bytes());
    let damaged = (json_texts().prop_filter_map("keys", keyless), any::<prop::sample::Index>(), any::<u8>())
        .prop_filter_map("no keys", |(mut text, at, byte)| {
            let at = at.index(text.len());
            // A damaged key may become another one: only texts without objects tell for sure.
            (!text.contains(&b'{')).then(|| {
                text[at] = byte;
                (text, true)
            })
        });
    is_accepted_exactly_if_acceptable(256, &damaged);
}
