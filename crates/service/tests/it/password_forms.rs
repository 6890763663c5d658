//! Stored forms made elsewhere.
//!
//! The constants were made once with Python's bcrypt 4.3.0 and argon2-cffi 25.1.0 over fixed salts; those of
//! our own scheme with the standard library's `unicodedata`, `hmac` and `base64` before them.

use usher_domain::{PasswordHash, PlainPassword};
use usher_service::{HashAlgorithm, PasswordSettings, Verification};

use crate::passwords::{COST_4, MATCH, OUTDATED, cheap, hash, hasher, peppered, verify};

const PASSWORD: &str = "correct horse battery staple";

const BCRYPT_2A: &str = "$2a$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG";
const BCRYPT_2B: &str = "$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG";
const BCRYPT_2Y: &str = "$2y$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG";
const ARGON2ID: &str = "$argon2id$v=19$m=64,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$ZU7BdSwuAT2NJbDWfJmIGFAdzu32uX5r6jw2TuRMaj4";
const ARGON2I: &str = "$argon2i$v=19$m=64,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$I6c1fG8YRnuN4w3JpmUgBaKgwjVLtRP1vPujJs7gtHs";
const ARGON2ID_1_0: &str =
    "$argon2id$v=16$m=64,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$8rkn1kLcPK8wKZ9eWLUTKALVhgETemxbgDFwRyEakxI";
const ARGON2ID_UNNAMED_VERSION: &str =
    "$argon2id$m=64,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$8rkn1kLcPK8wKZ9eWLUTKALVhgETemxbgDFwRyEakxI";
const ARGON2D: &str = "$argon2d$v=19$m=64,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$l9FFa3ZSnVgMXTDqIc3kui/DUh9J0pEF5KFsnMkfT8s";

const FOREIGN: [&str; 7] = [BCRYPT_2A, BCRYPT_2B, BCRYPT_2Y, ARGON2ID, ARGON2I, ARGON2ID_1_0, ARGON2ID_UNNAMED_VERSION];

/// Proves: PW-11
#[tokio::test]
async fn the_forms_of_others_match_and_are_outdated() {
    let hasher = hasher(&cheap());
    for stored in FOREIGN {
        assert_eq!(verify(&hasher, PASSWORD, stored).await, OUTDATED, "{stored}");
        assert_eq!(verify(&hasher, "wrong horse battery staple", stored).await, Verification::NoMatch, "{stored}");
    }
}

#[tokio::test]
async fn our_form_is_what_its_description_says() {
    const BCRYPT: &str = "usher$1$-$2b$04$abcdefghijklmnopqrstuukT02CBdRjmyH6RXP5kz74KG8pfe680a";
    const PEPPERED: &str = "usher$1$117148d1$2b$04$abcdefghijklmnopqrstuuq4I8P8/XjoT6ZUJzzCjuBnSEgKihFni";
    const ARGON2: &str = "usher$1$-$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg\
        $7e+p2hBSJmnCvAN29uqYcYDhp9sHAcNlwcvpj8f3Em4";
    let argon2 = PasswordSettings { algorithm: HashAlgorithm::Argon2id, ..cheap() };
    let pepper = peppered("a pepper of thirty-two characters");
    for (settings, stored) in [(cheap(), BCRYPT), (pepper, PEPPERED), (argon2, ARGON2)] {
        let hasher = hasher(&settings);
        assert_eq!(verify(&hasher, PASSWORD, stored).await, MATCH, "{stored}");
        assert_eq!(verify(&hasher, "wrong", stored).await, Verification::NoMatch, "{stored}");
    }
}

/// Proves: PW-06
#[tokio::test]
async fn the_forms_of_others_are_tried_as_typed_and_then_normalised() {
    const OVER_NFD: &str = "$2b$04$abcdefghijklmnopqrstuuaNl4ZCdjv7ErEoyJihdCHDgTJd3Hj0m";
    const OVER_NFC: &str = "$2b$04$abcdefghijklmnopqrstuusU7yHrZ7772MuGndaCIVjKuFlecT.fm";
    let (nfd, nfc) = ("Passwo\u{308}rte\u{301}1", "Passw\u{f6}rt\u{e9}1");
    let hasher = hasher(&cheap());
    assert_eq!(verify(&hasher, nfd, OVER_NFD).await, OUTDATED);
    assert_eq!(verify(&hasher, nfc, OVER_NFC).await, OUTDATED);
    assert_eq!(verify(&hasher, nfd, OVER_NFC).await, OUTDATED);
    assert_eq!(verify(&hasher, nfc, OVER_NFD).await, Verification::NoMatch);
}

