//! Accounts that administrators make without a password, and resets that they send.

use serde_json::{Value, json};
use usher_domain::MailKind;
use usher_service::{RegistrationMode, UserDraft};

use crate::{
    fixture::{PASSWORD, Setup, TestApi, draft},
    post::{ADA, NEW_PASSWORD, PAGES, token_in},
};

const USERS: &str = "/api/v1/users";
const CONFIRM: &str = "/api/v1/auth/reset-password/confirm";
const LOGIN: &str = "/api/v1/auth/login";
const MISSING: &str = "01900000-0000-7000-8000-000000000001";

fn invitation() -> Value {
    json!({ "username": "ada", "email": ADA })
}

fn reset_of(id: &str) -> String {
    format!("{USERS}/{id}/reset-password")
}

/// Proves: RS-12
#[actix_web::test]
async fn whoever_is_invited_chooses_his_password_himself() {
    let api = TestApi::new().await;
    let admin = api.admin("root").await;
    let made = api.post_as(&admin, USERS, &invitation()).await;
    assert_eq!(made.status, 201);
    let data = made.data();
    assert_eq!(made.header("location"), format!("{USERS}/{}", data["id"].as_str().unwrap()));
    assert_eq!((&data["must_change_password"], &data["email_verified"]), (&json!(false), &json!(false)));
    for guess in ["", PASSWORD, NEW_PASSWORD] {
        let login = json!({ "identifier": "ada", "password": guess });
        api.post(LOGIN, &login).await.assert_refused(401, "INVALID_CREDENTIALS");
    }
    let mail = api.mails().await.pop().unwrap();
    assert_eq!((mail.kind, mail.to.as_str()), (MailKind::Invite, ADA));
    assert!(mail.text.contains(&format!("{PAGES}accept-invitation#token=")), "{}", mail.text);
    let accept = json!({ "token": token_in(&mail), "new_password": NEW_PASSWORD });
    api.post("/api/v1/auth/verify-email", &json!({ "token": token_in(&mail) }))
        .await
        .assert_refused(400, "INVALID_OR_EXPIRED_TOKEN");
    let accepted = api.post(CONFIRM, &accept).await;
    assert_eq!((accepted.status.as_u16(), accepted.data(), accepted.header("set-cookie")), (200, Value::Null, ""));
    let login = api.post(LOGIN, &json!({ "identifier": "ada", "password": NEW_PASSWORD })).await;
    let user = &login.data()["user"];
    assert_eq!((&user["must_change_password"], &user["email_verified"]), (&json!(false), &json!(true)));
    api.post(CONFIRM, &accept).await.assert_refused(400, "INVALID_OR_EXPIRED_TOKEN");
    assert_eq!(api.arrived().await.len(), 1, "whoever had no password has none that was changed");
}

#[actix_web::test]
async fn an_invitation_takes_an_address_a_way_to_reach_it_and_the_right_to_send_it() {
    let api = TestApi::new().await;
    let (admin, user) = (api.admin("root").await, api.user("bob").await);
    let writer = api.with_permissions("writer", &["users:write"]).await;
    api.post_as(&admin, USERS, &json!({ "username": "ada" })).await.assert_invalid("email", "required");
    let malformed = json!({ "username": "ada", "email": "ada" });
    api.post_as(&admin, USERS, &malformed).await.assert_invalid("email", "invalid_format");
    api.post_as(&user, USERS, &invitation()).await.assert_refused(403, "FORBIDDEN");
    api.post_as("no.such.token", USERS, &invitation()).await.assert_refused(401, "UNAUTHENTICATED");
    let unsettled = api.unsettled("newcomer").await;
    api.post_as(&unsettled, USERS, &invitation()).await.assert_refused(403, "PASSWORD_CHANGE_REQUIRED");
    api.post(USERS, &invitation()).await.assert_invalid("password", "required");
    assert!(api.arrived().await.is_empty());
    assert_eq!(api.post_as(&writer, USERS, &invitation()).await.status, 201);
    api.post_as(&admin, USERS, &invitation()).await.assert_refused(409, "USERNAME_TAKEN");
    assert_eq!(api.arrived().await, [(ADA.to_owned(), MailKind::Invite)]);

    let mute = TestApi::set_up(Setup { sends_mail: false, ..Setup::default() }).await;
    let admin = mute.admin("root").await;
    mute.post_as(&admin, USERS, &invitation()).await.assert_invalid("password", "required");
    let ada = mute.make_with_address("ada", ADA).await.id.to_string();
    mute.post_nothing_as(&admin, &reset_of(&ada)).await.assert_refused(409, "WRONG_STATUS");
}

