//! Refresh tokens that must not be accepted, most of them with a good signature.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use ring::{hkdf, hmac};
use serde_json::{Value, json};
use usher_domain::{Clock, MockClock};
use usher_service::{RefreshClaims, TokenSettings};

use crate::{
    issuer::{
        AUDIENCE, ISSUER, SESSION, USER, forged as forged_access_token, issued, known, known_with, message, settings,
        with, without,
    },
    refresh_tokens::{session, verify},
};

/// The bytes of the master key that the known issuer has.
fn master_key() -> [u8; 32] {
    std::array::from_fn(|n| u8::try_from(n).unwrap())
}

/// The key that refresh tokens are signed with, found in another way than usher does.
fn key_for(master_key: &[u8], purpose: &str) -> hmac::Key {
    let derived = hkdf::Salt::new(hkdf::HKDF_SHA256, b"usher").extract(master_key);
    let mut key = [0; 32];
    derived.expand(&[purpose.as_bytes()], hkdf::HKDF_SHA256).unwrap().fill(&mut key).unwrap();
    hmac::Key::new(hmac::HMAC_SHA256, &key)
}

fn key() -> hmac::Key {
    key_for(&master_key(), "usher/v1/sign-refresh-tokens")
}

fn sign(message: &str, key: &hmac::Key) -> String {
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(key, message.as_bytes())))
}

fn header() -> Value {
    json!({ "alg": "HS256", "typ": "rt+jwt" })
}

/// What the token of [`session`] says.
fn claims(clock: &MockClock) -> Value {
    let now = clock.now().as_secs();
    json!({
        "iss": ISSUER,
        "aud": format!("{ISSUER}/refresh"),
        "sub": USER,
        "sid": SESSION,
        "gen": 3,
        "iat": now,
        "exp": now + 900,
    })
}

/// A token with a good signature.
fn forged(header: &Value, claims: &Value) -> String {
    sign(&message(header, claims), &key())
}

/// The control of all that is refused below: what they start from is good, and is what usher makes.
#[tokio::test]
async fn the_unchanged_forgery_verifies() {
    let (issuer, clock) = known().await;
    let token = forged(&header(), &claims(&clock));
    let good = RefreshClaims { user: USER, session: SESSION, generation: 3 };
    assert_eq!(verify(&issuer, &token), Ok(good));
    let made = issuer.refresh_token(&session(&clock)).unwrap().token;
    let parts: Vec<_> = made.expose().split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
    let json = |part: &[u8]| serde_json::from_slice::<Value>(part).unwrap();
    assert_eq!((json(&parts[0]), json(&parts[1])), (header(), claims(&clock)));
    let (message, _) = made.expose().rsplit_once('.').unwrap();
    assert_eq!(sign(message, &key()), made.expose());
}

/// Proves: RT-01
#[tokio::test]
async fn another_header_is_refused() {
    let (issuer, clock) = known().await;
    let mut headers = Vec::new();
    for alg in ["none", "None", "", "HS384", "HS512", "hs256", "EdDSA", "RS256"] {
        headers.push(with(header(), "alg", json!(alg)));
    }
    for typ in ["at+jwt", "JWT", "RT+JWT", "application/rt+jwt", ""] {
        headers.push(with(header(), "typ", json!(typ)));
    }
    headers.extend([without(header(), "alg"), without(header(), "typ"), json!({}), json!([])]);
    headers.push(with(header(), "kid", json!("any")));
    headers.push(with(header(), "crit", json!(["exp"])));
    for header in headers {
        assert!(verify(&issuer, &forged(&header, &claims(&clock))).is_err(), "{header}");
    }
}

/// Proves: RT-01
#[tokio::test]
async fn a_token_without_signature_or_with_a_part_of_it_is_refused() {
    let (issuer, clock) = known().await;
    for header in [header(), with(header(), "alg", json!("none"))] {
        let message = message(&header, &claims(&clock));
        let whole = sign(&message, &key());
        let cut = &whole[..whole.len() - 4];
        for token in [&message, &format!("{message}."), &format!("{message}.AAAA"), cut] {
            verify(&issuer, token).unwrap_err();
        }
    }
}

/// Proves: RT-01
#[tokio::test]
async fn another_key_is_refused() {
    let (issuer, clock) = known().await;
    let message = message(&header(), &claims(&clock));
    let public_key = hmac::Key::new(hmac::HMAC_SHA256, issuer.jwks().as_bytes());
    for other in [
        key_for(&master_key(), "usher/v1/seal-signing-keys"),
        key_for(&master_key(), "usher/v1/digest-identifiers"),
        key_for(&[9; 32], "usher/v1/sign-refresh-tokens"),
        hmac::Key::new(hmac::HMAC_SHA256, &master_key()),
        hmac::Key::new(hmac::HMAC_SHA256, b""),
        public_key,
    ] {
        verify(&issuer, &sign(&message, &other)).unwrap_err();
    }
}

/// Proves: JW-07
#[tokio::test]
async fn neither_kind_of_token_passes_for_the_other() {
    let (issuer, clock) = known().await;
    verify(&issuer, &issued(&issuer)).unwrap_err();
    let refresh = issuer.refresh_token(&session(&clock)).unwrap().token;
    issuer.verify(refresh.expose()).unwrap_err();

    // Also where each is signed with the other's key.
    let access_claims = crate::issuer::claims(&clock);
    let access_header = json!({ "alg": "HS256", "typ": "at+jwt" });
    issuer.verify(&forged(&access_header, &access_claims)).unwrap_err();
    verify(&issuer, &forged(&header(), &access_claims)).unwrap_err();
    issuer.verify(&forged_access_token(&header(), &claims(&clock))).unwrap_err();
    issuer.verify(&forged_access_token(&crate::issuer::header(), &claims(&clock))).unwrap_err();
    verify(&issuer, &forged_access_token(&header(), &claims(&clock))).unwrap_err();
}

