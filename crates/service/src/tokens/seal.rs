//! Signing keys at rest: AES-256-GCM under a key of the master key, `nonce | ciphertext | tag`.

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};
use usher_domain::SealedKey;
use zeroize::Zeroizing;

use super::TokenError;
use crate::{MasterKey, Purpose};

/// Encrypts private keys, each bound to its `kid`, so that one cannot be put in place of another.
pub(super) struct Sealer(LessSafeKey);

impl Sealer {
    pub(super) fn new(master_key: &MasterKey) -> Result<Self, TokenError> {
        let key = master_key.derive(Purpose::SealSigningKeys);
        UnboundKey::new(&AES_256_GCM, key.expose()).map(|key| Self(LessSafeKey::new(key))).map_err(|_| TokenError::Key)
    }

    pub(super) fn seal(&self, kid: &str, private_key: &[u8]) -> Result<SealedKey, TokenError> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| TokenError::Key)?;
        let mut text = Zeroizing::new(private_key.to_vec());
        let tag = self
            .0
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(kid), &mut text)
            .map_err(|_| TokenError::Key)?;
        Ok(SealedKey([&nonce, text.as_slice(), tag.as_ref()].concat()))
    }

    pub(super) fn unseal(&self, kid: &str, sealed: &SealedKey) -> Result<Zeroizing<Vec<u8>>, TokenError> {
        let (nonce, text) = sealed.0.split_at_checked(NONCE_LEN).ok_or(TokenError::WrongMasterKey)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| TokenError::WrongMasterKey)?;
        let mut text = Zeroizing::new(text.to_vec());
        let length =
            self.0.open_in_place(nonce, Aad::from(kid), &mut text).map_err(|_| TokenError::WrongMasterKey)?.len();
        text.truncate(length);
        Ok(text)
    }
}
