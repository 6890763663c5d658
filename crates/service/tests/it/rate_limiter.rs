//! The limiter in memory.

use usher_service::{Environment, MemoryRateLimiter, throttle::contract::suite};

suite!(memory, async {
    let (environment, clock) = Environment::mock();
    (MemoryRateLimiter::new(&environment), clock)
});
