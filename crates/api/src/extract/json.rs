//! From bytes to a value: first whether it is JSON that is accepted at all, then whether it has the
//! shape that is asked for.

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_path_to_error::{Path, Segment};
use usher_domain::{Fault, FaultCode};

use super::shown;
use crate::error::{ApiError, ErrorCode};

/// How deep arrays and objects may nest.
const MAX_DEPTH: usize = 32;

/// Reads an object of the asked shape.
///
/// # Errors
/// `MALFORMED_REQUEST` for what [`scan`] refuses, `VALIDATION_FAILED` for the first fault of shape.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    scan(bytes).map_err(|error| ApiError::new(ErrorCode::MalformedRequest, malformed(&error)))?;
    if !bytes.trim_ascii_start().starts_with(b"{") {
        // serde would take the items of an array for fields, in the order of their declaration.
        let fault = Fault::new(FaultCode::WrongType, "must be a JSON object");
        return Err(ApiError::invalid(String::new(), fault));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let (field, fault) = fault_of_shape(error.path(), error.inner());
        ApiError::invalid(field, fault)
    })
}

/// Whether the bytes are one JSON value as `serde_json` reads it, which does not nest deeper than 32
/// levels and in which no object has a key twice.
///
/// # Errors
/// Where and why they are not.
fn scan(bytes: &[u8]) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    Scan { depth: 0 }.deserialize(&mut deserializer)?;
    deserializer.end()
}

/// Looks at a value and forgets it.
#[derive(Clone, Copy)]
struct Scan {
    depth: usize,
}

impl Scan {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Scan {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scan {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let item = self.deeper()?;
        while items.next_element_seed(item)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let value = self.deeper()?;
        let mut keys = HashSet::new();
        while let Some(key) = fields.next_key::<String>()? {
            if !keys.insert(key) {
                return Err(A::Error::custom("an object has a key twice"));
            }
            fields.next_value_seed(value)?;
        }
        Ok(())
    }
}

/// Why JSON was refused. The parser's own sentences are left out: they may repeat what was sent.
fn malformed(error: &serde_json::Error) -> String {
    if error.is_data() {
        return error.to_string();
    }
    format!("the body is not well-formed JSON, at line {} column {}", error.line(), error.column())
}

/// Says where the shape is wrong, and how, without repeating a value. serde tells kinds of errors
/// apart only in the text that it fixes for them (`serde::de::Error`).
fn fault_of_shape(path: &Path, error: &serde_json::Error) -> (String, Fault) {
    let text = error.to_string();
    let named = || text.split('`').nth(1).unwrap_or_default().to_owned();
    if text.starts_with("missing field") {
        return (field(path, Some(named())), Fault::new(FaultCode::Required, "is required"));
    }
    if text.starts_with("unknown field") {
        return (field(path, None), Fault::new(FaultCode::UnknownField, "is not known here"));
    }
    // True duplicates were found before: what is left are several names of one field.
    if text.starts_with("duplicate field") {
        let message = "is given under several names: use one of them";
        return (field(path, Some(named())), Fault::new(FaultCode::UnknownField, message));
    }
    if let Some((_, expected)) = text.rsplit_once(", expected ").filter(|_| text.starts_with("unknown variant")) {
        let values: Vec<_> = expected.split('`').skip(1).step_by(2).collect();
        let message = format!("must be one of {}", values.join(", "));
        return (field(path, None), Fault::new(FaultCode::UnknownValue, message));
    }
    (field(path, None), Fault::new(FaultCode::WrongType, "is not of the expected type"))
}

/// A dotted path into the body; empty for the body itself.
fn field(path: &Path, missing: Option<String>) -> String {
    let segments = path.iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { variant } => Some(variant.clone()),
        Segment::Unknown => None,
    });
    let path: Vec<_> = segments.chain(missing).collect();
    shown(&path.join("."))
}

/// Tells `null` from absence: for fields that may be left out, but are of one type when they are there.
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A field that must be there, but may be `null`: serde takes an absent one for `null` otherwise.
pub(crate) fn nullable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}
