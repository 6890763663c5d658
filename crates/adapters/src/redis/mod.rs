//! One Redis for all ports on it: it may be away, and then costs nobody any time.

mod blocklist;
mod breaker;
mod connection;
mod error;
mod rate_limiter;
mod settings;

use std::{
    fmt::{self, Display},
    sync::Arc,
    time::Duration,
};

use redis::{FromRedisValue, Pipeline};
use tokio::time::timeout;
use usher_service::Environment;

pub use self::{
    blocklist::RedisBlocklist,
    rate_limiter::RedisRateLimiter,
    settings::{InvalidRedisUrl, RedisSettings},
};
use self::{breaker::Breaker, connection::Connection, error::RedisError};

/// A Redis that may be away. All ports of a process share one connection to it, and what one of them
/// finds out about it holds for all. Cloned, it is the same.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    connection: Connection,
    breaker: Breaker,
    timeout: Duration,
    key_prefix: String,
}

impl Redis {
    /// Nothing is sent yet: a connection is made when there is something to say, and made anew when it
    /// was lost.
    ///
    /// # Errors
    /// [`InvalidRedisUrl`].
    pub fn open(settings: RedisSettings, environment: &Environment) -> Result<Self, InvalidRedisUrl> {
        Ok(Self(Arc::new(Inner {
            connection: Connection::new(settings.client()?),
            breaker: Breaker::new(environment),
            timeout: settings.timeout,
            key_prefix: settings.key_prefix,
        })))
    }

    /// `<prefix><kind>:<id>`
    fn key(&self, kind: &str, id: impl Display) -> String {
        format!("{}{kind}:{id}", self.0.key_prefix)
    }

    /// Sends commands in one round trip and answers what each of them does. It takes no longer than the
    /// timeout, connecting included, and no time at all shortly after it failed. Where the connection is
    /// lost under way, they may be done twice.
    async fn ask<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, RedisError> {
        let Inner { connection, breaker, timeout: limit, .. } = &*self.0;
        let pass = breaker.enter().ok_or(RedisError::LeftAlone)?;
        match timeout(*limit, connection.send(commands)).await.unwrap_or(Err(RedisError::TimedOut(*limit))) {
            Ok(answer) => {
                pass.succeeded();
                Ok(T::from_redis_value(answer)?)
            }
            Err(error) => {
                connection.drop_current();
                pass.failed(&error);
                Err(error)
            }
        }
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redis")
    }
}
