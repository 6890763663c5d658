//! What the HTTP surface promises, over the managers and a backend in memory.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod accounts;
mod bodies;
mod callers;
mod contract;
mod cors;
mod docs;
mod errors;
mod fixture;
mod headers;
mod health;
mod json;
mod log;
mod origins;
mod paths;
mod wire;
