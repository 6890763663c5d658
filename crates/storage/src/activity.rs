use async_trait::async_trait;
use usher_domain::{ActivityEntry, ActivityFilter, PageSize};

use crate::StorageResult;

/// Reads of the activity log.
#[async_trait]
pub trait ActivityQueries {
    /// The latest entries that the filter lets through, newest first.
    async fn activity_latest(&self, filter: &ActivityFilter, size: PageSize) -> StorageResult<Vec<ActivityEntry>>;
}

/// The one change that the activity log knows.
#[async_trait]
pub trait ActivityWrites {
    /// Adds an entry.
    async fn activity_append(&self, entry: &ActivityEntry) -> StorageResult<()>;
}
