//! What the HTTP surface promises, over the managers and a backend in memory.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod accounts;
mod bodies;
mod callers;
mod changes;
mod conditions;
mod contract;
mod cookies;
mod cors;
mod cursors;
mod denied;
mod docs;
mod errors;
mod fixture;
mod headers;
mod health;
mod json;
mod leaving;
mod lists;
mod log;
mod logins;
mod origins;
mod pages;
mod paths;
mod refreshing;
mod same_site;
mod sessions;
mod signing_out;
mod signing_up;
mod status;
mod throttling;
mod wire;
