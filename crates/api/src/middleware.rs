//! What is wrapped around the routes, from the outside in: [`edge`], the log, [`head_limit`], [`cors`],
//! and around each resource [`guard`].

pub(crate) mod cors;
pub(crate) mod edge;
pub(crate) mod guard;
pub(crate) mod head_limit;
mod log;
mod unread;

pub(crate) use log::RequestSpan;
