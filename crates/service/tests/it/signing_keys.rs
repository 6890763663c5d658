//! Where signing keys come from, how they rest, and how they change.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::Barrier;
use usher_domain::{ActivityEntry, KeyState, MockClock, SealedKey, SigningAlgorithm, SigningKeyRecord};
use usher_service::{Environment, MasterKey, TokenError, TokenIssuer, TokenSettings};
use usher_storage::{MemoryBackend, SigningKeyStore, StorageResult};

use crate::issuer::{KID, PRIVATE_KEY, issued, known, known_record, master_key, open, parts, settings};

fn es256() -> TokenSettings {
    TokenSettings { algorithm: SigningAlgorithm::Es256, ..settings() }
}

fn kids(issuer: &TokenIssuer) -> BTreeSet<String> {
    let jwks: Value = serde_json::from_str(&issuer.jwks()).unwrap();
    jwks["keys"].as_array().unwrap().iter().map(|jwk| jwk["kid"].as_str().unwrap().to_owned()).collect()
}

async fn records(store: &Arc<MemoryBackend>) -> Vec<SigningKeyRecord> {
    store.signing_keys().await.unwrap()
}

async fn replace(store: &Arc<MemoryBackend>, new: &[SigningKeyRecord]) {
    assert!(store.signing_keys_replace(&records(store).await, new, None).await.unwrap());
}

/// A key of its own, sealed with the common master key.
async fn fresh_record(state: KeyState) -> SigningKeyRecord {
    let store = MemoryBackend::new().into();
    open(&store, &master_key(), settings()).await.unwrap();
    SigningKeyRecord { state, ..records(&store).await.remove(0) }
}

#[tokio::test]
async fn the_first_start_makes_one_active_key() {
    for settings in [settings(), es256()] {
        let store = MemoryBackend::new().into();
        let algorithm = settings.algorithm;
        let issuer = open(&store, &master_key(), settings).await.unwrap();
        let records = records(&store).await;
        assert_eq!(records.len(), 1);
        assert_eq!((records[0].state, records[0].algorithm), (KeyState::Active, algorithm));
        assert_eq!(kids(&issuer), BTreeSet::from([records[0].kid.clone()]));
        let published: Value = serde_json::from_str(&issuer.jwks()).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&records[0].public_jwk).unwrap(), published["keys"][0]);
    }
}

#[tokio::test]
async fn the_next_start_goes_on_with_the_same_key() {
    let store = MemoryBackend::new().into();
    let token = issued(&open(&store, &master_key(), settings()).await.unwrap());
    let before = records(&store).await;
    open(&store, &master_key(), settings()).await.unwrap().verify(&token).unwrap();
    assert_eq!(records(&store).await, before);
}

/// A store whose first readers all see the same: each waits for the last of them.
struct Race {
    store: MemoryBackend,
    readers: AtomicUsize,
    barrier: Barrier,
}

const RACERS: usize = 8;

#[async_trait]
impl SigningKeyStore for Race {
    async fn signing_keys(&self) -> StorageResult<Vec<SigningKeyRecord>> {
        let records = self.store.signing_keys().await?;
        if self.readers.fetch_add(1, Ordering::SeqCst) < RACERS {
            self.barrier.wait().await;
        }
        Ok(records)
    }

    async fn signing_keys_replace(
        &self,
        expected: &[SigningKeyRecord],
        new: &[SigningKeyRecord],
        entry: Option<&ActivityEntry>,
    ) -> StorageResult<bool> {
        self.store.signing_keys_replace(expected, new, entry).await
    }
}

/// Proves: OP-08
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_first_starts_at_once_all_have_one_key() {
    let store =
        Arc::new(Race { store: MemoryBackend::new(), readers: AtomicUsize::new(0), barrier: Barrier::new(RACERS) });
    let starts: Vec<_> = (0..RACERS)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(
                async move { TokenIssuer::open(store, &master_key(), settings(), Environment::mock().0).await },
            )
        })
        .collect();
    let mut issuers = Vec::new();
    for start in starts {
        issuers.push(start.await.unwrap().unwrap());
    }
    assert_eq!(store.store.signing_keys().await.unwrap().len(), 1);
    let token = issued(&issuers[0]);
    for issuer in &issuers {
        assert_eq!(issuer.jwks(), issuers[0].jwks());
        issuer.verify(&token).unwrap();
    }
}

#[tokio::test]
async fn another_master_key_opens_nothing_and_makes_nothing() {
    let store = MemoryBackend::new().into();
    open(&store, &master_key(), settings()).await.unwrap();
    let before = records(&store).await;
    let other = MasterKey::from_bytes([9; 32]);
    for settings in [settings(), es256()] {
        assert!(matches!(open(&store, &other, settings).await, Err(TokenError::WrongMasterKey)));
        assert_eq!(records(&store).await, before);
    }
}

