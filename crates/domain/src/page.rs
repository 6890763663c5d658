//! Lists in pages. A page begins after the last item of the one before (keyset), so that the
//! thousandth costs what the first does.

use unicode_normalization::UnicodeNormalization;

use crate::{EmailAddress, ExternalId, Fault, FaultCode, RoleName, Timestamp, UserId, Username, activity::text_enum};

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

    /// A single item.
    pub const ONE: Self = Self(1);

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

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, Next> {
    /// The items, in order.
    pub items: Vec<T>,
    /// Where the next page begins; none after the last.
    pub next: Option<Next>,
}

impl<T, Next> Page<T, Next> {
    /// Cuts a page out of the items from where it begins: one more than it holds tells whether there is a next
    /// one, which begins behind the place of the last item.
    #[must_use]
    pub fn cut(mut items: Vec<T>, size: PageSize, place: impl FnOnce(&T) -> Next) -> Self {
        let more = items.len() > size.get();
        items.truncate(size.get());
        Self { next: items.last().filter(|_| more).map(place), items }
    }
}

/// Which way a list runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// The least first.
    Ascending,
    /// The greatest first.
    #[default]
    Descending,
}

/// In which order a list of users comes, and after which of them a page begins: at the first, if
/// `after` is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserOrder {
    /// By creation; users of one moment by id.
    CreatedAt {
        /// Which way.
        direction: Direction,
        /// When the last user of the page before was made, and his id.
        after: Option<(Timestamp, UserId)>,
    },
    /// By username.
    Username {
        /// Which way.
        direction: Direction,
        /// The key of the last user of the page before.
        after: Option<String>,
    },
    /// Those whose username begins so, then those whose address does, then those whose full name does,
    /// each by what was found; nobody twice.
    Matching {
        /// What is searched for.
        prefix: SearchPrefix,
        /// The last user of the page before.
        after: Option<Match>,
    },
}

impl Default for UserOrder {
    /// The newest first.
    fn default() -> Self {
        Self::CreatedAt { direction: Direction::Descending, after: None }
    }
}

/// A user whom a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// What of him begins with the prefix.
    pub field: SearchField,
    /// The key that does.
    pub key: String,
    /// His id, for users of one name.
    pub id: UserId,
}

/// The beginning of a username, an address or a full name: two characters or more, taken literally,
/// compared as the keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPrefix(String);

impl SearchPrefix {
    /// Reads what is searched for.
    ///
    /// # Errors
    /// [`FaultCode::TooShort`] under 2 characters, [`FaultCode::TooLong`] beyond 254,
    /// [`FaultCode::InvalidFormat`] with U+0000.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let length = text.chars().count();
        if length < 2 {
            return Err(Fault::new(FaultCode::TooShort, "must have at least 2 characters"));
        }
        if length > 254 {
            return Err(Fault::new(FaultCode::TooLong, "must have at most 254 characters"));
        }
        if text.contains('\0') {
            return Err(Fault::new(FaultCode::InvalidFormat, "must not hold the character U+0000"));
        }
        Ok(Self(text.nfkc().collect::<String>().to_lowercase()))
    }

    /// What a key must begin with.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The least text that sorts, byte by byte, after everything that begins with the prefix; none
    /// if nothing does.
    #[must_use]
    pub fn end(&self) -> Option<String> {
        let mut chars: Vec<char> = self.0.chars().collect();
        while let Some(last) = chars.pop() {
            // The code points that stand for no character are skipped.
            let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
            if let Some(next) = next {
                chars.push(next);
                return Some(chars.into_iter().collect());
            }
        }
        None
    }
}

text_enum! {
    /// What a search found.
    SearchField {
        /// The username.
        Username = "username",
        /// The address.
        Email = "email",
        /// The full name.
        FullName = "full_name",
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
    /// Exactly this username.
    pub username: Option<Username>,
    /// Exactly this address.
    pub email: Option<EmailAddress>,
    /// Exactly this external id.
    pub external_id: Option<ExternalId>,
    /// Any of these.
    pub ids: Option<Vec<UserId>>,
    /// Holders of this role.
    pub role: Option<RoleName>,
    /// Of this status; active and deactivated ones if not set.
    pub status: Option<StatusFilter>,
    /// Made at this moment or later.
    pub created_after: Option<Timestamp>,
    /// Made before this moment.
    pub created_before: Option<Timestamp>,
}
