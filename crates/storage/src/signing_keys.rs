use async_trait::async_trait;
use usher_domain::{ActivityEntry, SigningKeyRecord};

use crate::StorageResult;

/// Where signing keys rest. Outside of transactions: keys change by themselves, as a whole.
#[async_trait]
pub trait SigningKeyStore {
    /// All keys, by creation, then by `kid`.
    async fn signing_keys(&self) -> StorageResult<Vec<SigningKeyRecord>>;

    /// Replaces the whole set, if it still is what was read: a compare-and-swap, in which of any
    /// number of processes that start or rotate at once one wins. Answers whether it was this call.
    /// The entry that tells of the change, if there is one, is written with it or not at all.
    async fn signing_keys_replace(
        &self,
        expected: &[SigningKeyRecord],
        new: &[SigningKeyRecord],
        entry: Option<&ActivityEntry>,
    ) -> StorageResult<bool>;
}
