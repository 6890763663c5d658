//! Refresh tokens as they are made, and when they are good.

use std::time::Duration;

use proptest::prelude::*;
use usher_domain::{Clock, MockClock, PlainToken, Session, Timestamp};
use usher_service::{InvalidToken, RefreshClaims, TokenIssuer};

use crate::issuer::{SESSION, TTL, USER, known};

/// A session whose tokens the known issuer makes.
pub(crate) fn session(clock: &MockClock) -> Session {
    let now = clock.now();
    Session {
        id: SESSION,
        user_id: USER,
        generation: 3,
        rotated_at: now,
        created_at: now,
        last_used_at: now,
        idle_expires_at: now + TTL,
        expires_at: now + TTL * 2,
        revoked: None,
        ip: None,
        user_agent: None,
        amr: Vec::new(),
    }
}

pub(crate) fn verify(issuer: &TokenIssuer, token: &str) -> Result<RefreshClaims, InvalidToken> {
    issuer.verify_refresh_token(&PlainToken::new(token.to_owned()))
}

#[tokio::test]
async fn a_token_says_whose_it_is_and_how_long_it_is_good() {
    let (issuer, clock) = known().await;
    let made = issuer.refresh_token(&session(&clock)).unwrap();
    assert_eq!(made.expires_in, TTL);
    let said = RefreshClaims { user: USER, session: SESSION, generation: 3 };
    assert_eq!(verify(&issuer, made.token.expose()), Ok(said));
}

/// Proves: RT-08
#[tokio::test]
async fn a_token_ends_with_its_session() {
    let (issuer, clock) = known().await;
    let token = issuer.refresh_token(&session(&clock)).unwrap().token;
    clock.advance(TTL - Duration::from_micros(1));
    assert!(verify(&issuer, token.expose()).is_ok());
    clock.advance(Duration::from_micros(1));
    verify(&issuer, token.expose()).unwrap_err();

    clock.set_wall(Timestamp::UNIX_EPOCH);
    assert!(verify(&issuer, token.expose()).is_ok(), "what it was used for is for its session to know");
}

proptest! {
    #[test]
    fn the_same_row_gives_the_same_token_and_another_row_another(
        [one, other] in prop::array::uniform2((0..4_u32, 0..3_u64, 1..3_u64)),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (issuer, clock) = runtime.block_on(known());
        let (another_process, _) = runtime.block_on(known());
        let row = |(generation, rotated, idle): (u32, u64, u64)| {
            let second = Duration::from_secs;
            let session = session(&clock);
            Session {
                generation,
                rotated_at: session.rotated_at + second(rotated),
                idle_expires_at: session.idle_expires_at + second(idle),
                ..session
            }
        };
        let token = |issuer: &TokenIssuer, of| issuer.refresh_token(&row(of)).unwrap().token.expose().to_owned();
        prop_assert_eq!(token(&issuer, one), token(&another_process, one));
        prop_assert_eq!(token(&issuer, one) == token(&issuer, other), one == other);
    }
}
