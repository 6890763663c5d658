use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{hkdf, hmac};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The one secret that a deployment keeps: every purpose has a key of its own, derived from it
/// (HKDF-SHA-256, RFC 5869).
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

/// A master key that is not base64 of exactly 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be base64 of exactly 32 bytes")]
pub struct InvalidMasterKey;

/// What a derived key is used for, and for nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Encrypts signing keys at rest.
    SealSigningKeys,
    /// Signs refresh tokens.
    SignRefreshTokens,
    /// Makes one-time tokens.
    MakeOneTimeTokens,
    /// Makes digests of names that nobody has, for the activity log.
    DigestIdentifiers,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::SealSigningKeys => b"usher/v1/seal-signing-keys",
            Self::SignRefreshTokens => b"usher/v1/sign-refresh-tokens",
            Self::MakeOneTimeTokens => b"usher/v1/make-one-time-tokens",
            Self::DigestIdentifiers => b"usher/v1/digest-identifiers",
        }
    }
}

/// A key for one [`Purpose`].
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct DerivedKey([u8; 32]);

impl DerivedKey {
    /// The bytes, for the cipher.
    #[must_use]
    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// HMAC-SHA-256 of a text.
    pub(crate) fn mac(&self, text: &[u8]) -> hmac::Tag {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.0), text)
    }
}

impl fmt::Debug for DerivedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DerivedKey([redacted])")
    }
}

impl MasterKey {
    /// Takes 32 random bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads the written form.
    ///
    /// # Errors
    /// [`InvalidMasterKey`].
    pub fn from_base64(text: &str) -> Result<Self, InvalidMasterKey> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| InvalidMasterKey)?);
        bytes.as_slice().try_into().map(Self).map_err(|_| InvalidMasterKey)
    }

    /// The written form, for the file that a generated key rests in.
    #[must_use]
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.0))
    }

    /// Whether all bytes are the same: a key that somebody made up.
    #[must_use]
    pub fn is_one_byte_repeated(&self) -> bool {
        let [first, rest @ ..] = &self.0;
        rest.iter().all(|byte| byte == first)
    }

    /// The key for a purpose. The same master key gives the same keys, on every machine.
    #[must_use]
    #[expect(clippy::expect_used, reason = "HKDF-SHA-256 gives 32 bytes, always (RFC 5869, 2.3)")]
    pub fn derive(&self, purpose: Purpose) -> DerivedKey {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"usher");
        let mut key = DerivedKey([0; 32]);
        salt.extract(&self.0)
            .expand(&[purpose.label()], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut key.0))
            .expect("32 bytes can be expanded");
        key
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey([redacted])")
    }
}
