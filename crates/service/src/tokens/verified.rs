use quick_cache::sync::Cache;
use ring::digest::{SHA256, digest};

use super::Verified;

/// How many tokens are remembered at most.
pub(super) const CAPACITY: usize = 10_000;

/// Tokens whose signature was found good, by their digest: checking a signature is the dearest part of
/// most requests. Belongs to one set of keys and goes with it. Time is not among what it remembers.
pub(super) struct VerifiedTokens(Cache<[u8; 32], Verified>);

impl VerifiedTokens {
    pub(super) fn new() -> Self {
        Self(Cache::new(CAPACITY))
    }

    pub(super) fn get(&self, digest: &[u8; 32]) -> Option<Verified> {
        self.0.get(digest)
    }

    pub(super) fn insert(&self, digest: [u8; 32], verified: Verified) {
        self.0.insert(digest, verified);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// SHA-256 of the whole token.
pub(super) fn digest_of(token: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    bytes
}
