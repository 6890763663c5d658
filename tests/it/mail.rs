//! Mail and recovery over HTTP: proving an address, getting back in.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Barrier;
use usher_tests::{Answer, PASSWORD, TestApp, on_each_engine};

const ADA: &str = "ada@example.org";
const NEW_PASSWORD: &str = "Zq9#kLm-pW2";

async fn ask_reset(app: &TestApp, email: &str) -> Answer {
    app.post("/auth/reset-password", &json!({ "email": email })).await
}

async fn confirm(app: &TestApp, token: &str, password: &str) -> Answer {
    app.post("/auth/reset-password/confirm", &json!({"token": token, "new_password": password})).await
}

async fn verify(app: &TestApp, body: Value) -> Answer {
    app.post("/auth/verify-email", &body).await
}

async fn with_address(app: &TestApp, username: &str, email: &str) -> String {
    app.admin().await.create_with(username, &json!({ "email": email })).await
}

async fn sign_up(app: &TestApp, username: &str, email: &str) -> Answer {
    let wish = json!({"username": username, "email": email, "password": PASSWORD});
    app.post("/auth/signup", &wish).await
}

async fn count(app: &TestApp, query: &str) -> String {
    app.column(&format!("SELECT CAST(COUNT(*) AS TEXT) FROM {query}")).await.remove(0)
}

