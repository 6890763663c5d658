use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use usher_domain::{Clock, SessionId, UserId};

use super::{BlockedTokens, BlocklistError, TokenBlocklist};
use crate::{AccessClaims, Environment};

/// A blocklist in this process, for one that verifies tokens itself.
pub struct MemoryBlocklist {
    clock: Arc<dyn Clock>,
    listed: Mutex<Listed>,
}

/// How often what has expired is dropped.
const SWEEP_PAUSE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Listed {
    next_sweep: Duration,
    /// Until when, on the monotonic clock.
    sessions: HashMap<SessionId, Duration>,
    users: HashMap<UserId, (i64, Duration)>,
}

impl MemoryBlocklist {
    /// An empty list.
    #[must_use]
    pub fn new(environment: &Environment) -> Self {
        Self { clock: Arc::clone(&environment.clock), listed: Mutex::default() }
    }

    fn listed(&self) -> MutexGuard<'_, Listed> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TokenBlocklist for MemoryBlocklist {
    async fn block(&self, tokens: &[BlockedTokens], lifetime: Duration) -> Result<(), BlocklistError> {
        let now = self.clock.monotonic();
        let until = now + lifetime;
        let mut listed = self.listed();
        listed.sweep(now);
        for tokens in tokens {
            match *tokens {
                BlockedTokens::OfSession(session) => {
                    let listed = listed.sessions.entry(session).or_insert(until);
                    *listed = until.max(*listed);
                }
                BlockedTokens::OfUser { user, minimum_epoch } => {
                    let (epoch, listed) = listed.users.entry(user).or_insert((minimum_epoch, until));
                    *epoch = minimum_epoch.max(*epoch);
                    *listed = until.max(*listed);
                }
            }
        }
        Ok(())
    }

    async fn blocks(&self, token: &AccessClaims) -> Result<bool, BlocklistError> {
        let now = self.clock.monotonic();
        let listed = self.listed();
        let session = listed.sessions.get(&token.session).is_some_and(|until| now < *until);
        let user = listed.users.get(&token.user).is_some_and(|(epoch, until)| now < *until && token.epoch < *epoch);
        Ok(session || user)
    }
}

impl Listed {
    fn sweep(&mut self, now: Duration) {
        if now < self.next_sweep {
            return;
        }
        self.next_sweep = now + SWEEP_PAUSE;
        self.sessions.retain(|_, until| now < *until);
        self.users.retain(|_, (_, until)| now < *until);
    }
}
