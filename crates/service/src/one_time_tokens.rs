#[cfg(test)]
mod tests;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{digest, hmac};
use usher_domain::{OneTimeTokenId, PlainToken, TokenHash};
use zeroize::Zeroizing;

use crate::{DerivedKey, MasterKey, Purpose};

const ID_LENGTH: usize = 16;
const MAC_LENGTH: usize = 32;

/// Makes one-time tokens, `base64url(id | HMAC-SHA-256(key, id))`, and knows them again. A token can be made
/// again from its id, so it need not rest anywhere.
#[derive(Clone)]
pub(crate) struct OneTimeTokens(DerivedKey);

impl OneTimeTokens {
    pub(crate) fn new(master_key: &MasterKey) -> Self {
        Self(master_key.derive(Purpose::MakeOneTimeTokens))
    }

    pub(crate) fn make(&self, id: OneTimeTokenId) -> PlainToken {
        let mut bytes = Zeroizing::new(Vec::with_capacity(ID_LENGTH + MAC_LENGTH));
        bytes.extend_from_slice(id.as_uuid().as_bytes());
        bytes.extend_from_slice(self.0.mac(id.as_uuid().as_bytes()).as_ref());
        PlainToken::new(URL_SAFE_NO_PAD.encode(&*bytes))
    }

    /// What the token of this id is known by.
    pub(crate) fn hash(&self, id: OneTimeTokenId) -> TokenHash {
        hash_of(&self.make(id))
    }

    /// What a token is known by, if it was made with this key.
    pub(crate) fn recognize(&self, token: &PlainToken) -> Option<TokenHash> {
        let mut bytes = Zeroizing::new([0; ID_LENGTH + MAC_LENGTH]);
        let length = URL_SAFE_NO_PAD.decode_slice(token.expose(), &mut *bytes).ok()?;
        if length != bytes.len() {
            return None;
        }
        let (id, mac) = bytes.split_at(ID_LENGTH);
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.expose());
        hmac::verify(&key, id, mac).ok()?;
        Some(hash_of(token))
    }
}

fn hash_of(token: &PlainToken) -> TokenHash {
    let mut hash = [0; 32];
    let digest = digest::digest(&digest::SHA256, token.expose().as_bytes());
    hash.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    TokenHash(hash)
}
