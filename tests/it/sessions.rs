//! Sessions over HTTP: what rotates, what repeats, what ends.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};
use tokio::sync::Barrier;
use usher_tests::{Answer, PASSWORD, TestApp, on_each_engine};

fn text<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.data()[name].as_str().unwrap()
}

/// The same refresh, so many times at once.
async fn refresh_at_once(app: &Arc<TestApp>, token: &str, times: usize) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(times));
    let refreshes: Vec<_> = (0..times)
        .map(|_| {
            let (app, barrier, token) = (app.clone(), barrier.clone(), token.to_owned());
            tokio::spawn(async move {
                barrier.wait().await;
                app.refresh(&token).await
            })
        })
        .collect();
    let mut answers = Vec::new();
    for refresh in refreshes {
        answers.push(refresh.await.unwrap());
    }
    answers
}

async fn entries(app: &TestApp, action: &str) -> usize {
    app.column(&format!("SELECT action FROM activity_log WHERE action = '{action}'")).await.len()
}

on_each_engine! {
    /// Proves: RT-02, RT-04
    async fn twenty_refreshes_of_one_token_at_once_get_one_successor(app: TestApp) {
        app.admin().await.create("ada").await;
        let app = Arc::new(app);
        let mut token = text(&app.login("ada").await, "refresh_token").to_owned();
        for round in 0..10 {
            let answers = refresh_at_once(&app, &token, 20).await;
            let successors: BTreeSet<_> = answers.iter().map(|answer| text(answer, "refresh_token")).collect();
            assert_eq!(successors.len(), 1, "round {round}");
            for answer in &answers {
                assert_eq!(app.with_token(text(answer, "access_token")).get("/users/me").await.status, 200);
            }
            let successor = successors.into_iter().next().unwrap().to_owned();
            assert_ne!(successor, token);
            token = successor;
        }
        assert_eq!(app.column("SELECT CAST(generation AS TEXT) FROM sessions WHERE generation > 0").await, ["10"]);
        assert_eq!(entries(&app, "auth.refresh_reused").await, 0);
    }

    /// Proves: RT-05
    async fn without_a_grace_one_of_fifty_refreshes_wins(app: TestApp, [("auth.refresh_grace", "0s")]) {
        app.admin().await.create("ada").await;
        let app = Arc::new(app);
        for round in 0..5 {
            let token = text(&app.login("ada").await, "refresh_token").to_owned();
            let answers = refresh_at_once(&app, &token, 50).await;
            let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
            assert_eq!(won.len(), 1, "round {round}");
            for answer in lost {
                assert_eq!(answer.status, 401, "round {round}: {answer:?}");
                assert!(["REFRESH_TOKEN_REUSED", "REFRESH_TOKEN_INVALID"].contains(&answer.code()), "{answer:?}");
            }
            assert_eq!(entries(&app, "auth.refresh_reused").await, round + 1, "told once, however many came late");
        }
    }

    /// Proves: RT-03, RT-04, JW-17
    async fn a_grandparent_ends_the_session_and_all_its_tokens(app: TestApp) {
        app.admin().await.create("ada").await;
        let first = app.login("ada").await;
        let other = app.login("ada").await;
        let second = app.refresh(text(&first, "refresh_token")).await;
        let third = app.refresh(text(&second, "refresh_token")).await;
        assert_eq!(app.with_token(text(&third, "access_token")).get("/users/me").await.status, 200);

        let reused = app.refresh(text(&first, "refresh_token")).await;
        assert_eq!((reused.status, reused.code()), (401, "REFRESH_TOKEN_REUSED"));
        for answer in [&first, &second, &third] {
            assert_eq!(app.with_token(text(answer, "access_token")).get("/users/me").await.status, 401);
            let dead = app.refresh(text(answer, "refresh_token")).await;
            assert_eq!((dead.status, dead.code()), (401, "REFRESH_TOKEN_INVALID"));
        }
        assert_eq!(app.refresh(text(&other, "refresh_token")).await.status, 200, "another session is another matter");
        assert_eq!(entries(&app, "auth.refresh_reused").await, 1);
    }

    /// Proves: RT-07
    async fn a_refresh_that_met_a_stalled_database_can_be_repeated(app: TestApp, STALLING) {
        app.admin().await.create("ada").await;
        let token = text(&app.login("ada").await, "refresh_token").to_owned();
        let held_up = app.hold_up_sessions().await;
        for _ in 0..3 {
            let refused = app.refresh(&token).await;
            assert_eq!(refused.status, 503, "{refused:?}");
            assert!(!refused.header("retry-after").is_empty() && refused.header("set-cookie").is_empty(), "{refused:?}");
        }
        drop(held_up);
        let renewed = until_answered(&app, &token).await;
        let again = app.refresh(&token).await;
        assert_eq!(text(&again, "refresh_token"), text(&renewed, "refresh_token"), "it was the first rotation");
        assert_eq!(app.column("SELECT CAST(generation AS TEXT) FROM sessions WHERE generation > 0").await, ["1"]);
        assert_eq!(entries(&app, "auth.refresh_reused").await, 0);
    }

    /// Proves: RT-17
    async fn a_refresh_brings_the_roles_of_now(app: TestApp) {
        let admin = app.admin().await;
        let ada = admin.create("ada").await;
        let login = app.login("ada").await;
        let roles = json!({"roles": ["user", "admin"]});
        assert_eq!(admin.put(&format!("/users/{ada}/roles"), &roles).await.status, 200);
        assert_eq!(app.with_token(text(&login, "access_token")).get("/users").await.status, 401, "the old token is dead");
        let renewed = app.refresh(text(&login, "refresh_token")).await;
        assert_eq!(app.with_token(text(&renewed, "access_token")).get("/users").await.status, 200);
    }

    /// Proves: RT-11, RT-12
    async fn sessions_are_listed_and_ended_by_their_owner_and_by_administrators(app: TestApp) {
        let admin = app.admin().await;
        let id = admin.create("ada").await;
        let [here, there, elsewhere] = [app.login("ada").await, app.login("ada").await, app.login("ada").await];
        let ada = app.with_token(text(&here, "access_token"));
        let listed = ada.get("/users/me/sessions").await;
        let items = listed.data()["items"].as_array().unwrap();
        let current: Vec<_> = items.iter().filter(|item| item["current"] == true).map(|item| &item["id"]).collect();
        assert_eq!((items.len(), current), (3, vec![&here.data()["session_id"]]));

        let ended = ada.delete(&format!("/users/me/sessions/{}", text(&there, "session_id"))).await;
        assert_eq!((ended.status, ended.data()), (200, &Value::Null));
        assert_eq!(app.with_token(text(&there, "access_token")).get("/users/me").await.status, 401);
        let change = json!({"current_password": PASSWORD, "new_password": "Another-7-horses"});
        let changed = ada.post("/users/me/password", &change).await;
        assert_eq!(app.refresh(text(&elsewhere, "refresh_token")).await.code(), "REFRESH_TOKEN_INVALID");
        assert_eq!(app.refresh(text(&here, "refresh_token")).await.status, 200, "the session goes on");

        assert_eq!(admin.delete(&format!("/users/{id}/sessions")).await.status, 200);
        let ada = app.with_token(text(&changed, "access_token"));
        assert_eq!(ada.get("/users/me").await.status, 401);
        assert_eq!(admin.get(&format!("/users/{id}/sessions")).await.data()["items"], json!([]));
    }
}

/// Nothing waits longer than the test wants to.
const STALLING: [(&str, &str); 2] = [("http.request_timeout", "1s"), ("database.statement_timeout", "3s")];

/// The database is free again as soon as it has noticed that the one who held it up is gone.
async fn until_answered(app: &TestApp, token: &str) -> Answer {
    for _ in 0..20 {
        let answer = app.refresh(token).await;
        if answer.status != 503 {
            return answer;
        }
    }
    panic!("the database does not come back");
}
