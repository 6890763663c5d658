//! An issuer whose signing key the tests know, so that they can forge whatever they like with it.
//!
//! The key is that of RFC 8037, appendix A. It was sealed once with Python's `cryptography` 46 (HKDF and
//! AESGCM) under the master key 00 01 02 ... 1f.

use std::{sync::Arc, time::Duration};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};
use usher_domain::{
    Clock, KeyState, MockClock, RoleName, SealedKey, SessionId, SigningAlgorithm, SigningKeyRecord, UserId, Username,
};
use usher_service::{AccessGrant, Environment, MasterKey, TokenError, TokenIssuer, TokenSettings};
use usher_storage::{MemoryBackend, SigningKeyStore};
use uuid::Uuid;

pub(crate) const ISSUER: &str = "https://id.example.org";
pub(crate) const AUDIENCE: &str = "example";
pub(crate) const TTL: Duration = Duration::from_secs(15 * 60);

/// RFC 8037, A.1 and A.3.
pub(crate) const PRIVATE_KEY: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
pub(crate) const PUBLIC_KEY: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
pub(crate) const KID: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

const SEALED: &str = "AAECAwQFBgcICQoLehYhnLgjyoCIz2ZEkdMQT4HreN4UjWsXvQM6lWD+NyTZjMaoCrlfyipy/jFHGf0EgIpTTb9XL98IQ7OvoDSB\
    FAE8Xqv0YtJoaDndkm4O9dXz0kdv1X1GBa1w/XUWoYkYWcAH0Bk=";

pub(crate) const USER: UserId = UserId::from_uuid(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001));
pub(crate) const SESSION: SessionId = SessionId::from_uuid(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0002));

pub(crate) fn master_key() -> MasterKey {
    MasterKey::from_bytes(std::array::from_fn(|n| u8::try_from(n).unwrap()))
}

pub(crate) fn settings() -> TokenSettings {
    TokenSettings {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        algorithm: SigningAlgorithm::EdDsa,
        access_ttl: TTL,
        key_rotation: None,
    }
}

pub(crate) fn known_record(clock: &MockClock) -> SigningKeyRecord {
    SigningKeyRecord {
        kid: KID.to_owned(),
        algorithm: SigningAlgorithm::EdDsa,
        private_key: SealedKey(STANDARD.decode(SEALED).unwrap()),
        public_jwk: "{}".to_owned(),
        state: KeyState::Active,
        created_at: clock.now(),
        activates_at: clock.now(),
        retires_at: None,
    }
}

pub(crate) async fn open(
    store: &Arc<MemoryBackend>,
    master_key: &MasterKey,
    settings: TokenSettings,
) -> Result<TokenIssuer, TokenError> {
    TokenIssuer::open(store.clone(), master_key, settings, Environment::mock().0).await
}

/// An issuer with the known key, and the clock that it looks at.
pub(crate) async fn known() -> (TokenIssuer, Arc<MockClock>) {
    known_with(settings()).await
}

pub(crate) async fn known_with(settings: TokenSettings) -> (TokenIssuer, Arc<MockClock>) {
    let (environment, clock) = Environment::mock();
    let store = Arc::new(MemoryBackend::new());
    assert!(store.signing_keys_replace(&[], &[known_record(&clock)], None).await.unwrap());
    (TokenIssuer::open(store, &master_key(), settings, environment).await.unwrap(), clock)
}

/// A token from the issuer itself.
pub(crate) fn issued(issuer: &TokenIssuer) -> String {
    let username = Username::parse("alice").unwrap();
    let grant = AccessGrant {
        user: USER,
        session: SESSION,
        epoch: 3,
        username: &username,
        roles: &[RoleName::USER],
        permissions: &["users:read".to_owned()],
    };
    issuer.issue(&grant).unwrap().token.expose().to_owned()
}

pub(crate) fn header() -> Value {
    json!({ "alg": "EdDSA", "kid": KID, "typ": "at+jwt" })
}

pub(crate) fn claims(clock: &MockClock) -> Value {
    let now = clock.now().as_secs();
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": USER,
        "exp": now + 900,
        "iat": now,
        "nbf": now,
        "jti": "01900000-0000-7000-8000-000000000003",
        "sid": SESSION,
        "ver": 3,
        "roles": ["user"],
        "permissions": ["users:read"],
        "username": "alice",
    })
}

/// The same with one member replaced.
pub(crate) fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

pub(crate) fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name).unwrap();
    object
}

pub(crate) fn message(header: &Value, claims: &Value) -> String {
    [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".")
}

pub(crate) fn sign(message: &str) -> String {
    let [seed, public] = [PRIVATE_KEY, PUBLIC_KEY].map(|text| URL_SAFE_NO_PAD.decode(text).unwrap());
    let pair = Ed25519KeyPair::from_seed_and_public_key(&seed, &public).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(pair.sign(message.as_bytes())))
}

/// A token with a good signature.
pub(crate) fn forged(header: &Value, claims: &Value) -> String {
    sign(&message(header, claims))
}

/// The parts of a token, decoded; the signature's as it is.
pub(crate) fn parts(token: &str) -> (Value, Value, Vec<u8>) {
    let parts: Vec<_> = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
    let [header, claims, signature] = parts.try_into().unwrap();
    (serde_json::from_slice(&header).unwrap(), serde_json::from_slice(&claims).unwrap(), signature)
}
