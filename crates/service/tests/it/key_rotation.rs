//! Keys that take turns, as several processes on one database see it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::sync::Barrier;
use usher_domain::{Action, ActivityEntry, ActivityFilter, Clock, KeyState, MockClock, PageSize, SigningKeyRecord};
use usher_service::{Environment, MasterKey, TokenError, TokenIssuer, TokenSettings};
use usher_storage::{ActivityQueries, MemoryBackend, SigningKeyStore};

use crate::issuer::{TTL, issued, master_key, parts, settings};

const TURN: Duration = Duration::from_secs(90 * 24 * 60 * 60);
const MINUTE: Duration = Duration::from_secs(60);

/// Processes on one database, whose time is the same.
struct Nodes {
    store: Arc<MemoryBackend>,
    environment: Environment,
    clock: Arc<MockClock>,
}

impl Nodes {
    fn new() -> Self {
        let (environment, clock) = Environment::mock();
        Self { store: Arc::new(MemoryBackend::new()), environment, clock }
    }

    async fn start(&self) -> TokenIssuer {
        self.start_with(&master_key()).await.unwrap()
    }

    async fn start_with(&self, master_key: &MasterKey) -> Result<TokenIssuer, TokenError> {
        let settings = TokenSettings { key_rotation: Some(TURN), ..settings() };
        TokenIssuer::open(self.store.clone(), master_key, settings, self.environment.clone()).await
    }

    async fn keys(&self) -> Vec<SigningKeyRecord> {
        self.store.signing_keys().await.unwrap()
    }

    async fn states(&self) -> Vec<KeyState> {
        self.keys().await.iter().map(|key| key.state).collect()
    }

    async fn log(&self) -> Vec<ActivityEntry> {
        self.store.activity_latest(&ActivityFilter::default(), PageSize::MAX).await.unwrap()
    }
}

fn kid(token: &str) -> String {
    parts(token).0["kid"].as_str().unwrap().to_owned()
}

