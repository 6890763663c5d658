//! Sign-up and throttling over HTTP.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::json;
use tokio::sync::Barrier;
use usher_tests::{Answer, PASSWORD, TestApp, on_each_engine};

const THROTTLED: [(&str, &str); 1] = [("throttle.enabled", "true")];

fn sign_up(name: &str) -> serde_json::Value {
    json!({"username": name, "password": PASSWORD, "token_delivery": "body"})
}

fn wrong(name: &str) -> serde_json::Value {
    json!({"identifier": name, "password": "Not-it-7-times"})
}

/// How many answers there were of each status.
fn by_status(answers: &[Answer]) -> BTreeMap<u16, usize> {
    answers.iter().fold(BTreeMap::new(), |mut counts, answer| {
        *counts.entry(answer.status).or_default() += 1;
        counts
    })
}

async fn at_once(app: &Arc<TestApp>, path: &'static str, body: serde_json::Value, times: usize) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(times));
    let requests: Vec<_> = (0..times)
        .map(|_| {
            let (app, barrier, body) = (app.clone(), barrier.clone(), body.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                app.post(path, &body).await
            })
        })
        .collect();
    let mut answers = Vec::new();
    for request in requests {
        answers.push(request.await.unwrap());
    }
    answers
}

on_each_engine! {
    /// Proves: ID-01
    async fn of_fifty_sign_ups_of_one_name_at_once_one_succeeds(app: TestApp) {
        let app = Arc::new(app);
        for round in 0..3 {
            let answers = at_once(&app, "/auth/signup", sign_up(&format!("ada{round}")), 50).await;
            assert_eq!(by_status(&answers), BTreeMap::from([(201, 1), (409, 49)]), "round {round}");
        }
    }

    async fn whoever_signs_up_can_use_his_account_and_leave(app: TestApp) {
        let made = app.post("/auth/signup", &sign_up("ada")).await;
        assert_eq!(made.status, 201, "{made:?}");
        let tokens = &made.data()["tokens"];
        let ada = app.with_token(tokens["access_token"].as_str().unwrap());
        assert_eq!(ada.get("/users/me").await.data()["username"], "ada");
        assert_eq!(app.refresh(tokens["refresh_token"].as_str().unwrap()).await.status, 200);
        let export = ada.get("/users/me/export").await;
        assert_eq!(export.data()["sessions"].as_array().unwrap().len(), 1);
        let leave = ada.request(usher_tests::Method::DELETE, "/users/me").json(&json!({"current_password": PASSWORD}));
        assert_eq!(app.read(leave).await.status, 200);
        assert_eq!(ada.get("/users/me").await.status, 401);
        assert_eq!(app.login_status("ada", PASSWORD).await, 401);
        assert_eq!(app.post("/auth/signup", &sign_up("ada")).await.code(), "USERNAME_TAKEN");
    }

    async fn where_registration_is_closed_nobody_signs_up(app: TestApp, [("registration.mode", "closed")]) {
        let shut = app.post("/auth/signup", &sign_up("ada")).await;
        assert_eq!((shut.status, shut.code()), (403, "REGISTRATION_CLOSED"));
        let shut = app.post("/users", &json!({"username": "ada", "password": PASSWORD})).await;
        assert_eq!((shut.status, shut.code()), (401, "UNAUTHENTICATED"));
        app.admin().await.create("ada").await;
    }

    /// Proves: LG-05, LG-08, LG-10
    async fn fifty_guesses_at_once_are_five_and_the_rest_is_told_alike(app: TestApp, THROTTLED) {
        let app = Arc::new(app);
        app.post("/auth/signup", &sign_up("ada")).await;
        let mut refusals = Vec::new();
        for name in ["ada", "nobody"] {
            let answers = at_once(&app, "/auth/login", wrong(name), 50).await;
            let counts = by_status(&answers);
            assert_eq!(counts[&401], 5, "{name}: {counts:?}");
            assert_eq!(counts[&401] + counts[&429], 50, "{name}: {counts:?}");
        }
        for (name, password) in [("ada", PASSWORD), ("ada", "Not-it-7-times"), ("nobody", PASSWORD)] {
            let refused = app.post("/auth/login", &json!({"identifier": name, "password": password})).await;
            assert_eq!((refused.status, refused.code()), (429, "TOO_MANY_ATTEMPTS"));
            assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
            let told = refused.without_request_id();
            refusals.push(told.lines().filter(|line| !line.starts_with("retry-after")).collect::<String>());
        }
        refusals.dedup();
        assert_eq!(refusals.len(), 1, "{refusals:?}");
    }

    /// Proves: LG-12
    async fn without_a_trusted_proxy_forwarding_headers_change_nothing(app: TestApp, THROTTLED) {
        for n in 0..5 {
            let request = app.nobody().request(usher_tests::Method::POST, "/auth/login");
            let request = request.header("x-forwarded-for", format!("192.0.2.{n}")).json(&wrong("ada"));
            assert_eq!(app.read(request).await.status, 401);
        }
        let request = app.nobody().request(usher_tests::Method::POST, "/auth/login");
        let request = request.header("forwarded", "for=192.0.2.99").header("x-real-ip", "192.0.2.98");
        assert_eq!(app.read(request.json(&wrong("ada"))).await.status, 429);
    }
}
