//! What becomes of a refresh token, whatever the state of its session.

use std::time::Duration;

use proptest::prelude::*;
use usher_domain::{
    Amr, Revocation, RevokeReason, Rotation, RotationPolicy, RotationVerdict, SequentialIds, Session, SessionId,
    Timestamp, UserId,
};

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// What the default settings say.
const POLICY: RotationPolicy =
    RotationPolicy { grace: Duration::from_secs(10), idle_ttl: Duration::from_secs(14 * 24 * 3_600) };

/// That many microseconds after a moment that has microseconds.
fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(1_893_499_200_123_456 + micros)
}

/// A session that was opened at zero, and renewed as often as the generation says.
fn session(generation: u32, rotated_at: i64) -> Session {
    let ids = SequentialIds::default();
    Session {
        id: SessionId::generate(&ids),
        user_id: UserId::generate(&ids),
        generation,
        rotated_at: at(rotated_at),
        created_at: at(0),
        last_used_at: at(rotated_at),
        idle_expires_at: at(14 * DAY),
        expires_at: at(30 * DAY),
        revoked: None,
        ip: Some([192, 0, 2, 7].into()),
        user_agent: Some("a browser".to_owned()),
        amr: vec![Amr::Password],
    }
}

/// Microseconds around zero, most of them where something changes.
fn around() -> impl Strategy<Value = i64> {
    prop_oneof![
        3 => -15 * SECOND..=15 * SECOND,
        3 => prop::sample::select(vec![-HOUR, -2 * SECOND, 0, 10 * SECOND, HOUR])
            .prop_flat_map(|edge| edge - 1..=edge + 1),
        1 => -40 * DAY..=40 * DAY,
    ]
}

fn generation() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 0..5_u32, 1 => any::<u32>(), 1 => Just(u32::MAX)]
}

fn policy() -> impl Strategy<Value = RotationPolicy> {
    let grace = prop_oneof![Just(0), Just(10 * SECOND), 1..60 * SECOND].prop_map(micros);
    let idle_ttl = (0..40 * DAY).prop_map(micros);
    (grace, idle_ttl).prop_map(|(grace, idle_ttl)| RotationPolicy { grace, idle_ttl })
}

fn micros(count: i64) -> Duration {
    Duration::from_micros(count.try_into().unwrap())
}

/// Any session, as it looks at the moment zero.
fn any_session() -> impl Strategy<Value = Session> {
    let revoked = prop_oneof![5 => Just(None), 1 => around().prop_map(Some)];
    (generation(), around(), around(), around(), revoked).prop_map(|(generation, rotated, idle, end, revoked)| {
        Session {
            idle_expires_at: at(idle),
            expires_at: at(end),
            revoked: revoked.map(|moment| Revocation { at: at(moment), reason: RevokeReason::Logout }),
            ..session(generation, rotated)
        }
    })
}

/// Any session that has not ended at the moment zero.
fn live_session() -> impl Strategy<Value = Session> {
    (generation(), around(), 1..=20 * DAY, 1..=20 * DAY).prop_map(|(generation, rotated, idle, end)| Session {
        idle_expires_at: at(idle),
        expires_at: at(end),
        ..session(generation, rotated)
    })
}

