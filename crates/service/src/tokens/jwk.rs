//! Public keys as others read them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde::Serialize;
use usher_domain::SigningAlgorithm;

/// A public key by the members that a JWK must have, and that its thumbprint is made of: in the order
/// of their names (RFC 7638, 3.3; RFC 8037, 2).
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(super) enum PublicKey {
    Ed25519 { crv: &'static str, kty: &'static str, x: String },
    P256 { crv: &'static str, kty: &'static str, x: String, y: String },
}

impl PublicKey {
    pub(super) fn ed25519(x: &[u8]) -> Self {
        Self::Ed25519 { crv: "Ed25519", kty: "OKP", x: URL_SAFE_NO_PAD.encode(x) }
    }

    pub(super) fn p256(x: &[u8], y: &[u8]) -> Self {
        Self::P256 { crv: "P-256", kty: "EC", x: URL_SAFE_NO_PAD.encode(x), y: URL_SAFE_NO_PAD.encode(y) }
    }

    /// The thumbprint (RFC 7638).
    pub(super) fn thumbprint(&self) -> Result<String, serde_json::Error> {
        Ok(URL_SAFE_NO_PAD.encode(digest(&SHA256, &serde_json::to_vec(self)?)))
    }
}

/// A public key as it is published.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Jwk {
    #[serde(flatten)]
    pub(super) key: PublicKey,
    #[serde(rename = "use")]
    pub(super) usage: &'static str,
    pub(super) alg: &'static str,
    pub(super) kid: String,
}

impl Jwk {
    pub(super) fn new(key: PublicKey, algorithm: SigningAlgorithm) -> Result<Self, serde_json::Error> {
        Ok(Self { kid: key.thumbprint()?, key, usage: "sig", alg: algorithm.as_str() })
    }
}

/// A JWK set (RFC 7517, 5).
#[derive(Debug, Serialize)]
pub(super) struct JwkSet<'a> {
    pub(super) keys: Vec<&'a Jwk>,
}
