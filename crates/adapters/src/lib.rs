#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

#[cfg(feature = "contract")]
pub mod contract;
#[cfg(feature = "mail")]
mod mail;
#[cfg(feature = "redis")]
mod redis;

#[cfg(feature = "mail")]
pub use self::mail::{FileMailer, InvalidMailFrom, InvalidSmtpSettings, MailFrom, SmtpLogin, SmtpMailer, SmtpSettings};
#[cfg(feature = "redis")]
pub use self::redis::{InvalidRedisUrl, Redis, RedisBlocklist, RedisRateLimiter, RedisSettings};
