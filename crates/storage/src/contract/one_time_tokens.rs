//! Cases of [`OneTimeTokenQueries`](crate::OneTimeTokenQueries) and
//! [`OneTimeTokenWrites`](crate::OneTimeTokenWrites).

use std::time::Duration;

use usher_domain::{OneTimeToken, PendingSignUp, Timestamp, TokenHash, TokenKind, TokenPurpose, UserId};

use super::{
    Backend, cases,
    sample::{ROUNDS, Samples, at, commit, inserted, race},
};
use crate::{Constraint, StorageError};

cases!(one_time_tokens, __one_time_tokens_cases, {
    /// A token of every kind comes back as it was, by its hash and by its id.
    pub async fn a_token_of_every_kind_comes_back(backend: Backend) {
        let samples = Samples::default();
        let user = inserted(&backend, samples.user("ada")).await.id;
        let mut added = Vec::new();
        for &kind in TokenKind::ALL {
            let token = added_token(&backend, samples.token(samples.purpose(kind, user))).await;
            assert_eq!(token.purpose.kind(), kind);
            added.push(token);
        }
        let nameless = PendingSignUp {
            username: "Cyd".parse().unwrap(),
            email: "Cyd@example.org".parse().unwrap(),
            full_name: None,
        };
        added.push(added_token(&backend, samples.token(TokenPurpose::SignUp(nameless))).await);
        for token in added {
            assert_eq!(by_hash(&backend, &token).await.as_ref(), Some(&token));
            assert_eq!(backend.one_time_token_by_id(token.id).await.unwrap(), Some(token));
        }
    }

    /// What was never there is not found, and cannot be used.
    pub async fn an_unknown_token_is_not_found(backend: Backend) {
        let samples = Samples::default();
        let user = inserted(&backend, samples.user("ada")).await.id;
        let token = added_token(&backend, samples.reset(user)).await;
        let mut close = token.hash;
        close.0[31] ^= 1;
        let unknown = OneTimeToken { hash: close, ..samples.reset(user) };
        assert_eq!(by_hash(&backend, &unknown).await, None);
        assert_eq!(backend.one_time_token_by_id(unknown.id).await.unwrap(), None);
        assert_eq!(consume(&backend, unknown.hash, at(1)).await, None);
        assert_eq!(by_hash(&backend, &token).await, Some(token));
    }

    /// A token for an account needs one that exists; one to make an account needs none.
    pub async fn a_token_for_nobody_is_refused(backend: Backend) {
        let samples = Samples::default();
        let nobody = samples.user_id();
        for &kind in TokenKind::ALL {
            let token = samples.token(samples.purpose(kind, nobody));
            let added = commit(&backend, async |transaction| transaction.one_time_token_insert(&token).await).await;
            match token.purpose.user() {
                None => added.unwrap(),
                Some(_) => assert!(matches!(added, Err(StorageError::Conflict(Constraint::UserExists))), "{added:?}"),
            }
        }
    }

    /// No two tokens have the same hash.
    pub async fn a_hash_is_unique(backend: Backend) {
        let samples = Samples::default();
        let user = inserted(&backend, samples.user("ada")).await.id;
        let token = added_token(&backend, samples.reset(user)).await;
        let same = OneTimeToken { hash: token.hash, ..samples.reset(user) };
        let refused = commit(&backend, async |transaction| transaction.one_time_token_insert(&same).await).await;
        assert!(matches!(refused, Err(StorageError::Backend(_))), "{refused:?}");
        assert_eq!(by_hash(&backend, &token).await, Some(token));
    }

    /// A token is used once, and with it no other is.
    pub async fn a_token_is_used_once(backend: Backend) {
        let samples = Samples::default();
        let user = inserted(&backend, samples.user("ada")).await.id;
        for &kind in TokenKind::ALL {
            let token = added_token(&backend, samples.token(samples.purpose(kind, user))).await;
            let other = added_token(&backend, samples.token(samples.purpose(kind, user))).await;
            assert_eq!(consume(&backend, token.hash, at(1)).await.as_ref(), Some(&token));
            assert_eq!(consume(&backend, token.hash, at(1)).await, None);
            assert_eq!(by_hash(&backend, &token).await, None);
            assert_eq!(backend.one_time_token_by_id(token.id).await.unwrap(), None);
            assert_eq!(by_hash(&backend, &other).await, Some(other));
        }
    }

    /// A token is good until it expires, and from that very moment on is not. It stays where it is.
    pub async fn an_expired_token_is_not_given(backend: Backend) {
        let samples = Samples::default();
        let user = inserted(&backend, samples.user("ada")).await.id;
        let token = added_token(&backend, OneTimeToken { expires_at: at(9), ..samples.reset(user) }).await;
        for now in [at(9), at(10)] {
            assert_eq!(consume(&backend, token.hash, now).await, None);
            assert_eq!(by_hash(&backend, &token).await.as_ref(), Some(&token));
        }
        assert_eq!(consume(&backend, token.hash, at(9) - Duration::from_micros(1)).await, Some(token));
    }

    /// Of sixteen who use a token at once one gets it.
    ///
    /// Proves: RS-04
    pub async fn of_many_who_use_a_token_one_gets_it(backend: Backend) {
        let samples = Samples::default();
        let user = inserted(&backend, samples.user("ada")).await.id;
        for round in 0..ROUNDS {
            let token = added_token(&backend, samples.reset(user)).await;
            let contenders = (0..16).map(|_| {
                let (backend, hash) = (backend.clone(), token.hash);
                async move || consume(&backend, hash, at(1)).await
            });
            let winners: Vec<_> = race(contenders).await.into_iter().flatten().collect();
            assert_eq!(winners, [token], "round {round}");
        }
    }

    /// What is not committed has not happened: a token is not used, and not added.
    pub async fn a_token_that_was_used_in_vain_is_good(backend: Backend) {
        let samples = Samples::default();
        let user = inserted(&backend, samples.user("ada")).await.id;
        let token = added_token(&backend, samples.reset(user)).await;
        let another = samples.reset(user);
        let transaction = backend.begin().await.unwrap();
        transaction.one_time_token_insert(&another).await.unwrap();
        assert_eq!(transaction.one_time_token_by_hash(&another.hash).await.unwrap().as_ref(), Some(&another));
        let used = transaction.one_time_token_consume(&token.hash, at(1)).await.unwrap();
        assert_eq!(used.as_ref(), Some(&token));
        assert_eq!(transaction.one_time_token_by_id(token.id).await.unwrap(), None, "it sees its own");
        drop(transaction);
        assert_eq!(by_hash(&backend, &another).await, None);
        assert_eq!(consume(&backend, token.hash, at(1)).await, Some(token));
    }

    /// The tokens of an account are void: all, or those of a kind. Nobody else's are.
    pub async fn tokens_are_void_by_kind_or_all(backend: Backend) {
        let samples = Samples::default();
        let ada = inserted(&backend, samples.user("ada")).await.id;
        let bob = inserted(&backend, samples.user("bob")).await.id;
        let sign_up = added_token(&backend, samples.token(samples.purpose(TokenKind::SignUp, ada))).await;
        let reset = added_token(&backend, samples.reset(ada)).await;
        let second = added_token(&backend, samples.reset(ada)).await;
        let invite = added_token(&backend, samples.token(TokenPurpose::Invite { user: ada })).await;
        let his = added_token(&backend, samples.reset(bob)).await;

        void(&backend, ada, Some(TokenKind::ChangeEmail), 0).await;
        assert_eq!(left(&backend, [&reset, &second, &invite]).await, [true; 3]);
        void(&backend, ada, Some(TokenKind::ResetPassword), 0).await;
        assert_eq!(left(&backend, [&reset, &second, &invite]).await, [false, false, true]);
        void(&backend, ada, None, 0).await;
        assert_eq!(left(&backend, [&invite, &his, &sign_up]).await, [false, true, true]);
    }

    /// So many of the latest tokens are kept, of those of one moment the ones with the greater ids; those of
    /// another kind or account do not count.
    pub async fn the_latest_tokens_are_kept(backend: Backend) {
        let samples = Samples::default();
        let ada = inserted(&backend, samples.user("ada")).await.id;
        let bob = inserted(&backend, samples.user("bob")).await.id;
        let made = |user, second| OneTimeToken { created_at: at(second), ..samples.reset(user) };
        let latest = added_token(&backend, made(ada, 9)).await;
        let oldest = added_token(&backend, made(ada, 1)).await;
        let earlier_id = added_token(&backend, made(ada, 5)).await;
        let later_id = added_token(&backend, made(ada, 5)).await;
        let invite = samples.token(TokenPurpose::Invite { user: ada });
        let invite = added_token(&backend, OneTimeToken { created_at: at(20), ..invite }).await;
        let his = added_token(&backend, made(bob, 20)).await;
        let all = [&oldest, &earlier_id, &later_id, &latest, &invite, &his];

        for kept in [usize::MAX, 4] {
            void(&backend, ada, Some(TokenKind::ResetPassword), kept).await;
            assert_eq!(left(&backend, all).await, [true; 6]);
        }
        void(&backend, ada, Some(TokenKind::ResetPassword), 2).await;
        assert_eq!(left(&backend, all).await, [false, false, true, true, true, true]);
        void(&backend, ada, None, 2).await;
        assert_eq!(left(&backend, all).await, [false, false, false, true, true, true]);
        void(&backend, ada, None, 1).await;
        assert_eq!(left(&backend, all).await, [false, false, false, false, true, true]);
    }

    /// Expired tokens are removed so many at a time, those first that expired first; valid ones stay.
    pub async fn expired_tokens_are_removed_by_and_by(backend: Backend) {
        let samples = Samples::default();
        let ada = inserted(&backend, samples.user("ada")).await.id;
        let until = |second| OneTimeToken { expires_at: at(second), ..samples.reset(ada) };
        let last = added_token(&backend, until(9)).await;
        let first = added_token(&backend, until(1)).await;
        let middle = added_token(&backend, until(5)).await;
        let valid = added_token(&backend, until(10)).await;
        let all = [&first, &middle, &last, &valid];
        let remove = async |now: Timestamp, most: u64| {
            commit(&backend, async |transaction| transaction.one_time_token_delete_expired(now, most).await)
                .await
                .unwrap()
        };

        assert_eq!(remove(at(0), 9).await, 0);
        assert_eq!(remove(at(9), 0).await, 0);
        assert_eq!(left(&backend, all).await, [true; 4]);
        assert_eq!(remove(at(9), 2).await, 2);
        assert_eq!(left(&backend, all).await, [false, false, true, true]);
        assert_eq!(remove(at(9), u64::MAX).await, 1);
        assert_eq!(left(&backend, all).await, [false, false, false, true]);
    }

    /// Every token of everybody goes, and the answer counts them.
    pub async fn everybodys_tokens_go(backend: Backend) {
        let samples = Samples::default();
        let ada = inserted(&backend, samples.user("ada")).await.id;
        let bob = inserted(&backend, samples.user("bob")).await.id;
        let sign_up = added_token(&backend, samples.token(samples.purpose(TokenKind::SignUp, ada))).await;
        let hers = added_token(&backend, samples.reset(ada)).await;
        let his = added_token(&backend, OneTimeToken { expires_at: at(0), ..samples.reset(bob) }).await;
        let remove = async || {
            commit(&backend, async |transaction| transaction.one_time_token_delete_everybodys().await).await.unwrap()
        };
        assert_eq!(remove().await, 3);
        assert_eq!(left(&backend, [&sign_up, &hers, &his]).await, [false; 3]);
        assert_eq!(remove().await, 0);
    }
});

async fn added_token(backend: &Backend, token: OneTimeToken) -> OneTimeToken {
    commit(backend, async |transaction| transaction.one_time_token_insert(&token).await).await.unwrap();
    token
}

async fn by_hash(backend: &Backend, token: &OneTimeToken) -> Option<OneTimeToken> {
    backend.one_time_token_by_hash(&token.hash).await.unwrap()
}

async fn consume(backend: &Backend, hash: TokenHash, now: Timestamp) -> Option<OneTimeToken> {
    commit(backend, async |transaction| transaction.one_time_token_consume(&hash, now).await).await.unwrap()
}

async fn void(backend: &Backend, user: UserId, kind: Option<TokenKind>, kept: usize) {
    commit(backend, async |transaction| transaction.one_time_token_void(user, kind, kept).await).await.unwrap();
}

/// Which of the tokens are still there.
async fn left<const N: usize>(backend: &Backend, tokens: [&OneTimeToken; N]) -> [bool; N] {
    let mut left = [false; N];
    for (left, token) in left.iter_mut().zip(tokens) {
        *left = by_hash(backend, token).await.is_some();
    }
    left
}
