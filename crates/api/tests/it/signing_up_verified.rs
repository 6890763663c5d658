//! Signing up where addresses are proven first.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};
use usher_domain::MailKind;
use usher_service::RegistrationMode;

use crate::{
    accounts::USER_READ,
    fixture::{Answer, PASSWORD, Setup, TestApi, draft, json_post, keys, with_cookie},
    post::{ADA, NEW_PASSWORD, PAGES},
};

const SIGN_UP: &str = "/api/v1/auth/signup";
const USERS: &str = "/api/v1/users";
const VERIFY: &str = "/api/v1/auth/verify-email";
const LOGIN: &str = "/api/v1/auth/login";

async fn verified() -> TestApi {
    TestApi::set_up(Setup { registration: RegistrationMode::Verified, ..Setup::default() }).await
}

fn wish(username: &str, email: &str) -> Value {
    json!({ "username": username, "email": email, "full_name": "Ada Lovelace" })
}

async fn verify(api: &TestApi, token: &str, password: &str) -> Answer {
    api.post(VERIFY, &json!({ "token": token, "password": password })).await
}

async fn opens(api: &TestApi, identifier: &str, password: &str) -> bool {
    let login = json!({ "identifier": identifier, "password": password });
    api.post(LOGIN, &login).await.status == 200
}

