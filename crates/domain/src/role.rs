//! Roles: names for bundles of permissions.

use std::{borrow::Cow, collections::BTreeSet};

use crate::{
    Fault, FaultCode, Permission, Permissions, Timestamp,
    names::{check_length, name_type},
    permission::is_slug,
};

/// The name of a role: `[a-z][a-z0-9_-]{1,49}`; it is its own key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleName(Cow<'static, str>);

impl RoleName {
    /// The role with every permission, which cannot be changed or deleted.
    pub const ADMIN: Self = Self(Cow::Borrowed("admin"));
    /// The role that everybody is given by default.
    pub const USER: Self = Self(Cow::Borrowed("user"));

    /// How many roles one account may hold: with [`permissions::MOST_BYTES`](crate::permissions::MOST_BYTES) what
    /// keeps an access token below 8 KiB.
    pub const MOST_HELD: usize = 25;

    /// Reads a role name.
    ///
    /// # Errors
    /// [`FaultCode::InvalidFormat`].
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if !is_slug(text, 2, 50) {
            return Err(Fault::new(
                FaultCode::InvalidFormat,
                "must have 2 to 50 characters: a lower-case letter, then letters, digits, _ or -",
            ));
        }
        Ok(Self(Cow::Owned(text.to_owned())))
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

name_type!(RoleName);

/// What a role is for, in a sentence: up to 200 characters in one line, or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleDescription(Cow<'static, str>);

impl RoleDescription {
    /// The most characters.
    pub const MAX_LENGTH: usize = 200;

    /// Reads a description.
    ///
    /// # Errors
    /// [`FaultCode::TooLong`], or [`FaultCode::InvalidFormat`] for line breaks and other control characters.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        check_length(text, 0, Self::MAX_LENGTH)?;
        if text.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
            return Err(Fault::new(FaultCode::InvalidFormat, "must be one line without control characters"));
        }
        Ok(Self(Cow::Owned(text.to_owned())))
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

name_type!(RoleDescription);

/// A named bundle of permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name, and its key.
    pub name: RoleName,
    /// What it is for, in a sentence.
    pub description: RoleDescription,
    /// What is granted. For [`RoleName::ADMIN`] this is not looked at: it has everything.
    pub granted: BTreeSet<Permission>,
    /// Made by usher, not by a person.
    pub built_in: bool,
    /// Raised by every change.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Role {
    /// The two roles that every fresh database holds.
    #[must_use]
    pub fn built_in(at: Timestamp) -> [Self; 2] {
        [
            (RoleName::ADMIN, "Every permission, also those added later."),
            (RoleName::USER, "Nothing beyond one's own account until permissions are added."),
        ]
        .map(|(name, description)| Self {
            name,
            description: RoleDescription(Cow::Borrowed(description)),
            granted: BTreeSet::new(),
            built_in: true,
            version: 1,
            created_at: at,
            updated_at: at,
        })
    }

    /// What its holders may do.
    #[must_use]
    pub fn permissions(&self) -> Permissions {
        if self.name == RoleName::ADMIN { Permissions::All } else { Permissions::Only(self.granted.clone()) }
    }
}

/// What of a role is to change: what is not set stays as it is. The name never changes, services downstream go by
/// it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleChanges {
    /// Another description.
    pub description: Option<RoleDescription>,
    /// Other permissions, instead of the old ones.
    pub granted: Option<BTreeSet<Permission>>,
}
