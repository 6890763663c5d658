//! The blocklist in memory.

use std::time::Duration;

use usher_domain::{SessionId, Timestamp, TokenId, UserId};
use usher_service::{
    AccessClaims, BlockedTokens, Environment, MemoryBlocklist, TokenBlocklist, blocklist::contract::suite,
};

suite!(memory, async { MemoryBlocklist::new(&Environment::mock().0) });

const WHILE: Duration = Duration::from_secs(60);

fn token(environment: &Environment) -> AccessClaims {
    AccessClaims {
        user: UserId::generate(&*environment.ids),
        session: SessionId::generate(&*environment.ids),
        epoch: 4,
        token: TokenId::generate(&*environment.ids),
        expires_at: Timestamp::UNIX_EPOCH,
    }
}

#[tokio::test]
async fn what_is_listed_is_forgotten_after_the_while() {
    let (environment, clock) = Environment::mock();
    let token = token(&environment);
    for blocked in
        [BlockedTokens::OfSession(token.session), BlockedTokens::OfUser { user: token.user, minimum_epoch: 5 }]
    {
        let blocklist = MemoryBlocklist::new(&environment);
        blocklist.block(&[blocked], WHILE).await.unwrap();
        clock.advance(WHILE - Duration::from_micros(1));
        assert!(blocklist.blocks(&token).await.unwrap(), "{blocked:?}");
        clock.advance(Duration::from_micros(1));
        assert!(!blocklist.blocks(&token).await.unwrap(), "{blocked:?}");
    }
}

#[tokio::test]
async fn a_shorter_while_takes_nothing_from_a_longer_one() {
    let (environment, clock) = Environment::mock();
    let token = token(&environment);
    for blocked in
        [BlockedTokens::OfSession(token.session), BlockedTokens::OfUser { user: token.user, minimum_epoch: 5 }]
    {
        let blocklist = MemoryBlocklist::new(&environment);
        blocklist.block(&[blocked], WHILE).await.unwrap();
        blocklist.block(&[blocked], WHILE / 2).await.unwrap();
        clock.advance(WHILE - Duration::from_micros(1));
        assert!(blocklist.blocks(&token).await.unwrap(), "{blocked:?}");
    }
}
