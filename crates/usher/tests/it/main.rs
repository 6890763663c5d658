//! The configuration through the library, and the binary from outside.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod activity;
mod backup;
mod commands;
mod config_faults;
mod config_layers;
mod config_mail;
mod config_rules;
mod config_sample;
mod config_secrets;
#[cfg(target_os = "linux")]
mod disk;
#[cfg(unix)]
mod draining;
mod first_start;
mod keys;
mod kills;
mod logs;
mod mail;
mod mail_faults;
mod mail_places;
mod metrics;
mod postgres;
#[cfg(target_os = "linux")]
mod postgres_faults;
#[cfg(target_os = "linux")]
mod postgres_tls;
mod production;
mod purge;
mod redis;
mod restarts;
mod roles;
mod seed;
mod serving;
#[cfg(target_os = "linux")]
mod slow_clients;
mod support;
mod traces;
mod two_processes;
mod users;
