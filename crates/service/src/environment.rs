use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use ring::rand::{SecureRandom, SystemRandom};
use usher_domain::{
    Action, ActivityEntry, ActivityId, Actor, ClientInfo, Clock, IdSource, MockClock, SequentialIds, Timestamp, UserId,
};
use uuid::Uuid;

/// What a manager takes from the world: the time, and fresh ids.
#[derive(Clone)]
pub struct Environment {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
}

impl Environment {
    /// The system's clock and random source: production.
    #[must_use]
    pub fn system() -> Self {
        let clock = Arc::new(SystemClock::default());
        Self { ids: Arc::new(SystemIds::new(clock.clone())), clock }
    }

    /// An entry for the activity log, of what this actor does now.
    pub(crate) fn entry_by(&self, actor: &Actor, action: Action) -> ActivityEntry {
        ActivityEntry::by(actor, action, ActivityId::generate(&*self.ids), self.clock.now())
    }

    /// An entry for the activity log, of what somebody does now of whom only this is known.
    pub(crate) fn entry_from(&self, client: &ClientInfo, action: Action) -> ActivityEntry {
        ActivityEntry::from_client(client, action, ActivityId::generate(&*self.ids), self.clock.now())
    }

    /// An entry for the activity log, of what somebody does now to his own account who has just shown that it is his.
    pub(crate) fn entry_of_owner(&self, owner: UserId, client: &ClientInfo, action: Action) -> ActivityEntry {
        ActivityEntry { actor: Some(owner), ..self.entry_from(client, action).about(owner) }
    }

    /// A clock that stands still and ids that count: tests.
    #[must_use]
    pub fn mock() -> (Self, Arc<MockClock>) {
        let clock = Arc::new(MockClock::default());
        (Self { clock: clock.clone(), ids: Arc::new(SequentialIds::default()) }, clock)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

/// The one place that reads the system's clocks.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl Default for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the injected clock")]
    fn default() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the injected clock")]
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO)
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// UUIDv7 (RFC 9562, 5.7) from a clock and the system's random source.
pub struct SystemIds {
    clock: Arc<dyn Clock>,
    random: SystemRandom,
}

impl SystemIds {
    /// Ids that sort by this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, random: SystemRandom::new() }
    }
}

impl IdSource for SystemIds {
    #[expect(clippy::expect_used, reason = "without randomness no id, key or salt can be made: better to stop")]
    fn next_uuid(&self) -> Uuid {
        let mut random = [0; 10];
        self.random.fill(&mut random).expect("the system's random source answers");
        let millis = u64::try_from(self.clock.now().as_micros() / 1000).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}
