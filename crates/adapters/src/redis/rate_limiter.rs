use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use redis::pipe;
use usher_domain::Clock;
use usher_service::{Decision, Environment, Limit, LimitKey, MemoryRateLimiter, Pace, RateLimiter, Refusal, Try};

use super::{Redis, error::RedisError};

/// The rules of `usher_service::throttle`, in Lua: Redis does nothing else while it decides.
const RESERVE: &str = concat!(include_str!("rate_limiter/wait.lua"), include_str!("rate_limiter/reserve.lua"));

/// Takes back one try.
const TAKE_BACK: &str = concat!(include_str!("rate_limiter/wait.lua"), include_str!("rate_limiter/take_back.lua"));

/// A limiter in Redis, which all processes share; their wall clocks are taken to agree.
///
/// While Redis does not answer, each process counts for itself, from nothing: every limit stays in force,
/// for each process. Where the connection is lost under way, a try may be counted twice.
pub struct RedisRateLimiter {
    redis: Redis,
    clock: Arc<dyn Clock>,
    meanwhile: MemoryRateLimiter,
}

impl RedisRateLimiter {
    /// The limiter in this Redis.
    #[must_use]
    pub fn new(redis: Redis, environment: &Environment) -> Self {
        let meanwhile = MemoryRateLimiter::new(environment);
        Self { redis, clock: Arc::clone(&environment.clock), meanwhile }
    }

    fn key(&self, key: &LimitKey) -> String {
        self.redis.key("throttle", key)
    }

    /// How long each is to wait.
    async fn waits(&self, tries: &[&Try]) -> Result<Vec<Duration>, RedisError> {
        let mut commands = pipe();
        let command = commands.cmd("EVAL").arg(RESERVE).arg(tries.len());
        for one in tries {
            command.arg(self.key(&one.key));
        }
        command.arg(self.clock.now().as_micros());
        for Try { limit, .. } in tries {
            command.arg(pace(limit)).arg(&numbers(limit)).arg(lifetime(limit));
        }
        let (waits,): (Vec<u64>,) = self.redis.ask(&commands).await?;
        Ok(waits.into_iter().map(Duration::from_micros).collect())
    }

    async fn try_to_take_back(&self, Try { key, limit }: &Try) -> Result<(), RedisError> {
        let mut commands = pipe();
        let command = commands.cmd("EVAL").arg(TAKE_BACK).arg(1).arg(self.key(key));
        command.arg(pace(limit)).arg(&numbers(limit)).ignore();
        self.redis.ask(&commands).await
    }

    async fn try_to_forgive(&self, key: &LimitKey) -> Result<(), RedisError> {
        let mut commands = pipe();
        commands.cmd("DEL").arg(self.key(key)).ignore();
        self.redis.ask(&commands).await
    }
}

#[async_trait]
impl RateLimiter for RedisRateLimiter {
    async fn reserve(&self, tries: &[Try]) -> Decision {
        let limited: Vec<_> = tries.iter().filter(|one| !one.limit.is_off()).collect();
        if limited.is_empty() {
            return Decision::Allowed;
        }
        match self.waits(&limited).await {
            Ok(waits) if waits.len() == limited.len() => {
                let waits = limited.iter().zip(waits).filter(|(_, wait)| !wait.is_zero());
                let refusals: Vec<_> = waits.map(|(one, wait)| Refusal { key: one.key, wait }).collect();
                if refusals.is_empty() { Decision::Allowed } else { Decision::Refused(refusals) }
            }
            Ok(_) | Err(_) => self.meanwhile.reserve(tries).await,
        }
    }

    async fn forgive(&self, key: &LimitKey) {
        // Whoever succeeds is held back nowhere, also not by what was counted while Redis was away.
        self.meanwhile.forgive(key).await;
        let _ = self.try_to_forgive(key).await;
    }

    async fn take_back(&self, one: &Try) {
        if !one.limit.is_off() && self.try_to_take_back(one).await.is_err() {
            self.meanwhile.take_back(one).await;
        }
    }
}

/// Which rule the script is to follow.
fn pace(limit: &Limit) -> &'static str {
    match limit.pace {
        Pace::Steady { .. } => "steady",
        Pace::Waits { .. } => "waits",
    }
}

/// What the script is to know of a limit, in microseconds where it is a time. Steady: how long one try
/// takes, and how long those take that may come at once. Waits: limit, window, first and longest wait.
fn numbers(limit: &Limit) -> [u64; 4] {
    match limit.pace {
        Pace::Steady { burst } => {
            let step = micros(limit.window / limit.limit.max(1));
            [step, step.saturating_mul(burst.max(1).into()), 0, 0]
        }
        Pace::Waits { min, max } => [limit.limit.into(), micros(limit.window), micros(min), micros(max)],
    }
}

/// Until nothing counts any more of what is held of a key, in milliseconds: the longest wait and a window.
fn lifetime(limit: &Limit) -> u64 {
    let longest = match limit.pace {
        Pace::Steady { burst } => (limit.window / limit.limit.max(1)).saturating_mul(burst.max(1)),
        Pace::Waits { max, .. } => max,
    };
    micros(longest.saturating_add(limit.window)).div_ceil(1_000).max(1)
}

/// Rounded up: a limit lets nobody through too early.
fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX)
}

impl fmt::Debug for RedisRateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisRateLimiter")
    }
}
