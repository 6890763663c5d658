//! The rules by themselves: what a try does to what is known of the tries before it.
//!
//! The form on Redis says the same in Lua; one suite holds both to it.

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::{Limit, Pace};

/// What is known of the tries of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tries {
    /// When the last try that was counted would have had its turn, had they been spread evenly.
    Steady { due: Duration },
    /// How many there were, when the last one was, and until when nothing more is taken.
    Waits { count: u32, last: Duration, until: Duration },
}

/// A try that is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused {
    /// When to come back.
    pub(super) wait: Duration,
    /// What is known, as far as it still counts. Where a clock was set back, this is what ends the wait:
    /// nothing reaches further into the future than the longest wait from here.
    pub(super) known: Tries,
}

/// Counts a try, or refuses it.
pub(super) fn count(before: Option<Tries>, limit: &Limit, now: Duration) -> Result<Tries, Refused> {
    match limit.pace {
        Pace::Steady { burst } => {
            let room = step(limit) * burst.max(1);
            let due = match before {
                Some(Tries::Steady { due }) => due.clamp(now, now + room),
                Some(Tries::Waits { .. }) | None => now,
            };
            let after = due + step(limit);
            if after > now + room {
                return Err(Refused { wait: after - now - room, known: Tries::Steady { due } });
            }
            Ok(Tries::Steady { due: after })
        }
        Pace::Waits { min, max } => {
            let (count, last, until) = match before {
                Some(Tries::Waits { count, last, until }) => (count, last.min(now), until.min(now + max)),
                Some(Tries::Steady { .. }) | None => (0, now, now),
            };
            if now < until {
                return Err(Refused { wait: until - now, known: Tries::Waits { count, last, until } });
            }
            let was_quiet = now >= last.max(until) + limit.window;
            let count = if was_quiet { 1 } else { count.saturating_add(1) };
            Ok(Tries::Waits { count, last: now, until: now + wait_after(count, limit.limit, min, max) })
        }
    }
}

/// Takes back a try that turned out not to count: what is left of the wait is that of one try less.
pub(super) fn take_back(before: Tries, limit: &Limit) -> Tries {
    match (before, limit.pace) {
        (Tries::Steady { due }, Pace::Steady { .. }) => Tries::Steady { due: due.saturating_sub(step(limit)) },
        (Tries::Waits { count, last, until }, Pace::Waits { min, max }) => {
            let count = count.saturating_sub(1);
            Tries::Waits { count, last, until: until.min(last + wait_after(count, limit.limit, min, max)) }
        }
        (Tries::Steady { .. }, Pace::Waits { .. }) | (Tries::Waits { .. }, Pace::Steady { .. }) => before,
    }
}

/// How long one try takes of a window, when they are spread evenly.
fn step(limit: &Limit) -> Duration {
    limit.window / limit.limit.max(1)
}

/// None before the limit is reached; then `min`, doubled with each try beyond it, up to `max`.
fn wait_after(count: u32, limit: u32, min: Duration, max: Duration) -> Duration {
    match count.checked_sub(limit) {
        None => Duration::ZERO,
        Some(beyond) => 2_u32.checked_pow(beyond).and_then(|factor| min.checked_mul(factor)).unwrap_or(max).min(max),
    }
}