proptest! {
    /// Proves: RT-02, RT-08
    #[test]
    fn only_the_current_token_of_a_live_session_rotates(
        session in any_session(), presented in generation(), policy in policy(),
    ) {
        for presented in [presented, session.generation] {
            let is_live = session.revoked.is_none() && at(0) < session.idle_expires_at && at(0) < session.expires_at;
            let rotates = is_live && presented == session.generation && presented < u32::MAX;
            match session.judge_refresh(presented, at(0), policy) {
                RotationVerdict::Rotate(rotation) => {
                    prop_assert!(rotates);
                    let idle_expires_at = session.expires_at.min(at(0) + policy.idle_ttl);
                    prop_assert_eq!(rotation, Rotation { from: presented, at: at(0), idle_expires_at });
                }
                RotationVerdict::Repeat | RotationVerdict::Reused | RotationVerdict::Invalid => prop_assert!(!rotates),
            }
        }
    }

    /// Proves: RT-08
    #[test]
    fn a_rotation_counts_one_on_and_never_passes_the_absolute_end(session in live_session(), policy in policy()) {
        let RotationVerdict::Rotate(rotation) = session.judge_refresh(session.generation, at(0), policy) else {
            prop_assert_eq!(session.generation, u32::MAX);
            return Ok(());
        };
        let rotated = session.clone().rotated(rotation);
        prop_assert!(rotated.idle_expires_at <= rotated.expires_at);
        let moved = Session {
            generation: session.generation + 1,
            rotated_at: at(0),
            last_used_at: at(0),
            idle_expires_at: rotation.idle_expires_at,
            ..session
        };
        prop_assert_eq!(rotated, moved);
    }

    /// Proves: RT-04, RT-06
    #[test]
    fn the_parent_gets_the_same_successor_within_the_grace_and_at_no_other_time(
        session in live_session(), policy in policy(),
    ) {
        prop_assume!(session.generation > 0);
        let since = at(0).as_micros() - session.rotated_at.as_micros();
        let grace = i64::try_from(policy.grace.as_micros()).unwrap();
        let within = grace > 0 && (-2 * SECOND..=grace).contains(&since);
        let expected = if within { RotationVerdict::Repeat } else { RotationVerdict::Reused };
        prop_assert_eq!(session.judge_refresh(session.generation - 1, at(0), policy), expected);
    }

    /// Proves: RT-04
    #[test]
    fn whatever_is_older_than_the_parent_is_reuse(
        session in live_session(), older in any::<prop::sample::Index>(), policy in policy(),
    ) {
        prop_assume!(session.generation > 1);
        let presented = u32::try_from(older.index(session.generation as usize - 1)).unwrap();
        prop_assert_eq!(session.judge_refresh(presented, at(0), policy), RotationVerdict::Reused);
    }

    #[test]
    fn what_was_revoked_has_ended_or_is_of_the_future_is_invalid(
        session in any_session(), presented in generation(), policy in policy(),
    ) {
        let has_ended = session.revoked.is_some() || at(0) >= session.idle_expires_at || at(0) >= session.expires_at;
        let is_invalid = session.judge_refresh(presented, at(0), policy) == RotationVerdict::Invalid;
        let is_used_up = presented == u32::MAX;
        prop_assert_eq!(is_invalid, has_ended || presented > session.generation || is_used_up);
    }

    /// Proves: RT-02, RT-04
    #[test]
    fn a_token_that_was_used_repeats_within_the_grace_and_is_reuse_ever_after(
        generation in 0..5_u32, moments in prop::collection::vec(around(), 1..20),
    ) {
        let session = session(generation, -DAY);
        let RotationVerdict::Rotate(rotation) = session.judge_refresh(generation, at(0), POLICY) else {
            return Err(TestCaseError::fail("the current token rotates"));
        };
        let rotated = session.rotated(rotation);
        for moment in moments.into_iter().filter(|moment| rotated.is_live(at(*moment))) {
            let within = (-2 * SECOND..=10 * SECOND).contains(&moment);
            let expected = if within { RotationVerdict::Repeat } else { RotationVerdict::Reused };
            prop_assert_eq!(rotated.judge_refresh(generation, at(moment), POLICY), expected);
            let is_rotated = matches!(
                rotated.judge_refresh(generation + 1, at(moment), POLICY),
                RotationVerdict::Rotate(next) if next.from == generation + 1
            );
            prop_assert!(is_rotated);
        }
    }

    /// Proves: RT-08
    #[test]
    fn a_session_that_is_renewed_again_and_again_ends_all_the_same(pauses in prop::collection::vec(0..16 * DAY, 1..60)) {
        let mut session = session(0, 0);
        let mut now = 0;
        for (renewed, pause) in (0..).zip(pauses) {
            now += pause;
            match session.judge_refresh(renewed, at(now), POLICY) {
                RotationVerdict::Rotate(rotation) => session = session.rotated(rotation),
                verdict => {
                    prop_assert_eq!(verdict, RotationVerdict::Invalid);
                    prop_assert!(pause >= 14 * DAY || now >= 30 * DAY);
                    return Ok(());
                }
            }
            prop_assert!(pause < 14 * DAY && now < 30 * DAY);
            prop_assert_eq!(session.generation, renewed + 1);
        }
    }
}

/// Proves: RT-04, RT-06
#[test]
fn the_grace_has_these_bounds() {
    let judge = |since: i64, grace: i64| {
        let policy = RotationPolicy { grace: micros(grace), ..POLICY };
        session(7, -since).judge_refresh(6, at(0), policy)
    };
    for (since, verdict) in [
        (-HOUR, RotationVerdict::Reused),
        (-2 * SECOND - 1, RotationVerdict::Reused),
        (-2 * SECOND, RotationVerdict::Repeat),
        (0, RotationVerdict::Repeat),
        (10 * SECOND, RotationVerdict::Repeat),
        (10 * SECOND + 1, RotationVerdict::Reused),
        (HOUR, RotationVerdict::Reused),
    ] {
        assert_eq!(judge(since, 10 * SECOND), verdict, "{since} us after the rotation");
        assert_eq!(judge(since, 0), RotationVerdict::Reused, "{since} us after the rotation, without grace");
    }
}

/// Proves: RT-06
#[test]
fn a_clock_that_was_set_back_revives_no_used_token() {
    let used = session(2, 0);
    for step in [3 * SECOND, HOUR, 40 * DAY] {
        assert_eq!(used.judge_refresh(0, at(-step), POLICY), RotationVerdict::Reused);
        assert_eq!(used.judge_refresh(1, at(-step), POLICY), RotationVerdict::Reused);
    }
}
