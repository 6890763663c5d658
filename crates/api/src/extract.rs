//! What handlers take out of a request, each checked before they see it.

mod bearer;
mod body;
mod client;
mod json;
mod path;
mod query;

pub(crate) use bearer::CurrentUser;
pub(crate) use body::{BodyLimit, ValidJson};
pub(crate) use client::Client;
pub(crate) use json::present;
pub(crate) use path::PathId;
pub(crate) use query::NoQuery;
