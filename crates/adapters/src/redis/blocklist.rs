use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use redis::pipe;
use usher_domain::Clock;
use usher_service::{AccessClaims, BlockedTokens, BlocklistError, Environment, TokenBlocklist};

use super::{Redis, error::RedisError};

/// Raises each key to a value and to a lifetime in milliseconds. What it has of either is kept where it
/// is more; what is no number is written over.
const RAISE: &str = "\
for i, key in ipairs(KEYS) do
  local lifetime, value = ARGV[1], ARGV[i + 1]
  local held, left = redis.pcall('GET', key), redis.call('PTTL', key)
  if tonumber(held) and tonumber(held) > tonumber(value) then value = held end
  if left == -1 or left > tonumber(lifetime) then
    redis.call('SET', key, value, 'KEEPTTL')
  else
    redis.call('SET', key, value, 'PX', lifetime)
  end
end";

/// How many keys are raised at once: nobody else gets an answer from Redis meanwhile.
const CHUNK: usize = 500;

/// A blocklist in Redis, where every service can read it. The keys are documented in the crate's
/// documentation.
pub struct RedisBlocklist {
    redis: Redis,
    clock: Arc<dyn Clock>,
}

impl RedisBlocklist {
    /// The list in this Redis.
    #[must_use]
    pub fn new(redis: Redis, environment: &Environment) -> Self {
        Self { redis, clock: Arc::clone(&environment.clock) }
    }

    /// The key and the value of it.
    fn entry(&self, tokens: BlockedTokens, until: i64) -> (String, i64) {
        match tokens {
            BlockedTokens::OfSession(session) => (self.redis.key("revoked:session", session), until),
            BlockedTokens::OfUser { user, minimum_epoch } => (self.redis.key("revoked:user", user), minimum_epoch),
        }
    }

    /// In whole seconds since the Unix epoch, rounded up.
    fn until(&self, lifetime: Duration) -> i64 {
        const ALMOST_A_SECOND: Duration = Duration::from_micros(999_999);
        (self.clock.now() + lifetime + ALMOST_A_SECOND).as_secs()
    }
}

#[async_trait]
impl TokenBlocklist for RedisBlocklist {
    async fn block(&self, tokens: &[BlockedTokens], lifetime: Duration) -> Result<(), BlocklistError> {
        let milliseconds = lifetime.as_millis();
        if tokens.is_empty() || milliseconds == 0 {
            return Ok(());
        }
        let until = self.until(lifetime);
        let mut commands = pipe();
        for tokens in tokens.chunks(CHUNK) {
            let (keys, values): (Vec<_>, Vec<_>) = tokens.iter().map(|tokens| self.entry(*tokens, until)).unzip();
            let command = commands.cmd("EVAL").arg(RAISE).arg(keys.len()).arg(keys);
            command.arg(milliseconds.to_string()).arg(values).ignore();
        }
        Ok(self.redis.ask(&commands).await?)
    }

    async fn blocks(&self, token: &AccessClaims) -> Result<bool, BlocklistError> {
        let mut commands = pipe();
        let keys = [self.redis.key("revoked:session", token.session), self.redis.key("revoked:user", token.user)];
        commands.cmd("MGET").arg(&keys);
        let ((session, minimum_epoch),): ((Option<Vec<u8>>, Option<i64>),) = self.redis.ask(&commands).await?;
        Ok(session.is_some() || minimum_epoch.is_some_and(|minimum| token.epoch < minimum))
    }
}

impl From<RedisError> for BlocklistError {
    fn from(error: RedisError) -> Self {
        Self::new(error)
    }
}

impl fmt::Debug for RedisBlocklist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisBlocklist")
    }
}
