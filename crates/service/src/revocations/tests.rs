//! What can only be seen from inside: that nothing grows without bounds.

use std::{
    future::pending,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::FutureExt;
use usher_domain::{
    Clock, Metadata, Permissions, SequentialIds, Session, SessionId, Timestamp, TokenId, User, UserId, UserInDB,
    UserStatus,
};
use uuid::Uuid;

use super::{
    backlog::{self, Backlog},
    state_cache::{self, SessionState, StateCache},
};
use crate::{AccessClaims, BlockedTokens, BlocklistError, Environment, MemoryBlocklist, TokenBlocklist};

const LIFETIME: Duration = Duration::from_secs(60);

fn word(n: u128) -> Vec<BlockedTokens> {
    vec![BlockedTokens::OfSession(SessionId::from_uuid(Uuid::from_u128(n)))]
}

/// A blocklist that cannot be reached, and while it is asked something else happens.
#[derive(Default)]
struct Away(OnceLock<Arc<Backlog>>);

#[async_trait]
impl TokenBlocklist for Away {
    async fn block(&self, _: &[BlockedTokens], _: Duration) -> Result<(), BlocklistError> {
        if let Some(backlog) = self.0.get() {
            backlog.keep(word(u128::MAX), LIFETIME);
        }
        Err(BlocklistError::new("away"))
    }

    async fn blocks(&self, _: &AccessClaims) -> Result<bool, BlocklistError> {
        Err(BlocklistError::new("away"))
    }
}

#[tokio::test]
async fn what_cannot_be_told_is_bounded_and_the_latest_is_kept() {
    let (environment, _) = Environment::mock();
    let backlog = Arc::new(Backlog::new(&environment));
    for n in 0..backlog::CAPACITY as u128 + 50 {
        backlog.keep(word(n), LIFETIME);
    }
    assert_eq!(backlog.len(), backlog::CAPACITY);
    let away = Away::default();
    assert!(away.0.set(Arc::clone(&backlog)).is_ok());
    for _ in 0..50 {
        assert!(!backlog.tell(&away).await);
        assert_eq!(backlog.len(), backlog::CAPACITY);
    }

    let reached = MemoryBlocklist::new(&environment);
    assert!(backlog.tell(&reached).await);
    let is_told = async |n: u128| {
        let claims = AccessClaims {
            user: UserId::generate(&*environment.ids),
            session: SessionId::from_uuid(Uuid::from_u128(n)),
            epoch: 0,
            token: TokenId::generate(&*environment.ids),
            expires_at: environment.clock.now() + LIFETIME,
        };
        reached.blocks(&claims).await.unwrap()
    };
    assert!(is_told(u128::MAX).await && is_told(backlog::CAPACITY as u128 + 49).await);
    assert!(!is_told(0).await, "the oldest had to go");
}

/// A blocklist that never answers.
struct Stalled;

#[async_trait]
impl TokenBlocklist for Stalled {
    async fn block(&self, _: &[BlockedTokens], _: Duration) -> Result<(), BlocklistError> {
        pending().await
    }

    async fn blocks(&self, _: &AccessClaims) -> Result<bool, BlocklistError> {
        pending().await
    }
}

#[tokio::test]
async fn what_was_being_told_when_the_job_was_broken_off_is_not_forgotten() {
    let (environment, _) = Environment::mock();
    let backlog = Backlog::new(&environment);
    backlog.keep(word(1), LIFETIME);
    assert_eq!(backlog.tell(&Stalled).now_or_never(), None);
    assert_eq!(backlog.len(), 1);
    assert!(backlog.tell(&MemoryBlocklist::new(&environment)).await);
    assert_eq!(backlog.len(), 0);
}

#[test]
fn what_is_remembered_of_sessions_is_bounded() {
    let (environment, clock) = Environment::mock();
    let ids = SequentialIds::default();
    let kept_after = |sessions: usize, ttl: Duration| {
        let states = StateCache::new(ttl, &environment);
        for _ in 0..sessions {
            let state = state(&ids, clock.now());
            states.remember(states.begin_reading(state.user.id), state.into());
        }
        states.len()
    };
    let kept = kept_after(state_cache::CAPACITY * 2, Duration::from_secs(1));
    assert!((1..=state_cache::CAPACITY).contains(&kept), "{kept}");
    assert_eq!(kept_after(10, Duration::ZERO), 0);
}

/// What is known of a session of somebody.
fn state(ids: &SequentialIds, now: Timestamp) -> SessionState {
    let user = User {
        id: UserId::generate(ids),
        username: "bob".parse().unwrap(),
        email: None,
        email_verified_at: None,
        full_name: None,
        external_id: None,
        metadata: Metadata::default(),
        status: UserStatus::Active,
        roles: Vec::new(),
        permissions: Permissions::default(),
        must_change_password: false,
        version: 1,
        last_login_at: None,
        created_at: now,
        updated_at: now,
    };
    let session = Session {
        id: SessionId::generate(ids),
        user_id: user.id,
        generation: 0,
        rotated_at: now,
        created_at: now,
        last_used_at: now,
        idle_expires_at: now + LIFETIME,
        expires_at: now + LIFETIME,
        revoked: None,
        ip: None,
        user_agent: None,
        amr: Vec::new(),
    };
    SessionState::new(&session, UserInDB { user, password_hash: None, token_epoch: 0 })
}
