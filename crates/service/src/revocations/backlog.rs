use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use usher_domain::Clock;

use crate::{BlockedTokens, Environment, TokenBlocklist};

/// How many changes wait at most. What is beyond it is older than what replaces it, and expires sooner.
const CAPACITY: usize = 10_000;

/// What a blocklist could not be told yet, the oldest first.
pub(super) struct Backlog {
    clock: Arc<dyn Clock>,
    waiting: Mutex<VecDeque<Waiting>>,
}

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
        if waiting.len() == CAPACITY {
            waiting.pop_front();
        }
        waiting.push_back(Waiting { tokens, until });
    }

    /// Tells what is still worth it, until it fails; answers whether nothing is left.
    pub(super) async fn tell(&self, blocklist: &dyn TokenBlocklist) -> bool {
        while let Some(next) = self.next() {
            let lifetime = next.until.saturating_sub(self.clock.monotonic());
            if !lifetime.is_zero() && blocklist.block(&next.tokens, lifetime).await.is_err() {
                self.waiting().push_front(next);
                return false;
            }
        }
        true
    }

    fn next(&self) -> Option<Waiting> {
        self.waiting().pop_front()
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
