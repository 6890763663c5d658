//! The suite that every backend passes, also one of your own.
//!
//! [`suite!`](crate::contract::suite) stamps every case as a test of its own:
//!
//! ```
//! # #[cfg(feature = "memory")]
//! mod tests {
//!     use usher_storage::MemoryBackend;
//!
//!     usher_storage::contract::suite!(memory, async { MemoryBackend::new() });
//! }
//! ```
//!
//! The second argument is evaluated for each test and yields a fresh backend: one that holds the two
//! built-in roles and nothing else. See [`Fixture`] for what else it can be.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests, although they are no test build"
)]

#[cfg(feature = "seaorm")]
mod ask;
mod fixture;
mod sample;
#[cfg(feature = "seaorm")]
mod test_database;

pub mod activity;
pub mod mail;
pub mod one_time_tokens;
pub mod purge;
pub mod role_changes;
pub mod roles;
pub mod sessions;
pub mod signing_keys;
pub mod transactions;
pub mod user_lists;
pub mod users;

#[doc(inline)]
pub use crate::__suite as suite;
#[cfg(feature = "seaorm")]
pub use ask::ask;
pub use fixture::{Backend, Fixture, run};
#[cfg(feature = "seaorm")]
pub use test_database::TestDatabase;

/// Stamps the whole suite for one backend, in a module of the given name.
#[doc(hidden)]
#[macro_export]
macro_rules! __suite {
    ($name:ident, $fresh:expr) => {
        async fn $name() -> $crate::contract::Fixture {
            ::std::convert::Into::into($fresh.await)
        }

        mod $name {
            use super::$name as fresh;

            $crate::__users_cases!();
            $crate::__user_lists_cases!();
            $crate::__purge_cases!();
            $crate::__roles_cases!();
            $crate::__role_changes_cases!();
            $crate::__sessions_cases!();
            $crate::__one_time_tokens_cases!();
            $crate::__mail_cases!();
            $crate::__activity_cases!();
            $crate::__signing_keys_cases!();
            $crate::__transactions_cases!();
        }
    };
}

/// Defines the cases of one resource, and the macro that [`suite!`] stamps them with: each name is
/// written once.
macro_rules! cases {
    ($resource:ident, $stamp:ident, {
        $($(#[$doc:meta])+ pub async fn $case:ident($backend:ident: Backend) $body:block)+
    }) => {
        $($(#[$doc])+ pub async fn $case($backend: Backend) $body)+

        #[doc(hidden)]
        #[macro_export]
        macro_rules! $stamp {
            () => {
                mod $resource {
                    $(
                        #[test]
                        fn $case() {
                            $crate::contract::run(super::fresh(), $crate::contract::$resource::$case);
                        }
                    )+
                }
            };
        }
    };
}
use cases;
