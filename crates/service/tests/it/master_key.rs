//! The master key, as it is written down.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE},
};
use usher_service::{InvalidMasterKey, MasterKey, Purpose};

use crate::issuer::{KID, known, master_key};

#[test]
fn the_written_form_is_base64_of_32_bytes() {
    const WRITTEN: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    assert_eq!(*master_key().to_base64(), WRITTEN);
    assert_eq!(MasterKey::from_base64(WRITTEN).unwrap(), master_key());
    assert_eq!(MasterKey::from_base64(&format!(" {WRITTEN}\n")).unwrap(), master_key());
}

#[test]
fn anything_else_is_no_master_key() {
    let refused = [
        String::new(),
        "changeme".to_owned(),
        STANDARD.encode([1; 31]),
        STANDARD.encode([1; 33]),
        STANDARD_NO_PAD.encode([1; 32]),
        URL_SAFE.encode([0xff; 32]),
        "00".repeat(32),
    ];
    for text in refused {
        assert_eq!(MasterKey::from_base64(&text), Err(InvalidMasterKey), "{text}");
    }
}

#[test]
fn a_key_that_somebody_made_up_is_noticed() {
    assert!(MasterKey::from_bytes([0; 32]).is_one_byte_repeated());
    assert!(MasterKey::from_bytes([b'a'; 32]).is_one_byte_repeated());
    assert!(!master_key().is_one_byte_repeated());
}

/// Keys are derived as RFC 5869 says: what another implementation sealed is opened.
#[tokio::test]
async fn the_same_master_key_gives_the_same_keys_everywhere() {
    let (issuer, _) = known().await;
    assert!(issuer.jwks().contains(KID));
}

#[test]
fn no_key_shows() {
    let shown = format!("{:?}{:?}", master_key(), master_key().derive(Purpose::DigestIdentifiers));
    assert_eq!(shown, "MasterKey([redacted])DerivedKey([redacted])");
}
