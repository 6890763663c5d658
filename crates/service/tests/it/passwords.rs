//! What a password is, and what becomes of it at rest.

use std::time::Duration;

use proptest::prelude::*;
use usher_domain::{PasswordHash, PlainPassword};
use usher_service::{
    Environment, HashAlgorithm, PasswordHasher, PasswordSettings, PasswordSettingsError, Pepper, Verification,
};

pub(crate) const COST_4: HashAlgorithm = HashAlgorithm::Bcrypt { cost: 4 };

pub(crate) fn cheap() -> PasswordSettings {
    PasswordSettings { algorithm: COST_4, threads: 1, nice: 0, ..PasswordSettings::default() }
}

pub(crate) fn hasher(settings: &PasswordSettings) -> PasswordHasher {
    PasswordHasher::new(settings, &Environment::mock().0).unwrap()
}

pub(crate) fn peppered(secret: &str) -> PasswordSettings {
    PasswordSettings { pepper: Some(Pepper::new(secret.to_owned())), ..cheap() }
}

pub(crate) async fn hash(hasher: &PasswordHasher, password: &str) -> PasswordHash {
    hasher.hash(PlainPassword::new(password.to_owned())).await.unwrap()
}

pub(crate) async fn verify(hasher: &PasswordHasher, password: &str, stored: &str) -> Verification {
    let stored = PasswordHash::from_stored(stored.to_owned());
    hasher.verify(PlainPassword::new(password.to_owned()), Some(stored)).await.unwrap()
}

pub(crate) const MATCH: Verification = Verification::Match { outdated: false };
pub(crate) const OUTDATED: Verification = Verification::Match { outdated: true };

async fn is_distinguished(one: &str, other: &str) {
    let hasher = hasher(&cheap());
    let stored = hash(&hasher, one).await;
    assert_eq!(verify(&hasher, one, stored.expose()).await, MATCH, "{one:?}");
    assert_eq!(verify(&hasher, other, stored.expose()).await, Verification::NoMatch, "{other:?}");
}

/// Proves: PW-02
#[tokio::test]
async fn long_passwords_count_to_the_last_character() {
    for long in ["a".repeat(64), format!("Aa1!{}", "🔑".repeat(60)), "é".repeat(128)] {
        is_distinguished(&long, &format!("{long}x")).await;
        let mut shorter = long.clone();
        shorter.pop();
        is_distinguished(&long, &shorter).await;
    }
}

/// Proves: PW-03
#[tokio::test]
async fn passwords_that_differ_at_byte_73_differ() {
    let common = "x".repeat(72);
    is_distinguished(&format!("{common}a"), &format!("{common}b")).await;
}

/// Proves: PW-04
#[tokio::test]
async fn a_password_with_u_0000_never_matches() {
    const RAW_AB: &str = "$2b$04$abcdefghijklmnopqrstuu0CkeIeZLJOlOL1QPPhfXulLNPdFqJBW";
    let hasher = hasher(&cheap());
    assert_eq!(verify(&hasher, "ab", RAW_AB).await, OUTDATED);
    assert_eq!(verify(&hasher, "ab\0ab", RAW_AB).await, Verification::NoMatch);
    assert_eq!(verify(&hasher, "ab\0", RAW_AB).await, Verification::NoMatch);

    let ours = hash(&hasher, "ab\0ab").await;
    assert_eq!(verify(&hasher, "ab\0ab", ours.expose()).await, Verification::NoMatch);
}

/// Proves: PW-05
#[tokio::test]
async fn spaces_are_part_of_the_password() {
    is_distinguished(" four words of passphrase ", "four words of passphrase").await;
}

/// Proves: PW-06
#[tokio::test]
async fn composed_and_decomposed_letters_are_the_same_password() {
    let hasher = hasher(&cheap());
    for (one, other) in [("caf\u{e9} au lait", "cafe\u{301} au lait"), ("ｐassword", "password")] {
        let stored = hash(&hasher, one).await;
        assert_eq!(verify(&hasher, other, stored.expose()).await, MATCH);
        let stored = hash(&hasher, other).await;
        assert_eq!(verify(&hasher, one, stored.expose()).await, MATCH);
    }
}

/// Proves: PW-09
#[tokio::test]
async fn by_default_a_hash_is_bcrypt_of_cost_12_and_says_so() {
    let hasher = hasher(&PasswordSettings::default());
    let stored = hash(&hasher, "Correct1!").await;
    let inner = stored.expose().strip_prefix("usher$1$-").unwrap();
    assert!(inner.starts_with("$2b$12$"), "{inner}");
    assert_eq!(inner.len(), 60);
    assert_eq!(verify(&hasher, "Correct1!", stored.expose()).await, MATCH);
}

