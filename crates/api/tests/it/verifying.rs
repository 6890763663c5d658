//! Proving the address that an account has.

use actix_web::test::TestRequest;
use serde_json::{Value, json};
use usher_domain::MailKind;
use usher_service::UserDraft;

use crate::{
    accounts::USER_READ,
    fixture::{PASSWORD, TestApi, bearer, draft, json_post, keys},
    post::{ADA, PAGES},
};

const REQUEST: &str = "/api/v1/auth/verify-email/request";
const VERIFY: &str = "/api/v1/auth/verify-email";
const ME: &str = "/api/v1/users/me";

#[actix_web::test]
async fn an_address_is_proven_with_the_token_that_was_mailed_to_it() {
    let api = TestApi::new().await;
    for (path, name) in [("/api/v1/auth/signup", "ada"), ("/api/v1/users", "bob")] {
        let email = format!("{name}@example.org");
        let wish = json!({ "username": name, "password": PASSWORD, "email": email });
        assert_eq!(api.post(path, &wish).await.status, 201);
        let mail = api.mails().await.pop().unwrap();
        assert_eq!((mail.kind, mail.to.as_str()), (MailKind::VerifyEmail, email.as_str()));
        assert!(mail.text.contains(&format!("{PAGES}verify-email#token=")), "{}", mail.text);
        let proof = json!({ "token": crate::post::token_in(&mail), "password": "means nothing here" });
        let proven = api.post(VERIFY, &proof).await;
        assert_eq!((proven.status.as_u16(), proven.header("etag")), (200, "\"2\""), "{proven:?}");
        assert_eq!((proven.header("set-cookie"), proven.header("location")), ("", ""));
        let data = proven.data();
        assert_eq!(keys(&data), USER_READ);
        assert_eq!((&data["username"], &data["email_verified"]), (&json!(name), &json!(true)));
        let me = api.get_as(&api.token(name).await, ME).await;
        assert_eq!((&me.data()["email_verified"], me.header("etag")), (&json!(true), "\"2\""));
    }
    let count = api.mails().await.len();
    assert_eq!(api.post(REQUEST, &json!({ "email": ADA })).await.status, 202);
    assert_eq!(api.mails().await.len(), count, "there is nothing left to prove");
}

#[actix_web::test]
async fn whoever_is_signed_in_asks_for_his_own_address_or_for_any() {
    let api = TestApi::new().await;
    api.make_with_address("ada", ADA).await;
    api.make_with_address("bob", "bob@example.org").await;
    let (ada, nameless) = (api.token("ada").await, api.user("nameless").await);
    let own = (ADA.to_owned(), MailKind::VerifyEmail);
    let other = ("bob@example.org".to_owned(), MailKind::VerifyEmail);
    let mut expected = Vec::new();
    for (token, body, mail) in [
        (&ada, None, Some(&own)),
        (&ada, Some(json!({})), Some(&own)),
        (&ada, Some(json!({ "email": null })), Some(&own)),
        (&ada, Some(json!({ "email": ADA })), Some(&own)),
        (&ada, Some(json!({ "email": "bob@example.org" })), Some(&other)),
        (&ada, Some(json!({ "email": "nobody@example.org" })), None),
        (&nameless, None, None),
    ] {
        let request = bearer(TestRequest::post().uri(REQUEST), token);
        let answer = api.call(if let Some(body) = &body { request.set_json(body) } else { request }).await;
        assert_eq!((answer.status.as_u16(), answer.data()), (202, Value::Null), "{body:?}");
        expected.extend(mail.cloned());
        assert_eq!(api.arrived().await, expected, "{body:?}");
    }
    let malformed = json!({ "email": "ada" });
    api.post_as(&ada, REQUEST, &malformed).await.assert_invalid("email", "invalid_format");
    let query = bearer(TestRequest::post().uri(&format!("{REQUEST}?email={ADA}")), &ada);
    api.call(query).await.assert_invalid("email", "unknown_field");
}

/// Proves: AZ-01, JW-16
#[actix_web::test]
async fn a_token_that_is_shown_must_be_good_also_if_an_address_is_there() {
    let api = TestApi::new().await;
    api.make_with_address("ada", ADA).await;
    for (authorization, challenge) in
        [("Bearer no.such.token", r#"Bearer error="invalid_token""#), ("", "Bearer"), ("Basic YTpi", "Bearer")]
    {
        for body in [json!({ "email": ADA }), json!({}), json!({ "email": "malformed" })] {
            let request = json_post(REQUEST).set_json(body).insert_header(("Authorization", authorization));
            let answer = api.call(request).await;
            answer.assert_refused(401, "UNAUTHENTICATED");
            assert_eq!(answer.header("www-authenticate"), challenge, "{authorization}");
        }
    }
    assert!(api.arrived().await.is_empty());
}

#[actix_web::test]
async fn until_the_password_is_changed_an_access_token_asks_for_no_mail() {
    let api = TestApi::new().await;
    let new = UserDraft { email: Some(ADA.to_owned()), must_change_password: Some(true), ..draft("ada") };
    api.make(new).await;
    let token = api.token("ada").await;
    for body in [json!({}), json!({ "email": ADA }), json!({ "email": "bob@example.org" })] {
        api.post_as(&token, REQUEST, &body).await.assert_refused(403, "PASSWORD_CHANGE_REQUIRED");
    }
    api.post_nothing_as(&token, REQUEST).await.assert_refused(403, "PASSWORD_CHANGE_REQUIRED");
    let change = json!({ "email": "countess@example.org", "current_password": PASSWORD });
    api.post_as(&token, "/api/v1/users/me/email", &change).await.assert_refused(403, "PASSWORD_CHANGE_REQUIRED");
    assert!(api.arrived().await.is_empty());
    assert_eq!(api.post(REQUEST, &json!({ "email": ADA })).await.status, 202, "without one anybody may");
    assert_eq!(api.arrived().await.len(), 1);
}
