//! The rules by themselves: what a try does to what is known of the tries before it.
//!
//! The form on Redis says the same in Lua; one suite holds both to it.

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

/// Counts a try; or says how long to wait, and counts nothing.
pub(super) fn count(before: Option<Tries>, limit: &Limit, now: Duration) -> Result<Tries, Duration> {
    match limit.pace {
        Pace::Steady { burst } => {
            let step = limit.window / limit.limit.max(1);
            let due = match before {
                // A clock that was set back must not lock anybody out.
                Some(Tries::Steady { due }) => due.clamp(now, now + step * burst.max(1)),
                Some(Tries::Waits { .. }) | None => now,
            };
            let ahead = step * burst.max(1).saturating_sub(1);
            if due > now + ahead { Err(due - now - ahead) } else { Ok(Tries::Steady { due: due + step }) }
        }
        Pace::Waits { min, max } => {
            let (count, until) = match before {
                Some(Tries::Waits { count, last, until }) => {
                    let until = until.min(now + max);
                    let quiet_since = last.max(until);
                    if now >= quiet_since + limit.window { (0, Duration::ZERO) } else { (count, until) }
                }
                Some(Tries::Steady { .. }) | None => (0, Duration::ZERO),
            };
            if now < until {
                return Err(until - now);
            }
            let count = count.saturating_add(1);
            Ok(Tries::Waits { count, last: now, until: now + wait_after(count, limit.limit, min, max) })
        }
    }
}

/// Takes back a try that turned out not to count.
pub(super) fn take_back(before: Tries, limit: &Limit) -> Tries {
    match before {
        Tries::Steady { due } => Tries::Steady { due: due.saturating_sub(limit.window / limit.limit.max(1)) },
        Tries::Waits { count, last, until } => {
            let count = count.saturating_sub(1);
            let until = if count < limit.limit { last } else { until };
            Tries::Waits { count, last, until }
        }
    }
}

/// None before the limit is reached; then `min`, doubled with each try beyond it, up to `max`.
fn wait_after(count: u32, limit: u32, min: Duration, max: Duration) -> Duration {
    match count.checked_sub(limit) {
        None => Duration::ZERO,
        Some(beyond) => 2_u32.checked_pow(beyond).and_then(|factor| min.checked_mul(factor)).unwrap_or(max).min(max),
    }
}
