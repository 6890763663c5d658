//! The activity log as people read it.

use std::sync::Arc;

use usher_domain::{ActivityEntry, ActivityFilter, ActivityPlace, Actor, Denied, Page, PageSize, permissions};
use usher_storage::{StorageError, UsersStorageBackend};

use crate::{Failure, Total};

/// Why the activity log was not shown.
#[derive(Debug, thiserror::Error)]
pub enum ActivityError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Not the caller's fault.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StorageError> for ActivityError {
    fn from(error: StorageError) -> Self {
        Self::Failure(error.into())
    }
}

/// A page of entries, and how many there are in all, if that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct ActivityList {
    /// The page.
    pub page: Page<ActivityEntry, ActivityPlace>,
    /// All pages together.
    pub total: Option<Total>,
}

/// Shows the activity log. Nobody changes it.
#[derive(Clone)]
pub struct ActivityManager {
    backend: Arc<dyn UsersStorageBackend>,
}

impl ActivityManager {
    /// A manager over a backend.
    #[must_use]
    pub fn new(backend: Arc<dyn UsersStorageBackend>) -> Self {
        Self { backend }
    }

    /// A page of the entries that the filter lets through, newest first: those before this place, or the latest.
    /// Those about oneself need no permission.
    ///
    /// # Errors
    /// [`ActivityError::Denied`] without `activity:read`, unless the filter asks for the actor himself as the
    /// subject.
    pub async fn list(
        &self,
        actor: &Actor,
        filter: &ActivityFilter,
        before: Option<ActivityPlace>,
        size: PageSize,
        with_total: bool,
    ) -> Result<ActivityList, ActivityError> {
        actor.require_settled()?;
        if !filter.subject.is_some_and(|subject| actor.is(subject)) {
            actor.require(&permissions::ACTIVITY_READ)?;
        }
        let page = self.backend.activity_page(filter, before, size).await?;
        let total = if with_total { Some(self.count(filter).await?) } else { None };
        Ok(ActivityList { page, total })
    }

    async fn count(&self, filter: &ActivityFilter) -> Result<Total, ActivityError> {
        Ok(Total::of(self.backend.activity_count(filter, Total::MOST + 1).await?))
    }
}
