#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

#[cfg(feature = "contract")]
pub mod contract;
#[cfg(feature = "redis")]
mod redis;

#[cfg(feature = "redis")]
pub use self::redis::{InvalidRedisUrl, Redis, RedisBlocklist, RedisRateLimiter, RedisSettings};
