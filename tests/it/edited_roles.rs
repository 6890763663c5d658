//! Roles that are edited while those who hold them sign in and renew their tokens.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use usher_domain::{Actor, ClientInfo, PlainPassword, permissions};
use usher_service::{AuthError, AuthManager, LoginRequest, RolePatch, Tokens};
use usher_storage::contract::TestDatabase;
use usher_tests::PASSWORD;

use crate::managers::{Managers, ROUNDS, Start, owned};

/// What the role grants by turns.
const GRANTS: [[&str; 2]; 2] = [["texts:edit", "texts:read"], ["sounds:edit", "sounds:read"]];

async fn login(auth: &AuthManager, username: &str) -> Result<Tokens, AuthError> {
    let password = PlainPassword::new(PASSWORD.to_owned());
    let request = LoginRequest { identifier: username.to_owned(), password, replaces: None };
    auth.login(&request, &ClientInfo::default()).await
}

async fn refresh(auth: &AuthManager, tokens: &Tokens) -> Result<Tokens, AuthError> {
    auth.refresh(&tokens.refresh.token, &ClientInfo::default()).await
}

/// The permissions that an access token names, but for ours.
fn granted(tokens: &Tokens) -> Vec<String> {
    let claims = tokens.access.token.expose().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    let named = claims["permissions"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned());
    named.filter(|name| permissions::ALL.iter().all(|ours| ours.as_str() != name)).collect()
}

async fn race(database: TestDatabase) {
    let managers = Managers::on(&database).await;
    let editor = managers.role("editor", &GRANTS[1]).await;
    managers.user("rita", &["editor", "user"]).await;
    managers.user("root", &["admin", "user"]).await;
    let auth = &managers.auth;
    let mut sessions = Vec::new();
    for username in ["rita", "rita", "root", "rita", "root"] {
        sessions.push(login(auth, username).await.unwrap());
    }
    let (mut before, mut after) = (0, 0);
    for round in 0..ROUNDS {
        let (old, new) = (GRANTS[(round + 1) % 2], GRANTS[round % 2]);
        let start = Start::of(6);
        let late = sessions.split_off(3);
        let mut raced = Vec::new();
        for session in sessions {
            let auth = auth.clone();
            raced.push(start.race(async move { refresh(&auth, &session).await }));
        }
        let mut logins = Vec::new();
        for username in ["rita", "root"] {
            let auth = auth.clone();
            logins.push(start.race(async move { login(&auth, username).await }));
        }
        let (roles, editor, auth) = (managers.roles.clone(), editor.clone(), auth.clone());
        let edit = start.race(async move {
            let patch = RolePatch { permissions: Some(owned(&new)), ..RolePatch::default() };
            roles.update(&Actor::system(), &editor, &patch, None).await.unwrap();
            let mut renewed = Vec::new();
            for session in late {
                renewed.push(refresh(&auth, &session).await.unwrap());
            }
            renewed
        });

        sessions = Vec::new();
        for one in raced {
            sessions.push(one.await.unwrap().unwrap());
        }
        let mut issued: Vec<_> = sessions.iter().map(granted).collect();
        for one in logins {
            issued.push(granted(&one.await.unwrap().unwrap()));
        }
        for granted in issued {
            match granted {
                granted if granted == old => before += 1,
                granted if granted == new => after += 1,
                mixture => panic!("round {round}: {mixture:?}"),
            }
        }
        for renewed in edit.await.unwrap() {
            assert_eq!(granted(&renewed), new, "round {round}: renewed after the edit");
            sessions.push(renewed);
        }
    }
    assert!(before > 0 && after > 0, "they were never there at once: {before} before, {after} after");
}

/// Proves: RT-17
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_says_what_a_role_granted_before_or_after_an_edit_on_sqlite() {
    race(TestDatabase::sqlite()).await;
}

/// Proves: RT-17
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_says_what_a_role_granted_before_or_after_an_edit_on_postgres() {
    if let Some(database) = TestDatabase::postgres().await {
        race(database).await;
    }
}
