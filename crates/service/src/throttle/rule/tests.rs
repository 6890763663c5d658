//! The rules against what they are to come to, counted by hand from the list of all tries.

use proptest::{collection::vec, prelude::*, test_runner::TestCaseResult};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// One key, and all that was decided about it.
struct Key {
    limit: Limit,
    known: Option<Tries>,
    admitted: Vec<Duration>,
}

impl Key {
    fn new(limit: Limit) -> Self {
        Self { limit, known: None, admitted: Vec::new() }
    }

    /// How long to wait; nothing, if the try is counted.
    fn tries_at(&mut self, now: Duration) -> Option<Duration> {
        match count(self.known, &self.limit, now) {
            Ok(after) => {
                self.known = Some(after);
                self.admitted.push(now);
                None
            }
            Err(Refused { wait, known }) => {
                self.known = Some(known);
                Some(wait)
            }
        }
    }

    fn is_taken_back(&mut self) {
        self.known = self.known.map(|known| take_back(known, &self.limit));
    }
}

/// What somebody does after another.
#[derive(Debug, Clone, Copy)]
enum Step {
    Pass(Duration),
    SetBack(Duration),
    Try,
    /// As long as he was told to wait last.
    WaitAndTry,
}

fn pauses() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (0..3_000_u64).prop_map(Duration::from_millis),
        (0..200_u64).prop_map(Duration::from_secs),
        Just(Duration::from_micros(1)),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![2 => pauses().prop_map(Step::Pass), 4 => Just(Step::Try), 2 => Just(Step::WaitAndTry)];
    vec(step, 0..80)
}

fn steps_and_a_clock_that_is_set_back() -> impl Strategy<Value = Vec<Step>> {
    let back = (1..4_000_u64).prop_map(Duration::from_secs).prop_map(Step::SetBack);
    let step = prop_oneof![
        2 => pauses().prop_map(Step::Pass),
        4 => Just(Step::Try),
        2 => Just(Step::WaitAndTry),
        1 => back,
    ];
    vec(step, 0..80)
}

fn limits_with_waits() -> impl Strategy<Value = Limit> {
    (1..8_u32, 1..120_u64, 1..5_u64, 1..60_u64).prop_map(|(limit, window, min, longer)| {
        Limit::waits(limit, SECOND * window as u32, SECOND * min as u32, SECOND * (min + longer) as u32)
    })
}

fn steady_limits() -> impl Strategy<Value = Limit> {
    (1..40_u32, 0..40_u32, 1..120_u64)
        .prop_map(|(limit, burst, window)| Limit::steady(limit, burst, SECOND * window as u32))
}

/// Does all of it; `judge` is shown each try, when it was, and what it was told.
fn play(
    limit: Limit,
    steps: &[Step],
    mut judge: impl FnMut(&Key, Duration, Option<Duration>) -> TestCaseResult,
) -> TestCaseResult {
    let (mut key, mut now, mut told) = (Key::new(limit), SECOND * 1_000_000, Duration::ZERO);
    for step in steps {
        match *step {
            Step::Pass(by) => {
                now += by;
                continue;
            }
            Step::SetBack(by) => {
                now -= by;
                continue;
            }
            Step::Try => {}
            Step::WaitAndTry => now += told,
        }
        let wait = key.tries_at(now);
        told = wait.unwrap_or_default();
        judge(&key, now, wait)?;
    }
    Ok(())
}

/// The longest that somebody may be told to wait.
fn longest(limit: &Limit) -> Duration {
    match limit.pace {
        Pace::Steady { .. } => step(limit),
        Pace::Waits { max, .. } => max,
    }
}

/// What the waits come to, told from the list of all tries that were counted alone: those since the last
/// quiet window, and the wait after the last of them.
fn until_by_the_list(limit: &Limit, admitted: &[Duration]) -> Duration {
    let Pace::Waits { min, max } = limit.pace else { unreachable!() };
    let (mut run, mut until) = (0, Duration::ZERO);
    for (index, at) in admitted.iter().enumerate() {
        let was_quiet = index == 0 || *at - until.max(admitted[index - 1]) >= limit.window;
        run = if was_quiet { 1 } else { run + 1 };
        let mut wait = if run < limit.limit { Duration::ZERO } else { min };
        for _ in limit.limit..run {
            wait = max.min(wait * 2);
        }
        until = *at + max.min(wait);
    }
    until
}

