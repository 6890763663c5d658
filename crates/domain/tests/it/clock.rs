use std::time::Duration;

use proptest::prelude::*;
use usher_domain::{Clock, MockClock, Timestamp};

#[test]
fn a_moment_is_written_with_six_digits_and_z() {
    let moment: Timestamp = "2030-01-01T13:00:00.5+01:00".parse().unwrap();
    assert_eq!(moment.to_string(), "2030-01-01T12:00:00.500000Z");
    assert_eq!(moment.as_secs(), 1_893_499_200);
}

#[test]
fn the_mock_clock_moves_only_when_told_and_its_monotonic_side_never_back() {
    let clock = MockClock::default();
    let start = clock.now();
    clock.advance(Duration::from_secs(5));
    clock.set_wall(start);
    assert_eq!(clock.now(), start);
    assert_eq!(clock.monotonic(), Duration::from_secs(5));
}

proptest! {
    #[test]
    fn microseconds_survive_writing_and_reading(micros in -62_000_000_000_000_000_i64..253_000_000_000_000_000) {
        let moment = Timestamp::from_micros(micros);
        prop_assert_eq!(moment.as_micros(), micros);
        prop_assert_eq!(moment.to_string().parse::<Timestamp>().unwrap(), moment);
    }

    #[test]
    fn no_sum_of_moments_overflows(micros in any::<i64>(), secs in any::<u64>()) {
        let _ = Timestamp::from_micros(micros) + Duration::from_secs(secs);
        let _ = Timestamp::from_micros(micros) - Duration::from_secs(secs);
    }
}
