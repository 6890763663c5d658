//! Leaves a Redis that failed alone for a while, so that waiting for it costs somebody time now and
//! then, and not everybody always.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use usher_domain::Clock;
use usher_service::Environment;

use super::error::RedisError;

/// How long the first pause is. Each that follows it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause: so late at most it is noticed that Redis is back. A call that waits for it in
/// vain every so often is nothing by comparison.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Opened by one failure: a call has then waited for the whole timeout, and whoever asks can do without
/// an answer.
pub(super) struct Breaker {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Clone, Copy)]
enum State {
    /// Whoever comes is let through.
    Closed,
    /// Nobody is, for this pause, until then on the monotonic clock.
    Open { pause: Duration, until: Duration },
    /// One was after a pause, to see how things are.
    Probing,
}

/// Lets one call through, which says how it went. Dropped, it went nowhere, and the next one may try.
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    /// The pause that the call has put an end to.
    probes_after: Option<Duration>,
}

impl Breaker {
    pub(super) fn new(environment: &Environment) -> Self {
        Self { clock: Arc::clone(&environment.clock), state: Mutex::new(State::Closed) }
    }

    pub(super) fn enter(&self) -> Option<Pass<'_>> {
        let mut state = self.state();
        let probes_after = match *state {
            State::Closed => None,
            State::Open { pause, until } if until <= self.clock.monotonic() => {
                *state = State::Probing;
                Some(pause)
            }
            State::Open { .. } | State::Probing => return None,
        };
        Some(Pass { breaker: self, probes_after })
    }

    fn open(&self, state: &mut State, pause: Duration) {
        *state = State::Open { pause, until: self.clock.monotonic() + pause };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    pub(super) fn succeeded(mut self) {
        if self.probes_after.take().is_some() {
            *self.breaker.state() = State::Closed;
            tracing::info!("Redis answers again");
        }
    }

    pub(super) fn failed(mut self, error: &RedisError) {
        let mut state = self.breaker.state();
        match (self.probes_after.take(), *state) {
            (Some(pause), _) => self.breaker.open(&mut state, LONGEST_PAUSE.min(pause * 2)),
            (None, State::Closed) => {
                self.breaker.open(&mut state, FIRST_PAUSE);
                drop(state);
                tracing::warn!(%error, "Redis does not answer: it is left alone, and asked again after a while");
            }
            // Somebody else was faster to find out.
            (None, State::Open { .. } | State::Probing) => {}
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if let Some(pause) = self.probes_after {
            *self.breaker.state() = State::Open { pause, until: self.breaker.clock.monotonic() };
        }
    }
}