fn published(issuer: &TokenIssuer) -> Vec<String> {
    let jwks: Value = serde_json::from_str(&issuer.jwks()).unwrap();
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// Proves: JW-12
#[tokio::test]
async fn during_a_rotation_every_token_is_good_everywhere_for_all_its_life() {
    let nodes = Nodes::new();
    let (quick, slow) = (nodes.start().await, nodes.start().await);
    let both = [&quick, &slow];
    let first = nodes.keys().await.remove(0).kid;
    nodes.clock.advance(TURN - MINUTE * 20);

    let mut tokens = Vec::new();
    let mut seen = HashMap::new();
    let mut published_for = Vec::new();
    for step in 0..200 {
        nodes.clock.advance(MINUTE / 3);
        quick.keep_keys().await.unwrap();
        if step % 3 == 0 {
            slow.keep_keys().await.unwrap();
        }
        let now = nodes.clock.monotonic();
        for (node, issuer) in both.into_iter().enumerate() {
            for kid in published(issuer) {
                seen.entry((node, kid)).or_insert(now);
            }
            let token = issued(issuer);
            if kid(&token) != first {
                published_for.extend((0..both.len()).map(|node| now - seen[&(node, kid(&token))]));
            }
            tokens.push((now + TTL, token));
        }
        tokens.retain(|(end, _)| now < *end);
        for (_, token) in &tokens {
            assert!(both.iter().all(|issuer| issuer.verify(token).is_ok()), "step {step}");
        }
    }
    let shortest = published_for.into_iter().min().unwrap();
    assert!(shortest >= MINUTE * 10, "a key signed {shortest:?} after it was published");
    assert_eq!(nodes.states().await, [KeyState::Active], "the old key is gone with its last token");
    assert_ne!(nodes.keys().await.remove(0).kid, first);
    for issuer in both {
        assert!(!published(issuer).contains(&first));
    }
    let log = nodes.log().await;
    let actions: Vec<_> = log.iter().map(|entry| entry.action).collect();
    assert_eq!(actions, [Action::KeyRotated], "once, however many processes");
    assert_eq!(log[0].details.fields()["old"], first.as_str());
}

#[tokio::test]
async fn the_next_rotation_comes_a_turn_later() {
    let nodes = Nodes::new();
    let issuer = nodes.start().await;
    for rotation in 1..=3 {
        nodes.clock.advance(TURN - MINUTE * 16);
        issuer.keep_keys().await.unwrap();
        assert_eq!(nodes.states().await.last(), Some(&KeyState::Active), "rotation {rotation}: not before its time");
        nodes.clock.advance(MINUTE);
        issuer.keep_keys().await.unwrap();
        assert_eq!(nodes.states().await.last(), Some(&KeyState::Next), "rotation {rotation}");
        nodes.clock.advance(MINUTE * 15);
        issuer.keep_keys().await.unwrap();
        assert_eq!(nodes.states().await.last(), Some(&KeyState::Active), "rotation {rotation}");
        assert_eq!(nodes.log().await.len(), rotation);
    }
}

#[tokio::test]
async fn without_a_turn_keys_stay() {
    let nodes = Nodes::new();
    let issuer =
        TokenIssuer::open(nodes.store.clone(), &master_key(), settings(), nodes.environment.clone()).await.unwrap();
    let before = nodes.keys().await;
    nodes.clock.advance(TURN * 40);
    issuer.keep_keys().await.unwrap();
    assert_eq!(nodes.keys().await, before);
}

/// Proves: JW-12
#[tokio::test]
async fn a_rotation_by_hand_is_published_first_too() {
    let nodes = Nodes::new();
    let issuer = nodes.start().await;
    let first = issued(&issuer);
    issuer.rotate_keys().await.unwrap();
    let keys = nodes.keys().await;
    issuer.rotate_keys().await.unwrap();
    assert_eq!(nodes.keys().await, keys, "said twice it is one rotation");
    assert_eq!((published(&issuer).len(), kid(&issued(&issuer))), (2, kid(&first)));

    nodes.clock.advance(MINUTE * 14);
    issuer.keep_keys().await.unwrap();
    assert_eq!(kid(&issued(&issuer)), kid(&first));
    nodes.clock.advance(MINUTE);
    issuer.keep_keys().await.unwrap();
    assert_ne!(kid(&issued(&issuer)), kid(&first));
}

#[tokio::test]
async fn a_leaked_key_is_worthless_at_once_and_elsewhere_as_soon_as_that_follows() {
    let nodes = Nodes::new();
    let (here, elsewhere) = (nodes.start().await, nodes.start().await);
    let leaked = issued(&here);
    elsewhere.verify(&leaked).unwrap();
    here.replace_keys().await.unwrap();
    assert_eq!(nodes.states().await, [KeyState::Active]);
    here.verify(&leaked).unwrap_err();
    elsewhere.keep_keys().await.unwrap();
    elsewhere.verify(&leaked).unwrap_err();
    elsewhere.verify(&issued(&here)).unwrap();
    assert_eq!(nodes.log().await.len(), 1);
}

/// Proves: JW-12
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_processes_that_rotate_at_once_one_does() {
    const NODES: usize = 6;
    for round in 0..20 {
        let nodes = Nodes::new();
        let barrier = Arc::new(Barrier::new(NODES));
        let mut issuers = Vec::new();
        for _ in 0..NODES {
            issuers.push(Arc::new(nodes.start().await));
        }
        nodes.clock.advance(TURN);
        for expected in [2, 2] {
            let turns: Vec<_> = issuers
                .iter()
                .map(|issuer| {
                    let (issuer, barrier) = (issuer.clone(), barrier.clone());
                    tokio::spawn(async move {
                        barrier.wait().await;
                        issuer.keep_keys().await
                    })
                })
                .collect();
            for turn in turns {
                turn.await.unwrap().unwrap();
            }
            assert_eq!(nodes.keys().await.len(), expected, "round {round}");
            for issuer in &issuers {
                assert_eq!(issuer.jwks(), issuers[0].jwks(), "round {round}");
            }
            nodes.clock.advance(MINUTE * 15);
        }
        assert_eq!(nodes.log().await.len(), 1, "round {round}");
    }
}

#[tokio::test]
async fn another_master_key_opens_the_new_key_and_the_old_one_nothing() {
    let nodes = Nodes::new();
    let issuer = nodes.start().await;
    let running = nodes.start().await;
    let token = issued(&issuer);
    let other = MasterKey::from_bytes([9; 32]);
    issuer.reseal_keys(&other).await.unwrap();

    let resealed = nodes.start_with(&other).await.unwrap();
    resealed.verify(&token).unwrap_err();
    resealed.verify(&issued(&resealed)).unwrap();
    assert!(matches!(nodes.start_with(&master_key()).await, Err(TokenError::WrongMasterKey)));
    assert!(matches!(running.keep_keys().await, Err(TokenError::WrongMasterKey)), "and it says so");
}

#[tokio::test]
async fn a_clock_that_was_set_back_takes_no_turn_back() {
    let nodes = Nodes::new();
    let issuer = nodes.start().await;
    issuer.rotate_keys().await.unwrap();
    nodes.clock.advance(MINUTE * 15);
    issuer.keep_keys().await.unwrap();
    let keys = nodes.keys().await;
    nodes.clock.set_wall(nodes.clock.now() - MINUTE * 60);
    issuer.keep_keys().await.unwrap();
    assert_eq!(nodes.keys().await, keys);
}
