//! What may be done.

use std::{borrow::Cow, collections::BTreeSet};

use crate::{Fault, FaultCode, Role, names::name_type};

/// The right to do one kind of thing: `area:verb`, each `[a-z][a-z0-9_-]{0,49}`.
///
/// Ours are the constants of [`permissions`]; any other is for services downstream, which find it in
/// the access token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission(Cow<'static, str>);

impl Permission {
    /// Reads a permission.
    ///
    /// # Errors
    /// [`FaultCode::InvalidFormat`].
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let well_formed = text.split_once(':').is_some_and(|(area, verb)| is_slug(area, 1, 50) && is_slug(verb, 1, 50));
        if !well_formed {
            return Err(Fault::new(
                FaultCode::InvalidFormat,
                "must be of the form area:verb, each a lower-case letter and then letters, digits, _ or -",
            ));
        }
        Ok(Self(Cow::Owned(text.to_owned())))
    }

    /// The permission on the wire and in the token.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

name_type!(Permission);

/// The permissions that usher itself asks for.
pub mod permissions {
    use super::{Cow, Permission};

    /// How long the names of all permissions together may be, those that roles name included, each with three
    /// bytes more. An administrator's access token names all of them, and with
    /// [`RoleName::MOST_HELD`](crate::RoleName::MOST_HELD) roles stays below 8 KiB.
    pub const MOST_BYTES: usize = 3584;

    macro_rules! built_in {
        ($(#[doc = $doc:literal] $name:ident = $text:literal),+ $(,)?) => {
            $(#[doc = $doc] pub const $name: Permission = Permission(Cow::Borrowed($text));)+

            /// All of them.
            pub const ALL: &[Permission] = &[$($name),+];

            /// What one of them is good for; none for what is not ours.
            #[must_use]
            pub fn description(permission: &Permission) -> Option<&'static str> {
                match permission.as_str() {
                    $($text => Some($doc.trim_ascii()),)+
                    _ => None,
                }
            }
        };
    }

    built_in! {
        /// See all accounts and their sessions.
        USERS_READ = "users:read",
        /// Create, change and deactivate accounts, end their sessions, set their passwords.
        USERS_WRITE = "users:write",
        /// Delete accounts softly and restore them.
        USERS_DELETE = "users:delete",
        /// Delete accounts for ever.
        USERS_PURGE = "users:purge",
        /// See roles and permissions.
        ROLES_READ = "roles:read",
        /// Create, change and delete roles.
        ROLES_WRITE = "roles:write",
        /// Give roles to users and take them away.
        ROLES_ASSIGN = "roles:assign",
        /// See the activity log of everybody.
        ACTIVITY_READ = "activity:read",
    }
}

/// What somebody may do, over all roles that he has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permissions {
    /// Everything, also what is added later: the role `admin`.
    All,
    /// These and no more.
    Only(BTreeSet<Permission>),
}

impl Permissions {
    /// Whether this one is among them.
    #[must_use]
    pub fn allow(&self, permission: &Permission) -> bool {
        match self {
            Self::All => true,
            Self::Only(held) => held.contains(permission),
        }
    }

    /// Whether all of the other's are among them: the rule against escalation.
    #[must_use]
    pub fn cover(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Only(_), Self::All) => false,
            (Self::Only(held), Self::Only(wanted)) => wanted.is_subset(held),
        }
    }

    /// The union over some roles.
    pub fn of_roles<'a>(roles: impl IntoIterator<Item = &'a Role>) -> Self {
        roles.into_iter().fold(Self::default(), |held, role| held.and(&role.permissions()))
    }

    fn and(self, other: &Self) -> Self {
        match (self, other) {
            (Self::Only(mut held), Self::Only(more)) => {
                held.extend(more.iter().cloned());
                Self::Only(held)
            }
            (Self::All, _) | (_, Self::All) => Self::All,
        }
    }
}

impl Default for Permissions {
    fn default() -> Self {
        Self::Only(BTreeSet::new())
    }
}

/// Whether a text is a lower-case letter and then letters, digits, `_` or `-`.
pub(crate) fn is_slug(text: &str, min: usize, max: usize) -> bool {
    (min..=max).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}
