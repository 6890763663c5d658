//! Tokens that must not be accepted, most of them with a good signature.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use proptest::prelude::*;
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};
use usher_domain::{MockClock, SigningAlgorithm};
use usher_service::{TokenIssuer, TokenSettings};
use usher_storage::MemoryBackend;

use crate::issuer::{
    AUDIENCE, ISSUER, KID, PUBLIC_KEY, claims, forged, header, issued, known, known_with, master_key, message, open,
    parts, settings, sign, with, without,
};

fn refuses_headers(issuer: &TokenIssuer, clock: &MockClock, headers: impl IntoIterator<Item = Value>) {
    for header in headers {
        assert!(issuer.verify(&forged(&header, &claims(clock))).is_err(), "{header}");
    }
}

/// Proves: JW-01
#[tokio::test]
async fn any_other_algorithm_is_refused() {
    let (issuer, clock) = known().await;
    let others = ["none", "None", "NONE", "", "HS256", "HS512", "RS256", "PS256", "ES256", "ES384", "eddsa", "Ed25519"];
    refuses_headers(&issuer, &clock, others.map(|alg| with(header(), "alg", json!(alg))));
    refuses_headers(&issuer, &clock, [json!(null), json!(1), json!(["EdDSA"])].map(|alg| with(header(), "alg", alg)));
    refuses_headers(&issuer, &clock, [without(header(), "alg")]);
}

/// Proves: JW-01
#[tokio::test]
async fn a_token_without_signature_is_refused() {
    let (issuer, clock) = known().await;
    for alg in ["none", "EdDSA"] {
        let message = message(&with(header(), "alg", json!(alg)), &claims(&clock));
        for token in [format!("{message}."), message.clone(), format!("{message}.AAAA")] {
            issuer.verify(&token).unwrap_err();
        }
    }
}

/// Proves: JW-01
#[tokio::test]
async fn a_good_token_of_another_algorithm_is_refused() {
    let es256 = TokenSettings { algorithm: SigningAlgorithm::Es256, ..settings() };
    let es256 = open(&MemoryBackend::new().into(), &master_key(), es256).await.unwrap();
    let (eddsa, clock) = known().await;
    eddsa.verify(&issued(&es256)).unwrap_err();
    es256.verify(&issued(&eddsa)).unwrap_err();

    let kid = parts(&issued(&es256)).0["kid"].clone();
    es256.verify(&forged(&with(header(), "kid", kid.clone()), &claims(&clock))).unwrap_err();
    eddsa.verify(&forged(&with(header(), "kid", kid), &claims(&clock))).unwrap_err();
}

/// Proves: JW-02
#[tokio::test]
async fn a_mac_keyed_with_the_public_key_is_refused() {
    let (issuer, clock) = known().await;
    let raw = URL_SAFE_NO_PAD.decode(PUBLIC_KEY).unwrap();
    // SubjectPublicKeyInfo of an Ed25519 key (RFC 8410, 4).
    let der = [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00], raw.as_slice()].concat();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&der));
    let jwks: Value = serde_json::from_str(&issuer.jwks()).unwrap();
    let keys = [
        raw,
        der,
        pem.trim_end().into(),
        pem.into(),
        jwks["keys"][0].to_string().into(),
        jwks.to_string().into(),
        PUBLIC_KEY.into(),
    ];
    for key in keys {
        for alg in ["HS256", "EdDSA"] {
            let message = message(&with(header(), "alg", json!(alg)), &claims(&clock));
            let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), message.as_bytes());
            issuer.verify(&format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac))).unwrap_err();
        }
    }
}

/// Proves: JW-03
#[tokio::test]
async fn a_critical_extension_is_refused() {
    let (issuer, clock) = known().await;
    let crits = [json!(["b64"]), json!(["exp"]), json!([]), json!("exp"), json!({}), json!(true)];
    refuses_headers(&issuer, &clock, crits.map(|crit| with(header(), "crit", crit)));
}

