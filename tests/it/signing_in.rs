use serde_json::json;
use usher_tests::{PASSWORD, TestApp, on_each_engine};

on_each_engine! {
    /// The main job, from the first start to the first user.
    async fn the_first_administrator_lets_the_first_user_in(app: TestApp) {
        let first = app.post("/auth/login", &json!({"username": "admin", "password": "admin"})).await;
        assert_eq!(first.status, 200, "{first:?}");
        assert_eq!(first.data()["token_type"], "Bearer");
        assert_eq!(first.data()["expires_in"], 900);
        assert_eq!(first.data()["user"]["must_change_password"], true);
        let admin = app.with_token(first.data()["access_token"].as_str().unwrap());

        let me = admin.get("/users/me").await;
        assert_eq!((me.status, &me.data()["username"]), (200, &json!("admin")));
        let shut = admin.post("/users", &json!({"username": "bob", "password": PASSWORD})).await;
        assert_eq!((shut.status, shut.code()), (403, "PASSWORD_CHANGE_REQUIRED"));
        let shut = admin.get(&format!("/users/{}", me.data()["id"].as_str().unwrap())).await;
        assert_eq!((shut.status, shut.code()), (403, "PASSWORD_CHANGE_REQUIRED"), "also for his own id");

        let changed = admin.post("/users/me/password", &json!({"current_password": "admin", "new_password": PASSWORD})).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        assert!(changed.data().get("refresh_token").is_none());
        assert_eq!(admin.get("/users/me").await.status, 401, "the old token is dead");
        let admin = app.with_token(changed.data()["access_token"].as_str().unwrap());

        let bob = admin.post("/users", &json!({"username": "bob", "password": PASSWORD, "must_change_password": false})).await;
        assert_eq!(bob.status, 201, "{bob:?}");
        let id = bob.data()["id"].as_str().unwrap();
        assert!(bob.header("location").ends_with(&format!("/api/v1/users/{id}")));
        assert_eq!(bob.header("etag"), "\"1\"");

        let login = app.post("/auth/login", &json!({"identifier": "BOB", "password": PASSWORD})).await;
        let bob = app.with_token(login.data()["access_token"].as_str().unwrap());
        for path in ["/users/me", "/auth/me", "/users/me/", &format!("/users/{id}")] {
            let me = bob.get(path).await;
            assert_eq!((me.status, &me.data()["id"]), (200, &json!(id)), "{path}");
        }
    }

    /// Proves: LG-01
    async fn unknown_wrong_deactivated_and_deleted_get_one_answer(app: TestApp) {
        let admin = app.admin().await;
        for name in ["wrong", "deactivated", "deleted"] {
            admin.create(name).await;
        }
        app.execute("UPDATE users SET deactivated_at = 1 WHERE username_key = 'deactivated'").await;
        app.execute("UPDATE users SET deleted_at = 1 WHERE username_key = 'deleted'").await;
        let mut answers = Vec::new();
        for (name, password) in
            [("wrong", "Not-it-7-times"), ("deactivated", PASSWORD), ("deleted", PASSWORD), ("nobody", PASSWORD)]
        {
            let answer = app.post("/auth/login", &json!({"identifier": name, "password": password})).await;
            assert_eq!((answer.status, answer.code()), (401, "INVALID_CREDENTIALS"), "{name}");
            answers.push(answer.without_request_id());
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
    }

    /// Proves: JW-17
    async fn a_token_is_dead_once_its_account_is_shut(app: TestApp, [("auth.state_cache_ttl", "0s")]) {
        let bob = app.user("bob").await;
        assert_eq!(bob.get("/users/me").await.status, 200);
        app.execute("UPDATE users SET deactivated_at = 1 WHERE username_key = 'bob'").await;
        let refused = bob.get("/users/me").await;
        assert_eq!((refused.status, refused.code()), (401, "UNAUTHENTICATED"));
        assert_eq!(refused.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    }

    /// Proves: JW-07, JW-15
    async fn nothing_but_an_access_token_in_the_authorization_header_lets_anybody_in(app: TestApp) {
        let bob = app.user("bob").await;
        let token = bob.token().to_owned();
        let url = app.url("/users/me");
        let client = reqwest::Client::new();
        let status = async |request: reqwest::RequestBuilder| request.send().await.unwrap().status().as_u16();
        assert_eq!(status(client.get(&url).header("authorization", format!("bEaReR {token}"))).await, 200);
        assert_eq!(status(client.get(&url).header("cookie", format!("access_token={token}"))).await, 401);
        assert_eq!(status(client.get(&url).header("authorization", format!("Basic {token}"))).await, 401);
        assert_eq!(status(client.get(&url).header("x-access-token", &token)).await, 401);
        let in_query = status(client.get(format!("{url}?access_token={token}"))).await;
        assert!(matches!(in_query, 401 | 422), "{in_query}");
        let mut other_type = token.split('.').map(str::to_owned).collect::<Vec<_>>();
        other_type[0] = base64_json(&json!({"alg": "EdDSA", "typ": "rt+jwt", "kid": "x"}));
        assert_eq!(status(client.get(&url).bearer_auth(other_type.join("."))).await, 401);
    }
}

fn base64_json(value: &serde_json::Value) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(value.to_string())
}
