//! Setting another password without the old one.

use std::collections::BTreeSet;

use actix_web::test::TestRequest;
use serde_json::{Value, json};
use usher_domain::{MailKind, RevokeReason};
use usher_service::TemplateOverride;

use crate::{
    fixture::{Answer, PASSWORD, Setup, TestApi, json_post, with_cookie},
    post::{ADA, NEW_PASSWORD, PAGES, token_in},
};

const REQUEST: &str = "/api/v1/auth/reset-password";
const CONFIRM: &str = "/api/v1/auth/reset-password/confirm";
const VERIFY_REQUEST: &str = "/api/v1/auth/verify-email/request";
const LOGIN: &str = "/api/v1/auth/login";
const ME: &str = "/api/v1/users/me";

async fn ask(api: &TestApi, email: &str) -> Answer {
    api.post(REQUEST, &json!({ "email": email })).await
}

async fn confirm(api: &TestApi, token: &str, password: &str) -> Answer {
    api.post(CONFIRM, &json!({ "token": token, "new_password": password })).await
}

async fn reset_token(api: &TestApi) -> String {
    assert_eq!(ask(api, ADA).await.status, 202);
    api.mailed_token(MailKind::ResetPassword).await
}

async fn login_status(api: &TestApi, identifier: &str, password: &str) -> u16 {
    let login = json!({ "identifier": identifier, "password": password });
    api.post(LOGIN, &login).await.status.as_u16()
}

