//! What a server still knows after it was killed.

use actix_web::rt::System;
use serde_json::json;
use usher_storage::contract::TestDatabase;

use crate::support::{Answer, MASTER_KEY, Place, QUICK, Server};

/// Which names the issuer of tokens. By itself it would change with the port.
const PUBLIC_URL: (&str, &str) = ("USHER__HTTP__PUBLIC_URL", "http://127.0.0.1:8080");

fn sign_in(server: &Server) -> String {
    let body = json!({"identifier": "admin", "password": "admin", "token_delivery": "body"});
    refresh_token(&server.client.post("/api/v1/auth/login", &body))
}

fn refresh(server: &Server, token: &str) -> Answer {
    server.client.post("/api/v1/auth/refresh", &json!({ "refresh_token": token }))
}

fn refresh_token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["data"]["refresh_token"].as_str().unwrap().to_owned()
}

fn old_tokens_stay_refused(variables: &[(&str, &str)]) {
    let place = Place::new();
    let variables = [variables, &QUICK, &[MASTER_KEY, PUBLIC_URL, ("USHER__AUTH__REFRESH_GRACE", "5m")]].concat();
    let server = Server::start(&place, &[], &variables);
    let stolen = sign_in(&server);
    let parent = refresh_token(&refresh(&server, &stolen));
    let child = refresh_token(&refresh(&server, &parent));
    let (kept, lost) = (sign_in(&server), sign_in(&server));
    let successor = refresh_token(&refresh(&server, &kept));
    let ended = server.client.post("/api/v1/auth/logout", &json!({ "refresh_token": lost }));
    assert_eq!(ended.status, 200, "{ended:?}");
    // Killed, with no time to do anything.
    drop(server);

    let server = Server::start(&place, &[], &variables);
    assert_eq!(refresh_token(&refresh(&server, &kept)), successor, "an answer that was lost comes again");
    let revoked = refresh(&server, &lost).json();
    assert_eq!(revoked["error"]["code"], "REFRESH_TOKEN_INVALID");
    let reused = refresh(&server, &stolen).json();
    assert_eq!(reused["error"]["code"], "REFRESH_TOKEN_REUSED");
    assert_eq!(refresh(&server, &child).status, 401, "and its session is over");
}

/// Proves: RT-06
#[test]
fn old_refresh_tokens_stay_refused_after_a_kill_on_sqlite() {
    old_tokens_stay_refused(&[]);
}

/// Proves: RT-06
#[test]
fn old_refresh_tokens_stay_refused_after_a_kill_on_postgres() {
    let Some(database) = System::new().block_on(TestDatabase::postgres()) else { return };
    old_tokens_stay_refused(&[("USHER__DATABASE__URL", database.url())]);
}
