use serde_json::{Value, json};
use usher_tests::{Answer, Method, PASSWORD, TestApp, on_each_engine};

fn assert_code(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{answer:?}");
}

/// Everything that rests about an account, as one text.
async fn at_rest(app: &TestApp, username: &str) -> String {
    let columns = [
        "username",
        "email",
        "full_name",
        "external_id",
        "metadata",
        "password_hash",
        "version",
        "token_epoch",
        "deactivated_at",
        "deleted_at",
        "updated_at",
        "email_verified_at",
    ];
    let columns = columns.map(|column| format!("COALESCE(CAST({column} AS TEXT), '-')")).join(" || '|' || ");
    let roles = "(SELECT COUNT(*) FROM user_roles r WHERE r.user_id = users.id)";
    let rows =
        app.column(&format!("SELECT {columns} || '|' || {roles} FROM users WHERE username_key = '{username}'")).await;
    assert_eq!(rows.len(), 1, "{username}");
    rows.into_iter().next().unwrap()
}

on_each_engine! {
    /// Proves: ID-06, JW-17
    async fn the_life_of_an_account(app: TestApp) {
        let admin = app.admin().await;
        let id = admin.create_with("bob", &json!({"email": "bob@example.org", "external_id": "crm-1"})).await;
        let path = format!("/users/{id}");
        let bob = app.sign_in("bob", PASSWORD).await;

        let listed = admin.get("/users?q=bo&include_total=true").await;
        assert_eq!(listed.data()["total"], 1);
        assert_eq!(listed.data()["items"][0]["id"], id);

        let patched = admin.patch(&path, &json!({"full_name": "Bob Builder", "metadata": {"a": [1]}})).await;
        assert_eq!((patched.status, patched.header("etag")), (200, "\"2\""));
        assert_eq!(bob.get("/users/me").await.data()["full_name"], "Bob Builder");
        let own = bob.patch("/users/me", &json!({"full_name": null})).await;
        assert_eq!((&own.data()["full_name"], own.header("etag")), (&Value::Null, "\"3\""));

        let shut = admin.post(&format!("{path}/deactivate"), &json!({"reason": "on leave"})).await;
        assert_eq!((&shut.data()["status"], &shut.data()["is_active"]), (&json!("deactivated"), &json!(false)));
        assert_code(&bob.get("/users/me").await, 401, "UNAUTHENTICATED");
        assert_eq!(app.login_status("bob", PASSWORD).await, 401);
        assert_code(&admin.post_nothing(&format!("{path}/deactivate")).await, 409, "WRONG_STATUS");
        let taken = admin.post("/users", &json!({"username": "Bob", "password": PASSWORD})).await;
        assert_code(&taken, 409, "USERNAME_TAKEN");

        let opened = admin.post_nothing(&format!("{path}/activate")).await;
        assert_eq!(opened.data()["status"], "active");
        assert_code(&bob.get("/users/me").await, 401, "UNAUTHENTICATED");
        let bob = app.sign_in("bob", PASSWORD).await;

        let deleted = admin.delete(&path).await;
        assert_eq!((deleted.status, deleted.data()), (200, &Value::Null));
        assert_code(&bob.get("/users/me").await, 401, "UNAUTHENTICATED");
        assert_eq!(app.login_status("bob@example.org", PASSWORD).await, 401);
        assert_eq!(admin.get("/users?username=bob").await.data()["items"], json!([]));
        assert_eq!(admin.get("/users?status=deleted").await.data()["items"][0]["id"], id);
        assert_code(&admin.patch(&path, &json!({"full_name": "Bob"})).await, 409, "WRONG_STATUS");
        let taken = json!({"username": "other", "password": PASSWORD, "email": "BOB@example.org"});
        assert_code(&admin.post("/users", &taken).await, 409, "EMAIL_TAKEN");

        let restored = admin.post(&format!("{path}/restore"), &json!({})).await;
        assert_eq!(restored.data()["status"], "active");
        assert_code(&bob.get("/users/me").await, 401, "UNAUTHENTICATED");
        let bob = app.sign_in("bob", PASSWORD).await;

        let purged = admin.delete(&format!("{path}?permanent=true")).await;
        assert_eq!((purged.status, purged.data()), (200, &Value::Null));
        assert_code(&bob.get("/users/me").await, 401, "UNAUTHENTICATED");
        assert_code(&admin.get(&path).await, 404, "NOT_FOUND");
        let again = admin.create_with("bob", &json!({"email": "bob@example.org", "external_id": "crm-1"})).await;
        assert_ne!(again, id, "a new account under free names");
    }

    /// Proves: AZ-06, JW-17
    async fn a_role_is_in_force_at_the_next_request(app: TestApp) {
        let admin = app.admin().await;
        let id = admin.create("bob").await;
        let roles = format!("/users/{id}/roles");
        let before = app.sign_in("bob", PASSWORD).await;
        assert_code(&before.get("/users").await, 403, "FORBIDDEN");

        let given = admin.put(&roles, &json!({"roles": ["admin", "user"]})).await;
        assert_eq!((&given.data()["is_admin"], given.header("etag")), (&json!(true), "\"2\""));
        let now = before.get("/users").await.status;
        assert!(matches!(now, 200 | 401), "by the new role or not at all: {now}");
        let with_role = app.sign_in("bob", PASSWORD).await;
        assert_eq!(with_role.get("/users").await.status, 200);

        let taken = admin.put(&roles, &json!({"roles": []})).await;
        assert_eq!(taken.data()["roles"], json!([]));
        let now = with_role.get("/users").await.status;
        assert!(matches!(now, 403 | 401), "the role is gone at once: {now}");
        assert_code(&app.sign_in("bob", PASSWORD).await.get("/users").await, 403, "FORBIDDEN");

        let unchanged = admin.put(&roles, &json!({"roles": []})).await;
        assert_eq!(unchanged.header("etag"), taken.header("etag"));
        let details = app.column("SELECT details FROM activity_log WHERE action = 'user.roles_changed' ORDER BY id").await;
        assert_eq!(details.len(), 2, "{details:?}");
        let details: Value = serde_json::from_str(&details[0]).unwrap();
        assert_eq!(details, json!({"old": ["user"], "new": ["admin", "user"]}));
    }

    /// Proves: PW-15, JW-17
    async fn a_password_that_an_administrator_sets_opens_nothing_but_its_change(app: TestApp) {
        let admin = app.admin().await;
        let id = admin.create("bob").await;
        let bob = app.sign_in("bob", PASSWORD).await;
        let set = admin.post(&format!("/users/{id}/password"), &json!({"new_password": "Another-7-word"})).await;
        assert_eq!((set.status, set.data()), (200, &Value::Null));
        assert_code(&bob.get("/users/me").await, 401, "UNAUTHENTICATED");
        assert_eq!(app.login_status("bob", PASSWORD).await, 401);
        let bob = app.sign_in("bob", "Another-7-word").await;
        assert_eq!(bob.get("/users/me").await.data()["must_change_password"], true);
        assert_code(&bob.patch("/users/me", &json!({"full_name": "Bob"})).await, 403, "PASSWORD_CHANGE_REQUIRED");
    }

    async fn of_parallel_changes_to_one_version_one_is_made(app: TestApp) {
        let admin = app.admin().await;
        let id = admin.create("bob").await;
        for version in 1..=5 {
            let attempts = (0..10).map(|i| {
                let request = admin.request(Method::PATCH, &format!("/users/{id}"));
                let body = json!({"metadata": {"version": version, "by": i}});
                app.read(request.header("if-match", format!("\"{version}\"")).json(&body))
            });
            let answers = futures_util::future::join_all(attempts).await;
            let made = answers.iter().filter(|answer| answer.status == 200).count();
            let refused = answers.iter().filter(|one| one.status == 412 && one.code() == "VERSION_MISMATCH").count();
            assert_eq!((made, refused), (1, 9), "{answers:?}");
        }
        assert_eq!(admin.get(&format!("/users/{id}")).await.header("etag"), "\"6\"");
    }

    async fn of_parallel_renamings_to_one_name_one_succeeds(app: TestApp) {
        let admin = app.admin().await;
        let mut ids = Vec::new();
        for i in 0..10 {
            ids.push(admin.create(&format!("user{i}")).await);
        }
        let wanted = json!({"username": "Wanted"});
        let attempts = ids.iter().map(async |id| admin.patch(&format!("/users/{id}"), &wanted).await);
        let answers = futures_util::future::join_all(attempts).await;
        let made = answers.iter().filter(|answer| answer.status == 200).count();
        let taken = answers.iter().filter(|answer| answer.status == 409 && answer.code() == "USERNAME_TAKEN").count();
        assert_eq!((made, taken), (1, 9), "{answers:?}");
    }

    /// Proves: AZ-03, IN-08, IN-10, IN-11
    async fn hostile_changes_are_refused_whole_or_kept_as_they_are(app: TestApp) {
        let admin = app.admin().await;
        let id = admin.create_with("bob", &json!({"email": "bob@example.org", "full_name": "Bob"})).await;
        let path = format!("/users/{id}");
        let bob = app.sign_in("bob", PASSWORD).await;
        let before = at_rest(&app, "bob").await;
        for value in [
            "'; DROP TABLE users; --", "' OR '1'='1", "\" OR \"\"=\"", "bob\0", "bob%", "bob\\", "<script>", "Bob\u{202e}",
            "bob\r\nX: y", &"x".repeat(10_000),
        ] {
            for field in ["username", "email", "full_name"] {
                let refused = admin.patch(&path, &json!({field: value, "metadata": {"changed": true}})).await;
                assert_code(&refused, 422, "VALIDATION_FAILED");
                assert_eq!(refused.details()[0]["field"], field, "{value:?}");
            }
            for field in ["username", "full_name"] {
                assert_code(&bob.patch("/users/me", &json!({field: value})).await, 422, "VALIDATION_FAILED");
            }
            let roles = admin.put(&format!("{path}/roles"), &json!({"roles": [value]})).await;
            assert_eq!((roles.status, &roles.details()[0]["code"]), (422, &json!("unknown_value")), "{value:?}");
        }
        for (field, value) in [
            ("external_id", json!("x\0")), ("external_id", json!("x".repeat(10_000))), ("external_id", json!("")),
            ("metadata", json!({"a": {"b\0": 1}})), ("metadata", json!({"a": "x".repeat(10_000)})),
        ] {
            let refused = admin.patch(&path, &json!({field: value})).await;
            assert_code(&refused, 422, "VALIDATION_FAILED");
            assert_eq!(refused.details()[0]["field"], field);
        }
        let reason = admin.post(&format!("{path}/deactivate"), &json!({"reason": "x\0"})).await;
        assert_code(&reason, 422, "VALIDATION_FAILED");
        for field in ["id", "is_admin", "IsAdmin", "status", "password_hash", "token_epoch", "created_at", "version"] {
            let refused = admin.patch(&path, &json!({field: "x"})).await;
            assert_eq!(refused.details()[0], json!({
                "field": field, "code": "unknown_field", "message": refused.details()[0]["message"],
            }));
        }
        for id in ["1", "'%20OR%201=1", "%27", "me%00", "%25", "_", "..%2f..", &"9".repeat(5_000)] {
            for method in [Method::GET, Method::PATCH, Method::DELETE] {
                let answer = app.read(admin.request(method, &format!("/users/{id}"))).await;
                assert_code(&answer, 404, "NOT_FOUND");
            }
        }
        assert_eq!(at_rest(&app, "bob").await, before, "nothing has changed");

        let literal = json!({"q": "'; DROP TABLE users; --", "p": "%_\\\"", "u": "\u{202e}😀\u{10ffff}"});
        let kept = json!({"external_id": "100%_\\'\"; --", "metadata": literal, "full_name": "Éva O'Brien-Smith Jr."});
        let changed = admin.patch(&path, &kept).await;
        let shown = admin.get(&path).await;
        assert_eq!(changed.data(), shown.data());
        for (field, value) in kept.as_object().unwrap() {
            assert_eq!(shown.data()[field], *value, "{field}");
        }
        let reason = json!({"reason": "'; DROP TABLE activity_log; --"});
        assert_eq!(admin.post(&format!("{path}/deactivate"), &reason).await.status, 200);
        let details = app.column("SELECT details FROM activity_log WHERE action = 'user.deactivated'").await;
        assert_eq!(serde_json::from_str::<Value>(&details[0]).unwrap(), reason);
    }

    /// Proves: PW-13
    async fn no_answer_about_accounts_holds_a_hash_or_a_password(app: TestApp) {
        let admin = app.admin().await;
        let id = admin.create("bob").await;
        let path = format!("/users/{id}");
        for answer in [
            admin.get("/users").await,
            admin.get("/users?q=bob&include_total=true").await,
            admin.patch(&path, &json!({"full_name": "Bob"})).await,
            admin.put(&format!("{path}/roles"), &json!({"roles": []})).await,
            admin.post_nothing(&format!("{path}/deactivate")).await,
            admin.post_nothing(&format!("{path}/activate")).await,
            admin.post(&format!("{path}/password"), &json!({"new_password": PASSWORD})).await,
            admin.patch(&path, &json!({"password": PASSWORD})).await,
            admin.patch("/users/me", &json!({"password": PASSWORD})).await,
        ] {
            for secret in ["$2b$", "usher$1", PASSWORD, "password_hash", "token_epoch"] {
                assert!(!answer.text.contains(secret), "{secret} in {}", answer.text);
            }
        }
    }

    /// Proves: ID-10
    async fn every_change_has_its_activity_entry_and_what_changes_nothing_has_none(app: TestApp) {
        let admin = app.admin().await;
        let id = admin.create("bob").await;
        let path = format!("/users/{id}");
        for _ in 0..2 {
            assert_eq!(admin.patch(&path, &json!({"full_name": "Bob"})).await.status, 200);
            assert_eq!(admin.put(&format!("{path}/roles"), &json!({"roles": []})).await.status, 200);
        }
        assert_eq!(admin.patch(&path, &json!({"username": "x"})).await.status, 422);
        for step in ["deactivate", "deactivate", "activate", "activate"] {
            admin.post_nothing(&format!("{path}/{step}")).await;
        }
        assert_eq!(admin.post(&format!("{path}/password"), &json!({"new_password": PASSWORD})).await.status, 200);
        assert_eq!(admin.delete(&path).await.status, 200);
        assert_eq!(admin.delete(&path).await.status, 409);
        assert_eq!(admin.post_nothing(&format!("{path}/restore")).await.status, 200);
        let column = if app.is_on_postgres() { "CAST(subject_id AS TEXT)".to_owned() } else { "hex(subject_id)".to_owned() };
        let subject = if app.is_on_postgres() { id.clone() } else { id.replace('-', "").to_uppercase() };
        let logged = app
            .column(&format!("SELECT action FROM activity_log WHERE {column} = '{subject}' ORDER BY occurred_at, id"))
            .await;
        let expected = [
            "user.created", "user.updated", "user.roles_changed", "user.deactivated", "user.activated", "password.set",
            "user.deleted", "user.restored",
        ];
        assert_eq!(logged, expected);
        assert_eq!(admin.delete(&format!("{path}?permanent=true")).await.status, 200);
        let details = app
            .column(&format!(
                "SELECT action FROM activity_log WHERE {column} = '{subject}' AND details IS NOT NULL
                 AND CAST(details AS TEXT) NOT IN ('{{}}', '')"
            ))
            .await;
        assert!(details.is_empty(), "of the person only the id is left: {details:?}");
    }
}
