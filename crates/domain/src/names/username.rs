use super::{check_length, name_type};
use crate::{Fault, FaultCode};

/// A username: 3-50 characters of `A-Z a-z 0-9 . _ -`, the first and the last alphanumeric.
///
/// ASCII only, so that no look-alike of another script can pose as somebody. Shown as it was typed,
/// compared by its [`key`](Username::key).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username(String);

impl Username {
    /// The fewest characters.
    pub const MIN_LENGTH: usize = 3;
    /// The most characters.
    pub const MAX_LENGTH: usize = 50;

    /// Reads a username.
    ///
    /// # Errors
    /// [`FaultCode::TooShort`], [`FaultCode::TooLong`] or [`FaultCode::InvalidFormat`].
    pub fn parse(text: &str) -> Result<Self, Fault> {
        check_length(text, Self::MIN_LENGTH, Self::MAX_LENGTH)?;
        let bytes = text.as_bytes();
        let allowed = bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        let ends = [bytes.first(), bytes.last()];
        if !allowed || !ends.iter().all(|b| b.is_some_and(u8::is_ascii_alphanumeric)) {
            return Err(Fault::new(
                FaultCode::InvalidFormat,
                "may hold only A-Z a-z 0-9 . _ - and must begin and end with a letter or digit",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// As it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What uniqueness is decided on: ASCII lower case.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

name_type!(Username);
