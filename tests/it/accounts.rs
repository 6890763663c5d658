use serde_json::json;
use usher_tests::{PASSWORD, TestApp, on_each_engine};

on_each_engine! {
    /// Proves: ID-01
    async fn of_fifty_parallel_creations_of_one_name_one_succeeds(app: TestApp) {
        let admin = app.admin().await;
        let body = json!({"username": "bob", "password": PASSWORD});
        let answers = futures_util::future::join_all((0..50).map(|_| admin.post("/users", &body))).await;
        let created = answers.iter().filter(|answer| answer.status == 201).count();
        let taken = answers.iter().filter(|answer| answer.status == 409 && answer.code() == "USERNAME_TAKEN").count();
        assert_eq!((created, taken), (1, 49));
    }

    async fn everything_that_is_given_is_kept_and_shown(app: TestApp) {
        let admin = app.admin().await;
        let made = admin
            .post(
                "/users",
                &json!({
                    "username": "Ada.L", "password": PASSWORD, "email": "Ada@Bücher.example", "email_verified": true,
                    "full_name": "Ada Lovelace", "external_id": "crm/7", "metadata": {"theme": "dark", "n": [1, null]},
                    "roles": ["user", "admin"],
                }),
            )
            .await;
        assert_eq!(made.status, 201, "{made:?}");
        let shown = admin.get(&format!("/users/{}", made.data()["id"].as_str().unwrap())).await;
        assert_eq!(shown.data(), made.data());
        let data = shown.data();
        assert_eq!(data["username"], "Ada.L");
        assert_eq!(data["email"], "Ada@xn--bcher-kva.example");
        assert_eq!(data["email_verified"], true);
        assert_eq!(data["full_name"], "Ada Lovelace");
        assert_eq!(data["external_id"], "crm/7");
        assert_eq!(data["metadata"], json!({"theme": "dark", "n": [1, null]}));
        assert_eq!(data["roles"], json!(["admin", "user"]));
        assert_eq!((&data["is_admin"], &data["is_active"], &data["status"]), (&json!(true), &json!(true), &json!("active")));
        assert_eq!(data["must_change_password"], true, "somebody else chose the password");
        assert_eq!(data["last_login_at"], json!(null));
        assert_eq!(shown.header("etag"), "\"1\"");
    }

    /// Proves: AZ-02
    async fn a_user_gets_one_answer_for_existing_and_missing_accounts(app: TestApp) {
        let admin = app.admin().await;
        let bob = app.user("bob").await;
        let other = admin.create("other").await;
        let missing = "00000000-0000-7000-8000-000000000000";
        for id in [other.as_str(), missing] {
            let refused = bob.get(&format!("/users/{id}")).await;
            assert_eq!((refused.status, refused.code()), (403, "FORBIDDEN"), "{id}");
        }
        assert_eq!(admin.get(&format!("/users/{missing}")).await.code(), "NOT_FOUND");
        let refused = bob.post("/users", &json!({"username": "eve", "password": PASSWORD})).await;
        assert_eq!((refused.status, refused.code()), (403, "FORBIDDEN"));
        let refused = app.with_token("no.such.token").post("/users", &json!({"username": "eve", "password": PASSWORD})).await;
        assert_eq!((refused.status, refused.code()), (401, "UNAUTHENTICATED"));
    }

    /// Proves: AZ-03
    async fn fields_that_nobody_may_set_are_refused(app: TestApp) {
        let admin = app.admin().await;
        for field in ["id", "is_admin", "isAdmin", "IS_ACTIVE", "created_at", "password_hash", "token_epoch", "status"] {
            let refused = admin.post("/users", &json!({"username": "eve", "password": PASSWORD, field: true})).await;
            assert_eq!((refused.status, refused.code()), (422, "VALIDATION_FAILED"), "{field}");
            assert_eq!((&refused.details()[0]["field"], &refused.details()[0]["code"]), (&json!(field), &json!("unknown_field")));
        }
        assert_eq!(app.login_status("eve", PASSWORD).await, 401);
    }

    /// Proves: IN-10, IN-08, IN-11
    async fn hostile_texts_are_refused_or_kept_as_they_are(app: TestApp) {
        let admin = app.admin().await;
        for (field, value) in [
            ("username", "bob\0"), ("email", "bob\0@example.org"), ("full_name", "Bob\0"), ("external_id", "x\0"),
            ("username", "bob' OR 1=1 --"), ("full_name", "<script>alert(1)</script>"), ("full_name", "Bob\u{202e}"),
        ] {
            let mut body = json!({"username": "bob", "password": PASSWORD});
            body[field] = json!(value);
            let refused = admin.post("/users", &body).await;
            assert_eq!((refused.status, refused.code()), (422, "VALIDATION_FAILED"), "{field} {value:?}");
            assert_eq!(refused.details()[0]["field"], field);
        }
        let nul = admin.post("/users", &json!({"username": "bob", "password": PASSWORD, "metadata": {"a": ["\0"]}})).await;
        assert_eq!((nul.status, &nul.details()[0]["field"]), (422, &json!("metadata")));
        let literal = json!({"q": "'; DROP TABLE users; --", "p": "%_\\", "u": "\u{202e}😀"});
        let body = json!({"username": "bob", "password": PASSWORD, "external_id": "100%_\\'\"", "metadata": literal});
        let made = admin.post("/users", &body).await;
        assert_eq!((&made.data()["metadata"], &made.data()["external_id"]), (&literal, &json!("100%_\\'\"")));
        for identifier in ["' OR '1'='1", "admin'--", "%", "_____", "\\"] {
            assert_eq!(app.login_status(identifier, PASSWORD).await, 401, "{identifier}");
        }
        assert_eq!(app.login_status("bob\0", PASSWORD).await, 422);
    }

    /// Proves: ID-10
    async fn every_account_has_its_activity_entry(app: TestApp) {
        let admin = app.admin().await;
        admin.create("bob").await;
        let _ = admin.post("/users", &json!({"username": "bob", "password": PASSWORD})).await;
        let rows = app
            .column(
                "SELECT u.username FROM users u LEFT JOIN activity_log a ON a.subject_id = u.id
                 AND a.action IN ('user.created', 'system.bootstrapped') GROUP BY u.username HAVING COUNT(a.id) <> 1",
            )
            .await;
        assert!(rows.is_empty(), "{rows:?}");
    }

    /// Proves: PW-13
    async fn no_answer_holds_a_hash_or_a_password(app: TestApp) {
        let admin = app.admin().await;
        let id = admin.create("bob").await;
        let bob = app.sign_in("bob", PASSWORD).await;
        let shown = [
            admin.get(&format!("/users/{id}")).await,
            admin.post("/users", &json!({"username": "eve", "password": PASSWORD})).await,
            bob.get("/users/me").await,
            bob.post("/users/me/password", &json!({"current_password": PASSWORD, "new_password": "weak"})).await,
            app.post("/auth/login", &json!({"identifier": "bob", "password": PASSWORD})).await,
        ];
        for answer in shown {
            for secret in ["$2b$", "usher$1", PASSWORD, "password_hash", "refresh_token"] {
                assert!(!answer.text.contains(secret), "{secret} in {}", answer.text);
            }
        }
    }
}
