//! Names that people and other systems give to an account: parsed once, valid ever after.
//!
//! `parse` enforces the fixed outer bounds, which no setting loosens. A [`NamePolicy`] narrows them
//! where a name is *set*; what is already stored stays readable however the settings change.

mod email;
mod external;
mod full_name;
mod identifier;
mod policy;
mod username;

pub use email::EmailAddress;
pub use external::{ExternalId, Metadata};
pub use full_name::FullName;
pub use identifier::Identifier;
pub use policy::{FullNameStyle, NamePolicy, UsernameOrigin};
pub use username::Username;

use crate::{Fault, FaultCode};

/// The length of a text in code points, refused outside `min..=max`.
pub(crate) fn check_length(text: &str, min: usize, max: usize) -> Result<(), Fault> {
    let length = text.chars().count();
    if length < min {
        return Err(Fault::new(FaultCode::TooShort, format!("must have at least {min} characters")));
    }
    if length > max {
        return Err(Fault::new(FaultCode::TooLong, format!("must have at most {max} characters")));
    }
    Ok(())
}

/// What every name has: a way in, a way out, and no public field.
macro_rules! name_type {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::Fault;

            fn from_str(text: &str) -> Result<Self, $crate::Fault> {
                Self::parse(text)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}
pub(crate) use name_type;
