//! That it stays small.

use std::time::Duration;

use super::{super::Limit, *};

const LIMIT: Limit = Limit::waits(1, Duration::from_secs(60), Duration::from_secs(60), Duration::from_secs(60));

fn one(number: u128) -> Try {
    Try { key: LimitKey::new("kind", number.to_be_bytes()), limit: LIMIT }
}

fn entries(limiter: &MemoryRateLimiter) -> usize {
    let known = limiter.known();
    known.young.len() + known.old.len()
}

#[tokio::test]
async fn what_is_remembered_is_bounded() {
    let limiter = MemoryRateLimiter::new(&Environment::mock().0);
    let mut most = 0;
    for number in 0..=2 * CAPACITY as u128 {
        limiter.reserve(&[one(number), one(number + (1 << 64))]).await;
        limiter.take_back(&one(number)).await;
        most = most.max(entries(&limiter));
    }
    assert_eq!(most, 2 * CAPACITY);
}

#[tokio::test]
async fn what_is_forgiven_is_not_remembered_at_all() {
    let limiter = MemoryRateLimiter::new(&Environment::mock().0);
    limiter.reserve(&[one(0)]).await;
    for number in 1..=CAPACITY as u128 {
        limiter.reserve(&[one(number)]).await;
    }
    assert!(limiter.known().old.contains_key(&one(0).key));
    limiter.reserve(&[one(0)]).await;
    assert!(limiter.known().young.contains_key(&one(0).key), "who is refused was seen");
    limiter.forgive(&one(0).key).await;
    assert_eq!(limiter.reserve(&[one(0)]).await, Decision::Allowed);
}

/// A key that goes on being tried stays, however many others there are.
#[tokio::test]
async fn a_wait_is_not_forgotten_while_somebody_goes_on_trying() {
    let limiter = MemoryRateLimiter::new(&Environment::mock().0);
    limiter.reserve(&[one(0)]).await;
    for number in 1..=4 * CAPACITY as u128 {
        limiter.reserve(&[one(number)]).await;
        if number.is_multiple_of(CAPACITY as u128 / 2) {
            assert_ne!(limiter.reserve(&[one(0)]).await, Decision::Allowed, "after {number} others");
        }
    }
}
