//! Secrets as types: they cannot be printed, cannot be serialized, and are wiped when dropped.

use std::fmt;

use unicode_normalization::{UnicodeNormalization, is_nfkc};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

macro_rules! redacted {
    ($($name:ident),+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }
    )+};
}

redacted!(PlainPassword, PasswordHash, PlainToken);

/// A password as somebody typed it. Any text: what a password must be is for the
/// [`PasswordPolicy`](crate::PasswordPolicy) to say when one is set.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PlainPassword(String);

impl PlainPassword {
    /// Takes the text as it is: nothing is trimmed, nothing is cut.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text as typed, for the foreign hash forms that never normalised it.
    #[must_use]
    pub fn as_typed(&self) -> &str {
        &self.0
    }

    /// The text in NFKC, the form that is measured, hashed and compared (NIST SP 800-63B-4,
    /// 3.1.1.2): composed and decomposed letters are the same password. The one place that
    /// normalises.
    #[must_use]
    pub fn normalized(&self) -> Zeroizing<String> {
        if is_nfkc(&self.0) {
            return Zeroizing::new(self.0.clone());
        }
        // Reserved beforehand, because growing would leave unwiped copies behind. A code point
        // grows to at most 11 times its bytes under NFKC (Unicode FAQ on normalisation, UTF-8).
        let mut normalized = Zeroizing::new(String::with_capacity(self.0.len() * 11));
        normalized.extend(self.0.nfkc());
        normalized
    }

    /// Whether nothing was typed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A password hash in its stored, self-describing form.
///
/// Equality is for the compare-and-swap of an upgrade, never for checking a password.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes a stored form; whether it can be verified shows when it is.
    #[must_use]
    pub fn from_stored(stored: String) -> Self {
        Self(stored)
    }

    /// The stored form. For storage and for verification only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// A token as its holder knows it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PlainToken(String);

impl PlainToken {
    /// Takes a token that was made or received.
    #[must_use]
    pub fn new(token: String) -> Self {
        Self(token)
    }

    /// The token itself, to hand it to its holder or to check it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// SHA-256 of a token: what may rest in a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);
