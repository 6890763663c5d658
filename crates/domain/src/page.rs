//! Lists in pages. A page begins after the last item of the one before (keyset), so that the
//! thousandth costs what the first does.

use crate::{EmailAddress, ExternalId, RoleName, Timestamp, UserId, Username, activity::text_enum};

/// How many items a page holds: 1-100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(u8);

/// A page size beyond its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be from 1 to 100")]
pub struct InvalidPageSize;

impl PageSize {
    /// The most items of a page.
    pub const MAX: Self = Self(100);

    /// Takes a number from 1 to 100.
    ///
    /// # Errors
    /// [`InvalidPageSize`] for any other.
    pub fn new(size: u64) -> Result<Self, InvalidPageSize> {
        match u8::try_from(size) {
            Ok(size @ 1..=100) => Ok(Self(size)),
            _ => Err(InvalidPageSize),
        }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(20)
    }
}

/// Which page of a list is asked for; `K` is what the list is ordered by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageRequest<K> {
    /// How many items.
    pub size: PageSize,
    /// The key of the last item of the page before; none for the first page.
    pub after: Option<K>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, K> {
    /// The items, in order.
    pub items: Vec<T>,
    /// Where the next page begins; none after the last.
    pub next: Option<K>,
}

text_enum! {
    /// In which order users are listed.
    #[derive(Default)]
    UserSort {
        /// Oldest first.
        CreatedAt = "created_at",
        /// Newest first.
        #[default]
        CreatedAtDescending = "-created_at",
        /// By username.
        Username = "username",
        /// By username, backward.
        UsernameDescending = "-username",
    }
}

text_enum! {
    /// Which status users are listed by.
    StatusFilter {
        /// Those that can be used.
        Active = "active",
        /// Those that were shut.
        Deactivated = "deactivated",
        /// Those that were softly deleted.
        Deleted = "deleted",
    }
}

/// Which users are asked for; everything that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// The beginning of a username, an address or a full name.
    pub prefix: Option<String>,
    /// Exactly this username.
    pub username: Option<Username>,
    /// Exactly this address.
    pub email: Option<EmailAddress>,
    /// Exactly this external id.
    pub external_id: Option<ExternalId>,
    /// Any of these.
    pub ids: Vec<UserId>,
    /// Holders of this role.
    pub role: Option<RoleName>,
    /// Of this status; active and deactivated ones if not set.
    pub status: Option<StatusFilter>,
    /// Made at this moment or later.
    pub created_after: Option<Timestamp>,
    /// Made before this moment.
    pub created_before: Option<Timestamp>,
}
