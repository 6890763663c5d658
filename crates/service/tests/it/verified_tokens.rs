//! Tokens whose signature was found good, and tokens of keys that nobody here has seen.

use std::{sync::Arc, time::Duration};

use usher_domain::{ClientInfo, Clock};
use usher_service::{AuthError, Environment, TokenIssuer};
use usher_storage::{MemoryBackend, SigningKeyStore};

use crate::{
    fixture::{Fixture, MASTER_KEY, knows},
    issuer::{TTL, issued, known, known_record, master_key, settings},
};

const SECOND: Duration = Duration::from_secs(1);

/// How often the keys were read, and nothing else asked.
fn key_reads(fixture: &Fixture) -> usize {
    let asked = fixture.backend.asked();
    assert!(asked.iter().all(|what| *what == "signing_keys"), "{asked:?}");
    asked.len()
}

/// An issuer of another process, which begins with the keys that there are.
async fn another_issuer(fixture: &Fixture) -> TokenIssuer {
    let settings = usher_service::TokenSettings { audience: "usher".to_owned(), ..settings() };
    TokenIssuer::open(fixture.backend.clone(), &MASTER_KEY, settings, fixture.environment.clone()).await.unwrap()
}

/// A good form of token, by a key that is in no database of ours.
async fn of_unknown_key() -> String {
    issued(&known().await.0)
}

async fn is_refused(fixture: &Fixture, token: &str) -> bool {
    let answer = fixture.auth.authenticate(token, ClientInfo::default()).await;
    matches!(answer, Err(AuthError::Unauthenticated))
}

/// Proves: JW-06
#[tokio::test]
async fn a_token_that_was_verified_before_still_has_its_time() {
    let (issuer, clock) = known().await;
    let token = issued(&issuer);
    for _ in 0..2 {
        issuer.verify(&token).unwrap();
    }
    let issued_at = clock.now();
    clock.set_wall(issued_at - SECOND * 6);
    issuer.verify(&token).unwrap_err();
    clock.set_wall(issued_at + TTL + SECOND * 5);
    issuer.verify(&token).unwrap_err();
    clock.set_wall(issued_at);
    issuer.verify(&token).unwrap();
}

#[tokio::test]
async fn a_token_that_was_verified_before_is_nothing_once_its_key_is_gone() {
    let (environment, clock) = Environment::mock();
    let store = Arc::new(MemoryBackend::new());
    let record = known_record(&clock);
    assert!(store.signing_keys_replace(&[], std::slice::from_ref(&record), None).await.unwrap());
    let issuer = TokenIssuer::open(store.clone(), &master_key(), settings(), environment).await.unwrap();
    let token = issued(&issuer);
    for _ in 0..2 {
        issuer.verify(&token).unwrap();
    }
    issuer.replace_keys().await.unwrap();
    issuer.verify(&token).unwrap_err();

    let new = store.signing_keys().await.unwrap();
    assert!(store.signing_keys_replace(&new, &[record], None).await.unwrap());
    issuer.reload().await.unwrap();
    issuer.verify(&token).unwrap();
}

#[tokio::test]
async fn a_token_like_one_that_was_verified_before_is_another_token() {
    let (issuer, _) = known().await;
    let token = issued(&issuer);
    issuer.verify(&token).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let other = issued(&issuer);
    let (_, others) = other.rsplit_once('.').unwrap();
    for forged in [format!("{message}.{others}"), format!("{message}."), format!("{message}.{}", &signature[1..])] {
        issuer.verify(&forged).unwrap_err();
    }
}

/// Proves: JW-04
#[tokio::test]
async fn for_unknown_keys_the_database_is_asked_once_a_second_at_most() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let login = fixture.login("bob").await;
    let unknown = of_unknown_key().await;
    assert!(fixture.knows(&login).await);
    fixture.backend.asked();
    for _ in 0..3 {
        for _ in 0..20 {
            assert!(is_refused(&fixture, &unknown).await);
        }
        assert_eq!(key_reads(&fixture), 1);
        fixture.clock.advance(SECOND - Duration::from_micros(1));
        assert!(is_refused(&fixture, &unknown).await);
        assert_eq!(key_reads(&fixture), 0);
        fixture.clock.advance(Duration::from_micros(1));
    }
    for bad in ["", "no.token.this", &login.refresh.token.expose().replace('.', "")] {
        assert!(is_refused(&fixture, bad).await);
    }
    let forged = format!("{}A", login.access.token.expose());
    assert!(is_refused(&fixture, &forged).await);
    assert_eq!(key_reads(&fixture), 0, "for a token of a known key it is not asked at all");
}

/// Proves: JW-12
#[tokio::test]
async fn a_key_that_another_process_made_is_followed_at_first_sight() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let login = fixture.login("bob").await;
    assert!(fixture.knows(&login).await);
    another_issuer(&fixture).await.replace_keys().await.unwrap();
    let another = fixture.another_process().await;
    let newer = another.refresh(&login.refresh.token, &ClientInfo::default()).await.unwrap();
    assert!(fixture.knows(&newer).await);
    assert!(!fixture.knows(&login).await, "and with it the old key is gone");
}

/// Proves: JW-12
#[tokio::test]
async fn all_who_show_a_token_of_a_new_key_at_once_are_known() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let login = fixture.login("bob").await;
    another_issuer(&fixture).await.replace_keys().await.unwrap();
    let another = fixture.another_process().await;
    let newer = another.refresh(&login.refresh.token, &ClientInfo::default()).await.unwrap();

    let mut held = fixture.backend.hold("signing_keys");
    let callers: Vec<_> = (0..10)
        .map(|_| {
            let (auth, tokens) = (fixture.auth.clone(), newer.clone());
            tokio::spawn(async move { knows(&auth, &tokens).await })
        })
        .collect();
    held.reached().await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    drop(held);
    for caller in callers {
        assert!(caller.await.unwrap(), "also who came while the keys were being read");
    }
}

/// Proves: JW-12
#[tokio::test]
async fn an_old_answer_of_the_database_does_not_bring_an_old_key_back() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let login = fixture.login("bob").await;
    let mut held = fixture.backend.hold("signing_keys");
    let (auth, unknown) = (fixture.auth.clone(), of_unknown_key().await);
    let slow = tokio::spawn(async move { auth.authenticate(&unknown, ClientInfo::default()).await.is_err() });
    held.reached().await;
    another_issuer(&fixture).await.replace_keys().await.unwrap();

    let tokens = fixture.tokens.clone();
    let quick = tokio::spawn(async move { tokens.reload().await });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    drop(held);
    assert!(slow.await.unwrap());
    quick.await.unwrap().unwrap();
    assert!(!fixture.knows(&login).await);
}

#[tokio::test]
async fn keys_that_cannot_be_read_leave_those_that_are_known() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let login = fixture.login("bob").await;
    another_issuer(&fixture).await.replace_keys().await.unwrap();
    let another = fixture.another_process().await;
    let newer = another.refresh(&login.refresh.token, &ClientInfo::default()).await.unwrap();
    fixture.backend.fail_at("signing_keys");
    assert!(!fixture.knows(&newer).await);
    assert!(fixture.knows(&login).await);
    fixture.backend.heal();
    fixture.clock.advance(SECOND);
    assert!(fixture.knows(&newer).await);
}
