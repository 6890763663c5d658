//! The suite that every form of [`RateLimiter`](super::RateLimiter) passes.