/// Proves: PW-09
#[tokio::test]
async fn two_hashes_of_one_password_share_nothing_but_the_parameters() {
    for algorithm in [COST_4, HashAlgorithm::Argon2id] {
        let hasher = hasher(&PasswordSettings { algorithm, ..cheap() });
        let (one, other) = (hash(&hasher, "Correct1!").await, hash(&hasher, "Correct1!").await);
        let salt_of = |stored: &PasswordHash| match algorithm {
            HashAlgorithm::Bcrypt { .. } => stored.expose()[16..38].to_owned(),
            HashAlgorithm::Argon2id => stored.expose().rsplit('$').nth(1).unwrap().to_owned(),
        };
        assert_ne!(salt_of(&one), salt_of(&other));
        assert_eq!(salt_of(&one).len(), 22, "16 bytes in base64");
        assert_ne!(one.expose().rsplit('$').next(), other.expose().rsplit('$').next());
    }
}

#[tokio::test]
async fn argon2id_is_the_alternative() {
    let hasher = hasher(&PasswordSettings { algorithm: HashAlgorithm::Argon2id, ..cheap() });
    let stored = hash(&hasher, "Correct1!").await;
    assert!(stored.expose().starts_with("usher$1$-$argon2id$v=19$m=19456,t=2,p=1$"), "{}", stored.expose());
    assert_eq!(verify(&hasher, "Correct1!", stored.expose()).await, MATCH);
    assert_eq!(verify(&hasher, "Correct2!", stored.expose()).await, Verification::NoMatch);
}

/// Proves: PW-11
#[tokio::test]
async fn a_hash_that_would_be_made_otherwise_today_is_outdated() {
    let today = cheap();
    let earlier = [
        PasswordSettings { algorithm: HashAlgorithm::Bcrypt { cost: 5 }, ..cheap() },
        PasswordSettings { algorithm: HashAlgorithm::Argon2id, ..cheap() },
    ];
    for earlier in earlier {
        let (earlier, today) = (hasher(&earlier), hasher(&today));
        let stored = hash(&earlier, "Correct1!").await;
        assert_eq!(verify(&today, "Correct1!", stored.expose()).await, OUTDATED);
        assert_eq!(verify(&today, "Correct2!", stored.expose()).await, Verification::NoMatch);
        let stored = hash(&today, "Correct1!").await;
        assert_eq!(verify(&earlier, "Correct1!", stored.expose()).await, OUTDATED);
    }
}

/// Proves: PW-11
#[tokio::test]
async fn a_hash_without_pepper_is_outdated_once_there_is_one() {
    let plain = hash(&hasher(&cheap()), "Correct1!").await;
    let hasher = hasher(&peppered("one"));
    assert_eq!(verify(&hasher, "Correct1!", plain.expose()).await, OUTDATED);
    let stored = hash(&hasher, "Correct1!").await;
    assert_eq!(verify(&hasher, "Correct1!", stored.expose()).await, MATCH);
}

#[tokio::test]
async fn without_its_pepper_a_hash_matches_nothing() {
    let stored = hash(&hasher(&peppered("one")), "Correct1!").await;
    assert!(!stored.expose().contains("one"));
    for settings in [cheap(), peppered("another")] {
        let hasher = hasher(&settings);
        assert_eq!(verify(&hasher, "Correct1!", stored.expose()).await, Verification::NoMatch);
        let disguised = stored.expose().replacen(&stored.expose()[8..16], "-", 1);
        assert_eq!(verify(&hasher, "Correct1!", &disguised).await, Verification::NoMatch);
    }
}

#[test]
fn settings_out_of_bounds_make_no_hasher() {
    let refused = |settings| PasswordHasher::new(&settings, &Environment::mock().0).unwrap_err();
    for cost in [0, 3, 16, 31, 255] {
        let settings = PasswordSettings { algorithm: HashAlgorithm::Bcrypt { cost }, ..cheap() };
        assert_eq!(refused(settings), PasswordSettingsError::Cost);
    }
    assert_eq!(refused(PasswordSettings { threads: 0, ..cheap() }), PasswordSettingsError::Threads);
}

#[test]
fn by_default_every_core_hashes_and_two_seconds_of_work_wait() {
    let settings = PasswordSettings::default();
    assert_eq!(settings.threads, std::thread::available_parallelism().unwrap().get());
    assert_eq!(settings.queue, Duration::from_secs(2));
}

#[test]
fn a_pepper_does_not_show() {
    let settings = peppered("a secret");
    assert!(!format!("{settings:?}{:?}", hasher(&settings)).contains("a secret"));
}

proptest! {
    #[test]
    fn a_password_matches_itself_and_what_normalises_to_the_same(one in "[^\0]{0,40}", other in "[^\0]{0,40}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let hasher = hasher(&cheap());
            let stored = hash(&hasher, &one).await;
            prop_assert_eq!(verify(&hasher, &one, stored.expose()).await, MATCH);
            let same = PlainPassword::new(one).normalized() == PlainPassword::new(other.clone()).normalized();
            let expected = if same { MATCH } else { Verification::NoMatch };
            prop_assert_eq!(verify(&hasher, &other, stored.expose()).await, expected);
            Ok(())
        })?;
    }

    #[test]
    fn no_stored_form_makes_the_hasher_fail(stored in r"(usher\$[12]\$)?[-0-9a-f]{0,8}\$(2[abxy]|argon2(id|i|d))\$[ -~]{0,60}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let verification = runtime.block_on(verify(&hasher(&cheap()), "Correct1!", &stored));
        prop_assert_eq!(verification, Verification::NoMatch);
    }
}
