use async_trait::async_trait;
use usher_domain::{ActivityEntry, ActivityFilter, ActivityPlace, Page, PageSize, Timestamp, UserId};

use crate::StorageResult;

/// Reads of the activity log.
#[async_trait]
pub trait ActivityQueries {
    /// The entries that the filter lets through, newest first: those before this place, or the latest.
    async fn activity_page(
        &self,
        filter: &ActivityFilter,
        before: Option<ActivityPlace>,
        size: PageSize,
    ) -> StorageResult<Page<ActivityEntry, ActivityPlace>>;

    /// How many entries the filter lets through, counted up to `most`.
    async fn activity_count(&self, filter: &ActivityFilter, most: u64) -> StorageResult<u64>;

    /// The latest of them.
    async fn activity_latest(&self, filter: &ActivityFilter, size: PageSize) -> StorageResult<Vec<ActivityEntry>> {
        Ok(self.activity_page(filter, None, size).await?.items)
    }
}

/// What the activity log knows of change: entries are added, and stay until they are old.
#[async_trait]
pub trait ActivityWrites {
    /// Adds an entry.
    async fn activity_append(&self, entry: &ActivityEntry) -> StorageResult<()>;

    /// Adds many entries.
    async fn activity_append_all(&self, entries: &[ActivityEntry]) -> StorageResult<()> {
        for entry in entries {
            self.activity_append(entry).await?;
        }
        Ok(())
    }

    /// Blanks address, user agent and details of every entry that this user made or that is about him:
    /// what the purge of a person leaves of him is his id.
    async fn activity_blank(&self, user: UserId) -> StorageResult<()>;

    /// Removes up to `most` entries that were made before this moment, the earliest first; answers how many it was.
    async fn activity_delete_before(&self, moment: Timestamp, most: u64) -> StorageResult<u64>;
}
