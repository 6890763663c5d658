//! What can only be seen from inside: which tokens are remembered as verified.

use std::{sync::Arc, time::Duration};

use usher_domain::{Clock, MockClock, SessionId, SigningAlgorithm, UserId, Username};
use usher_storage::MemoryBackend;

use super::{
    AccessGrant, LEEWAY, TokenIssuer, TokenSettings, Verified, digest_of,
    verified::{self, VerifiedTokens},
};
use crate::{AccessClaims, Environment, MasterKey};

async fn issuer() -> (TokenIssuer, Environment, Arc<MockClock>) {
    let (environment, clock) = Environment::mock();
    let settings = TokenSettings {
        issuer: "https://id.example.org".to_owned(),
        audience: "example".to_owned(),
        algorithm: SigningAlgorithm::EdDsa,
        access_ttl: Duration::from_secs(60),
        key_rotation: None,
    };
    let store = Arc::new(MemoryBackend::new());
    let issuer = TokenIssuer::open(store, &MasterKey::from_bytes([7; 32]), settings, environment.clone()).await;
    (issuer.unwrap(), environment, clock)
}

fn issued(issuer: &TokenIssuer, environment: &Environment) -> String {
    let username: Username = "bob".parse().unwrap();
    let grant = AccessGrant {
        user: UserId::generate(&*environment.ids),
        session: SessionId::generate(&*environment.ids),
        epoch: 0,
        username: &username,
        roles: &[],
        permissions: &[],
    };
    issuer.issue(&grant).unwrap().token.expose().to_owned()
}

fn remembered(issuer: &TokenIssuer, token: &str) -> Option<AccessClaims> {
    issuer.keys().verified.get(&digest_of(token)).map(|verified| verified.claims)
}

#[tokio::test]
async fn a_good_token_is_remembered_and_its_signature_not_checked_again() {
    let (issuer, environment, clock) = issuer().await;
    let token = issued(&issuer, &environment);
    assert_eq!(remembered(&issuer, &token), None);
    let claims = issuer.verify(&token).unwrap();
    assert_eq!(remembered(&issuer, &token), Some(claims));

    // No signature would be found good in this one.
    let planted = Verified { claims, not_before: clock.now() };
    issuer.keys().verified.insert(digest_of("remembered"), planted);
    assert_eq!(issuer.verify("remembered"), Ok(claims));
    clock.advance(issuer.settings.access_ttl + LEEWAY);
    issuer.verify("remembered").unwrap_err();
}

#[tokio::test]
async fn a_token_that_is_no_good_is_not_remembered() {
    let (issuer, environment, clock) = issuer().await;
    let token = issued(&issuer, &environment);
    let forged = format!("{token}A");
    issuer.verify(&forged).unwrap_err();
    assert_eq!(remembered(&issuer, &forged), None);
    clock.advance(issuer.settings.access_ttl + LEEWAY);
    issuer.verify(&token).unwrap_err();
    assert_eq!(remembered(&issuer, &token), None);
}

#[tokio::test]
async fn nothing_is_remembered_across_a_change_of_keys() {
    let (issuer, environment, _) = issuer().await;
    let token = issued(&issuer, &environment);
    issuer.verify(&token).unwrap();
    issuer.reload().await.unwrap();
    assert!(remembered(&issuer, &token).is_some(), "the keys are the same");
    issuer.rotate_keys().await.unwrap();
    assert_eq!(remembered(&issuer, &token), None);
    issuer.verify(&token).unwrap();
}

#[tokio::test]
async fn what_is_remembered_is_bounded() {
    let (issuer, environment, clock) = issuer().await;
    let claims = issuer.verify(&issued(&issuer, &environment)).unwrap();
    let verified = Verified { claims, not_before: clock.now() };
    let tokens = VerifiedTokens::new();
    for n in 0..verified::CAPACITY * 2 {
        tokens.insert(digest_of(&n.to_string()), verified.clone());
    }
    let kept = tokens.len();
    assert!((1..=verified::CAPACITY).contains(&kept), "{kept}");
}
