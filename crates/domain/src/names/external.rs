use serde::Serialize;
use serde_json::{Map, Value};

use super::{check_length, name_type};
use crate::{Fault, FaultCode};

/// What another system calls this account: 1-128 printable ASCII characters, no space around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalId(String);

impl ExternalId {
    /// The most characters.
    pub const MAX_LENGTH: usize = 128;

    /// Reads an external id; it is its own key.
    ///
    /// # Errors
    /// [`FaultCode::TooShort`], [`FaultCode::TooLong`] or [`FaultCode::InvalidFormat`].
    pub fn parse(text: &str) -> Result<Self, Fault> {
        check_length(text, 1, Self::MAX_LENGTH)?;
        let printable = text.bytes().all(|b| matches!(b, 0x20..=0x7e));
        if !printable || text.starts_with(' ') || text.ends_with(' ') {
            return Err(Fault::new(
                FaultCode::InvalidFormat,
                "may hold only printable ASCII characters, without a space at either end",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The id itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

name_type!(ExternalId);

/// Fields that the host project hangs onto an account: a JSON object of at most 8 KiB and eight
/// levels. Its owner can read it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Metadata(Map<String, Value>);

impl Metadata {
    /// The most bytes, written as compact JSON.
    pub const MAX_BYTES: usize = 8 * 1024;
    /// The most levels of nesting, the object itself being the first.
    pub const MAX_DEPTH: usize = 8;

    /// Takes a JSON value.
    ///
    /// # Errors
    /// [`FaultCode::WrongType`] if it is no object, [`FaultCode::TooLong`] beyond the size,
    /// [`FaultCode::InvalidFormat`] if nested too deeply or holding U+0000.
    pub fn parse(value: Value) -> Result<Self, Fault> {
        let depth_and_text = || {
            Fault::new(FaultCode::InvalidFormat, "must be nested at most 8 levels deep and hold no character U+0000")
        };
        if !is_storable(&value, Self::MAX_DEPTH) {
            return Err(depth_and_text());
        }
        if value.to_string().len() > Self::MAX_BYTES {
            return Err(Fault::new(FaultCode::TooLong, "must take at most 8 KiB as JSON"));
        }
        match value {
            Value::Object(fields) => Ok(Self(fields)),
            _ => Err(Fault::new(FaultCode::WrongType, "must be a JSON object")),
        }
    }

    /// The fields.
    #[must_use]
    pub fn fields(&self) -> &Map<String, Value> {
        &self.0
    }
}

/// Whether a value nests within `depth` levels and every text in it can rest on every engine.
fn is_storable(value: &Value, depth: usize) -> bool {
    let storable = |text: &str| !text.contains('\0');
    match value {
        Value::String(text) => storable(text),
        Value::Array(items) => depth > 0 && items.iter().all(|item| is_storable(item, depth - 1)),
        Value::Object(fields) => {
            depth > 0 && fields.iter().all(|(key, item)| storable(key) && is_storable(item, depth - 1))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}
