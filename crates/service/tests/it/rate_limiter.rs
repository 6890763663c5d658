//! The limiter in memory.

use std::{sync::Barrier, thread, time::Duration};

use futures_util::FutureExt;
use usher_service::{
    Decision, Environment, Limit, LimitKey, MemoryRateLimiter, RateLimiter, Try, throttle::contract::suite,
};

suite!(memory, async {
    let (environment, clock) = Environment::mock();
    (MemoryRateLimiter::new(&environment), clock)
});

/// A try takes so little time here that only threads that do nothing else come in each other's way.
///
/// Proves: LG-10
#[test]
fn threads_that_race_for_the_same_keys_do_not_overrun_the_limit() {
    const KEYS: u32 = 20_000;
    let limiter = MemoryRateLimiter::new(&Environment::mock().0);
    let limit = Limit::waits(5, Duration::from_secs(900), Duration::from_secs(1), Duration::from_secs(900));
    let barrier = Barrier::new(4);
    let race = || {
        barrier.wait();
        let tries = (0..KEYS).flat_map(|key| [key, key, key]).map(u128::from);
        let tries = tries.map(|key| Try { key: LimitKey::new("kind", key.to_be_bytes()), limit });
        tries.filter(|one| limiter.reserve(&[*one]).now_or_never() == Some(Decision::Allowed)).count()
    };
    let admitted: usize = thread::scope(|scope| {
        let racers: Vec<_> = (0..4).map(|_| scope.spawn(race)).collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).sum()
    });
    assert_eq!(admitted, 5 * KEYS as usize);
}