proptest! {
    /// Proves: LG-05
    #[test]
    fn waits_are_what_the_list_of_all_tries_says(limit in limits_with_waits(), steps in steps()) {
        play(limit, &steps, |key, now, wait| {
            let before = if wait.is_none() { &key.admitted[..key.admitted.len() - 1] } else { &key.admitted[..] };
            let until = until_by_the_list(&limit, before);
            prop_assert_eq!(wait, (now < until).then(|| until - now));
            Ok(())
        })?;
    }

    /// Those who neither wait nor let a window pass are stopped at the limit.
    #[test]
    fn no_window_has_more_than_the_limit_before_the_first_wait(limit in limits_with_waits(), steps in steps()) {
        let Pace::Waits { min, .. } = limit.pace else { unreachable!() };
        play(limit, &steps, |key, now, _| {
            let pauses = key.admitted.windows(2).rev().map(|pair| pair[1] - pair[0]);
            let run = 1 + pauses.take_while(|pause| *pause < min.min(limit.window)).count();
            prop_assert!(run <= limit.limit as usize, "{} in a row at {:?}", run, now);
            Ok(())
        })?;
    }

    /// Proves: LG-07
    #[test]
    fn a_steady_pace_never_has_more_than_the_burst_and_what_time_allows(limit in steady_limits(), steps in steps()) {
        let Pace::Steady { burst } = limit.pace else { unreachable!() };
        play(limit, &steps, |key, now, _| {
            for (earlier, from) in key.admitted.iter().enumerate() {
                let (tries, elapsed) = (key.admitted.len() - earlier, now - *from);
                let allowed = u128::from(burst.max(1)) + elapsed.as_nanos() / step(&limit).as_nanos();
                prop_assert!(tries as u128 <= allowed, "{} tries within {:?}", tries, elapsed);
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_steady_pace_grants_a_burst_to_whoever_was_quiet(limit in steady_limits(), steps in steps()) {
        let Pace::Steady { burst } = limit.pace else { unreachable!() };
        let (mut key, mut now) = (Key::new(limit), SECOND * 1_000_000);
        play(limit, &steps, |played, at, _| {
            (key.known, now) = (played.known, at);
            Ok(())
        })?;
        now += step(&limit) * burst.max(1);
        for one in 0..burst.max(1) {
            prop_assert_eq!(key.tries_at(now), None, "try {} of {}", one, burst);
        }
        prop_assert_eq!(key.tries_at(now), Some(step(&limit)));
    }

    #[test]
    fn whoever_waits_as_long_as_he_was_told_gets_in_and_not_before(
        limit in prop_oneof![limits_with_waits(), steady_limits()],
        steps in steps(),
    ) {
        play(limit, &steps, |key, now, wait| {
            let Some(wait) = wait else { return Ok(()) };
            let too_early = now + wait - Duration::from_nanos(1);
            prop_assert!(count(key.known, &limit, too_early).is_err());
            prop_assert!(count(key.known, &limit, now + wait).is_ok());
            Ok(())
        })?;
    }

    /// Also with a clock that is set back, and then for no longer than that altogether.
    #[test]
    fn nobody_is_refused_for_longer_than_the_longest_wait(
        limit in prop_oneof![limits_with_waits(), steady_limits()],
        steps in steps_and_a_clock_that_is_set_back(),
    ) {
        play(limit, &steps, |key, now, wait| {
            let Some(wait) = wait else { return Ok(()) };
            prop_assert!(wait <= longest(&limit), "{:?}", wait);
            prop_assert!(count(key.known, &limit, now + wait).is_ok(), "the wait ends");
            Ok(())
        })?;
    }

    /// What was taken back has cost nobody anything.
    #[test]
    fn a_try_that_is_taken_back_refuses_nobody_who_would_not_be_refused_without_it(
        limit in prop_oneof![limits_with_waits(), steady_limits()],
        steps in steps(),
    ) {
        play(limit, &steps, |key, now, wait| {
            if wait.is_none() {
                let mut taken_back = Key { known: key.known, ..Key::new(limit) };
                taken_back.is_taken_back();
                let again = taken_back.tries_at(now);
                let with_it = Key { known: key.known, ..Key::new(limit) }.tries_at(now);
                prop_assert!(again <= with_it, "{:?} instead of {:?}", again, with_it);
                if key.admitted.len() <= limit.limit as usize {
                    prop_assert_eq!(again, None);
                }
            }
            Ok(())
        })?;
    }
}

#[test]
fn a_limit_that_was_told_otherwise_before_begins_anew() {
    let (steady, waits) = (Limit::steady(1, 1, SECOND), Limit::waits(1, SECOND, SECOND, SECOND));
    let now = SECOND * 1_000;
    for (before, after) in [(steady, waits), (waits, steady)] {
        let known = count(None, &before, now).unwrap();
        assert!(count(Some(known), &before, now).is_err());
        assert!(count(Some(known), &after, now).is_ok());
        assert_eq!(take_back(known, &after), known);
    }
}

#[test]
fn a_wait_never_overflows() {
    let limit = Limit::waits(1, SECOND, SECOND, Duration::from_secs(900));
    for count_so_far in [40, u32::MAX] {
        let known = Tries::Waits { count: count_so_far, last: SECOND, until: SECOND };
        let after = count(Some(known), &limit, SECOND).unwrap();
        assert!(matches!(after, Tries::Waits { until, .. } if until == Duration::from_secs(901)), "{after:?}");
    }
}

#[test]
fn what_was_counted_before_a_clock_was_set_back_is_forgotten_as_early_as_ever() {
    let limit = Limit::waits(1, SECOND * 60, SECOND, SECOND * 8);
    let (before, now) = (SECOND * 10_000, SECOND * 5_000);
    let known = count(None, &limit, before).unwrap();
    let Refused { known, .. } = count(Some(known), &limit, now).unwrap_err();
    let later = count(Some(known), &limit, now + SECOND * 68).unwrap();
    assert!(matches!(later, Tries::Waits { count: 1, .. }), "{later:?}");
}
