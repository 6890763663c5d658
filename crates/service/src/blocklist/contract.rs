//! The suite that every form of [`TokenBlocklist`] passes, also one of your own.
//!
//! [`suite!`] stamps every case as a test of its own:
//!
//! ```
//! mod tests {
//!     use usher_service::{Environment, MemoryBlocklist};
//!
//!     usher_service::blocklist::contract::suite!(memory, async { MemoryBlocklist::new(&Environment::mock().0) });
//! }
//! ```
//!
//! The second argument is evaluated for each test and yields an empty list. See [`Fixture`] for what else
//! it can be. That entries are forgotten in time is not among the cases: how time passes is up to the
//! form.

#![expect(clippy::unwrap_used, reason = "tests, although they are no test build")]

use std::{any::Any, future::Future, sync::Arc, time::Duration};

use tokio::{runtime, task::JoinSet};
use usher_domain::{SessionId, Timestamp, TokenId, UserId};
use uuid::Uuid;

use super::{BlockedTokens, TokenBlocklist};
use crate::AccessClaims;

#[doc(inline)]
pub use crate::__blocklist_suite as suite;

/// The form that a case is about.
pub type Blocklist = Arc<dyn TokenBlocklist>;

/// An empty list, and what must live as long as it does.
///
/// Made from a list, from a pair of a list and its guard (such as what cleans up after the test), or
/// from an `Option` of such a pair, where `None` says that there is nothing to test against on this
/// machine: whoever says so also prints it.
pub struct Fixture(Option<(Blocklist, Box<dyn Any>)>);

impl<B: TokenBlocklist> From<B> for Fixture {
    fn from(blocklist: B) -> Self {
        (blocklist, ()).into()
    }
}

impl<B: TokenBlocklist, G: 'static> From<(B, G)> for Fixture {
    fn from((blocklist, guard): (B, G)) -> Self {
        Self(Some((Arc::new(blocklist), Box::new(guard))))
    }
}

impl<B: TokenBlocklist, G: 'static> From<Option<(B, G)>> for Fixture {
    fn from(pair: Option<(B, G)>) -> Self {
        pair.map_or(Self(None), Self::from)
    }
}

/// Runs a case on a list, on a runtime of several threads: cases that race must really do so.
///
/// # Panics
/// If the case fails.
pub fn run<C: Future<Output = ()>>(fixture: impl Future<Output = Fixture>, case: impl FnOnce(Blocklist) -> C) {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        if let Fixture(Some((blocklist, _guard))) = fixture.await {
            case(blocklist).await;
        }
    });
}

/// Stamps the whole suite for one form, in a module of the given name.
#[doc(hidden)]
#[macro_export]
macro_rules! __blocklist_suite {
    ($name:ident, $fresh:expr) => {
        async fn $name() -> $crate::blocklist::contract::Fixture {
            ::std::convert::Into::into($fresh.await)
        }

        mod $name {
            use super::$name as fresh;

            $crate::__blocklist_cases!();
        }
    };
}

