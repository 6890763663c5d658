use std::{sync::Arc, time::Duration};

use usher_adapters::{Redis, RedisBlocklist, RedisRateLimiter, RedisSettings};
use usher_domain::{MockClock, SessionId, Timestamp, TokenId, UserId};
use usher_service::{AccessClaims, BlockedTokens, Environment};

/// Longer than anything takes here.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A list in a Redis, on a clock that stands still.
pub(crate) fn blocklist(settings: RedisSettings) -> (RedisBlocklist, Arc<MockClock>) {
    let (environment, clock) = Environment::mock();
    (RedisBlocklist::new(Redis::open(settings, &environment).unwrap(), &environment), clock)
}

/// A token of a user and a session that nobody else has.
pub(crate) fn token() -> AccessClaims {
    let ids = Environment::system().ids;
    AccessClaims {
        user: UserId::generate(&*ids),
        session: SessionId::generate(&*ids),
        epoch: 4,
        token: TokenId::generate(&*ids),
        expires_at: Timestamp::UNIX_EPOCH,
    }
}

pub(crate) fn session_of(token: &AccessClaims) -> BlockedTokens {
    BlockedTokens::OfSession(token.session)
}

pub(crate) fn user_of(token: &AccessClaims) -> BlockedTokens {
    BlockedTokens::OfUser { user: token.user, minimum_epoch: token.epoch + 1 }
}

/// A limiter in a Redis, on a clock that stands still.
pub(crate) fn limiter(settings: RedisSettings) -> (RedisRateLimiter, Arc<MockClock>) {
    let (environment, clock) = Environment::mock();
    (RedisRateLimiter::new(Redis::open(settings, &environment).unwrap(), &environment), clock)
}
