use super::{EmailAddress, Username};
use crate::{Fault, FaultCode};

/// What somebody typed to say who he is at login: a username or an e-mail address.
///
/// A text that is neither is kept as it is: it takes the same road as an unknown name and costs the
/// same, so that the answer tells nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identifier {
    /// It has an `@` and reads as an address.
    Email(EmailAddress),
    /// It reads as a username.
    Username(Username),
    /// It can be nobody's name.
    Unmatchable(String),
}

impl Identifier {
    /// The most characters that are looked at.
    pub const MAX_LENGTH: usize = 254;

    /// Reads an identifier.
    ///
    /// # Errors
    /// [`FaultCode::Required`] for an empty one, [`FaultCode::TooLong`] beyond 254 characters,
    /// [`FaultCode::InvalidFormat`] with U+0000.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Err(Fault::new(FaultCode::Required, "must not be empty"));
        }
        if text.chars().count() > Self::MAX_LENGTH {
            return Err(Fault::new(FaultCode::TooLong, "must have at most 254 characters"));
        }
        if text.contains('\0') {
            return Err(Fault::new(FaultCode::InvalidFormat, "must not hold the character U+0000"));
        }
        if text.contains('@') {
            return Ok(EmailAddress::parse(text).map_or_else(|_| Self::Unmatchable(text.to_owned()), Self::Email));
        }
        Ok(Username::parse(text).map_or_else(|_| Self::Unmatchable(text.to_owned()), Self::Username))
    }

    /// The canonical text: equal for every spelling of one name.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Email(address) => address.key(),
            Self::Username(username) => username.key(),
            Self::Unmatchable(text) => text.clone(),
        }
    }
}
