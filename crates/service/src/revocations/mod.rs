//! What follows when a session or an account has changed: this process forgets what it remembered of
//! it, and other services are told of tokens that are no good any more.

mod backlog;
mod ending;
mod state_cache;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc, time::Duration};

use usher_domain::{SessionId, UserId};

use self::backlog::Backlog;
pub(crate) use self::ending::{Ended, end_access, end_sessions, tokens_so_far};
pub(crate) use self::state_cache::{SessionState, StateCache};
use crate::{BlockedTokens, Environment, MemoryBlocklist, TokenBlocklist, tokens::LEEWAY};

/// How long anything is remembered.
#[derive(Debug, Clone, Copy)]
pub struct RevocationSettings {
    /// For how long a request may rely on what an earlier one read of its session and account. Zero:
    /// not at all. It is how late a change made by another process can be noticed.
    pub state_cache_ttl: Duration,
    /// How long an access token is good, and so for how long a revoked one is worth listing.
    pub access_ttl: Duration,
}

impl Default for RevocationSettings {
    /// A second; 15 minutes.
    fn default() -> Self {
        Self { state_cache_ttl: Duration::from_secs(1), access_ttl: Duration::from_secs(15 * 60) }
    }
}

/// Shared by all managers of a process. Cloned, it is the same.
#[derive(Clone)]
pub struct Revocations(Arc<Inner>);

struct Inner {
    states: StateCache,
    blocklist: Arc<dyn TokenBlocklist>,
    backlog: Backlog,
    lifetime: Duration,
}

impl Revocations {
    /// Revoked tokens are told to this blocklist.
    #[must_use]
    pub fn new(blocklist: Arc<dyn TokenBlocklist>, settings: RevocationSettings, environment: &Environment) -> Self {
        Self(Arc::new(Inner {
            states: StateCache::new(settings.state_cache_ttl, environment),
            blocklist,
            backlog: Backlog::new(environment),
            lifetime: settings.access_ttl + LEEWAY,
        }))
    }

    /// With the default settings, and nobody else to be told.
    #[must_use]
    pub fn in_process(environment: &Environment) -> Self {
        Self::new(Arc::new(MemoryBlocklist::new(environment)), RevocationSettings::default(), environment)
    }

    /// Tells the blocklist what it could not be told when it happened; answers whether all of it is
    /// told. For a job.
    pub async fn catch_up(&self) -> bool {
        let Inner { blocklist, backlog, .. } = &*self.0;
        backlog.tell(&**blocklist).await
    }

    pub(crate) fn states(&self) -> &StateCache {
        &self.0.states
    }

    /// What is to be done once a change is committed.
    pub(crate) fn announce(&self, change: Change) -> impl Future<Output = ()> + Send + 'static {
        let inner = Arc::clone(&self.0);
        async move {
            if change.of_everybody {
                inner.states.forget_everybody();
            }
            for user in &change.users {
                inner.states.forget(*user);
            }
            if change.blocked.is_empty() {
                return;
            }
            if let Err(error) = inner.blocklist.block(&change.blocked, inner.lifetime).await {
                tracing::debug!(error = ?error, "other services are told later of revoked tokens");
                inner.backlog.keep(change.blocked, inner.lifetime);
            }
        }
    }
}

impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Revocations")
    }
}

/// Whose sessions or account changed, and which tokens ended with that.
#[derive(Debug, Default)]
pub(crate) struct Change {
    of_everybody: bool,
    users: Vec<UserId>,
    blocked: Vec<BlockedTokens>,
}

impl Change {
    pub(crate) fn of(user: UserId) -> Self {
        Self { users: vec![user], ..Self::default() }
    }

    /// What anybody may do, but no token ends with it.
    pub(crate) fn of_everybody() -> Self {
        Self { of_everybody: true, ..Self::default() }
    }

    pub(crate) fn and(mut self, other: Self) -> Self {
        self.of_everybody |= other.of_everybody;
        self.users.extend(other.users);
        self.blocked.extend(other.blocked);
        self
    }

    pub(crate) fn and_of(mut self, user: UserId) -> Self {
        self.users.push(user);
        self
    }

    pub(crate) fn ending_sessions(mut self, sessions: impl IntoIterator<Item = SessionId>) -> Self {
        self.blocked.extend(sessions.into_iter().map(BlockedTokens::OfSession));
        self
    }

    /// Ends every token of the user from before he had this epoch.
    pub(crate) fn of_tokens_before(user: UserId, minimum_epoch: i64) -> Self {
        Self { blocked: vec![BlockedTokens::OfUser { user, minimum_epoch }], ..Self::of(user) }
    }
}