/// Defines the cases, and the macro that [`suite!`] stamps them with: each name is written once.
macro_rules! cases {
    ($($(#[$doc:meta])+ pub async fn $case:ident($blocklist:ident: Blocklist) $body:block)+) => {
        $($(#[$doc])+ pub async fn $case($blocklist: Blocklist) $body)+

        #[doc(hidden)]
        #[macro_export]
        macro_rules! __blocklist_cases {
            () => {
                $(
                    #[test]
                    fn $case() {
                        $crate::blocklist::contract::run(fresh(), $crate::blocklist::contract::$case);
                    }
                )+
            };
        }
    };
}

/// No entry is forgotten while a test runs.
const LONG: Duration = Duration::from_secs(15 * 60);

/// How many race.
const RACERS: i64 = 32;

cases! {
    /// Whoever is on no list is let through.
    pub async fn an_empty_list_blocks_nothing(blocklist: Blocklist) {
        assert!(!blocks(&blocklist, token(1, 2, 0)).await);
        blocklist.block(&[], LONG).await.unwrap();
        assert!(!blocks(&blocklist, token(1, 2, 0)).await);
    }

    /// All tokens of a blocked session are blocked, whatever their epoch; those of the user's other
    /// sessions are not.
    pub async fn a_blocked_session_blocks_its_tokens_and_no_others(blocklist: Blocklist) {
        blocklist.block(&[session(2)], LONG).await.unwrap();
        assert!(blocks(&blocklist, token(1, 2, 0)).await);
        assert!(blocks(&blocklist, token(1, 2, 99)).await);
        assert!(!blocks(&blocklist, token(1, 3, 0)).await);
    }

    /// The tokens of a user are blocked in all sessions, up to the minimum epoch and not with it.
    pub async fn a_minimum_epoch_blocks_what_is_below_it(blocklist: Blocklist) {
        blocklist.block(&[user(1, 5)], LONG).await.unwrap();
        assert!(blocks(&blocklist, token(1, 2, 4)).await);
        assert!(blocks(&blocklist, token(1, 3, 0)).await);
        assert!(!blocks(&blocklist, token(1, 2, 5)).await);
        assert!(!blocks(&blocklist, token(1, 2, 6)).await);
        assert!(!blocks(&blocklist, token(4, 2, 0)).await);
    }

    /// Epochs are numbers: ten is more than nine.
    pub async fn epochs_are_compared_as_numbers(blocklist: Blocklist) {
        blocklist.block(&[user(1, 9)], LONG).await.unwrap();
        blocklist.block(&[user(1, 10)], LONG).await.unwrap();
        assert!(blocks(&blocklist, token(1, 2, 9)).await);
        blocklist.block(&[user(1, 9)], LONG).await.unwrap();
        assert!(blocks(&blocklist, token(1, 2, 9)).await);
        assert!(!blocks(&blocklist, token(1, 2, 100)).await);
    }

    /// Of two minimum epochs the greater one counts, in whatever order they come.
    pub async fn a_smaller_minimum_epoch_changes_nothing(blocklist: Blocklist) {
        blocklist.block(&[user(1, 5)], LONG).await.unwrap();
        blocklist.block(&[user(1, 3)], LONG * 2).await.unwrap();
        assert!(blocks(&blocklist, token(1, 2, 4)).await);
        blocklist.block(&[user(1, 7), user(1, 6)], LONG).await.unwrap();
        assert!(blocks(&blocklist, token(1, 2, 6)).await);
        assert!(!blocks(&blocklist, token(1, 2, 7)).await);
    }

    /// A list is told as a whole.
    pub async fn many_are_blocked_at_once(blocklist: Blocklist) {
        let sessions: Vec<_> = (1_000..3_000).map(session).collect();
        let users = (3_000..3_100).map(|id| user(id, 1));
        let all: Vec<_> = sessions.into_iter().chain(users).collect();
        blocklist.block(&all, LONG).await.unwrap();
        for id in [1_000, 1_499, 1_500, 2_000, 2_999] {
            assert!(blocks(&blocklist, token(1, id, 0)).await, "session {id}");
        }
        assert!(blocks(&blocklist, token(3_099, 1, 0)).await);
        assert!(!blocks(&blocklist, token(3_100, 3_000, 0)).await);
    }

    /// Repeating is safe.
    pub async fn repeating_changes_nothing(blocklist: Blocklist) {
        for _ in 0..3 {
            blocklist.block(&[session(2), user(4, 5), session(2), user(4, 5)], LONG).await.unwrap();
            assert!(blocks(&blocklist, token(1, 2, 0)).await);
            assert!(blocks(&blocklist, token(4, 3, 4)).await);
            assert!(!blocks(&blocklist, token(4, 3, 5)).await);
        }
    }

    /// No while at all is none, and weakens nothing.
    pub async fn a_while_of_zero_lists_nothing(blocklist: Blocklist) {
        blocklist.block(&[session(2), user(1, 5)], Duration::ZERO).await.unwrap();
        assert!(!blocks(&blocklist, token(1, 2, 0)).await);
        blocklist.block(&[session(2), user(4, 5)], LONG).await.unwrap();
        blocklist.block(&[session(2), user(4, 5)], Duration::ZERO).await.unwrap();
        assert!(blocks(&blocklist, token(1, 2, 0)).await);
        assert!(blocks(&blocklist, token(4, 3, 4)).await);
    }

    /// A session and a user with the same UUID have nothing to do with each other.
    pub async fn sessions_and_users_are_told_apart(blocklist: Blocklist) {
        blocklist.block(&[session(1)], LONG).await.unwrap();
        assert!(!blocks(&blocklist, token(1, 2, 0)).await);
        blocklist.block(&[user(3, 5)], LONG).await.unwrap();
        assert!(!blocks(&blocklist, token(4, 3, 0)).await);
    }

    /// Of many that tell of one user at the same time none takes back what another has said.
    pub async fn the_greatest_of_racing_epochs_wins(blocklist: Blocklist) {
        let mut racers = JoinSet::new();
        for epoch in 1..=RACERS {
            let blocklist = Arc::clone(&blocklist);
            racers.spawn(async move { blocklist.block(&[user(1, epoch)], LONG).await.unwrap() });
        }
        racers.join_all().await;
        assert!(blocks(&blocklist, token(1, 2, RACERS - 1)).await);
        assert!(!blocks(&blocklist, token(1, 2, RACERS)).await);
    }
}

async fn blocks(blocklist: &Blocklist, token: AccessClaims) -> bool {
    blocklist.blocks(&token).await.unwrap()
}

fn session(id: u128) -> BlockedTokens {
    BlockedTokens::OfSession(SessionId::from_uuid(Uuid::from_u128(id)))
}

fn user(id: u128, minimum_epoch: i64) -> BlockedTokens {
    BlockedTokens::OfUser { user: UserId::from_uuid(Uuid::from_u128(id)), minimum_epoch }
}

fn token(user: u128, session: u128, epoch: i64) -> AccessClaims {
    AccessClaims {
        user: UserId::from_uuid(Uuid::from_u128(user)),
        session: SessionId::from_uuid(Uuid::from_u128(session)),
        epoch,
        token: TokenId::from_uuid(Uuid::nil()),
        expires_at: Timestamp::UNIX_EPOCH,
    }
}
