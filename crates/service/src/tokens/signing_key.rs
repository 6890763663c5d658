//! One key: making it, parsing it, signing with it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use serde::Serialize;
use usher_domain::SigningAlgorithm;
use zeroize::Zeroizing;

use super::{
    TokenError,
    jwk::{Jwk, PublicKey},
};

/// The media type of an access token (RFC 9068, 2.1).
pub(super) const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// A key that was parsed once: parsing costs as much as signing.
pub(super) struct SigningKey {
    pub(super) jwk: Jwk,
    pub(super) decoding: DecodingKey,
    pair: Pair,
    /// The header of every token that it signs, encoded.
    header: String,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    kid: &'a str,
    typ: &'a str,
}

impl SigningKey {
    /// A fresh private key (PKCS#8).
    pub(super) fn generate(algorithm: SigningAlgorithm) -> Result<Zeroizing<Vec<u8>>, TokenError> {
        let random = SystemRandom::new();
        let document = match algorithm {
            SigningAlgorithm::EdDsa => Ed25519KeyPair::generate_pkcs8(&random),
            SigningAlgorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random),
        };
        document.map(|document| Zeroizing::new(document.as_ref().to_vec())).map_err(|_| TokenError::Key)
    }

    /// Parses a private key (PKCS#8). The public half comes from it and from nowhere else.
    pub(super) fn parse(algorithm: SigningAlgorithm, pkcs8: &[u8]) -> Result<Self, TokenError> {
        let (pair, public, decoding) = match algorithm {
            SigningAlgorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| TokenError::Key)?;
                let x = pair.public_key().as_ref();
                let (public, decoding) = (PublicKey::ed25519(x), DecodingKey::from_ed_der(x));
                (Pair::Ed25519(pair), public, decoding)
            }
            SigningAlgorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &SystemRandom::new())
                    .map_err(|_| TokenError::Key)?;
                let point = pair.public_key().as_ref();
                // The uncompressed form: 4, x, y (SEC 1, 2.3.3).
                let (x, y) = point.get(1..).and_then(|xy| xy.split_at_checked(32)).ok_or(TokenError::Key)?;
                let (public, decoding) = (PublicKey::p256(x, y), DecodingKey::from_ec_der(point));
                (Pair::P256(pair), public, decoding)
            }
        };
        let jwk = Jwk::new(public, algorithm).map_err(|_| TokenError::Key)?;
        let header = encode(&Header { alg: jwk.alg, kid: &jwk.kid, typ: ACCESS_TOKEN_TYPE })?;
        Ok(Self { jwk, decoding, pair, header })
    }

    /// A token (RFC 7515, 3.1). Signed here and not by `jsonwebtoken`, which would parse the key anew
    /// each time.
    pub(super) fn sign(&self, claims: &impl Serialize) -> Result<String, TokenError> {
        let message = format!("{}.{}", self.header, encode(claims)?);
        let signature = match &self.pair {
            Pair::Ed25519(pair) => pair.sign(message.as_bytes()),
            Pair::P256(pair) => pair.sign(&SystemRandom::new(), message.as_bytes()).map_err(|_| TokenError::Key)?,
        };
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn encode(part: &impl Serialize) -> Result<String, TokenError> {
    serde_json::to_vec(part).map(|json| URL_SAFE_NO_PAD.encode(json)).map_err(|_| TokenError::Key)
}