#[tokio::test]
async fn raw_bcrypt_reads_72_bytes_as_it_did_where_it_was_made() {
    const OVER_72_BYTES: &str = "$2b$04$abcdefghijklmnopqrstuum2G75IXDN/xsgbNa/hCiPSKyIHQd70S";
    let seventy_two = format!("{}01", "0123456789".repeat(7));
    let hasher = hasher(&cheap());
    assert_eq!(verify(&hasher, &format!("{seventy_two}-tail"), OVER_72_BYTES).await, OUTDATED);
    assert_eq!(verify(&hasher, &seventy_two[..71], OVER_72_BYTES).await, Verification::NoMatch);
}

/// What nobody can execute costs what a wrong password for a hash of today costs, and one job.
async fn is_like_an_unknown_user(settings: &PasswordSettings, stored: Option<&str>) {
    let hasher = hasher(settings);
    let known = hash(&hasher, "Correct1!").await;
    let cost_of_a_hash = hasher.stats().work;
    assert_eq!(verify(&hasher, PASSWORD, known.expose()).await, Verification::NoMatch);
    assert_eq!(hasher.stats().work, 2 * cost_of_a_hash);

    let stored = stored.map(|stored| PasswordHash::from_stored(stored.to_owned()));
    let verification = hasher.verify(PlainPassword::new(PASSWORD.to_owned()), stored.clone()).await.unwrap();
    let stats = hasher.stats();
    assert_eq!(verification, Verification::NoMatch, "{:?}", stored.as_ref().map(PasswordHash::expose));
    assert_eq!(stats.work, 3 * cost_of_a_hash, "{:?}", stored.as_ref().map(PasswordHash::expose));
    assert_eq!(stats.finished, 3);
}

/// Proves: LG-02
#[tokio::test]
async fn an_unknown_user_costs_one_job_like_a_wrong_password() {
    for algorithm in [COST_4, HashAlgorithm::Bcrypt { cost: 6 }, HashAlgorithm::Argon2id] {
        is_like_an_unknown_user(&PasswordSettings { algorithm, ..cheap() }, None).await;
    }
    is_like_an_unknown_user(&peppered("one"), None).await;
}

/// Proves: LG-02
#[tokio::test]
async fn what_is_no_hash_costs_one_job_like_a_wrong_password() {
    let malformed = [
        "",
        "!",
        PASSWORD,
        "$2b$04$",
        "$2b$03$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
        "$2x$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
        "$argon2id$v=19$m=64,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg",
        "$argon2id$v=17$m=64,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$8rkn1kLcPK8wKZ9eWLUTKALVhgETemxbgDFwRyEakxI",
        "$argon2id$v=19$m=64,t=2,p=2$MDEyMzQ1$8rkn1kLcPK8wKZ9eWLUTKALVhgETemxbgDFwRyEakxI",
        "$argon2id$v=19$m=15,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$8rkn1kLcPK8wKZ9eWLUTKALVhgETemxbgDFwRyEakxI",
        "$argon2id$v=19$m=64,t=0,p=2$MDEyMzQ1Njc4OWFiY2RlZg$8rkn1kLcPK8wKZ9eWLUTKALVhgETemxbgDFwRyEakxI",
        ARGON2D,
        "usher$1$",
        "usher$1$-",
        "usher$1$-$",
        "usher$1$2b$04$abcdefghijklmnopqrstuukT02CBdRjmyH6RXP5kz74KG8pfe680a",
        "usher$2$-$2b$04$abcdefghijklmnopqrstuukT02CBdRjmyH6RXP5kz74KG8pfe680a",
        "usher$1$117148d1$2b$04$abcdefghijklmnopqrstuuq4I8P8/XjoT6ZUJzzCjuBnSEgKihFni",
    ];
    for stored in malformed {
        is_like_an_unknown_user(&cheap(), Some(stored)).await;
    }
}

/// Proves: PW-12
#[tokio::test]
async fn parameters_out_of_bounds_are_not_executed() {
    let out_of_bounds = [
        BCRYPT_2B.replace("$04$", "$16$"),
        BCRYPT_2B.replace("$04$", "$31$"),
        format!("usher$1$-{}", BCRYPT_2B.replace("$04$", "$16$")),
        ARGON2ID.replace("m=64", "m=1048577"),
        ARGON2ID.replace("m=64", "m=4294967295"),
        ARGON2ID.replace("t=2", "t=11"),
        ARGON2ID.replace("m=64", "m=256").replace("p=2", "p=17"),
        format!("usher$1$-{}", ARGON2ID.replace("t=2", "t=11")),
    ];
    for stored in out_of_bounds {
        is_like_an_unknown_user(&cheap(), Some(&stored)).await;
    }
}