/// Proves: JW-03
#[tokio::test]
async fn a_key_that_the_token_brings_along_is_not_used() {
    let (issuer, clock) = known().await;
    let own =
        Ed25519KeyPair::from_pkcs8(Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap().as_ref()).unwrap();
    let x = URL_SAFE_NO_PAD.encode(own.public_key());
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    let thumbprint = URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, canonical.as_bytes()));
    for kid in [KID, &thumbprint] {
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "alg": "EdDSA", "use": "sig", "kid": kid });
        let brought = [
            ("jwk", jwk),
            ("jku", json!("https://evil.example/jwks.json")),
            ("x5u", json!("https://evil.example/cert.pem")),
            ("x5c", json!([STANDARD.encode(own.public_key())])),
        ];
        for (name, value) in brought {
            let header = with(with(header(), "kid", json!(kid)), name, value);
            let message = message(&header, &claims(&clock));
            let signature = URL_SAFE_NO_PAD.encode(own.sign(message.as_bytes()));
            issuer.verify(&format!("{message}.{signature}")).unwrap_err();
        }
    }
}

/// Proves: JW-04
#[tokio::test]
async fn a_kid_that_names_no_key_of_ours_is_refused() {
    let (issuer, clock) = known().await;
    let kids = [
        json!("../../dev/null"),
        json!("' OR '1'='1"),
        json!(format!("{KID}'; DROP TABLE signing_keys; --")),
        json!("k".repeat(10_000)),
        json!(format!("{KID} ")),
        json!(KID.to_lowercase()),
        json!(""),
        json!(null),
        json!(1),
        json!([KID]),
        json!({ "kid": KID }),
    ];
    refuses_headers(&issuer, &clock, kids.map(|kid| with(header(), "kid", kid)));
    refuses_headers(&issuer, &clock, [without(header(), "kid")]);
}

/// Proves: JW-05
#[tokio::test]
async fn every_claim_is_needed() {
    let (issuer, clock) = known().await;
    let good = claims(&clock);
    for name in good.as_object().unwrap().keys() {
        assert!(issuer.verify(&forged(&header(), &without(good.clone(), name))).is_err(), "{name}");
        assert!(issuer.verify(&forged(&header(), &with(good.clone(), name, json!(null)))).is_err(), "{name}");
    }
    for not_claims in [json!([]), json!("claims"), json!(null), json!(1)] {
        issuer.verify(&forged(&header(), &not_claims)).unwrap_err();
    }
}

/// Proves: JW-05
#[tokio::test]
async fn every_claim_has_one_type() {
    let (issuer, clock) = known().await;
    let good = claims(&clock);
    for (name, value) in good.as_object().unwrap() {
        let mistyped = match value {
            Value::String(text) => vec![json!([text]), json!({ "is": text }), json!(1), json!(true), json!("")],
            Value::Number(number) => {
                vec![json!(number.to_string()), json!([number]), json!(number.as_f64()), json!(true), json!({})]
            }
            Value::Array(items) => vec![items[0].clone(), json!([1]), json!([null]), json!({}), json!(1)],
            Value::Null | Value::Bool(_) | Value::Object(_) => unreachable!("there is no such claim"),
        };
        for value in mistyped {
            // An empty username is one that no account has; to other services it is a text like any other.
            if name != "username" || value != json!("") {
                let token = forged(&header(), &with(good.clone(), name, value.clone()));
                assert!(issuer.verify(&token).is_err(), "{name}: {value}");
            }
        }
    }
}

