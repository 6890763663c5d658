//! What the whole suite logs at the finest level is looked through, each time that one of its servers ends.

use serde_json::json;
use usher_tests::{PASSWORD, TestApp, has_secret, logged_lines, on_each_engine};

on_each_engine! {
    /// Proves: OP-04
    async fn the_suite_is_logged_and_what_may_not_be_in_its_log_would_be_found(app: TestApp) {
        let before = logged_lines();
        assert_eq!(app.login_status("nobody", PASSWORD).await, 401);
        assert!(logged_lines() > before, "nothing is logged");
        let first = app.post("/auth/login", &json!({"identifier": "admin", "password": "admin"})).await;
        let token = first.data()["access_token"].as_str().unwrap();
        for secret in [PASSWORD, token, &"A1-_".repeat(16), "$2b$12$abc", "https://a.example/#token=x"] {
            assert!(has_secret(&format!("{{\"message\":\"{secret}\"}}")), "{secret}");
        }
        for harmless in ["{\"route\":\"/api/v1/users/me\",\"status\":200}", "01900000-0000-7000-8000-000000000001"] {
            assert!(!has_secret(harmless), "{harmless}");
        }
    }
}