#[tokio::test]
async fn a_sealed_key_that_was_touched_opens_nothing() {
    let record = fresh_record(KeyState::Active).await;
    let sealed = &record.private_key.0;
    let touched = (0..sealed.len()).map(|at| {
        let mut touched = sealed.clone();
        touched[at] ^= 1;
        touched
    });
    for sealed in touched.chain([Vec::new(), sealed[..12].to_vec(), sealed[..sealed.len() - 1].to_vec()]) {
        let store = MemoryBackend::new().into();
        replace(&store, &[SigningKeyRecord { private_key: SealedKey(sealed), ..record.clone() }]).await;
        assert!(matches!(open(&store, &master_key(), settings()).await, Err(TokenError::WrongMasterKey)));
    }
}

#[tokio::test]
async fn a_sealed_key_is_good_under_its_own_name_only() {
    let (one, other) = (fresh_record(KeyState::Active).await, fresh_record(KeyState::Active).await);
    let store = MemoryBackend::new().into();
    replace(&store, &[SigningKeyRecord { private_key: other.private_key, ..one }]).await;
    assert!(matches!(open(&store, &master_key(), settings()).await, Err(TokenError::WrongMasterKey)));
}

#[tokio::test]
async fn a_private_key_rests_sealed_and_each_time_differently() {
    let (one, other) = (fresh_record(KeyState::Active).await, fresh_record(KeyState::Active).await);
    let nonce = |record: &SigningKeyRecord| record.private_key.0[..12].to_vec();
    assert_ne!(nonce(&one), nonce(&other));
    // PKCS#8 begins with the same bytes in every Ed25519 key (RFC 8410, 7).
    let object_id = [0x06, 0x03, 0x2b, 0x65, 0x70];
    assert!(!one.private_key.0.windows(object_id.len()).any(|window| window == object_id));
}

/// Proves: JW-11
#[tokio::test]
async fn a_public_key_that_was_put_into_the_database_is_not_published() {
    let store = MemoryBackend::new().into();
    let planted = r#"{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#.to_owned();
    replace(&store, &[SigningKeyRecord { public_jwk: planted, ..known_record(&MockClock::default()) }]).await;
    let issuer = open(&store, &master_key(), settings()).await.unwrap();
    assert_eq!(kids(&issuer), BTreeSet::from([KID.to_owned()]));
    assert!(!issuer.jwks().contains("AAAA"));
}

#[tokio::test]
async fn another_algorithm_replaces_the_keys() {
    let store = MemoryBackend::new().into();
    let eddsa = open(&store, &master_key(), settings()).await.unwrap();
    let token = issued(&eddsa);
    let issuer = open(&store, &master_key(), es256()).await.unwrap();
    assert_eq!(records(&store).await.len(), 1);
    assert_eq!(parts(&issued(&issuer)).0["alg"], "ES256");
    issuer.verify(&token).unwrap_err();

    assert!(matches!(eddsa.reload().await, Err(TokenError::NoActiveKey)));
    eddsa.verify(&token).unwrap();
}

#[tokio::test]
async fn all_keys_verify_and_the_active_one_signs() {
    let store = MemoryBackend::new().into();
    let first = fresh_record(KeyState::Active).await;
    replace(&store, std::slice::from_ref(&first)).await;
    let issuer = open(&store, &master_key(), settings()).await.unwrap();
    let by_first = issued(&issuer);

    let second = fresh_record(KeyState::Next).await;
    let second = SigningKeyRecord { created_at: first.created_at + Duration::from_secs(1), ..second };
    replace(&store, &[first.clone(), second.clone()]).await;
    issuer.reload().await.unwrap();
    assert_eq!(kids(&issuer), BTreeSet::from([first.kid.clone(), second.kid.clone()]));
    assert_eq!(parts(&issued(&issuer)).0["kid"], first.kid);

    let retiring = SigningKeyRecord { state: KeyState::Retiring, ..first.clone() };
    let active = SigningKeyRecord { state: KeyState::Active, ..second.clone() };
    replace(&store, &[retiring, active.clone()]).await;
    let by_second = issued(&open(&store, &master_key(), settings()).await.unwrap());
    assert_eq!(parts(&by_second).0["kid"], second.kid);
    issuer.verify(&by_second).unwrap();
    issuer.reload().await.unwrap();
    issuer.verify(&by_first).unwrap();
    assert_eq!(parts(&issued(&issuer)).0["kid"], second.kid);

    replace(&store, &[active]).await;
    issuer.reload().await.unwrap();
    issuer.verify(&by_first).unwrap_err();
    issuer.verify(&by_second).unwrap();
}

#[tokio::test]
async fn no_key_shows() {
    let (issuer, clock) = known().await;
    let shown = format!("{issuer:?}{:?}{:?}", known_record(&clock), master_key());
    for secret in [PRIVATE_KEY, "AAECAw", "ehYhnLg", "[0, 1, 2, 3", "00010203"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
