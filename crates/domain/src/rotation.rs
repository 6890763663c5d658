//! The rotation of refresh tokens: what becomes of one that is presented.

use std::time::Duration;

use crate::{Session, Timestamp};

/// How far a rotation may seem to lie in the future before it counts as long past: the clocks of two
/// nodes are never quite together, and a clock that was set back by more proves nothing.
const CLOCK_SKEW: Duration = Duration::from_secs(2);

/// How refresh tokens rotate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationPolicy {
    /// For how long after a rotation the token before it is answered with the same successor again.
    /// Zero: never.
    pub grace: Duration,
    /// A session ends when it is not renewed for this long.
    pub idle_ttl: Duration,
}

/// A rotation that is to be written down, if nobody was faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// The generation that was presented, and that the session must still have.
    pub from: u32,
    /// When it happens.
    pub at: Timestamp,
    /// When the session ends from then on if it is not renewed again; never after its absolute end.
    pub idle_expires_at: Timestamp,
}

/// What becomes of a refresh token that is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationVerdict {
    /// It is the current one: it is replaced by its successor.
    Rotate(Rotation),
    /// Its successor was made a moment ago and perhaps never arrived: the same successor again.
    Repeat,
    /// It was used before: somebody has a copy of it.
    Reused,
    /// The session is over, or never had this token.
    Invalid,
}

impl Session {
    /// Judges a refresh token of this session by its generation.
    #[must_use]
    pub fn judge_refresh(&self, presented: u32, now: Timestamp, policy: RotationPolicy) -> RotationVerdict {
        if !self.is_live(now) || presented > self.generation {
            return RotationVerdict::Invalid;
        }
        match self.generation - presented {
            0 if self.generation == u32::MAX => RotationVerdict::Invalid,
            0 => RotationVerdict::Rotate(Rotation {
                from: presented,
                at: now,
                idle_expires_at: self.expires_at.min(now + policy.idle_ttl),
            }),
            1 if self.rotated_within(policy.grace, now) => RotationVerdict::Repeat,
            _ => RotationVerdict::Reused,
        }
    }

    /// The session as it is after a rotation.
    #[must_use]
    pub fn rotated(self, rotation: Rotation) -> Self {
        Self {
            generation: rotation.from.saturating_add(1),
            rotated_at: rotation.at,
            last_used_at: rotation.at,
            idle_expires_at: rotation.idle_expires_at,
            ..self
        }
    }

    fn rotated_within(&self, grace: Duration, now: Timestamp) -> bool {
        !grace.is_zero() && self.rotated_at <= now + CLOCK_SKEW && now <= self.rotated_at + grace
    }
}
