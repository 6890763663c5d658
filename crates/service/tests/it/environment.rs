//! The real clock and the real source of ids.

use std::collections::BTreeSet;

use usher_domain::Clock;
use usher_service::{Environment, SystemClock};

#[test]
fn ids_are_uuids_of_version_7_and_never_the_same() {
    let environment = Environment::system();
    let before = environment.clock.now();
    let ids: BTreeSet<_> = (0..1_000).map(|_| environment.ids.next_uuid()).collect();
    assert_eq!(ids.len(), 1_000);
    for id in ids {
        assert_eq!(id.get_version_num(), 7);
        let (seconds, nanos) = id.get_timestamp().unwrap().to_unix();
        let millis = i64::try_from(seconds * 1_000 + u64::from(nanos) / 1_000_000).unwrap();
        assert!((0..60_000).contains(&(millis - before.as_micros() / 1_000)), "{id} is of now");
    }
}

#[test]
fn the_monotonic_clock_goes_forward() {
    let clock = SystemClock::default();
    let looks: Vec<_> = (0..1_000).map(|_| clock.monotonic()).collect();
    assert!(looks.is_sorted());
}
