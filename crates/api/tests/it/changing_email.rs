//! Changing one's own address.

use std::collections::BTreeSet;

use actix_web::test::TestRequest;
use serde_json::{Value, json};
use usher_domain::MailKind;

use crate::{
    accounts::USER_READ,
    fixture::{Answer, PASSWORD, Setup, TestApi, bearer, keys},
    post::{ADA, NEW_PASSWORD, PAGES, token_in},
};

const PATH: &str = "/api/v1/users/me/email";
const VERIFY: &str = "/api/v1/auth/verify-email";
const ME: &str = "/api/v1/users/me";
const NEW: &str = "countess@example.org";

fn change(email: &str, password: &str) -> Value {
    json!({ "email": email, "current_password": password })
}

async fn verify(api: &TestApi, token: &str) -> Answer {
    api.post(VERIFY, &json!({ "token": token })).await
}

/// Ada, signed in.
async fn with_ada() -> (TestApi, String) {
    let api = TestApi::new().await;
    api.make_with_address("ada", ADA).await;
    let token = api.token("ada").await;
    (api, token)
}

/// Proves: AZ-07
#[actix_web::test]
async fn the_old_address_is_told_and_stays_in_force_until_the_new_one_is_proven() {
    let (api, ada) = with_ada().await;
    let asked = api.post_as(&ada, PATH, &change(NEW, PASSWORD)).await;
    assert_eq!(asked.text(), r#"{"success":true,"data":null,"error":null}"#);
    assert_eq!((asked.status.as_u16(), asked.header("etag")), (202, ""));
    let before = api.get_as(&ada, ME).await;
    assert_eq!((&before.data()["email"], before.header("etag")), (&json!(ADA), "\"1\""));

    let mails = api.mails().await;
    let told: Vec<_> = mails.iter().map(|mail| (mail.to.as_str(), mail.kind)).collect();
    assert_eq!(told, [(NEW, MailKind::ChangeEmail), (ADA, MailKind::EmailChangeRequested)]);
    assert!(mails[0].text.contains(&format!("{PAGES}verify-email#token=")), "{}", mails[0].text);
    assert!(!mails[1].text.contains("#token=") && !mails[1].html.contains("#token="), "{}", mails[1].text);

    let proven = verify(&api, &token_in(&mails[0])).await;
    assert_eq!((proven.status.as_u16(), proven.header("etag"), proven.header("set-cookie")), (200, "\"2\"", ""));
    let data = proven.data();
    assert_eq!(keys(&data), USER_READ);
    assert_eq!((&data["email"], &data["email_verified"]), (&json!(NEW), &json!(true)));
    assert_eq!(api.get_as(&ada, ME).await.data(), data);
    assert_eq!(api.arrived().await.last(), Some(&(ADA.to_owned(), MailKind::EmailChanged)));
}

/// Proves: AZ-07
#[actix_web::test]
async fn an_access_token_is_not_enough() {
    let (api, ada) = with_ada().await;
    let admin = api.admin("root").await;
    api.post_as(&ada, PATH, &change(NEW, "wrong")).await.assert_refused(422, "CURRENT_PASSWORD_INCORRECT");
    api.post_as(&ada, PATH, &json!({ "email": NEW })).await.assert_invalid("current_password", "required");
    api.patch_as(&ada, ME, &json!({ "email": NEW })).await.assert_refused(422, "USE_DEDICATED_ENDPOINT");
    for (token, code, text) in [(&ada, 403, "FORBIDDEN"), (&admin, 409, "CANNOT_TARGET_SELF")] {
        let own = api.get_as(token, ME).await.data()["id"].as_str().unwrap().to_owned();
        let refused = api.patch_as(token, &format!("/api/v1/users/{own}"), &json!({ "email": NEW })).await;
        refused.assert_refused(code, text);
    }
    api.post(PATH, &change(NEW, PASSWORD)).await.assert_refused(401, "UNAUTHENTICATED");
    api.post_as("no.such.token", PATH, &change(NEW, PASSWORD)).await.assert_refused(401, "UNAUTHENTICATED");
    for (malformed, code) in [("countess", "invalid_format"), (&*format!("{}@example.org", "x".repeat(65)), "too_long")]
    {
        api.post_as(&ada, PATH, &change(malformed, PASSWORD)).await.assert_invalid("email", code);
    }
    for (field, value) in [("email_verified", json!(true)), ("new_email", json!(NEW)), ("redirect", json!("/"))] {
        let mut more = change(NEW, PASSWORD);
        more[field] = value;
        api.post_as(&ada, PATH, &more).await.assert_invalid(field, "unknown_field");
    }
    assert_eq!(api.get_as(&ada, ME).await.data()["email"], ADA);
    assert!(api.arrived().await.is_empty());
}

/// Proves: AZ-07, RS-01
#[actix_web::test]
async fn whether_somebody_else_has_the_address_shows_in_nothing_and_he_learns_of_it() {
    let (api, ada) = with_ada().await;
    api.make_with_address("bob", "bob@example.org").await;
    let mut answers = BTreeSet::new();
    for email in ["Bob@example.org", "free@example.org"] {
        let request = TestRequest::post().uri(PATH).set_json(change(email, PASSWORD));
        answers.insert(api.call(bearer(request.insert_header(("X-Request-Id", "same")), &ada)).await.seen());
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    let mails = api.mails().await;
    let mut told: Vec<_> = mails.iter().map(|mail| (mail.to.as_str(), mail.kind)).collect();
    told.retain(|(to, _)| *to != ADA);
    assert_eq!(told, [("bob@example.org", MailKind::ChangeEmailTaken), ("free@example.org", MailKind::ChangeEmail)]);
    let to_bob = mails.iter().find(|mail| mail.kind == MailKind::ChangeEmailTaken).unwrap();
    assert!(!to_bob.text.contains("#token=") && !to_bob.html.contains("#token="), "{}", to_bob.text);
}

#[actix_web::test]
async fn an_address_that_was_taken_meanwhile_is_a_conflict() {
    let (api, ada) = with_ada().await;
    assert_eq!(api.post_as(&ada, PATH, &change(NEW, PASSWORD)).await.status, 202);
    let token = api.mailed_token(MailKind::ChangeEmail).await;
    api.make_with_address("bob", NEW).await;
    let refused = verify(&api, &token).await;
    refused.assert_refused(409, "EMAIL_TAKEN");
    assert_eq!(refused.details(), [("email".to_owned(), "taken".to_owned())]);
    assert_eq!(api.get_as(&ada, ME).await.data()["email"], ADA);
}

/// Proves: AZ-07, RS-03
#[actix_web::test]
async fn a_change_that_waits_dies_with_the_password_and_the_address() {
    let admins_patch = json!({ "email": "other@example.org" });
    for what in ["password change", "reset", "another address"] {
        let (api, ada) = with_ada().await;
        let admin = api.admin("root").await;
        let id = api.get_as(&ada, ME).await.data()["id"].as_str().unwrap().to_owned();
        assert_eq!(api.post_as(&ada, PATH, &change(NEW, PASSWORD)).await.status, 202);
        let token = api.mailed_token(MailKind::ChangeEmail).await;
        let done = match what {
            "password change" => {
                let body = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
                api.post_as(&ada, "/api/v1/users/me/password", &body).await
            }
            "reset" => {
                assert_eq!(api.post("/api/v1/auth/reset-password", &json!({ "email": ADA })).await.status, 202);
                let reset = api.mailed_token(MailKind::ResetPassword).await;
                let body = json!({ "token": reset, "new_password": NEW_PASSWORD });
                api.post("/api/v1/auth/reset-password/confirm", &body).await
            }
            _ => api.patch_as(&admin, &format!("/api/v1/users/{id}"), &admins_patch).await,
        };
        assert_eq!(done.status, 200, "{what}");
        verify(&api, &token).await.assert_refused(400, "INVALID_OR_EXPIRED_TOKEN");
        assert_ne!(api.get_as(&admin, &format!("/api/v1/users/{id}")).await.data()["email"], NEW, "{what}");
    }
}

#[actix_web::test]
async fn where_no_mail_is_sent_the_address_changes_at_once_and_is_not_proven() {
    let api = TestApi::set_up(Setup { sends_mail: false, ..Setup::default() }).await;
    api.make_with_address("ada", ADA).await;
    api.make_with_address("bob", "bob@example.org").await;
    let ada = api.token("ada").await;
    let taken = api.post_as(&ada, PATH, &change("Bob@example.org", PASSWORD)).await;
    taken.assert_refused(409, "EMAIL_TAKEN");
    assert_eq!(taken.details(), [("email".to_owned(), "taken".to_owned())]);
    api.post_as(&ada, PATH, &change(NEW, "wrong")).await.assert_refused(422, "CURRENT_PASSWORD_INCORRECT");
    let changed = api.post_as(&ada, PATH, &change(NEW, PASSWORD)).await;
    assert_eq!((changed.status.as_u16(), changed.header("etag")), (200, "\"2\""));
    assert_eq!((&changed.data()["email"], &changed.data()["email_verified"]), (&json!(NEW), &json!(false)));
    assert_eq!(api.get_as(&ada, ME).await.data(), changed.data());
}