/// Proves: JW-05
#[tokio::test]
async fn a_claim_or_header_that_is_there_twice_is_refused() {
    let (issuer, clock) = known().await;
    let (header, claims) = (header().to_string(), claims(&clock).to_string());
    let encode = |header: &str, claims: &str| {
        sign(&format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims)))
    };
    issuer.verify(&encode(&header, &claims)).unwrap();
    for (name, value) in [("sub", r#""01900000-0000-7000-8000-0000000000ff""#), ("exp", "4102444800"), ("ver", "9")] {
        let twice = claims.replacen('{', &format!(r#"{{"{name}":{value},"#), 1);
        issuer.verify(&encode(&header, &twice)).unwrap_err();
    }
    for name in ["alg", "kid", "typ"] {
        let twice = header.replacen('{', &format!(r#"{{"{name}":"x","#), 1);
        issuer.verify(&encode(&twice, &claims)).unwrap_err();
    }
}

/// Proves: JW-07
#[tokio::test]
async fn another_type_of_token_is_refused() {
    let (issuer, clock) = known().await;
    let types = ["rt+jwt", "JWT", "jwt", "", "AT+JWT", "application/at+jwt", "at+jwt ", "id+jwt"].map(|typ| json!(typ));
    refuses_headers(&issuer, &clock, types.map(|typ| with(header(), "typ", typ)));
    refuses_headers(&issuer, &clock, [json!(null), json!(1), json!(["at+jwt"])].map(|typ| with(header(), "typ", typ)));
    refuses_headers(&issuer, &clock, [without(header(), "typ")]);
}

/// Proves: JW-08
#[tokio::test]
async fn another_issuer_or_audience_is_refused() {
    let (issuer, clock) = known().await;
    for (name, own) in [("iss", ISSUER), ("aud", AUDIENCE)] {
        let others = [
            json!(format!("{own}/")),
            json!(format!("{own}/refresh")),
            json!(own.to_uppercase()),
            json!(own[..own.len() - 1]),
            json!([own]),
            json!([own, "other"]),
            json!("other"),
        ];
        for other in others {
            let token = forged(&header(), &with(claims(&clock), name, other.clone()));
            assert!(issuer.verify(&token).is_err(), "{name}: {other}");
        }
    }
}

/// Proves: JW-08
#[tokio::test]
async fn a_token_of_another_deployment_with_the_same_key_is_refused() {
    let (ours, _) = known().await;
    let others = [
        TokenSettings { issuer: "https://id.example.com".to_owned(), ..settings() },
        TokenSettings { audience: "another".to_owned(), ..settings() },
    ];
    for settings in others {
        let (theirs, _) = known_with(settings).await;
        theirs.verify(&issued(&theirs)).unwrap();
        theirs.verify(&issued(&ours)).unwrap_err();
        ours.verify(&issued(&theirs)).unwrap_err();
    }
}

#[tokio::test]
async fn a_token_beyond_8_kib_is_refused() {
    let (issuer, clock) = known().await;
    let token = |length| forged(&header(), &with(claims(&clock), "username", json!("a".repeat(length))));
    let (short, long) = (token(5_000), token(6_000));
    assert!(short.len() <= 8 * 1024 && long.len() > 8 * 1024);
    issuer.verify(&short).unwrap();
    issuer.verify(&long).unwrap_err();
}

#[tokio::test]
async fn a_token_has_one_spelling() {
    let (issuer, _) = known().await;
    let token = issued(&issuer);
    for other in
        [format!("{token}="), format!(" {token}"), format!("{token}\n"), format!("{token}."), format!(".{token}")]
    {
        issuer.verify(&other).unwrap_err();
    }
    // 64 bytes leave four bits of the last character without meaning.
    let (all_but_one, last) = token.split_at(token.len() - 1);
    for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars() {
        let respelt = format!("{all_but_one}{other}");
        assert_eq!(issuer.verify(&respelt).is_ok(), last == other.to_string(), "{other}");
    }
}

proptest! {
    #[test]
    fn no_text_is_a_token_by_chance(text in r"[-_.=A-Za-z0-9 ]{0,200}|\PC{0,80}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (issuer, _) = runtime.block_on(known());
        prop_assert!(issuer.verify(&text).is_err());
    }

    #[test]
    fn a_token_with_another_character_anywhere_is_refused(at in any::<prop::sample::Index>(), with in "[-_A-Za-z0-9.]") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (issuer, _) = runtime.block_on(known());
        let token = issued(&issuer);
        let at = at.index(token.len());
        let changed = format!("{}{with}{}", &token[..at], &token[at + 1..]);
        prop_assert_eq!(issuer.verify(&changed).is_ok(), changed == token);
    }
}
