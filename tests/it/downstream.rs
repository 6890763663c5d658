//! Other services: what they can decide from an access token alone.

use jsonwebtoken::{DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::{Value, json};
use usher_tests::{Answer, TestApp, on_each_engine};

/// A service that knows the key set, and nobody.
struct Desk {
    keys: JwkSet,
    issuer: String,
}

impl Desk {
    async fn open(app: &TestApp) -> Self {
        let keys = serde_json::from_str(&app.get("//.well-known/jwks.json").await.text).unwrap();
        Self { keys, issuer: app.url("//").trim_end_matches('/').to_owned() }
    }

    /// What a token says, if it is one of ours for this service.
    fn claims(&self, token: &str) -> Option<Value> {
        let header = decode_header(token).ok().filter(|header| header.typ.as_deref() == Some("at+jwt"))?;
        let jwk = self.keys.find(&header.kid?)?;
        let mut validation = Validation::new(header.alg);
        validation.set_audience(&["usher"]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let token = decode::<Value>(token, &DecodingKey::from_jwk(jwk).ok()?, &validation).ok()?;
        Some(token.claims)
    }

    /// Whether the holder may answer tickets.
    fn lets_answer(&self, token: &str) -> bool {
        let claims = self.claims(token);
        claims.is_some_and(|claims| names(&claims["permissions"]).contains(&"tickets:answer"))
    }
}

fn names(claim: &Value) -> Vec<&str> {
    claim.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

fn text<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.data()[name].as_str().unwrap()
}

on_each_engine! {
    /// Proves: AZ-06
    async fn a_service_decides_from_the_token_alone_and_learns_of_changes_with_the_next_one(app: TestApp) {
        let admin = app.admin().await;
        let desk = Desk::open(&app).await;
        let role = json!({"name": "clerk", "permissions": ["tickets:answer", "tickets:read"]});
        assert_eq!(admin.post("/roles", &role).await.status, 201);
        let id = admin.create_with("bob", &json!({"roles": ["clerk"]})).await;

        let login = app.login("bob").await;
        let token = text(&login, "access_token").to_owned();
        let claims = desk.claims(&token).unwrap();
        assert_eq!((&claims["sub"], &claims["roles"]), (&json!(id), &json!(["clerk"])));
        assert_eq!(claims["permissions"], json!(["tickets:answer", "tickets:read"]));
        assert!(desk.lets_answer(&token));
        let (head, signature) = token.rsplit_once('.').unwrap();
        let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
        assert!(!desk.lets_answer(&forged) && !desk.lets_answer(text(&login, "refresh_token")));

        let changed = admin.patch("/roles/clerk", &json!({"permissions": ["tickets:read"]})).await;
        assert_eq!(changed.status, 200);
        let next = app.refresh(text(&login, "refresh_token")).await;
        let claims = desk.claims(text(&next, "access_token")).unwrap();
        assert_eq!((&claims["roles"], &claims["permissions"]), (&json!(["clerk"]), &json!(["tickets:read"])));
        assert!(!desk.lets_answer(text(&next, "access_token")));

        let roles = format!("/users/{id}/roles");
        assert_eq!(admin.put(&roles, &json!({"roles": []})).await.status, 200);
        let next = app.refresh(text(&next, "refresh_token")).await;
        let claims = desk.claims(text(&next, "access_token")).unwrap();
        assert_eq!((&claims["roles"], &claims["permissions"]), (&json!([]), &json!([])));

        let answering = json!({"permissions": ["tickets:answer"]});
        assert_eq!(admin.patch("/roles/clerk", &answering).await.status, 200);
        assert_eq!(admin.put(&roles, &json!({"roles": ["clerk"]})).await.status, 200);
        let next = app.refresh(text(&next, "refresh_token")).await;
        assert!(desk.lets_answer(text(&next, "access_token")));
    }

    async fn whoever_must_change_his_password_may_do_nothing_anywhere(app: TestApp) {
        let admin = app.admin().await;
        let desk = Desk::open(&app).await;
        admin.create_with("boss", &json!({"roles": ["admin"], "must_change_password": true})).await;
        let login = app.login("boss").await;
        let claims = desk.claims(text(&login, "access_token")).unwrap();
        assert_eq!((&claims["roles"], &claims["permissions"]), (&json!([]), &json!([])));
        let next = app.refresh(text(&login, "refresh_token")).await;
        let claims = desk.claims(text(&next, "access_token")).unwrap();
        assert_eq!((&claims["roles"], &claims["permissions"]), (&json!([]), &json!([])));
    }

    async fn a_token_of_an_administrator_names_every_permission(app: TestApp) {
        let admin = app.admin().await;
        let desk = Desk::open(&app).await;
        let role = json!({"name": "clerk", "permissions": ["tickets:answer"]});
        assert_eq!(admin.post("/roles", &role).await.status, 201);
        let token = text(&app.login("admin").await, "access_token").to_owned();
        assert!(desk.lets_answer(&token));
        let claims = desk.claims(&token).unwrap();
        assert_eq!(claims["roles"], json!(["admin"]));
        let listed = admin.get("/permissions").await;
        let listed: Vec<_> = listed.data()["items"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
        assert_eq!(claims["permissions"], json!(listed));
        assert!(listed.len() > 1 && !listed.contains(&json!("*")), "{listed:?}");
    }
}
