use async_trait::async_trait;
use usher_domain::{ActivityEntry, ActivityFilter, ActivityPlace, PageSize, UserId};

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
    ) -> StorageResult<Vec<ActivityEntry>>;

    /// The latest of them.
    async fn activity_latest(&self, filter: &ActivityFilter, size: PageSize) -> StorageResult<Vec<ActivityEntry>> {
        self.activity_page(filter, None, size).await
    }
}

/// What the activity log knows of change: entries are added, and stay.
#[async_trait]
pub trait ActivityWrites {
    /// Adds an entry.
    async fn activity_append(&self, entry: &ActivityEntry) -> StorageResult<()>;

    /// Blanks address, user agent and details of every entry that this user made or that is about him:
    /// what the purge of a person leaves of him is his id.
    async fn activity_blank(&self, user: UserId) -> StorageResult<()>;
}
