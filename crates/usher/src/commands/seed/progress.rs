use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use usher_domain::Clock;

use crate::console;

/// How far a long work is, on a terminal.
pub(super) struct Progress<'a> {
    what: &'static str,
    wanted: u32,
    clock: &'a dyn Clock,
    begun: Duration,
}

impl<'a> Progress<'a> {
    pub(super) fn new(what: &'static str, wanted: u32, clock: &'a dyn Clock) -> Self {
        Self { what, wanted, clock, begun: clock.monotonic() }
    }

    /// Overwrites the line: so many are there, and so many of them were made by now.
    pub(super) fn show(&self, there: u32, made: u32) {
        if !io::stderr().is_terminal() {
            return;
        }
        let Self { what, wanted, .. } = self;
        let end = if there == *wanted { "\n" } else { "" };
        console::overwrite(&format!("{there} of {wanted} {what} ({} a second)   {end}", self.rate(made)));
    }

    /// How many were made in a second.
    pub(super) fn rate(&self, made: u32) -> u64 {
        u64::from(made) * 1000 / u64::try_from(self.took().as_millis()).unwrap_or(u64::MAX).max(1)
    }

    /// Since when it is worked on.
    pub(super) fn took(&self) -> Duration {
        self.clock.monotonic().saturating_sub(self.begun)
    }
}