#[actix_web::test]
async fn administrators_invite_in_every_mode_of_registration() {
    for registration in [RegistrationMode::Open, RegistrationMode::Verified, RegistrationMode::Closed] {
        let api = TestApi::set_up(Setup { registration, ..Setup::default() }).await;
        let admin = api.admin("root").await;
        assert_eq!(api.post_as(&admin, USERS, &invitation()).await.status, 201, "{registration:?}");
        assert_eq!(api.arrived().await, [(ADA.to_owned(), MailKind::Invite)], "{registration:?}");
    }
}

/// Proves: PW-15
#[actix_web::test]
async fn administrators_have_a_reset_mailed_and_learn_nothing_of_its_token() {
    let api = TestApi::new().await;
    let writer = api.with_permissions("writer", &["users:write"]).await;
    let ada = api.make_with_address("ada", ADA).await.id.to_string();
    let bob = api.make(UserDraft { password: None, email: Some("bob@example.org".to_owned()), ..draft("bob") }).await;
    for (id, to, kind) in
        [(ada.as_str(), ADA, MailKind::ResetPassword), (&bob.id.to_string(), "bob@example.org", MailKind::Invite)]
    {
        let sent = api.post_nothing_as(&writer, &reset_of(id)).await;
        assert_eq!(sent.text(), r#"{"success":true,"data":null,"error":null}"#);
        assert_eq!((sent.status.as_u16(), sent.header("etag"), sent.header("location")), (202, "", ""));
        let mail = api.mails().await.pop().unwrap();
        assert_eq!((mail.to.as_str(), mail.kind), (to, kind));
        let accept = json!({ "token": token_in(&mail), "new_password": NEW_PASSWORD });
        assert_eq!(api.post(CONFIRM, &accept).await.status, 200, "{to}");
    }
    for name in ["ada", "bob"] {
        let login = json!({ "identifier": name, "password": NEW_PASSWORD });
        assert_eq!(api.post(LOGIN, &login).await.data()["user"]["must_change_password"], false, "{name}");
    }
}

/// Proves: AZ-02
#[actix_web::test]
async fn a_reset_is_sent_by_whoever_may_to_somebody_else_who_can_use_it() {
    let api = TestApi::new().await;
    let admin = api.admin("root").await;
    let own = api.get_as(&admin, "/api/v1/users/me").await.data()["id"].as_str().unwrap().to_owned();
    let writer = api.with_permissions("writer", &["users:write"]).await;
    let user = api.user("user").await;
    let unsettled = api.unsettled("newcomer").await;
    let send = async |token: &str, id: &str| api.post_nothing_as(token, &reset_of(id)).await;
    let ada = api.make_with_address("ada", ADA).await.id.to_string();
    let nameless = api.make(draft("nameless")).await.id.to_string();
    let roles = Some(vec!["admin".to_owned()]);
    let chief = UserDraft { roles, email: Some("chief@example.org".to_owned()), ..draft("chief") };
    let chief = api.make(chief).await.id.to_string();

    for id in [ada.as_str(), MISSING, own.as_str()] {
        send(&user, id).await.assert_refused(403, "FORBIDDEN");
        send(&unsettled, id).await.assert_refused(403, "PASSWORD_CHANGE_REQUIRED");
        api.post(&reset_of(id), &json!({})).await.assert_refused(401, "UNAUTHENTICATED");
    }
    send(&writer, &chief).await.assert_refused(403, "FORBIDDEN");
    send(&admin, MISSING).await.assert_refused(404, "NOT_FOUND");
    send(&admin, "ada").await.assert_refused(404, "NOT_FOUND");
    send(&admin, &own).await.assert_refused(409, "CANNOT_TARGET_SELF");
    send(&admin, &nameless).await.assert_refused(409, "WRONG_STATUS");
    let path = format!("{USERS}/{ada}");
    assert_eq!(api.post_nothing_as(&admin, &format!("{path}/deactivate")).await.status, 200);
    send(&admin, &ada).await.assert_refused(409, "WRONG_STATUS");
    assert_eq!(api.delete_as(&admin, &path).await.status, 200);
    send(&admin, &ada).await.assert_refused(409, "WRONG_STATUS");
    send(&writer, &ada).await.assert_refused(404, "NOT_FOUND");
    assert_eq!(api.delete_as(&admin, &format!("{path}?permanent=true")).await.status, 200);
    send(&admin, &ada).await.assert_refused(404, "NOT_FOUND");
    let query = format!("{}?email=eve@example.org", reset_of(&chief));
    api.post_nothing_as(&admin, &query).await.assert_invalid("email", "unknown_field");
    assert!(api.arrived().await.is_empty());
    assert_eq!(send(&admin, &chief).await.status, 202);
}
