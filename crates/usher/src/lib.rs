#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod background;
mod cli;
mod commands;
pub mod config;
mod console;
mod database;
mod first_start;
mod hang_up;
mod mail;
mod master_key;
mod metrics;
mod private_file;
mod readiness;
mod serve_lock;
mod start_error;
mod stop_signal;
mod summary;
pub mod telemetry;
mod wiring;

pub use cli::Cli;
pub use commands::run;
pub use config::Config;
pub use first_start::FirstPassword;
pub use start_error::StartError;
pub use wiring::{Application, Started};
