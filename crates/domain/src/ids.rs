//! Typed identifiers, so that a session's id cannot be passed where a user's is meant.

use std::{
    fmt,
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// Where identifiers come from. Injected, so that tests know every id beforehand.
pub trait IdSource: Send + Sync + 'static {
    /// A UUID that was never handed out before. In production a UUIDv7 (RFC 9562, 5.7).
    fn next_uuid(&self) -> Uuid;
}

/// Counts upward from one: ids that a test can predict and that sort in the order they were made.
#[derive(Debug, Default)]
pub struct SequentialIds(AtomicU64);

impl IdSource for SequentialIds {
    fn next_uuid(&self) -> Uuid {
        let n = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&n.to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(n, &random).into_uuid()
    }
}

/// A text that is not an identifier in the one form that we accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier: expected a hyphenated UUID")]
pub struct ParseIdError;

/// Only the hyphenated form of 36 characters; upper case is folded. The braced, simple and URN forms
/// that the `uuid` crate reads as well are refused, so that one id has one spelling.
fn parse_hyphenated(text: &str) -> Result<Uuid, ParseIdError> {
    if text.len() != 36 {
        return Err(ParseIdError);
    }
    Uuid::try_parse(text).map_err(|_| ParseIdError)
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id from the given source.
            pub fn generate(ids: &dyn IdSource) -> Self {
                Self(ids.next_uuid())
            }

            /// Takes a UUID that is known to be one of ours, such as one read from storage.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID underneath.
            #[must_use]
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_hyphenated(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    )+};
}

typed_ids! {
    /// Names a person's account for ever; never used again, not even after a purge.
    UserId,
    /// Names one login on one device.
    SessionId,
    /// Names one entry of the activity log.
    ActivityId,
    /// Names one access token (`jti`).
    TokenId,
    /// Names one one-time token, and is what it is made from.
    OneTimeTokenId,
    /// Names one mail.
    MailId,
    /// Names one wish for a mail.
    MailRequestId,
}
