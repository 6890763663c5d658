use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use quick_cache::sync::Cache;
use usher_domain::{Clock, Session, SessionId, Timestamp, User, UserId, UserInDB};

use crate::{AccessClaims, Environment};

/// How many sessions are remembered at most.
pub(super) const CAPACITY: usize = 10_000;

/// How many counters tell whether a user has changed. Users who share one cost each other a query.
const STAMPS: usize = 1 << 12;

/// What a request with an access token needs to know of its session and account.
#[derive(Debug)]
pub(crate) struct SessionState {
    pub(crate) session: SessionId,
    pub(crate) user: Arc<User>,
    epoch: i64,
    is_revoked: bool,
    ends_at: Timestamp,
}

impl SessionState {
    pub(crate) fn new(session: &Session, account: UserInDB) -> Self {
        Self {
            session: session.id,
            user: Arc::new(account.user),
            epoch: account.token_epoch,
            is_revoked: session.revoked.is_some(),
            ends_at: session.idle_expires_at.min(session.expires_at),
        }
    }

    /// Whether a token with these claims is good.
    pub(crate) fn admits(&self, token: &AccessClaims, now: Timestamp) -> bool {
        self.session == token.session
            && self.user.id == token.user
            && self.epoch == token.epoch
            && !self.is_revoked
            && now < self.ends_at
            && self.user.is_active()
    }
}

/// What was read of sessions a moment ago. It may say yes for the database for as long as its time to
/// live; whatever it does not say yes to is to be asked of the database.
pub(crate) struct StateCache {
    clock: Arc<dyn Clock>,
    ttl: Duration,
    states: Cache<SessionId, Remembered>,
    /// Counted on with each change that this process makes to a user or his sessions.
    stamps: Box<[AtomicU64]>,
}

#[derive(Clone)]
struct Remembered {
    state: Arc<SessionState>,
    reading: Reading,
}

/// Begun before the database is asked, so that a change made meanwhile is not overlooked.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    stamp: u64,
    begun: Duration,
}

impl StateCache {
    pub(super) fn new(ttl: Duration, environment: &Environment) -> Self {
        Self {
            clock: Arc::clone(&environment.clock),
            ttl,
            states: Cache::new(CAPACITY),
            stamps: (0..STAMPS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// What is remembered of the session of a token, if it is fresh and admits the token.
    pub(crate) fn admit(&self, token: &AccessClaims, now: Timestamp) -> Option<Arc<SessionState>> {
        if self.ttl.is_zero() {
            return None;
        }
        let Remembered { state, reading } = self.states.get(&token.session)?;
        let is_fresh = self.stamp(token.user) == reading.stamp && self.clock.monotonic() < reading.begun + self.ttl;
        (is_fresh && state.admits(token, now)).then_some(state)
    }

    pub(crate) fn begin_reading(&self, user: UserId) -> Reading {
        Reading { stamp: self.stamp(user), begun: self.clock.monotonic() }
    }

    pub(crate) fn remember(&self, reading: Reading, state: Arc<SessionState>) {
        if !self.ttl.is_zero() {
            self.states.insert(state.session, Remembered { state, reading });
        }
    }

    /// Nothing that was read before this moment about a user or his sessions counts any more.
    pub(super) fn forget(&self, user: UserId) {
        if let Some(stamp) = self.stamps.get(place(user)) {
            stamp.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Nothing that was read before this moment counts any more.
    pub(super) fn forget_everybody(&self) {
        for stamp in &self.stamps {
            stamp.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.states.len()
    }

    fn stamp(&self, user: UserId) -> u64 {
        self.stamps.get(place(user)).map_or(0, |stamp| stamp.load(Ordering::SeqCst))
    }
}

/// The last bits of a UUIDv7 are random.
fn place(user: UserId) -> usize {
    usize::try_from(user.as_uuid().as_u128() % STAMPS as u128).unwrap_or(0)
}
