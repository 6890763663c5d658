//! The keys that access tokens are signed with, as they rest in the database.

use std::fmt;

use crate::{Timestamp, activity::text_enum};

text_enum! {
    /// How access tokens are signed (RFC 7518, 3.1; RFC 8037, 3.1).
    SigningAlgorithm {
        /// Ed25519.
        EdDsa = "EdDSA",
        /// ECDSA over P-256 with SHA-256.
        Es256 = "ES256",
    }
}

text_enum! {
    /// Where a key is in its life.
    KeyState {
        /// Published, not yet signing.
        Next = "next",
        /// Signing.
        Active = "active",
        /// Not signing any more, still verifying.
        Retiring = "retiring",
    }
}

/// A private key, encrypted with a key derived from the master key.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedKey(pub Vec<u8>);

impl fmt::Debug for SealedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedKey([sealed])")
    }
}

/// One signing key at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyRecord {
    /// Its name: the RFC 7638 thumbprint of the public key.
    pub kid: String,
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// The private half, sealed.
    pub private_key: SealedKey,
    /// The public half as a JWK, in JSON.
    pub public_jwk: String,
    /// Where it is in its life.
    pub state: KeyState,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when it signs.
    pub activates_at: Timestamp,
    /// From when nothing signed by it is good any more; none while it signs.
    pub retires_at: Option<Timestamp>,
}