on_each_engine! {
    /// Proves: RS-03, RS-10, RS-11, RT-12, JW-17
    async fn whoever_lost_his_password_gets_back_in_by_mail(app: TestApp) {
        with_address(&app, "ada", ADA).await;
        let signed_in = app.login("ada").await;
        let text = |name: &str| signed_in.data()[name].as_str().unwrap().to_owned();
        assert_eq!(ask_reset(&app, "Ada@EXAMPLE.org").await.status, 202);
        let mail = app.mail(ADA, "reset_password").await;

        let weak = confirm(&app, mail.token(), "short").await;
        assert_eq!((weak.status, weak.code()), (422, "WEAK_PASSWORD"));
        let done = confirm(&app, mail.token(), NEW_PASSWORD).await;
        assert_eq!((done.status, done.data()), (200, &Value::Null), "nobody is signed in by it");
        assert_eq!(app.with_token(&text("access_token")).get("/users/me").await.status, 401);
        assert_eq!(app.refresh(&text("refresh_token")).await.status, 401);
        assert_eq!(app.login_status("ada", PASSWORD).await, 401);
        assert_eq!(app.login_status(ADA, NEW_PASSWORD).await, 200);
        let again = confirm(&app, mail.token(), "Another#Pass-77").await;
        assert_eq!((again.status, again.code()), (400, "INVALID_OR_EXPIRED_TOKEN"));
        let notice = app.mail(ADA, "password_changed").await;
        assert!(!notice.content.contains(NEW_PASSWORD) && !notice.content.contains("#token="));
    }

    /// Proves: RS-04
    async fn of_sixteen_confirmations_of_one_token_one_succeeds(app: TestApp) {
        with_address(&app, "ada", ADA).await;
        let app = Arc::new(app);
        for round in 1..=5 {
            ask_reset(&app, ADA).await;
            let token = app.mail_number(round, ADA, "reset_password").await.token().to_owned();
            let barrier = Arc::new(Barrier::new(16));
            let confirms: Vec<_> = (0..16).map(|number| {
                let (app, barrier, token) = (app.clone(), barrier.clone(), token.clone());
                tokio::spawn(async move {
                    barrier.wait().await;
                    confirm(&app, &token, &format!("Zq9#kLm-pW{number}")).await
                })
            }).collect();
            let mut won = Vec::new();
            for (number, confirm) in confirms.into_iter().enumerate() {
                let answer = confirm.await.unwrap();
                match answer.status {
                    200 => won.push(number),
                    400 => assert_eq!(answer.code(), "INVALID_OR_EXPIRED_TOKEN"),
                    _ => panic!("{answer:?}"),
                }
            }
            let [winner] = won[..] else { panic!("round {round}: {won:?}") };
            assert_eq!(app.login_status("ada", &format!("Zq9#kLm-pW{winner}")).await, 200, "round {round}");
        }
        assert_eq!(count(&app, "activity_log WHERE action = 'password.reset'").await, "5");
    }

    /// Proves: RS-01, RS-06, ID-07
    async fn a_wish_for_a_reset_tells_nothing_of_who_has_an_account(app: TestApp) {
        let admin = app.admin().await;
        let ids = [
            with_address(&app, "known", "Known@example.org").await,
            with_address(&app, "shut", "shut@example.org").await,
            with_address(&app, "gone", "gone@example.org").await,
        ];
        admin.post_nothing(&format!("/users/{}/deactivate", ids[1])).await;
        admin.delete(&format!("/users/{}", ids[2])).await;
        let mut answers = Vec::new();
        for name in ["known", "shut", "gone", "nobody"] {
            answers.push(ask_reset(&app, &format!("{name}@example.org")).await);
        }
        assert_eq!((answers[0].status, &answers[0].json["data"]), (202, &Value::Null));
        for answer in &answers {
            assert_eq!(answer.without_request_id(), answers[0].without_request_id());
        }
        app.mail("Known@example.org", "reset_password").await;
        // Whatever the others would have got was asked for before this one.
        ask_reset(&app, "known@example.org").await;
        app.mail_number(2, "Known@example.org", "reset_password").await;
        assert_eq!(app.mails().len(), 2);
        assert_eq!(count(&app, "mail_requests").await, "0");
        assert_eq!(ask_reset(&app, "nobody").await.status, 422);
    }

    /// Proves: RS-02
    async fn what_rests_is_no_token(app: TestApp) {
        with_address(&app, "ada", ADA).await;
        ask_reset(&app, ADA).await;
        let token = app.mail(ADA, "reset_password").await.token().to_owned();
        assert_eq!(token.len(), 64, "48 bytes in base64url, 32 of them unguessable");
        let hex = if app.is_on_postgres() { "encode(hash, 'hex')" } else { "lower(hex(hash))" };
        let hashes = app.column(&format!("SELECT {hex} FROM one_time_tokens")).await;
        assert_eq!(hashes.len(), 1);
        assert_eq!(hashes[0].len(), 64);
        assert_eq!(count(&app, "mail_queue").await, "0", "what was sent is gone");
        for column in ["details", "request_id"] {
            for text in app.column(&format!("SELECT COALESCE({column}, '') FROM activity_log")).await {
                assert!(!text.contains(&token));
            }
        }
        assert_eq!(confirm(&app, &hashes[0], NEW_PASSWORD).await.status, 400, "whoever reads the database has none");
    }

    async fn an_address_is_proven_once(app: TestApp) {
        assert_eq!(sign_up(&app, "ada", ADA).await.status, 201);
        let mail = app.mail(ADA, "verify_email").await;
        let proven = verify(&app, json!({"token": mail.token()})).await;
        assert_eq!((proven.status, &proven.data()["email_verified"]), (200, &json!(true)));
        assert_eq!(verify(&app, json!({"token": mail.token()})).await.code(), "INVALID_OR_EXPIRED_TOKEN");
        let unknown = app.post("/auth/verify-email/request", &json!({"email": "nobody@example.org"})).await;
        let known = app.post("/auth/verify-email/request", &json!({ "email": ADA })).await;
        assert_eq!(unknown.without_request_id(), known.without_request_id());
        assert_eq!(unknown.status, 202);
    }

    /// Proves: ID-08
    async fn nobody_has_an_account_before_his_address_is_proven(
        app: TestApp, [("registration.mode", "verified")]
    ) {
        with_address(&app, "olga", "Taken@example.org").await;
        let free = sign_up(&app, "ada", ADA).await;
        let taken = sign_up(&app, "bob", "taken@example.org").await;
        assert_eq!(free.without_request_id(), taken.without_request_id());
        assert_eq!(free.status, 202);
        assert_eq!(sign_up(&app, "OLGA", "new@example.org").await.code(), "USERNAME_TAKEN");
        assert_eq!(app.post("/users", &json!({"username": "eve", "email": "eve@example.org"})).await.status, 202);
        assert_eq!(count(&app, "users").await, "2");
        assert_eq!(app.login_status("ada", PASSWORD).await, 401, "the password of the wish opens nothing");

        let told = app.mail("Taken@example.org", "sign_up_taken").await;
        assert!(!told.content.contains("#token="));
        let mail = app.mail(ADA, "sign_up").await;
        let asks = verify(&app, json!({"token": mail.token()})).await;
        assert_eq!((asks.status, asks.code()), (422, "VALIDATION_FAILED"));
        let made = verify(&app, json!({"token": mail.token(), "password": NEW_PASSWORD})).await;
        assert_eq!((made.status, &made.data()["email_verified"]), (200, &json!(true)), "{made:?}");
        assert_eq!(app.login_status("ada", PASSWORD).await, 401);
        assert_eq!(app.login_status("ada", NEW_PASSWORD).await, 200);
        assert_eq!(verify(&app, json!({"token": mail.token(), "password": NEW_PASSWORD})).await.status, 400);
    }

    /// Proves: AZ-07
    async fn an_address_changes_once_the_new_one_is_proven(app: TestApp) {
        with_address(&app, "owner", "taken@example.org").await;
        with_address(&app, "ada", ADA).await;
        let ada = app.sign_in("ada", PASSWORD).await;
        let change = async |email: &str, password: &str| {
            ada.post("/users/me/email", &json!({"email": email, "current_password": password})).await
        };
        let me = async || ada.get("/users/me").await.data()["email"].as_str().unwrap().to_owned();

        assert_eq!(change("new@example.org", "wrong").await.code(), "CURRENT_PASSWORD_INCORRECT");
        let free = change("new@example.org", PASSWORD).await;
        let taken = change("taken@example.org", PASSWORD).await;
        assert_eq!(free.without_request_id(), taken.without_request_id());
        assert_eq!(free.status, 202);
        assert_eq!(me().await, ADA);
        app.mail_number(2, ADA, "email_change_requested").await;
        let told = app.mail("taken@example.org", "change_email_taken").await;
        assert!(!told.content.contains("#token="));

        let mail = app.mail("new@example.org", "change_email").await;
        let done = verify(&app, json!({"token": mail.token()})).await;
        assert_eq!((done.status, &done.data()["email_verified"]), (200, &json!(true)));
        assert_eq!(me().await, "new@example.org");
        app.mail(ADA, "email_changed").await;

        change("third@example.org", PASSWORD).await;
        let pending = app.mail("third@example.org", "change_email").await;
        let body = json!({"current_password": PASSWORD, "new_password": NEW_PASSWORD});
        assert_eq!(ada.post("/users/me/password", &body).await.status, 200);
        let dead = verify(&app, json!({"token": pending.token()})).await;
        assert_eq!(dead.code(), "INVALID_OR_EXPIRED_TOKEN", "a change dies with the password");
    }

    async fn somebody_invited_chooses_his_password(app: TestApp) {
        let admin = app.admin().await;
        let invited = admin.post("/users", &json!({"username": "ada", "email": ADA})).await;
        assert_eq!(invited.status, 201, "{invited:?}");
        assert_eq!(app.login_status("ada", PASSWORD).await, 401);
        let mail = app.mail(ADA, "invite").await;
        assert_eq!(confirm(&app, mail.token(), NEW_PASSWORD).await.status, 200);
        let ada = app.sign_in("ada", NEW_PASSWORD).await;
        let me = ada.get("/users/me").await;
        assert_eq!((&me.data()["email_verified"], &me.data()["must_change_password"]), (&json!(true), &json!(false)));
        assert_eq!(count(&app, "activity_log WHERE action = 'user.invited'").await, "1");
        let without_address = admin.post("/users", &json!({"username": "bob"})).await;
        assert_eq!((without_address.status, without_address.code()), (422, "VALIDATION_FAILED"));

        let id = invited.data()["id"].as_str().unwrap();
        assert_eq!(admin.post_nothing(&format!("/users/{id}/reset-password")).await.status, 202);
        let mail = app.mail(ADA, "reset_password").await;
        assert_eq!(confirm(&app, mail.token(), PASSWORD).await.status, 200);
    }

    /// Proves: RS-08, RS-09
    async fn mails_and_tokens_are_limited(
        app: TestApp, [("throttle.enabled", "true"), ("throttle.login_network.limit", "0")]
    ) {
        with_address(&app, "ada", ADA).await;
        for _ in 0..4 {
            assert_eq!(ask_reset(&app, ADA).await.status, 202, "also the one that is not sent");
        }
        for number in 0..6 {
            assert_eq!(ask_reset(&app, &format!("nobody{number}@example.org")).await.status, 202);
        }
        for email in [ADA, "nobody@example.org"] {
            let refused = ask_reset(&app, email).await;
            assert_eq!((refused.status, refused.code()), (429, "TOO_MANY_ATTEMPTS"));
            assert!(!refused.header("retry-after").is_empty());
        }
        app.mail_number(3, ADA, "reset_password").await;
        assert_eq!(count(&app, "mail_requests").await, "0");
        assert_eq!(app.mails().len(), 3);

        for _ in 0..5 {
            assert_eq!(confirm(&app, "no-token", NEW_PASSWORD).await.status, 400);
            assert_eq!(verify(&app, json!({"token": "no-token"})).await.status, 400);
        }
        assert_eq!(confirm(&app, "no-token", NEW_PASSWORD).await.status, 429);
        assert_eq!(verify(&app, json!({"token": "no-token"})).await.status, 429);
    }

    async fn where_no_mail_is_sent_an_address_changes_at_once(app: TestApp, [("mail.transport", "none")]) {
        with_address(&app, "owner", "taken@example.org").await;
        with_address(&app, "ada", ADA).await;
        let ada = app.sign_in("ada", PASSWORD).await;
        let change = async |email: &str| {
            ada.post("/users/me/email", &json!({"email": email, "current_password": PASSWORD})).await
        };
        assert_eq!(change("taken@example.org").await.code(), "EMAIL_TAKEN");
        let done = change("new@example.org").await;
        assert_eq!((done.status, &done.data()["email"]), (200, &json!("new@example.org")));
        assert_eq!(done.data()["email_verified"], json!(false));
        assert_eq!(ask_reset(&app, "new@example.org").await.status, 202);
        assert_eq!(app.admin().await.post("/users", &json!({"username": "bob", "email": "b@example.org"})).await.status, 422);
        assert_eq!(app.mails().len(), 0);
    }
}