/// Proves: ID-08, RS-01
#[actix_web::test]
async fn whether_an_address_is_taken_shows_in_nothing_and_its_owner_learns_of_it() {
    let api = verified().await;
    let admin = api.admin("root").await;
    api.make_with_address("ada", ADA).await;
    let deactivated = api.make_with_address("dan", "dan@example.org").await.id;
    let deleted = api.make_with_address("del", "del@example.org").await.id;
    let shut = api.post_nothing_as(&admin, &format!("{USERS}/{deactivated}/deactivate")).await;
    let gone = api.delete_as(&admin, &format!("{USERS}/{deleted}")).await;
    assert_eq!((shut.status.as_u16(), gone.status.as_u16()), (200, 200));
    let mut answers = BTreeSet::new();
    for path in [SIGN_UP, USERS] {
        for email in ["Ada@example.org", "free@example.org", "dan@example.org", "del@example.org"] {
            let request = json_post(path).set_json(wish("newcomer", email)).insert_header(("X-Request-Id", "same"));
            let answer = api.call(request).await;
            assert_eq!((answer.status.as_u16(), answer.data()), (202, Value::Null), "{path} {email}");
            answers.insert(answer.seen());
        }
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    let mails = api.mails().await;
    let told: Vec<_> = mails.iter().map(|mail| (mail.to.as_str(), mail.kind)).collect();
    let both = [(ADA, MailKind::SignUpTaken), ("free@example.org", MailKind::SignUp)];
    assert_eq!(told, [both, both].concat());
    for mail in &mails {
        assert_eq!(mail.text.contains("#token="), mail.kind == MailKind::SignUp, "{}", mail.text);
    }
}

/// Proves: ID-08, RS-10, PW-13
#[actix_web::test]
async fn whoever_reads_the_mail_chooses_the_password_and_only_then_there_is_an_account() {
    let api = verified().await;
    let admin = api.admin("root").await;
    for (path, name) in [(SIGN_UP, "grace"), (USERS, "linus")] {
        let email = format!("{name}@example.org");
        let mut asked = wish(name, &email);
        asked["password"] = json!(PASSWORD);
        let pending = api.post(path, &asked).await;
        assert_eq!(pending.text(), r#"{"success":true,"data":null,"error":null}"#);
        assert_eq!((pending.status.as_u16(), pending.header("location"), pending.header("etag")), (202, "", ""));
        let found = api.get_as(&admin, &format!("{USERS}?username={name}")).await;
        assert_eq!(found.data()["items"], json!([]), "there is no account");
        assert!(!opens(&api, name, PASSWORD).await && !opens(&api, &email, PASSWORD).await);

        let mail = api.mails().await.pop().unwrap();
        assert!(mail.text.contains(&format!("{PAGES}verify-email#token=")), "{}", mail.text);
        let token = crate::post::token_in(&mail);
        for nothing in [json!({ "token": token }), json!({ "token": token, "password": null })] {
            api.post(VERIFY, &nothing).await.assert_invalid("password", "required");
        }
        for weak in ["short", "password", &format!("{name}-18-X-{name}")] {
            let refused = verify(&api, &token, weak).await;
            refused.assert_refused(422, "WEAK_PASSWORD");
            assert!(refused.details().iter().all(|(field, _)| field == "password"), "{refused:?}");
        }
        let made = verify(&api, &token, NEW_PASSWORD).await;
        assert_eq!((made.status.as_u16(), made.header("etag"), made.header("set-cookie")), (200, "\"1\"", ""));
        let data = made.data();
        assert_eq!(keys(&data), USER_READ);
        for (field, expected) in [
            ("username", json!(name)),
            ("email", json!(email)),
            ("email_verified", json!(true)),
            ("full_name", json!("Ada Lovelace")),
            ("roles", json!(["user"])),
            ("must_change_password", json!(false)),
            ("last_login_at", Value::Null),
        ] {
            assert_eq!(data[field], expected, "{field}");
        }
        assert!(opens(&api, name, NEW_PASSWORD).await && opens(&api, &email, NEW_PASSWORD).await);
        assert!(!opens(&api, name, PASSWORD).await, "what was chosen before is nobody's password");
        verify(&api, &token, NEW_PASSWORD).await.assert_refused(400, "INVALID_OR_EXPIRED_TOKEN");
    }
}

/// Proves: ID-08
#[actix_web::test]
async fn a_password_means_nothing_before_the_address_is_proven() {
    let api = verified().await;
    for path in [SIGN_UP, USERS] {
        for password in ["short", "", "Xk7!vQz\0mN4"] {
            let mut asked = wish("grace", "grace@example.org");
            asked["password"] = json!(password);
            assert_eq!(api.post(path, &asked).await.status, 202, "{password:?}");
        }
        let no_address = json!({ "username": "grace", "password": PASSWORD });
        api.post(path, &no_address).await.assert_invalid("email", "required");
        api.post(path, &wish("x", "grace@example.org")).await.assert_invalid("username", "too_short");
        api.post(path, &wish("admin", "grace@example.org")).await.assert_invalid("username", "reserved");
    }
}

/// Proves: ID-08
#[actix_web::test]
async fn a_wish_is_forgotten_after_a_day() {
    let api = verified().await;
    for (early, status) in [(1, 200), (0, 400)] {
        let (name, email) = (format!("grace{early}"), format!("grace{early}@example.org"));
        assert_eq!(api.post(SIGN_UP, &wish(&name, &email)).await.status, 202);
        let token = api.mailed_token(MailKind::SignUp).await;
        api.clock.advance(Duration::from_secs(24 * 60 * 60 - early));
        assert_eq!(verify(&api, &token, NEW_PASSWORD).await.status.as_u16(), status, "{early}");
        assert_eq!(opens(&api, &name, NEW_PASSWORD).await, status == 200);
    }
}

/// Proves: ID-08
#[actix_web::test]
async fn a_name_that_was_taken_meanwhile_is_a_conflict_and_the_token_as_good_as_before() {
    let api = verified().await;
    let admin = api.admin("root").await;
    assert_eq!(api.post(SIGN_UP, &wish("grace", "grace@example.org")).await.status, 202);
    let token = api.mailed_token(MailKind::SignUp).await;
    let same_name = api.make(draft("Grace")).await.id;
    let refused = verify(&api, &token, NEW_PASSWORD).await;
    refused.assert_refused(409, "USERNAME_TAKEN");
    assert_eq!(refused.details(), [("username".to_owned(), "taken".to_owned())]);
    api.post(SIGN_UP, &wish("GRACE", "free@example.org")).await.assert_refused(409, "USERNAME_TAKEN");
    api.post(USERS, &wish("GRACE", "free@example.org")).await.assert_refused(409, "USERNAME_TAKEN");
    assert_eq!(api.delete_as(&admin, &format!("{USERS}/{same_name}?permanent=true")).await.status, 200);

    let same_address = api.make_with_address("other", "Grace@example.org").await.id;
    let refused = verify(&api, &token, NEW_PASSWORD).await;
    refused.assert_refused(409, "EMAIL_TAKEN");
    assert_eq!(refused.details(), [("email".to_owned(), "taken".to_owned())]);
    assert_eq!(api.delete_as(&admin, &format!("{USERS}/{same_address}?permanent=true")).await.status, 200);
    assert_eq!(verify(&api, &token, NEW_PASSWORD).await.status, 200);
}

#[actix_web::test]
async fn a_sign_up_that_waits_ends_no_session_and_sets_no_cookie() {
    let api = verified().await;
    let old = api.signed_in("old").await;
    let request = json_post(SIGN_UP).set_json(wish("grace", "grace@example.org"));
    let pending = api.call(with_cookie(request, &old.cookie)).await;
    assert_eq!((pending.status.as_u16(), pending.header("set-cookie")), (202, ""));
    let token = api.mailed_token(MailKind::SignUp).await;
    let proof = json_post(VERIFY).set_json(json!({ "token": token, "password": NEW_PASSWORD }));
    let made = api.call(with_cookie(proof, &old.cookie)).await;
    assert_eq!((made.status.as_u16(), made.header("set-cookie")), (200, ""));
    assert!(!api.has_ended(old.session).await);
}
