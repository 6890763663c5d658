use async_trait::async_trait;
use usher_domain::{ActivityEntry, SigningKeyRecord};

use super::{MemoryBackend, View};
use crate::{SigningKeyStore, StorageResult};

#[async_trait]
impl SigningKeyStore for MemoryBackend {
    async fn signing_keys(&self) -> StorageResult<Vec<SigningKeyRecord>> {
        self.view.read(|state| sorted(&state.signing_keys))
    }

    async fn signing_keys_replace(
        &self,
        expected: &[SigningKeyRecord],
        new: &[SigningKeyRecord],
        entry: Option<&ActivityEntry>,
    ) -> StorageResult<bool> {
        let open = self.view.open().await;
        let replaced = open.write(|state| {
            let unchanged = sorted(&state.signing_keys) == sorted(expected);
            if unchanged {
                state.signing_keys = new.to_vec();
                state.activity.extend(entry.cloned());
            }
            Ok(unchanged)
        })?;
        open.commit()?;
        Ok(replaced)
    }
}

fn sorted(keys: &[SigningKeyRecord]) -> Vec<SigningKeyRecord> {
    let mut keys = keys.to_vec();
    keys.sort_by(|a, b| (a.created_at, &a.kid).cmp(&(b.created_at, &b.kid)));
    keys
}
