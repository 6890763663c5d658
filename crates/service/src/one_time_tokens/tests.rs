use proptest::prelude::*;
use usher_domain::{OneTimeTokenId, PlainToken};
use uuid::Uuid;

use super::OneTimeTokens;
use crate::MasterKey;

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn made(key: u8, id: u128) -> PlainToken {
    OneTimeTokens::new(&MasterKey::from_bytes([key; 32])).make(OneTimeTokenId::from_uuid(Uuid::from_u128(id)))
}

proptest! {
    /// Proves: RS-02
    #[test]
    fn a_token_is_known_again_by_its_own_key_only(id: u128, key: u8, other: u8) {
        let tokens = OneTimeTokens::new(&MasterKey::from_bytes([key; 32]));
        let token = made(key, id);
        prop_assert_eq!(tokens.recognize(&token), Some(tokens.hash(OneTimeTokenId::from_uuid(Uuid::from_u128(id)))));
        let others = OneTimeTokens::new(&MasterKey::from_bytes([other; 32]));
        prop_assert_eq!(others.recognize(&token).is_some(), key == other);
    }

    /// Proves: RS-02
    #[test]
    fn a_token_with_any_character_changed_is_refused(id: u128, at in 0..64_usize, to in 0..64_usize) {
        let tokens = OneTimeTokens::new(&MasterKey::from_bytes([7; 32]));
        let mut text = made(7, id).expose().as_bytes().to_vec();
        prop_assume!(text[at] != ALPHABET[to]);
        text[at] = ALPHABET[to];
        let changed = PlainToken::new(String::from_utf8(text).unwrap());
        prop_assert_eq!(tokens.recognize(&changed), None);
    }

    /// Proves: RS-02
    #[test]
    fn a_token_of_another_length_or_form_is_refused(id: u128, length in 0..64_usize, more in "[ -~\u{e9}\n]{1,5}") {
        let tokens = OneTimeTokens::new(&MasterKey::from_bytes([7; 32]));
        let token = made(7, id);
        let text = token.expose();
        for bad in [text[..length].to_owned(), format!("{text}{more}"), format!("{more}{text}"), more] {
            prop_assert_eq!(tokens.recognize(&PlainToken::new(bad)), None);
        }
    }

    #[test]
    fn what_is_no_token_is_refused(text: String) {
        let tokens = OneTimeTokens::new(&MasterKey::from_bytes([7; 32]));
        prop_assert_eq!(tokens.recognize(&PlainToken::new(text)), None);
    }
}
