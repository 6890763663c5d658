//! Word of revoked tokens for other services, where it cannot always be left.

use std::{
    mem,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use usher_domain::{Actor, UserId};
use usher_service::{
    AccessClaims, BlockedTokens, BlocklistError, RevocationSettings, Revocations, SessionsManager, TokenBlocklist,
};

use crate::fixture::Fixture;

/// As long as an access token is good, and the clocks of two nodes may be apart.
const LIFETIME: Duration = Duration::from_secs(15 * 60 + 5);

/// A blocklist that can be told something so many times, and then no more.
struct Faltering {
    strength: AtomicUsize,
    told: Mutex<Vec<(Vec<BlockedTokens>, Duration)>>,
}

impl Faltering {
    fn take(&self) -> Vec<(Vec<BlockedTokens>, Duration)> {
        mem::take(&mut *self.told.lock().unwrap())
    }

    fn restore(&self, strength: usize) {
        self.strength.store(strength, Ordering::SeqCst);
    }
}

#[async_trait]
impl TokenBlocklist for Faltering {
    async fn block(&self, tokens: &[BlockedTokens], lifetime: Duration) -> Result<(), BlocklistError> {
        let strength = self.strength.load(Ordering::SeqCst);
        self.strength.store(strength.saturating_sub(1), Ordering::SeqCst);
        if strength == 0 {
            return Err(BlocklistError::new("as the test wants it"));
        }
        self.told.lock().unwrap().push((tokens.to_vec(), lifetime));
        Ok(())
    }

    async fn blocks(&self, _: &AccessClaims) -> Result<bool, BlocklistError> {
        panic!("usher itself does not ask")
    }
}

/// A process whose blocklist cannot be reached at first.
struct Cut {
    fixture: Fixture,
    blocklist: Arc<Faltering>,
    revocations: Revocations,
    sessions: SessionsManager,
    users: Vec<UserId>,
}

impl Cut {
    /// With so many users, each of whom is signed in.
    async fn with_users(count: usize) -> Self {
        let fixture = Fixture::new().await;
        let mut users = Vec::new();
        for n in 0..count {
            let name = format!("user{n}");
            users.push(fixture.user(&name).await.id);
            fixture.login(&name).await;
        }
        let blocklist = Arc::new(Faltering { strength: AtomicUsize::new(0), told: Mutex::default() });
        let settings = RevocationSettings::default();
        let revocations = Revocations::new(blocklist.clone(), settings, &fixture.environment);
        let sessions = SessionsManager::new(fixture.backend.clone(), revocations.clone(), fixture.environment.clone());
        Self { fixture, blocklist, revocations, sessions, users }
    }

    async fn end_all(&self) {
        for &user in &self.users {
            self.sessions.end_all(&Actor::system(), user).await.unwrap();
        }
    }

    fn word_of(&self, user: usize) -> Vec<BlockedTokens> {
        vec![BlockedTokens::OfUser { user: self.users[user], minimum_epoch: 1 }]
    }
}

#[tokio::test]
async fn others_are_told_later_where_they_cannot_be_told_at_once() {
    let cut = Cut::with_users(2).await;
    cut.end_all().await;
    for &user in &cut.users {
        let left = cut.sessions.list(&Actor::system(), user).await.unwrap();
        assert!(left.is_empty(), "nothing depends on others being told");
    }
    assert!(!cut.revocations.catch_up().await);
    assert!(cut.blocklist.take().is_empty());

    cut.fixture.clock.advance(Duration::from_secs(60));
    cut.blocklist.restore(usize::MAX);
    assert!(cut.revocations.catch_up().await);
    let left = LIFETIME - Duration::from_secs(60);
    assert_eq!(
        cut.blocklist.take(),
        [(cut.word_of(0), left), (cut.word_of(1), left)],
        "for as long as it still matters"
    );
    assert!(cut.revocations.catch_up().await);
    assert!(cut.blocklist.take().is_empty(), "once");
}

#[tokio::test]
async fn what_could_be_told_is_not_told_again() {
    let cut = Cut::with_users(3).await;
    cut.end_all().await;
    cut.blocklist.restore(1);
    assert!(!cut.revocations.catch_up().await);
    assert_eq!(cut.blocklist.take(), [(cut.word_of(0), LIFETIME)]);
    cut.blocklist.restore(usize::MAX);
    assert!(cut.revocations.catch_up().await);
    assert_eq!(cut.blocklist.take(), [(cut.word_of(1), LIFETIME), (cut.word_of(2), LIFETIME)]);
}

#[tokio::test]
async fn of_tokens_that_are_over_nobody_is_told() {
    let cut = Cut::with_users(2).await;
    cut.sessions.end_all(&Actor::system(), cut.users[0]).await.unwrap();
    cut.fixture.clock.advance(Duration::from_secs(1));
    cut.sessions.end_all(&Actor::system(), cut.users[1]).await.unwrap();
    cut.fixture.clock.advance(LIFETIME - Duration::from_secs(1));
    cut.blocklist.restore(usize::MAX);
    assert!(cut.revocations.catch_up().await);
    assert_eq!(cut.blocklist.take(), [(cut.word_of(1), Duration::from_secs(1))]);
}

#[tokio::test]
async fn what_can_be_told_is_told_at_once_and_for_the_life_of_a_token() {
    let cut = Cut::with_users(2).await;
    cut.blocklist.restore(usize::MAX);
    cut.end_all().await;
    assert_eq!(cut.blocklist.take(), [(cut.word_of(0), LIFETIME), (cut.word_of(1), LIFETIME)]);
    assert!(cut.revocations.catch_up().await);
    assert!(cut.blocklist.take().is_empty());
}
