//! Access tokens as they are issued, and when they are good.

use std::{collections::BTreeSet, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};
use serde_json::{Value, json};
use usher_domain::{Clock, SigningAlgorithm, Timestamp, Username};
use usher_service::{AccessGrant, TokenError, TokenSettings};
use usher_storage::MemoryBackend;

use crate::issuer::{
    AUDIENCE, ISSUER, KID, PUBLIC_KEY, SESSION, TTL, USER, claims, forged, header, issued, known, known_with,
    master_key, open, parts, settings, with,
};

/// Proves: JW-14
#[tokio::test]
async fn a_token_says_this_and_nothing_else() {
    let (issuer, clock) = known().await;
    let (header, claims, _) = parts(&issued(&issuer));
    assert_eq!(header, json!({ "alg": "EdDSA", "kid": KID, "typ": "at+jwt" }));
    let now = clock.now().as_secs();
    let jti = claims["jti"].clone();
    assert_eq!(
        claims,
        json!({
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": USER.to_string(),
            "exp": now + 900,
            "iat": now,
            "nbf": now,
            "jti": jti,
            "sid": SESSION.to_string(),
            "ver": 3,
            "roles": ["user"],
            "permissions": ["users:read"],
            "username": "alice",
        })
    );
}

#[tokio::test]
async fn every_token_has_an_id_of_its_own() {
    let (issuer, _) = known().await;
    let ids: BTreeSet<_> = (0..3).map(|_| parts(&issued(&issuer)).1["jti"].to_string()).collect();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn anybody_can_check_the_signature_with_the_public_key() {
    let (issuer, _) = known().await;
    let token = issued(&issuer);
    let (message, _) = token.rsplit_once('.').unwrap();
    let public_key = UnparsedPublicKey::new(&ED25519, URL_SAFE_NO_PAD.decode(PUBLIC_KEY).unwrap());
    public_key.verify(message.as_bytes(), &parts(&token).2).unwrap();
}

#[tokio::test]
async fn what_was_issued_verifies() {
    let (issuer, clock) = known().await;
    let verified = issuer.verify(&issued(&issuer)).unwrap();
    assert_eq!((verified.user, verified.session, verified.epoch), (USER, SESSION, 3));
    assert_eq!(verified.expires_at, Timestamp::from_micros(clock.now().as_secs() * 1_000_000) + TTL);
}

/// The control of all that is refused in `forged_tokens`: what they start from is good.
#[tokio::test]
async fn the_unchanged_forgery_verifies() {
    let (issuer, clock) = known().await;
    issuer.verify(&forged(&header(), &claims(&clock))).unwrap();
}

/// Proves: JW-09
#[tokio::test]
async fn a_token_lives_as_long_as_is_set() {
    for ttl in [TTL, Duration::from_secs(60)] {
        let (issuer, _) = known_with(TokenSettings { access_ttl: ttl, ..settings() }).await;
        let claims = parts(&issued(&issuer)).1;
        let life = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
        assert_eq!(life, ttl.as_secs());
    }
}

/// Proves: JW-06
#[tokio::test]
async fn a_token_ends_five_seconds_after_its_expiry() {
    let (issuer, clock) = known().await;
    let token = issued(&issuer);
    clock.advance(TTL + Duration::from_millis(4_999));
    issuer.verify(&token).unwrap();
    clock.advance(Duration::from_millis(1));
    issuer.verify(&token).unwrap_err();
}

/// Proves: JW-06
#[tokio::test]
async fn a_token_begins_five_seconds_before_its_time() {
    let (issuer, clock) = known().await;
    let token = |nbf| forged(&header(), &with(claims(&clock), "nbf", json!(nbf)));
    let now = clock.now().as_secs();
    issuer.verify(&token(now + 5)).unwrap();
    issuer.verify(&token(now + 6)).unwrap_err();
}

/// Proves: JW-06
#[tokio::test]
async fn extreme_times_are_no_accident() {
    let (issuer, clock) = known().await;
    for exp in [i64::MIN, -1, 0] {
        issuer.verify(&forged(&header(), &with(claims(&clock), "exp", json!(exp)))).unwrap_err();
    }
    issuer.verify(&forged(&header(), &with(claims(&clock), "exp", json!(i64::MAX)))).unwrap();
    issuer.verify(&forged(&header(), &with(claims(&clock), "nbf", json!(i64::MAX)))).unwrap_err();
    issuer.verify(&forged(&header(), &with(claims(&clock), "nbf", json!(0)))).unwrap();
}

#[tokio::test]
async fn a_token_that_would_be_too_long_is_not_issued() {
    let (issuer, _) = known().await;
    let username = Username::parse("alice").unwrap();
    let permissions: Vec<_> = (0..500).map(|n| format!("documents:permission-{n}")).collect();
    let grant = AccessGrant {
        user: USER,
        session: SESSION,
        epoch: 1,
        username: &username,
        roles: &[],
        permissions: &permissions,
    };
    assert!(matches!(issuer.issue(&grant), Err(TokenError::TooLong)));
    issuer.issue(&AccessGrant { permissions: &permissions[..100], ..grant }).unwrap();
}

/// Proves: JW-11
#[tokio::test]
async fn the_key_set_holds_the_public_half_under_its_thumbprint() {
    let (issuer, _) = known().await;
    let jwks: Value = serde_json::from_str(&issuer.jwks()).unwrap();
    assert_eq!(
        jwks,
        json!({ "keys": [{
            "kty": "OKP",
            "crv": "Ed25519",
            "x": PUBLIC_KEY,
            "use": "sig",
            "alg": "EdDSA",
            "kid": KID,
        }] })
    );
}

/// Proves: JW-11
#[tokio::test]
async fn es256_signs_where_it_is_set() {
    let store = MemoryBackend::new().into();
    let settings = TokenSettings { algorithm: SigningAlgorithm::Es256, ..settings() };
    let issuer = open(&store, &master_key(), settings).await.unwrap();
    let token = issued(&issuer);
    issuer.verify(&token).unwrap();

    let jwks: Value = serde_json::from_str(&issuer.jwks()).unwrap();
    let jwk = &jwks["keys"][0];
    let members: BTreeSet<_> = jwk.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, BTreeSet::from(["alg", "crv", "kid", "kty", "use", "x", "y"]));
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]);
    let thumbprint = ring::digest::digest(&ring::digest::SHA256, canonical.as_bytes());
    assert_eq!(jwk["kid"], URL_SAFE_NO_PAD.encode(thumbprint));

    let (header, _, signature) = parts(&token);
    assert_eq!(header, json!({ "alg": "ES256", "kid": jwk["kid"], "typ": "at+jwt" }));
    let coordinates = ["x", "y"].map(|name| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap());
    let point = [vec![4], coordinates.concat()].concat();
    let (message, _) = token.rsplit_once('.').unwrap();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message.as_bytes(), &signature).unwrap();
}
