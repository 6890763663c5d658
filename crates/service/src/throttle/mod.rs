//! How often something may be tried: guesses at passwords first of all.
//!
//! Nobody is ever locked out: whoever was too fast waits. The limits of security.md are the defaults.

#[cfg(feature = "contract")]
pub mod contract;
mod doorkeeper;
mod limit;
mod memory;
mod rule;

use std::time::Duration;

use async_trait::async_trait;
pub use doorkeeper::Throttle;
pub(crate) use doorkeeper::{Admission, LoginTries, network_of};
pub use limit::{Decision, Limit, LimitKey, Pace, Refusal, Try};
pub use memory::MemoryRateLimiter;

/// Counts tries. It always decides: a form that depends on a server knows what to do without it.
#[async_trait]
pub trait RateLimiter: Send + Sync + 'static {
    /// Counts a try for each key, before it is made; or, where one of them refuses, none. Of any number
    /// that race, no more get through than the limit allows.
    async fn reserve(&self, tries: &[Try]) -> Decision;

    /// Forgets all tries of a key: the last one succeeded.
    async fn forgive(&self, key: &LimitKey);

    /// Takes back one try that turned out not to count.
    async fn take_back(&self, one: &Try);
}

/// All limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Wrong passwords for one account from one network.
    pub login_account_network: Limit,
    /// Wrong passwords for one account, from everywhere.
    pub login_account: Limit,
    /// Passwords from one network, for whatever account.
    pub login_network: Limit,
    /// Sign-ups from one network.
    pub signup_network: Limit,
    /// Refreshes of one session.
    pub refresh_session: Limit,
    /// Refreshes from one network.
    pub refresh_network: Limit,
    /// Mails to one address that requests cause.
    pub mail_address: Limit,
    /// Mails to whatever address that requests from one network cause.
    pub mail_network: Limit,
    /// One-time tokens from one network.
    pub confirm_network: Limit,
}

impl Default for Limits {
    fn default() -> Self {
        const MINUTE: Duration = Duration::from_secs(60);
        const HOUR: Duration = Duration::from_secs(60 * 60);
        const SECOND: Duration = Duration::from_secs(1);
        const QUARTER: Duration = Duration::from_secs(15 * 60);
        Self {
            login_account_network: Limit::waits(5, QUARTER, SECOND, QUARTER),
            login_account: Limit::waits(50, HOUR, SECOND, QUARTER),
            login_network: Limit::steady(30, 20, MINUTE),
            signup_network: Limit::steady(10, 5, HOUR),
            refresh_session: Limit::steady(10, 30, MINUTE),
            refresh_network: Limit::steady(120, 120, MINUTE),
            mail_address: Limit::steady(3, 3, HOUR),
            mail_network: Limit::steady(10, 10, HOUR),
            confirm_network: Limit::steady(10, 10, MINUTE),
        }
    }
}

impl Limits {
    /// None at all.
    pub const OFF: Self = Self {
        login_account_network: Limit::OFF,
        login_account: Limit::OFF,
        login_network: Limit::OFF,
        signup_network: Limit::OFF,
        refresh_session: Limit::OFF,
        refresh_network: Limit::OFF,
        mail_address: Limit::OFF,
        mail_network: Limit::OFF,
        confirm_network: Limit::OFF,
    };
}
