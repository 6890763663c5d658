//! Where a page begins, as clients carry it from one page to the next.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde::{Serialize, de::DeserializeOwned};

/// Of a SHA-256. It keeps lists apart, not secrets: whoever forges a cursor sees no more than he may
/// see without one.
const DIGEST_LENGTH: usize = 16;

/// A list, told from others by a digest of its order and its filter.
///
/// A cursor is base64url of the digest and, as JSON, the place of the last item of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListDigest([u8; DIGEST_LENGTH]);

impl ListDigest {
    /// Of whatever decides which items a list has, and in which order.
    pub(crate) fn of(description: &impl Serialize) -> Option<Self> {
        let text = serde_json::to_vec(description).ok()?;
        digest(&SHA256, &text).as_ref().first_chunk().copied().map(Self)
    }

    /// The cursor of a place in this list.
    pub(crate) fn cursor(&self, place: &impl Serialize) -> Option<String> {
        let mut bytes = self.0.to_vec();
        serde_json::to_writer(&mut bytes, place).ok()?;
        Some(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The place that a cursor of this list names.
    pub(crate) fn place<Place: DeserializeOwned>(&self, cursor: &str) -> Option<Place> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (digest, place) = bytes.split_first_chunk()?;
        if *digest != self.0 {
            return None;
        }
        serde_json::from_slice(place).ok()
    }
}
