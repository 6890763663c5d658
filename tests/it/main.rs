//! usher from outside: over HTTP, as production wires it, on every engine; and the rules of this repository.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod accounts;
mod activity;
mod answers;
mod authorization;
mod downstream;
mod edited_roles;
mod last_administrator;
mod layers;
mod lists;
mod log;
mod mail;
mod managers;
mod managing_users;
mod openapi;
mod passwords;
mod proxy;
mod racing_changes;
mod removing_administrators;
mod requirements;
mod sessions;
mod signing_in;
mod supply_chain;
mod throttling;
