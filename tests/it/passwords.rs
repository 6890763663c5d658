use serde_json::json;
use usher_tests::{PASSWORD, TestApp, on_each_engine};

on_each_engine! {
    /// Proves: PW-02, PW-03, PW-05, PW-06
    async fn what_was_set_is_what_opens_and_nothing_else_does(app: TestApp) {
        let admin = app.admin().await;
        let tail = "q".repeat(80);
        let cases = [
            ("ascii64", format!("Xk7!{}", "q".repeat(60)), None),
            ("emoji", format!("Xk7!v{}", "😀".repeat(60)), None),
            ("long128", format!("Xk7!{}", "q".repeat(124)), None),
            ("byte73", format!("Xk7!{tail}a"), Some(format!("Xk7!{tail}b"))),
            ("blanks", "  Xk7! with spaces  ".to_owned(), Some("Xk7! with spaces".to_owned())),
            ("hellas", "Κωδικός 7! ναί".to_owned(), None),
        ];
        for (name, password, wrong) in cases {
            let body = json!({"username": name, "password": password, "must_change_password": false});
            let made = admin.post("/users", &body).await;
            assert_eq!(made.status, 201, "{name}: {made:?}");
            assert_eq!(app.login_status(name, &password).await, 200, "{name}");
            if let Some(wrong) = wrong {
                assert_eq!(app.login_status(name, &wrong).await, 401, "{name}");
            }
        }
        let composed = "Xk7!caf\u{e9}-caf\u{e9}";
        let body = json!({"username": "composed", "password": composed, "must_change_password": false});
        assert_eq!(admin.post("/users", &body).await.status, 201);
        assert_eq!(app.login_status("composed", "Xk7!cafe\u{301}-cafe\u{301}").await, 200);
    }

    /// Proves: PW-01, PW-02, PW-04, PW-07
    async fn a_weak_password_is_refused_with_its_reasons_at_every_door(app: TestApp) {
        let admin = app.admin().await;
        let bob = app.user("bob.builder").await;
        for (password, code) in [
            ("Xk7!vQz".to_owned(), "too_short"),
            (format!("Xk7!{}", "q".repeat(125)), "too_long"),
            ("xk7!vqz-mn4".to_owned(), "missing_upper"),
            ("Xk7!vQz\0mN4".to_owned(), "invalid_format"),
            ("P@ssw0rd1!".to_owned(), "too_common"),
            ("Xk7!Bob.Builder".to_owned(), "contains_identity"),
        ] {
            let body = json!({"username": "bob.builder", "password": password});
            let refused = admin.post("/users", &body).await;
            assert_eq!((refused.status, refused.code()), (422, "WEAK_PASSWORD"), "{password:?}");
            assert_eq!(refused.details()[0]["code"], code, "{password:?}");
            assert_eq!(refused.details()[0]["field"], "password");

            let body = json!({"current_password": PASSWORD, "new_password": password});
            let refused = bob.post("/users/me/password", &body).await;
            assert_eq!((refused.status, refused.code()), (422, "WEAK_PASSWORD"), "{password:?}");
            assert_eq!(refused.details()[0]["code"], code, "{password:?}");
            assert_eq!(refused.details()[0]["field"], "new_password");
        }
        assert_eq!(app.login_status("bob.builder", "Xk7!vQz\0mN4").await, 401, "just a wrong password");
        let several = json!({"username": "x", "password": "short"});
        assert_eq!(admin.post("/users", &several).await.code(), "VALIDATION_FAILED");
    }

    /// Proves: PW-08, RT-12
    async fn changing_a_password_takes_the_current_one_and_ends_what_was_open_elsewhere(app: TestApp) {
        let here = app.user("bob").await;
        let elsewhere = app.sign_in("bob", PASSWORD).await;
        let wrong = json!({"current_password": "Not-it-7-times", "new_password": "Another-7-word"});
        let refused = here.post("/users/me/password", &wrong).await;
        assert_eq!((refused.status, refused.code()), (422, "CURRENT_PASSWORD_INCORRECT"));
        assert_eq!(elsewhere.get("/users/me").await.status, 200, "nothing has happened");

        let right = json!({"current_password": PASSWORD, "new_password": "Another-7-word"});
        let changed = here.post("/users/me/password", &right).await;
        assert_eq!(changed.status, 200);
        let renewed = app.with_token(changed.data()["access_token"].as_str().unwrap());
        assert_eq!(renewed.get("/users/me").await.status, 200);
        assert_eq!(changed.data()["session_id"].as_str().unwrap(), here.session_id(), "the same session");
        assert_eq!(elsewhere.get("/users/me").await.status, 401);
        assert_eq!(app.login_status("bob", PASSWORD).await, 401);
        assert_eq!(app.login_status("bob", "Another-7-word").await, 200);
    }

    /// Proves: PW-09
    async fn two_users_with_one_password_have_different_hashes_at_the_configured_cost(app: TestApp) {
        app.user("bob").await;
        app.user("rob").await;
        let hashes = app.column("SELECT password_hash FROM users WHERE username_key IN ('bob', 'rob')").await;
        assert_ne!(hashes[0], hashes[1]);
        assert!(hashes.iter().all(|hash| hash.starts_with("usher$1$-$2b$04$")), "{hashes:?}");
    }

    /// Proves: PW-11
    async fn a_hash_of_another_system_is_replaced_by_the_login_that_verified_it(app: TestApp) {
        app.user("bob").await;
        // bcrypt.hashpw(b"Imported-7-word", bcrypt.gensalt(4)) of Python's bcrypt.
        let foreign = "$2b$04$yiwVmM1B11/yobzVWjwniekCW5UfWwHZjW7qz8MnlcRx5Dqm0xEdq";
        app.execute(&format!("UPDATE users SET password_hash = '{foreign}' WHERE username_key = 'bob'")).await;
        let stored = async || app.column("SELECT password_hash FROM users WHERE username_key = 'bob'").await.remove(0);
        assert_eq!(app.login_status("bob", "Not-it-7-times").await, 401);
        assert_eq!(stored().await, foreign);
        assert_eq!(app.login_status("bob", "Imported-7-word").await, 200);
        assert!(stored().await.starts_with("usher$1$"));
        assert_eq!(app.login_status("bob", "Imported-7-word").await, 200);
    }
}
