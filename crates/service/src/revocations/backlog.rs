use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use usher_domain::Clock;

use crate::{BlockedTokens, Environment, TokenBlocklist};

/// How many changes wait at most. What is beyond it is older than what replaces it, and expires sooner.
pub(super) const CAPACITY: usize = 10_000;

/// What a blocklist could not be told yet, the oldest first.
pub(super) struct Backlog {
    clock: Arc<dyn Clock>,
    waiting: Mutex<VecDeque<Waiting>>,
}

#[derive(Clone)]
struct Waiting {
    tokens: Vec<BlockedTokens>,
    /// When the last of the tokens is expired, on the monotonic clock.
    until: Duration,
}

impl Backlog {
    pub(super) fn new(environment: &Environment) -> Self {
        Self { clock: Arc::clone(&environment.clock), waiting: Mutex::default() }
    }

    pub(super) fn keep(&self, tokens: Vec<BlockedTokens>, lifetime: Duration) {
        let until = self.clock.monotonic() + lifetime;
        let mut waiting = self.waiting();
        if waiting.len() >= CAPACITY {
            waiting.pop_front();
            tracing::warn!("other services will not be told of some revoked tokens: too many are waiting to be told");
        }
        waiting.push_back(Waiting { tokens, until });
    }

    /// Tells what is still worth it, until it fails; answers whether nothing is left. Dropped half-way,
    /// it has forgotten nothing.
    pub(super) async fn tell(&self, blocklist: &dyn TokenBlocklist) -> bool {
        loop {
            let Some(Waiting { tokens, until }) = self.next() else { return true };
            let lifetime = until.saturating_sub(self.clock.monotonic());
            if !lifetime.is_zero() && blocklist.block(&tokens, lifetime).await.is_err() {
                return false;
            }
            self.told(until);
        }
    }

    fn next(&self) -> Option<Waiting> {
        self.waiting().front().cloned()
    }

    /// Unless it was dropped meanwhile, for want of room.
    fn told(&self, until: Duration) {
        let mut waiting = self.waiting();
        if waiting.front().is_some_and(|first| first.until == until) {
            waiting.pop_front();
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.waiting().len()
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
