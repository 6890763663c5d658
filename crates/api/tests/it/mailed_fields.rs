//! What is written into mails cannot end a line of their heads.

use actix_web::test::TestRequest;
use serde_json::{Value, json};
use usher_domain::MailKind;
use usher_service::RegistrationMode;

use crate::{
    fixture::{Answer, PASSWORD, Setup, TestApi, bearer},
    post::ADA,
};

/// What ends a line somewhere, and a spelling of it.
const ENDS: [&str; 10] = ["\r", "\n", "\r\n", "\0", "\u{2028}", "\u{2029}", "\u{85}", "\u{b}", "\u{c}", "%0a"];

const SIGN_UP: &str = "/api/v1/auth/signup";
const USERS: &str = "/api/v1/users";
const ME: &str = "/api/v1/users/me";

/// A field of a request, and the whole body with this value of it.
type Field = (&'static str, fn(&str) -> Value);

fn wish(field: &str, value: &str) -> Value {
    let mut body = json!({ "username": "eve", "password": PASSWORD, "email": "eve@example.org", "full_name": "Eve" });
    body[field] = json!(value);
    body
}

/// Texts in which a line ends and a header of the sender's own begins.
fn injected(field: &str, end: &str) -> Vec<String> {
    match field {
        "email" => vec![
            format!("ada{end}bcc@example.org"),
            format!("ada@example{end}.org"),
            format!("ada@example.org{end}Bcc:eve@example.org"),
            format!("ada@example.org{end}Bcc: eve@example.org"),
            format!("ada{end}Bcc: x@example.org"),
            format!("eve@example.org,{end}ada@example.org"),
        ],
        _ => vec![
            format!("ada{end}Bcc"),
            format!("ada{end}Bcc: eve@example.org"),
            format!("{end}ada"),
            format!("ada{end}"),
        ],
    }
}

async fn assert_all_refused(field: Field, send: impl AsyncFn(Value) -> Answer) {
    let (name, body) = field;
    for end in ENDS {
        for value in injected(name, end) {
            let answer = send(body(&value)).await;
            answer.assert_refused(422, "VALIDATION_FAILED");
            assert_eq!(answer.details()[0].0, name, "{value:?}: {answer:?}");
        }
    }
}

/// Proves: RS-07
#[actix_web::test]
async fn no_end_of_a_line_gets_in_at_a_sign_up() {
    let fields: [Field; 3] = [
        ("username", |value| wish("username", value)),
        ("email", |value| wish("email", value)),
        ("full_name", |value| wish("full_name", value)),
    ];
    for registration in [RegistrationMode::Open, RegistrationMode::Verified] {
        let api = TestApi::set_up(Setup { registration, ..Setup::default() }).await;
        let admin = api.admin("root").await;
        for field in fields {
            for path in [SIGN_UP, USERS] {
                assert_all_refused(field, async |body| api.post(path, &body).await).await;
            }
            assert_all_refused(field, async |body| api.post_as(&admin, USERS, &body).await).await;
        }
        assert!(api.arrived().await.is_empty());
    }
}

/// Proves: RS-07
#[actix_web::test]
async fn no_end_of_a_line_gets_in_by_a_change() {
    let api = TestApi::new().await;
    let admin = api.admin("root").await;
    let id = api.make_with_address("ada", ADA).await.id;
    let ada = api.token("ada").await;
    let account = format!("{USERS}/{id}");
    let username: Field = ("username", |value| json!({ "username": value }));
    let full_name: Field = ("full_name", |value| json!({ "full_name": value }));
    let email: Field = ("email", |value| json!({ "email": value }));
    for field in [username, full_name] {
        assert_all_refused(field, async |body| api.patch_as(&ada, ME, &body).await).await;
        let whole = async |body: Value| {
            let mut all = json!({ "username": "ada", "full_name": null });
            all.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
            api.put_as(&ada, ME, &all).await
        };
        assert_all_refused(field, whole).await;
    }
    for field in [username, full_name, email] {
        assert_all_refused(field, async |body| api.patch_as(&admin, &account, &body).await).await;
        let whole = async |body: Value| {
            let mut all = json!({
                "username": "ada", "email": ADA, "email_verified": false, "full_name": null, "external_id": null,
                "metadata": {},
            });
            all.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
            api.put_as(&admin, &account, &all).await
        };
        assert_all_refused(field, whole).await;
    }
    let change: Field = ("email", |value| json!({ "email": value, "current_password": PASSWORD }));
    assert_all_refused(change, async |body| api.post_as(&ada, "/api/v1/users/me/email", &body).await).await;
    for path in ["/api/v1/auth/reset-password", "/api/v1/users/reset-password", "/api/v1/auth/verify-email/request"] {
        assert_all_refused(email, async |body| api.post(path, &body).await).await;
    }
    let own = async |body| api.post_as(&ada, "/api/v1/auth/verify-email/request", &body).await;
    assert_all_refused(email, own).await;
    assert!(api.arrived().await.is_empty());
    assert_eq!(api.get_as(&ada, ME).await.header("etag"), "\"1\"", "nothing has changed");
}

/// White space around an address is dropped, so it is in no mail.
///
/// Proves: RS-07
#[actix_web::test]
async fn what_stands_around_an_address_gets_into_no_mail() {
    let api = TestApi::new().await;
    api.make_with_address("ada", ADA).await;
    let ada = api.token("ada").await;
    let change = json!({ "email": "\r\n countess@example.org\r\n", "current_password": PASSWORD });
    let request = TestRequest::post().uri("/api/v1/users/me/email").set_json(change);
    let request = request.insert_header(("User-Agent", "x\tSubject: x")).insert_header(("Accept-Language", "de,\tx"));
    assert_eq!(api.call(bearer(request, &ada)).await.status, 202);
    assert_eq!(api.post("/api/v1/auth/reset-password", &json!({ "email": " ada@example.org\n" })).await.status, 202);
    let mails = api.mails().await;
    let told: Vec<_> = mails.iter().map(|mail| (mail.to.as_str(), mail.kind)).collect();
    let expected = [
        ("countess@example.org", MailKind::ChangeEmail),
        (ADA, MailKind::EmailChangeRequested),
        (ADA, MailKind::ResetPassword),
    ];
    assert_eq!(told, expected);
    assert!(mails.iter().all(|mail| !mail.subject.contains(char::is_control)), "{mails:?}");
}
