//! Too many wishes for mails, and too many one-time tokens.

use std::time::Duration;

use actix_web::test::TestRequest;
use serde_json::{Value, json};
use usher_domain::MailKind;
use usher_service::{Limits, RegistrationMode};

use crate::{
    fixture::{Answer, PASSWORD, Setup, TestApi, bearer, from, json_post},
    post::{ADA, NEW_PASSWORD},
};

const RESET: &str = "/api/v1/auth/reset-password";
const RESET_ALIAS: &str = "/api/v1/users/reset-password";
const VERIFY_REQUEST: &str = "/api/v1/auth/verify-email/request";
const CHANGE: &str = "/api/v1/users/me/email";
const CONFIRM: &str = "/api/v1/auth/reset-password/confirm";
const CONFIRM_ALIAS: &str = "/api/v1/users/reset-password/confirm";
const VERIFY: &str = "/api/v1/auth/verify-email";
const HERE: &str = "192.0.2.1";
const ELSEWHERE: &str = "198.51.100.1";

async fn limited() -> TestApi {
    TestApi::set_up(Setup { limits: Limits::default(), ..Setup::default() }).await
}

fn send(path: &str, body: &Value) -> TestRequest {
    from(json_post(path).set_json(body), HERE).insert_header(("X-Request-Id", "same"))
}

#[track_caller]
fn assert_throttled(answer: &Answer, wait: &str) {
    answer.assert_refused(429, "TOO_MANY_ATTEMPTS");
    assert_eq!((answer.header("retry-after"), answer.header("set-cookie")), (wait, ""), "{answer:?}");
    assert_eq!(answer.details(), []);
}

/// Proves: RS-08
#[actix_web::test]
async fn wishes_for_mails_from_one_network_count_together_whatever_the_address() {
    let api = limited().await;
    api.make_with_address("ada", ADA).await;
    let ada = api.sign_in("ada").await.access;
    let nobodys = |i: usize| json!({ "email": format!("nobody{i}@example.org") });
    let change = json!({ "email": "countess@example.org", "current_password": PASSWORD });
    for malformed in [RESET, RESET_ALIAS, VERIFY_REQUEST] {
        let faulty = api.call(send(malformed, &json!({ "email": "ada" }))).await;
        assert_eq!(faulty.status, 422, "what is no address is no wish");
    }
    for i in 0..7 {
        let path = [RESET, RESET_ALIAS, VERIFY_REQUEST][i % 3];
        assert_eq!(api.call(send(path, &nobodys(i))).await.status, 202, "{i}");
    }
    assert_eq!(api.call(bearer(send(VERIFY_REQUEST, &json!({})), &ada)).await.status, 202);
    assert_eq!(api.call(bearer(send(VERIFY_REQUEST, &nobodys(8)), &ada)).await.status, 202);
    assert_eq!(api.call(bearer(send(CHANGE, &change), &ada)).await.status, 202);

    let mut answers = Vec::new();
    for path in [RESET, RESET_ALIAS, VERIFY_REQUEST] {
        for body in [json!({ "email": ADA }), nobodys(9)] {
            answers.push(api.call(send(path, &body)).await);
        }
    }
    answers.push(api.call(bearer(send(VERIFY_REQUEST, &json!({})), &ada)).await);
    answers.push(api.call(bearer(send(CHANGE, &change), &ada)).await);
    for answer in &answers {
        assert_throttled(answer, "360");
        assert_eq!(answer.seen(), answers[0].seen(), "alike for all");
    }
    let elsewhere = from(json_post(RESET).set_json(json!({ "email": ADA })), ELSEWHERE);
    assert_eq!(api.call(elsewhere).await.status, 202);
    api.clock.advance(Duration::from_secs(360));
    assert_eq!(api.call(send(RESET, &json!({ "email": ADA }))).await.status, 202);
    assert_throttled(&api.call(send(VERIFY_REQUEST, &nobodys(1))).await, "360");
}

/// Proves: RS-08
#[actix_web::test]
async fn too_many_for_one_address_are_answered_the_same_and_bring_no_mail() {
    let api = limited().await;
    api.make_with_address("ada", ADA).await;
    let mut answers = Vec::new();
    for i in 0..6 {
        let network = format!("192.0.2.{i}");
        let path = [RESET, VERIFY_REQUEST][i % 2];
        answers.push(api.call(from(send(path, &json!({ "email": "ADA@example.org" })), &network)).await.seen());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer.0 == 202), "{answers:?}");
    assert_eq!(api.arrived().await.len(), 3);
    let ada = api.sign_in("ada").await.access;
    let own = api.call(bearer(from(json_post(VERIFY_REQUEST), ELSEWHERE), &ada)).await;
    assert_eq!((own.status.as_u16(), api.arrived().await.len()), (202, 3));
    api.clock.advance(Duration::from_secs(20 * 60));
    assert_eq!(api.call(from(send(RESET, &json!({ "email": ADA })), ELSEWHERE)).await.status, 202);
    assert_eq!(api.arrived().await.len(), 4);
}

/// Proves: RS-08
#[actix_web::test]
async fn a_sign_up_that_waits_counts_towards_its_address_in_silence() {
    let setup = || Setup {
        limits: Limits { mail_address: Limits::default().mail_address, ..Limits::OFF },
        registration: RegistrationMode::Verified,
        ..Setup::default()
    };
    let api = TestApi::set_up(setup()).await;
    for i in 0..5 {
        let wish = json!({ "username": format!("ada{i}"), "email": ADA });
        assert_eq!(api.call(send("/api/v1/auth/signup", &wish)).await.status, 202, "{i}");
    }
    assert_eq!(api.arrived().await, vec![(ADA.to_owned(), MailKind::SignUp); 3]);
}

/// Proves: LG-11, RS-09
#[actix_web::test]
async fn every_door_for_one_time_tokens_shares_one_limit() {
    let api = limited().await;
    api.make_with_address("ada", ADA).await;
    let elsewhere = from(json_post(RESET).set_json(json!({ "email": ADA })), ELSEWHERE);
    assert_eq!(api.call(elsewhere).await.status, 202);
    let token = api.mailed_token(MailKind::ResetPassword).await;
    let set = |token: &str| json!({ "token": token, "new_password": NEW_PASSWORD });
    let show = |token: &str| json!({ "token": token });
    for i in 0..10 {
        let (path, body) = [(CONFIRM, set("x")), (CONFIRM_ALIAS, set("x")), (VERIFY, show("x"))][i % 3].clone();
        api.call(send(path, &body)).await.assert_refused(400, "INVALID_OR_EXPIRED_TOKEN");
    }
    let mut answers = Vec::new();
    for (path, body) in [
        (CONFIRM, set("x")),
        (CONFIRM, set(&token)),
        (CONFIRM_ALIAS, set(&token)),
        (VERIFY, show("x")),
        (VERIFY, show(&token)),
    ] {
        answers.push(api.call(send(path, &body)).await);
    }
    for answer in &answers {
        assert_throttled(answer, "6");
        assert_eq!(answer.seen(), answers[0].seen(), "right and wrong ones are told apart by nothing");
    }
    api.clock.advance(Duration::from_secs(6));
    assert_eq!(api.call(send(CONFIRM, &set(&token))).await.status, 200, "nobody is locked out");
}