/// Proves: RS-01, RS-06
#[actix_web::test]
async fn a_wish_for_a_mail_is_answered_the_same_for_every_address() {
    let api = TestApi::new().await;
    let admin = api.admin("root").await;
    api.make_with_address("ada", ADA).await;
    let deactivated = api.make_with_address("dan", "dan@example.org").await.id;
    let deleted = api.make_with_address("del", "del@example.org").await.id;
    let shut = api.post_nothing_as(&admin, &format!("/api/v1/users/{deactivated}/deactivate")).await;
    let gone = api.delete_as(&admin, &format!("/api/v1/users/{deleted}")).await;
    assert_eq!((shut.status.as_u16(), gone.status.as_u16()), (200, 200));
    let mut answers = BTreeSet::new();
    for path in [REQUEST, "/api/v1/users/reset-password", VERIFY_REQUEST] {
        for email in ["ADA@Example.org", "nobody@example.org", "dan@example.org", "del@example.org"] {
            let request = json_post(path).set_json(json!({ "email": email })).insert_header(("X-Request-Id", "same"));
            let answer = api.call(request).await;
            assert_eq!((answer.status.as_u16(), answer.data()), (202, Value::Null), "{path} {email}");
            assert_eq!(answer.header("cache-control"), "no-store");
            answers.insert(answer.seen());
        }
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    let expected = [MailKind::ResetPassword, MailKind::ResetPassword, MailKind::VerifyEmail];
    assert_eq!(api.arrived().await, expected.map(|kind| (ADA.to_owned(), kind)), "to the address as it is stored");
}

/// Proves: RS-01
#[actix_web::test]
async fn a_text_that_is_no_address_is_refused() {
    let api = TestApi::new().await;
    for path in [REQUEST, "/api/v1/users/reset-password", VERIFY_REQUEST] {
        for malformed in ["", "ada", "@example.org", "ada@", "ada@localhost", "a b@example.org", "ada@b@example.org"] {
            api.post(path, &json!({ "email": malformed })).await.assert_invalid("email", "invalid_format");
        }
        let too_long = format!("{}@example.org", "x".repeat(65));
        api.post(path, &json!({ "email": too_long })).await.assert_invalid("email", "too_long");
        api.post(path, &json!({})).await.assert_invalid("email", "required");
        for value in [json!(null), json!(1), json!([ADA])] {
            api.post(path, &json!({ "email": value })).await.assert_invalid("email", "wrong_type");
        }
        let with_more = json!({ "email": ADA, "redirect": "https://evil.example" });
        api.post(path, &with_more).await.assert_invalid("redirect", "unknown_field");
        api.call(TestRequest::post().uri(path)).await.assert_refused(415, "UNSUPPORTED_MEDIA_TYPE");
    }
}

/// Proves: RS-01
#[actix_web::test]
async fn where_no_mail_is_sent_the_answer_is_the_same_and_no_token_is_good() {
    let with = TestApi::new().await;
    let without = TestApi::set_up(Setup { sends_mail: false, ..Setup::default() }).await;
    let mut answers = BTreeSet::new();
    for api in [&with, &without] {
        api.make_with_address("ada", ADA).await;
        let request = json_post(REQUEST).set_json(json!({ "email": ADA })).insert_header(("X-Request-Id", "same"));
        answers.insert(api.call(request).await.seen());
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    let token = with.mailed_token(MailKind::ResetPassword).await;
    confirm(&without, &token, NEW_PASSWORD).await.assert_refused(400, "INVALID_OR_EXPIRED_TOKEN");
    assert!(without.arrived().await.is_empty());
}

/// Proves: RS-11, PW-13, RT-12, JW-17
#[actix_web::test]
async fn a_reset_ends_every_session_proves_the_address_and_signs_nobody_in() {
    for path in [CONFIRM, "/api/v1/users/reset-password/confirm"] {
        let api = TestApi::new().await;
        api.make_with_address("ada", ADA).await;
        let (one, other) = (api.sign_in("ada").await, api.sign_in("ada").await);
        let token = reset_token(&api).await;
        let body = json!({ "token": token, "new_password": NEW_PASSWORD });
        let done = api.call(with_cookie(json_post(path).set_json(&body), &one.cookie)).await;
        assert_eq!(done.text(), r#"{"success":true,"data":null,"error":null}"#);
        assert_eq!((done.status.as_u16(), done.header("set-cookie"), done.header("etag")), (200, "", ""));
        for session in [&one, &other] {
            let revoked = api.session(session.session).await.revoked.unwrap();
            assert_eq!(revoked.reason, RevokeReason::PasswordReset);
            api.get_as(&session.access, ME).await.assert_refused(401, "UNAUTHENTICATED");
        }
        assert_eq!(login_status(&api, "ada", PASSWORD).await, 401);
        let login = json!({ "identifier": ADA, "password": NEW_PASSWORD });
        assert_eq!(api.post(LOGIN, &login).await.data()["user"]["email_verified"], true);
        let mails = api.mails().await;
        let notice = mails.last().unwrap();
        assert_eq!((notice.kind, notice.to.as_str()), (MailKind::PasswordChanged, ADA));
        for secret in [NEW_PASSWORD, PASSWORD, &token, "#token="] {
            assert!(!notice.text.contains(secret) && !notice.html.contains(secret), "{secret}");
        }
    }
}

#[actix_web::test]
async fn whoever_had_to_change_his_password_need_not_after_a_reset() {
    let api = TestApi::new().await;
    let admin = api.admin("root").await;
    let ada = api.make_with_address("ada", ADA).await.id;
    let set = json!({ "new_password": "Compiler-Pioneer-1952" });
    assert_eq!(api.post_as(&admin, &format!("/api/v1/users/{ada}/password"), &set).await.status, 200);
    let token = reset_token(&api).await;
    assert_eq!(confirm(&api, &token, NEW_PASSWORD).await.status, 200);
    let login = json!({ "identifier": "ada", "password": NEW_PASSWORD });
    assert_eq!(api.post(LOGIN, &login).await.data()["user"]["must_change_password"], false);
}

/// Proves: RS-10
#[actix_web::test]
async fn a_password_that_will_not_do_leaves_the_token_as_good_as_before() {
    let api = TestApi::new().await;
    api.make_with_address("lovelace", ADA).await;
    let token = reset_token(&api).await;
    for weak in ["short", "password", "Lovelace-18-15", "Xk7!vQz\0mN4", &"x".repeat(129), ""] {
        let refused = confirm(&api, &token, weak).await;
        refused.assert_refused(422, "WEAK_PASSWORD");
        assert!(refused.details().iter().all(|(field, _)| field == "new_password"), "{refused:?}");
    }
    api.post(CONFIRM, &json!({ "token": token })).await.assert_invalid("new_password", "required");
    let other_name = json!({ "token": token, "password": NEW_PASSWORD });
    api.post(CONFIRM, &other_name).await.assert_invalid("password", "unknown_field");
    assert_eq!(login_status(&api, "lovelace", PASSWORD).await, 200, "nothing has happened");
    assert_eq!(confirm(&api, &token, NEW_PASSWORD).await.status, 200);
}

/// Proves: RS-05, RS-12
#[actix_web::test]
async fn nothing_that_a_request_says_changes_where_links_lead() {
    let api = TestApi::new().await;
    api.make_with_address("ada", ADA).await;
    let fields: [&[(&str, &str)]; 7] = [
        &[("Host", "evil.example")],
        &[("X-Forwarded-Host", "evil.example")],
        &[("X-Forwarded-Proto", "ftp"), ("X-Forwarded-Port", "6666")],
        &[("Forwarded", "host=evil.example;proto=ftp;for=203.0.113.9")],
        &[
            ("X-Forwarded-Server", "evil.example"),
            ("X-Original-URL", "http://evil.example/"),
            ("X-Host", "evil.example"),
        ],
        &[("Origin", "https://evil.example"), ("Referer", "https://evil.example/page")],
        &[],
    ];
    for fields in fields {
        for target in [REQUEST.to_owned(), format!("ftp://evil.example:6666{REQUEST}")] {
            let request = json_post(&target).set_json(json!({ "email": ADA }));
            let answer = api.call(fields.iter().fold(request, |request, field| request.insert_header(*field))).await;
            assert_eq!(answer.status, 202, "{fields:?}");
            let mail = api.mails().await.pop().unwrap();
            let link = format!("{PAGES}reset-password#token={}", token_in(&mail));
            let html = mail.html.replace("&#x2f;", "/");
            assert!(mail.text.contains(&link) && html.contains(&format!("href=\"{link}\"")), "{html}");
            assert_eq!(mail.text.matches("://").count(), 1, "{}", mail.text);
            for unwanted in ["evil", "ftp:", "6666"] {
                assert!(!mail.text.contains(unwanted) && !mail.html.contains(unwanted), "{fields:?}: {}", mail.text);
            }
        }
    }
    for parameter in ["redirect", "redirect_to", "return_to", "url"] {
        let path = format!("{REQUEST}?{parameter}=https://evil.example");
        api.post(&path, &json!({ "email": ADA })).await.assert_invalid(parameter, "unknown_field");
    }
}

/// A reset in German, of which the rest is in English.
fn in_german() -> Vec<TemplateOverride> {
    let one = |name: &str, source: &str| TemplateOverride {
        locale: Some("de".to_owned()),
        name: name.to_owned(),
        source: source.to_owned(),
    };
    vec![
        one("reset_password.txt", "Subject: Neues Passwort\n\n{{ link }}\n"),
        one("reset_password.html", "<p>{{ link }}</p>"),
    ]
}

#[actix_web::test]
async fn a_mail_is_in_the_language_that_the_browser_asked_for_if_there_is_one() {
    let api = TestApi::set_up(Setup { templates: in_german(), ..Setup::default() }).await;
    api.make_with_address("ada", ADA).await;
    let (german, english) = ("Neues Passwort", "Set a new password for Example");
    for (languages, subject) in [
        (Some("de"), german),
        (Some("fr, de-AT;q=0.8, en;q=0.5"), german),
        (Some("fr"), english),
        (Some("de;q=0, en"), english),
        (Some("\u{e4}, ;;q=x, *"), english),
        (None, english),
    ] {
        let request = json_post(REQUEST).set_json(json!({ "email": ADA }));
        let answer = api
            .call(match languages {
                Some(languages) => request.insert_header(("Accept-Language", languages)),
                None => request,
            })
            .await;
        assert_eq!(answer.status, 202);
        assert_eq!(api.mails().await.pop().unwrap().subject, subject, "{languages:?}");
    }
}
