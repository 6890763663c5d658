use usher_domain::{Actor, Page, PageSize, SearchPrefix, StatusFilter, User, UserFilter, UserOrder, permissions};

use super::{UsersError, UsersManager};

/// A page of accounts, and how many there are in all, if that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct UserList {
    /// The page.
    pub page: Page<User, UserOrder>,
    /// All pages together.
    pub total: Option<Total>,
}

/// How many items a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// The number, up to 10,000.
    pub count: u64,
    /// Whether there are more than were counted.
    pub capped: bool,
}

impl Total {
    /// The most that is counted.
    pub(crate) const MOST: u64 = 10_000;

    /// Of a number that was counted to one more than the most.
    pub(crate) fn of(counted: u64) -> Self {
        Self { count: counted.min(Self::MOST), capped: counted > Self::MOST }
    }
}

impl UsersManager {
    /// A page of accounts. Softly deleted ones are listed only where the filter asks for them.
    ///
    /// # Errors
    /// [`UsersError::Denied`] without `users:read`, and for deleted accounts without `users:delete`.
    pub async fn list_users(
        &self,
        actor: &Actor,
        filter: &UserFilter,
        order: &UserOrder,
        size: PageSize,
        with_total: bool,
    ) -> Result<UserList, UsersError> {
        actor.require(&permissions::USERS_READ)?;
        if filter.status == Some(StatusFilter::Deleted) {
            actor.require(&permissions::USERS_DELETE)?;
        }
        let page = self.backend.user_page(filter, order, size).await?;
        let total = if with_total { Some(self.count(filter, order).await?) } else { None };
        Ok(UserList { page, total })
    }

    async fn count(&self, filter: &UserFilter, order: &UserOrder) -> Result<Total, UsersError> {
        let prefix: Option<&SearchPrefix> = match order {
            UserOrder::Matching { prefix, .. } => Some(prefix),
            UserOrder::CreatedAt { .. } | UserOrder::Username { .. } => None,
        };
        Ok(Total::of(self.backend.user_count(filter, prefix, Total::MOST + 1).await?))
    }
}
