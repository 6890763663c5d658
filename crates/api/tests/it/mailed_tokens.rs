//! The tokens that mails bring: where they are taken, and how they are refused.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};
use usher_domain::MailKind;

use crate::{
    fixture::{Answer, PASSWORD, TestApi, bearer, json_post, with_cookie},
    post::{ADA, NEW_PASSWORD},
};

const RESET: &str = "/api/v1/auth/reset-password";
const CONFIRM: &str = "/api/v1/auth/reset-password/confirm";
const CONFIRM_ALIAS: &str = "/api/v1/users/reset-password/confirm";
const VERIFY: &str = "/api/v1/auth/verify-email";
const DOORS: [&str; 3] = [CONFIRM, CONFIRM_ALIAS, VERIFY];

/// What a door takes besides the token.
fn body(door: &str, token: &str) -> Value {
    match door {
        VERIFY => json!({ "token": token }),
        _ => json!({ "token": token, "new_password": NEW_PASSWORD }),
    }
}

async fn show(api: &TestApi, door: &str, token: &str) -> Answer {
    api.call(json_post(door).set_json(body(door, token)).insert_header(("X-Request-Id", "same"))).await
}

async fn ask(api: &TestApi, path: &str, email: &str, kind: MailKind) -> String {
    assert_eq!(api.post(path, &json!({ "email": email })).await.status, 202);
    api.mailed_token(kind).await
}

async fn reset_token(api: &TestApi, email: &str) -> String {
    ask(api, RESET, email, MailKind::ResetPassword).await
}

async fn verify_token(api: &TestApi, email: &str) -> String {
    ask(api, "/api/v1/auth/verify-email/request", email, MailKind::VerifyEmail).await
}

/// With the last character but one turned into another.
fn damaged(token: &str) -> String {
    let (rest, end) = token.split_at(token.len() - 2);
    let (one, last) = end.split_at(1);
    format!("{rest}{}{last}", if one == "A" { "B" } else { "A" })
}

/// Proves: RS-09, RS-03
#[actix_web::test]
async fn wrong_used_expired_and_foreign_tokens_are_refused_in_the_same_words() {
    let api = TestApi::new().await;
    api.make_with_address("ada", ADA).await;
    let expired = [reset_token(&api, ADA).await, verify_token(&api, ADA).await];
    api.clock.advance(Duration::from_secs(24 * 60 * 60));
    let bob = api.make_with_address("bob", "bob@example.org").await.id;
    let of_deactivated = [reset_token(&api, "bob@example.org").await, verify_token(&api, "bob@example.org").await];
    let admin = api.admin("root").await;
    let shut = api.post_nothing_as(&admin, &format!("/api/v1/users/{bob}/deactivate")).await;
    assert_eq!(shut.status, 200);
    let ada = api.sign_in("ada").await;
    let verify = verify_token(&api, ADA).await;
    assert_eq!(show(&api, VERIFY, &verify).await.status, 200);
    let change = json!({ "email": "countess@example.org", "current_password": PASSWORD });
    assert_eq!(api.post_as(&ada.access, "/api/v1/users/me/email", &change).await.status, 202);
    let (reset, change) = (reset_token(&api, ADA).await, api.mailed_token(MailKind::ChangeEmail).await);
    let common = [
        String::new(),
        "x".to_owned(),
        "A".repeat(64),
        "A".repeat(10_000),
        damaged(&reset),
        format!("{reset}="),
        format!(" {reset}"),
        ada.access,
        ada.refresh,
        verify,
    ];
    let mut answers = BTreeSet::new();
    for door in DOORS {
        let foreign = if door == VERIFY { &reset } else { &change };
        for token in common.iter().chain(&expired).chain(&of_deactivated).chain([foreign]) {
            let answer = show(&api, door, token).await;
            answer.assert_refused(400, "INVALID_OR_EXPIRED_TOKEN");
            assert_eq!(answer.details(), []);
            answers.insert(answer.seen());
        }
    }
    assert_eq!(show(&api, CONFIRM, &reset).await.status, 200, "as good as before");
    answers.insert(show(&api, CONFIRM, &reset).await.seen());
    answers.insert(show(&api, VERIFY, &change).await.seen());
    assert_eq!(answers.len(), 1, "{answers:?}");
}

