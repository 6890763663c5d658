//! All keys of one moment.

use std::{collections::HashMap, sync::Arc};

use usher_domain::{KeyState, SigningAlgorithm, SigningKeyRecord};

use super::{TokenError, jwk::JwkSet, seal::Sealer, signing_key::SigningKey, verified::VerifiedTokens};

/// The keys that tokens are signed with and verified against, by `kid`.
pub(super) struct KeySet {
    keys: HashMap<String, SigningKey>,
    active: String,
    pub(super) jwks: Arc<str>,
    pub(super) verified: VerifiedTokens,
    /// What it was made from.
    records: Vec<SigningKeyRecord>,
}

impl KeySet {
    /// Unseals all records and takes those of the algorithm. Nothing if none of them is active.
    pub(super) fn unseal(
        records: &[SigningKeyRecord],
        algorithm: SigningAlgorithm,
        sealer: &Sealer,
    ) -> Result<Option<Self>, TokenError> {
        let mut keys = Vec::with_capacity(records.len());
        let mut active = None;
        for record in records {
            let private_key = sealer.unseal(&record.kid, &record.private_key)?;
            if record.algorithm != algorithm {
                continue;
            }
            let key = SigningKey::parse(algorithm, &private_key)?;
            if key.jwk.kid != record.kid {
                return Err(TokenError::Key);
            }
            match record.state {
                KeyState::Active => active = Some(key.jwk.kid.clone()),
                KeyState::Next | KeyState::Retiring => {}
            }
            keys.push(key);
        }
        let Some(active) = active else { return Ok(None) };
        let published = JwkSet { keys: keys.iter().map(|key| &key.jwk).collect() };
        let jwks = serde_json::to_string(&published).map_err(|_| TokenError::Key)?.into();
        let keys = keys.into_iter().map(|key| (key.jwk.kid.clone(), key)).collect();
        Ok(Some(Self { keys, active, jwks, verified: VerifiedTokens::new(), records: records.to_vec() }))
    }

    /// Whether it was made from these records.
    pub(super) fn is_of(&self, records: &[SigningKeyRecord]) -> bool {
        self.records == records
    }

    pub(super) fn get(&self, kid: &str) -> Option<&SigningKey> {
        self.keys.get(kid)
    }

    pub(super) fn active(&self) -> Option<&SigningKey> {
        self.keys.get(&self.active)
    }
}