/// Proves: RT-01
#[tokio::test]
async fn another_issuer_or_audience_is_refused() {
    let (issuer, clock) = known().await;
    let audience = format!("{ISSUER}/refresh");
    for (name, own) in [("iss", ISSUER), ("aud", audience.as_str())] {
        for other in [
            json!(format!("{own}/")),
            json!(own.to_uppercase()),
            json!(own[..own.len() - 1]),
            json!([own]),
            json!(AUDIENCE),
            json!("other"),
            json!(""),
        ] {
            let token = forged(&header(), &with(claims(&clock), name, other.clone()));
            assert!(verify(&issuer, &token).is_err(), "{name}: {other}");
        }
    }
    let elsewhere = TokenSettings { issuer: "https://id.example.com".to_owned(), ..settings() };
    let (theirs, _) = known_with(elsewhere).await;
    verify(&theirs, issuer.refresh_token(&session(&clock)).unwrap().token.expose()).unwrap_err();
    verify(&issuer, theirs.refresh_token(&session(&clock)).unwrap().token.expose()).unwrap_err();
}

/// Proves: RT-01
#[tokio::test]
async fn every_claim_is_needed_in_its_one_type_and_no_other_is_let_in() {
    let (issuer, clock) = known().await;
    let good = claims(&clock);
    let refused = |claims: &Value| {
        assert!(verify(&issuer, &forged(&header(), claims)).is_err(), "{claims}");
    };
    for (name, value) in good.as_object().unwrap() {
        refused(&without(good.clone(), name));
        let mistyped = match value {
            Value::String(text) => vec![json!([text]), json!({ "is": text }), json!(1), json!("")],
            Value::Number(number) => vec![json!(number.to_string()), json!([number]), json!(number.as_f64())],
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => unreachable!("there is no such claim"),
        };
        for other in mistyped.into_iter().chain([json!(null), json!(true)]) {
            refused(&with(good.clone(), name, other));
        }
    }
    for generation in [json!(-1), json!(1_u64 << 32), json!(1.5), json!(u64::MAX)] {
        refused(&with(good.clone(), "gen", generation));
    }
    for extra in ["jti", "nbf", "roles", "admin", "Gen"] {
        refused(&with(good.clone(), extra, json!(1)));
    }
    for not_claims in [json!([]), json!("claims"), json!(null), json!(1)] {
        refused(&not_claims);
    }
    for (name, value) in [("sid", r#""01900000-0000-7000-8000-0000000000ff""#), ("gen", "9"), ("exp", "4102444800")] {
        let twice = good.to_string().replacen('{', &format!(r#"{{"{name}":{value},"#), 1);
        let message = [header().to_string(), twice].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        verify(&issuer, &sign(&message, &key())).unwrap_err();
    }
}

/// Proves: RT-01
#[tokio::test]
async fn a_token_has_one_spelling() {
    let (issuer, clock) = known().await;
    let token = issuer.refresh_token(&session(&clock)).unwrap().token;
    let token = token.expose();
    for other in [
        format!("{token}="),
        format!("{token}A"),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{token}"),
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
    ] {
        assert!(verify(&issuer, &other).is_err(), "{other:?}");
    }
    // 32 bytes leave two bits of the last character without meaning.
    let (all_but_one, last) = token.split_at(token.len() - 1);
    for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars() {
        let respelt = format!("{all_but_one}{other}");
        assert_eq!(verify(&issuer, &respelt).is_ok(), last == other.to_string(), "{other}");
    }
    let spaced = format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg": "HS256","typ":"rt+jwt"}"#), &token[41..]);
    verify(&issuer, &sign(spaced.rsplit_once('.').unwrap().0, &key())).unwrap_err();
}

#[tokio::test]
async fn extreme_times_are_no_accident() {
    let (issuer, clock) = known().await;
    let token = |exp: i64| forged(&header(), &with(claims(&clock), "exp", json!(exp)));
    for exp in [i64::MIN, -1, 0, clock.now().as_secs()] {
        verify(&issuer, &token(exp)).unwrap_err();
    }
    assert!(verify(&issuer, &token(i64::MAX)).is_ok());
}

#[tokio::test]
async fn a_token_beyond_8_kib_is_not_looked_at() {
    let (issuer, clock) = known().await;
    let padded = |spaces: usize| {
        let claims = format!("{}{}", claims(&clock), " ".repeat(spaces));
        let message = [header().to_string(), claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        sign(&message, &key())
    };
    let (short, long) = (padded(5_000), padded(6_500));
    assert!(short.len() <= 8 * 1024 && long.len() > 8 * 1024);
    assert!(verify(&issuer, &short).is_ok());
    verify(&issuer, &long).unwrap_err();
}

proptest! {
    #[test]
    fn no_text_is_a_token_by_chance(text in r"[-_.=A-Za-z0-9 ]{0,200}|\PC{0,80}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (issuer, _) = runtime.block_on(known());
        prop_assert!(verify(&issuer, &text).is_err());
    }

    #[test]
    fn a_token_with_another_character_anywhere_is_refused(at in any::<prop::sample::Index>(), with in "[-_A-Za-z0-9.]") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (issuer, clock) = runtime.block_on(known());
        let token = issuer.refresh_token(&session(&clock)).unwrap().token;
        let token = token.expose();
        let at = at.index(token.len());
        let changed = format!("{}{with}{}", &token[..at], &token[at + 1..]);
        prop_assert_eq!(verify(&issuer, &changed).is_ok(), changed == token);
    }
}
