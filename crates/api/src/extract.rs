//! What handlers take out of a request, each checked before they see it.

mod bearer;
mod body;
mod client;
mod if_match;
mod json;
mod path;
mod query;

pub(crate) use bearer::{CurrentUser, bearer_token};
pub(crate) use body::{BodyLimit, OptionalJson, ValidJson, says_json};
pub(crate) use client::{Client, client_info};
pub(crate) use if_match::IfMatch;
pub(crate) use json::{nullable, present};
pub(crate) use path::PathId;
pub(crate) use query::{FromQuery, NoQuery, Parameters, ValidQuery, flag, id, moment, page_size};

/// The longest name of a field or a parameter that an answer repeats; clients send longer ones.
const MAX_FIELD_LENGTH: usize = 128;

fn shown(field: &str) -> String {
    field.chars().take(MAX_FIELD_LENGTH).collect()
}