/// Proves: RS-03
#[actix_web::test]
async fn a_token_is_good_until_its_time_is_over() {
    for (door, minutes) in [(CONFIRM, 30), (VERIFY, 24 * 60)] {
        for (early, status) in [(1, 200), (0, 400)] {
            let api = TestApi::new().await;
            api.make_with_address("ada", ADA).await;
            let token = if door == VERIFY { verify_token(&api, ADA).await } else { reset_token(&api, ADA).await };
            api.clock.advance(Duration::from_secs(minutes * 60 - early));
            assert_eq!(show(&api, door, &token).await.status.as_u16(), status, "{door} {early}");
        }
    }
}

/// Proves: RS-12
#[actix_web::test]
async fn a_token_counts_in_the_body_alone() {
    let api = TestApi::new().await;
    api.make_with_address("ada", ADA).await;
    let (reset, verify) = (reset_token(&api, ADA).await, verify_token(&api, ADA).await);
    for door in DOORS {
        let token = if door == VERIFY { &verify } else { &reset };
        let mut without = body(door, "");
        without.as_object_mut().unwrap().remove("token");
        for sent in [body(door, token), without.clone(), json!({})] {
            let in_query = api.post(&format!("{door}?token={token}"), &sent).await;
            in_query.assert_invalid("token", "unknown_field");
            assert!(!in_query.text().contains(token.as_str()), "{in_query:?}");
        }
        for request in [
            json_post(door).insert_header(("X-Token", token.as_str())),
            with_cookie(json_post(door), &format!("token={token}")),
            bearer(json_post(door), token),
        ] {
            api.call(request.set_json(&without)).await.assert_invalid("token", "required");
        }
        let in_path = api.post(&format!("{door}/{token}"), &without).await;
        in_path.assert_refused(404, "NOT_FOUND");
        for wrong in [json!(null), json!(7), json!([token]), json!({ "token": token })] {
            let mut shaped = without.clone();
            shaped["token"] = wrong;
            let answer = api.post(door, &shaped).await;
            answer.assert_invalid("token", "wrong_type");
            assert!(!answer.text().contains(token.as_str()), "{answer:?}");
        }
        api.get(&format!("{door}?token={token}")).await.assert_refused(405, "METHOD_NOT_ALLOWED");
    }
    for (door, token) in [(VERIFY, verify), (CONFIRM, reset)] {
        assert_eq!(show(&api, door, &token).await.status, 200, "{door}: as good as before");
    }
}

/// Proves: PW-13
#[actix_web::test]
async fn no_answer_holds_a_token_or_sets_a_cookie() {
    let api = TestApi::new().await;
    api.make_with_address("ada", ADA).await;
    let ada = api.sign_in("ada").await;
    let (reset, verify) = (reset_token(&api, ADA).await, verify_token(&api, ADA).await);
    let change = json!({ "email": "countess@example.org", "current_password": PASSWORD });
    let post = |path: &str, body: Value| with_cookie(json_post(path).set_json(body), &ada.cookie);
    let answers = [
        api.call(post(RESET, json!({ "email": ADA }))).await,
        api.call(post("/api/v1/auth/verify-email/request", json!({ "email": ADA }))).await,
        api.call(bearer(post("/api/v1/users/me/email", change), &ada.access)).await,
        api.call(post(VERIFY, body(VERIFY, &reset))).await,
        api.call(post(VERIFY, body(VERIFY, &verify))).await,
        api.call(post(CONFIRM, json!({ "token": reset, "new_password": "short" }))).await,
        api.call(post(CONFIRM, body(CONFIRM, &reset))).await,
    ];
    let statuses = answers.each_ref().map(|answer| answer.status.as_u16());
    assert_eq!(statuses, [202, 202, 202, 400, 200, 422, 200]);
    for answer in &answers {
        assert_eq!((answer.header("set-cookie"), answer.header("cache-control")), ("", "no-store"), "{answer:?}");
        for secret in [&reset, &verify, "token\":", "eyJ", NEW_PASSWORD, PASSWORD, "$2b$"] {
            assert!(!answer.text().contains(secret), "{secret}: {answer:?}");
        }
    }
}
