//! Cases of [`SessionQueries`](crate::SessionQueries) and [`SessionWrites`](crate::SessionWrites).

use std::time::Duration;

use usher_domain::{
    NewUser, Revocation, RevokeReason, RoleName, Rotation, Session, SessionId, Timestamp, UserChanges, UserStatus,
};

use super::{
    Backend, cases,
    sample::{ROUNDS, Samples, at, commit, inserted, race, stored},
};
use crate::{Constraint, StorageError};

cases!(sessions, __sessions_cases, {
    /// Every field of a session comes back as it was, and its owner with it.
    pub async fn a_full_session_comes_back_with_its_owner(backend: Backend) {
        let samples = Samples::default();
        let owner = inserted(&backend, samples.full_user()).await;
        let other = inserted(&backend, samples.user("bob")).await;
        let session = opened(&backend, samples.full_session(owner.id)).await;
        opened(&backend, samples.session(other.id)).await;
        let found = backend.session_with_user(session.id).await.unwrap();
        assert_eq!(found, Some((session, stored(&backend, owner.id).await)));
        assert_eq!(backend.session_with_user(samples.session_id()).await.unwrap(), None);
    }

    /// What can be left out stays out, also of an owner without roles.
    pub async fn a_bare_session_comes_back_with_its_owner(backend: Backend) {
        let samples = Samples::default();
        let owner = inserted(&backend, NewUser { roles: Vec::new(), ..samples.user("ada") }).await;
        let session = opened(&backend, samples.session(owner.id)).await;
        let found = backend.session_with_user(session.id).await.unwrap();
        assert_eq!(found, Some((session, stored(&backend, owner.id).await)));
    }

    /// What the owner is now comes with the session: roles, status, epoch.
    pub async fn a_session_shows_its_owner_as_he_is_now(backend: Backend) {
        let samples = Samples::default();
        let owner = inserted(&backend, samples.user("ada")).await;
        let session = opened(&backend, samples.session(owner.id)).await;
        let deleted = UserStatus::Deleted { since: at(9), deactivated_since: None };
        commit(&backend, async |transaction| {
            transaction.user_set_roles(owner.id, &[RoleName::ADMIN], at(8)).await?;
            let changes = UserChanges { status: Some(deleted), ..UserChanges::default() };
            transaction.user_update(owner.id, None, &changes, at(9)).await
        })
        .await
        .unwrap();
        let (_, user) = backend.session_with_user(session.id).await.unwrap().unwrap();
        assert!(user.user.is_admin());
        assert_eq!((user.user.status, user.token_epoch), (deleted, 1));
    }

    /// A session needs an owner who exists.
    pub async fn a_session_of_nobody_is_refused(backend: Backend) {
        let samples = Samples::default();
        let session = samples.session(samples.user_id());
        let refused = commit(&backend, async |transaction| transaction.session_insert(&session).await).await;
        assert!(matches!(refused, Err(StorageError::Conflict(Constraint::UserExists))), "{refused:?}");
    }

    /// The addresses of an owner's sessions are told once each, also those of sessions that have ended, but
    /// not older ones than were asked for.
    pub async fn addresses_are_those_of_all_sessions_since_then(backend: Backend) {
        let samples = Samples::default();
        let owner = inserted(&backend, samples.user("ada")).await;
        let other = inserted(&backend, samples.user("bob")).await;
        let from = |user, second, ip: &str| Session {
            created_at: at(second),
            ip: Some(ip.parse().unwrap()),
            ..samples.session(user)
        };
        opened(&backend, from(owner.id, 1, "192.0.2.1")).await;
        opened(&backend, from(owner.id, 2, "192.0.2.2")).await;
        opened(&backend, from(owner.id, 3, "192.0.2.2")).await;
        let revoked = Some(Revocation { at: at(5), reason: RevokeReason::Logout });
        opened(&backend, Session { revoked, ..from(owner.id, 4, "2001:db8::4") }).await;
        opened(&backend, Session { created_at: at(4), ..samples.session(owner.id) }).await;
        opened(&backend, from(other.id, 4, "192.0.2.9")).await;
        let since = async |second| {
            let found = backend.session_addresses(owner.id, at(second)).await.unwrap();
            found.into_iter().map(|ip| ip.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(since(0).await, ["192.0.2.1", "192.0.2.2", "2001:db8::4"]);
        assert_eq!(since(2).await, ["192.0.2.2", "2001:db8::4"]);
        assert_eq!(since(5).await, [""; 0]);
        assert!(backend.session_addresses(samples.user_id(), at(0)).await.unwrap().is_empty());
    }

    /// An owner's sessions are listed by last use, without those that were revoked.
    pub async fn sessions_are_listed_by_last_use(backend: Backend) {
        let samples = Samples::default();
        let owner = inserted(&backend, samples.user("ada")).await;
        let other = inserted(&backend, samples.user("bob")).await;
        let used = |seconds| Session { last_used_at: at(seconds), ..samples.session(owner.id) };
        let first = opened(&backend, used(5)).await;
        let last = opened(&backend, used(7)).await;
        let middle = opened(&backend, used(6)).await;
        let expired = opened(&backend, Session { idle_expires_at: at(0), expires_at: at(0), ..used(1) }).await;
        opened(&backend, samples.full_session(owner.id)).await;
        opened(&backend, samples.session(other.id)).await;
        assert_eq!(backend.session_by_user(owner.id).await.unwrap(), [last, middle, first, expired]);
        assert_eq!(backend.session_by_user(samples.user_id()).await.unwrap(), []);
    }

    /// A session is ended once, and stays ended as it was.
    pub async fn a_session_is_ended_once(backend: Backend) {
        let samples = Samples::default();
        let owner = inserted(&backend, samples.user("ada")).await;
        let session = opened(&backend, samples.session(owner.id)).await;
        let other = opened(&backend, samples.session(owner.id)).await;
        let revoke = async |id: SessionId, revocation: Revocation| {
            commit(&backend, async |transaction| transaction.session_revoke(id, revocation).await).await.unwrap()
        };
        let first = Revocation { at: at(5), reason: RevokeReason::Logout };
        assert!(revoke(session.id, first).await);
        assert!(!revoke(session.id, Revocation { at: at(6), reason: RevokeReason::EndedByAdmin }).await);
        assert!(!revoke(samples.session_id(), first).await);
        assert_eq!(stored_session(&backend, session.id).await, Session { revoked: Some(first), ..session });
        assert_eq!(stored_session(&backend, other.id).await, other);
    }

    /// Of several who end a session at once one does it, and his reason is kept.
    pub async fn one_revocation_wins(backend: Backend) {
        let samples = Samples::default();
        let owner = inserted(&backend, samples.user("ada")).await;
        for _ in 0..ROUNDS {
            let session = opened(&backend, samples.session(owner.id)).await;
            let contenders = RevokeReason::ALL.iter().map(|&reason| {
                let (backend, id, revocation) = (backend.clone(), session.id, Revocation { at: at(5), reason });
                async move || {
                    let end = commit(&backend, async |transaction| transaction.session_revoke(id, revocation).await);
                    end.await.unwrap().then_some(revocation)
                }
            });
            let winners: Vec<_> = race(contenders).await.into_iter().flatten().collect();
            assert_eq!(winners.len(), 1);
            assert_eq!(stored_session(&backend, session.id).await.revoked.as_ref(), winners.first());
        }
    }

    /// All sessions of one owner end but the excepted one, and the answer names those that ended now.
    pub async fn all_sessions_end_but_the_excepted_one(backend: Backend) {
        let samples = Samples::default();
        let owner = inserted(&backend, samples.user("ada")).await;
        let other = inserted(&backend, samples.user("bob")).await;
        let kept = opened(&backend, samples.session(owner.id)).await;
        let ended = [
            opened(&backend, samples.session(owner.id)).await.id,
            opened(&backend, samples.session(owner.id)).await.id,
        ];
        let before = opened(&backend, samples.full_session(owner.id)).await;
        let foreign = opened(&backend, samples.session(other.id)).await;
        let revocation = Revocation { at: at(5), reason: RevokeReason::PasswordChanged };
        let revoke_all = async |except: Option<SessionId>| {
            let mut ended = commit(&backend, async |transaction| {
                transaction.session_revoke_all(owner.id, except, revocation).await
            })
            .await
            .unwrap();
            ended.sort();
            ended
        };

        assert_eq!(revoke_all(Some(kept.id)).await, ended);
        for id in ended {
            assert_eq!(stored_session(&backend, id).await.revoked, Some(revocation));
        }
        assert_eq!(stored_session(&backend, before.id).await, before);
        assert_eq!(stored_session(&backend, foreign.id).await, foreign);
        assert_eq!(stored_session(&backend, kept.id).await, kept);
        assert_eq!(revoke_all(None).await, [kept.id]);
        assert_eq!(revoke_all(None).await, []);
    }

    /// Every session of everybody ends, and the answer counts those that ended now.
    pub async fn everybodys_sessions_end(backend: Backend) {
        let samples = Samples::default();
        let mut sessions = Vec::new();
        for name in ["ada", "bob"] {
            let owner = inserted(&backend, samples.user(name)).await;
            sessions.push(opened(&backend, samples.session(owner.id)).await);
            sessions.push(opened(&backend, Session { expires_at: at(0), ..samples.session(owner.id) }).await);
        }
        let before = opened(&backend, samples.full_session(sessions[0].user_id)).await;
        let revocation = Revocation { at: at(5), reason: RevokeReason::MasterKeyChanged };
        let end = async || {
            commit(&backend, async |transaction| transaction.session_revoke_everybodys(revocation).await).await.unwrap()
        };
        assert_eq!(end().await, 4);
        for session in sessions {
            let ended = Session { revoked: Some(revocation), ..session };
            assert_eq!(stored_session(&backend, ended.id).await, ended);
        }
        assert_eq!(stored_session(&backend, before.id).await, before);
        assert_eq!(end().await, 0);
    }

    /// Sessions whose absolute end came before the moment are removed so many at a time, those first that ended
    /// first; others stay, however long they have been idle or revoked.
    pub async fn sessions_of_the_past_are_removed_by_and_by(backend: Backend) {
        let samples = Samples::default();
        let owner = inserted(&backend, samples.user("ada")).await;
        let until = |second| Session { expires_at: at(second), ..samples.full_session(owner.id) };
        let last = opened(&backend, until(8)).await;
        let first = opened(&backend, until(1)).await;
        let middle = opened(&backend, until(5)).await;
        let kept = opened(&backend, Session { idle_expires_at: at(0), ..until(9) }).await;
        let sessions = [first, middle, last, kept].map(|session| session.id);
        let left = async || {
            let mut left = Vec::new();
            for id in sessions {
                left.push(backend.session_with_user(id).await.unwrap().is_some());
            }
            left
        };
        let remove = async |before: Timestamp, most: u64| {
            commit(&backend, async |transaction| transaction.session_delete_expired(before, most).await).await.unwrap()
        };

        assert_eq!(remove(at(1), 9).await, 0);
        assert_eq!(remove(at(9), 0).await, 0);
        assert_eq!(left().await, [true; 4]);
        assert_eq!(remove(at(9), 2).await, 2);
        assert_eq!(left().await, [false, false, true, true]);
        assert_eq!(remove(at(9), u64::MAX).await, 1);
        assert_eq!(left().await, [false, false, false, true]);
    }

    /// A rotation counts a session on by one, marks it as used, moves its end, and leaves the rest.
    ///
    /// Proves: RT-02, RT-06
    pub async fn a_rotation_counts_on_and_leaves_the_rest(backend: Backend) {
        let samples = Samples::default();
        let owner = inserted(&backend, samples.user("ada")).await;
        let full = Session { generation: 7, revoked: None, ..samples.full_session(owner.id) };
        let session = opened(&backend, full).await;
        let other = opened(&backend, Session { generation: 7, ..samples.session(owner.id) }).await;
        let first = Rotation { from: 7, at: at(9), idle_expires_at: at(70) };
        assert!(rotate(&backend, session.id, first).await);
        let rotated = session.rotated(first);
        assert_eq!((rotated.generation, rotated.idle_expires_at), (8, at(70)));
        assert_eq!(stored_session(&backend, rotated.id).await, rotated);

        let second = Rotation { from: 8, at: at(10), idle_expires_at: at(65) };
        assert!(!rotate(&backend, rotated.id, first).await, "what was rotated from is used up");
        assert!(rotate(&backend, rotated.id, second).await);
        assert_eq!(stored_session(&backend, rotated.id).await, rotated.rotated(second));
        assert_eq!(stored_session(&backend, other.id).await, other);
    }

    /// A session rotates from the generation that it has, and only while it lives at that time.
    ///
    /// Proves: RT-02
    pub async fn a_rotation_is_guarded(backend: Backend) {
        let samples = Samples::default();
        let owner = inserted(&backend, samples.user("ada")).await;
        let rotation = Rotation { from: 3, at: at(9), idle_expires_at: at(69) };
        let just_after = at(9) + Duration::from_micros(1);
        let live = || Session { generation: 3, ..samples.session(owner.id) };
        for good in
            [live(), Session { idle_expires_at: just_after, ..live() }, Session { expires_at: just_after, ..live() }]
        {
            let session = opened(&backend, good).await;
            assert!(rotate(&backend, session.id, rotation).await, "{session:?}");
        }
        for bad in [
            Session { generation: 2, ..live() },
            Session { generation: 4, ..live() },
            Session { revoked: Some(Revocation { at: at(5), reason: RevokeReason::Logout }), ..live() },
            Session { revoked: Some(Revocation { at: at(99), reason: RevokeReason::Logout }), ..live() },
            Session { idle_expires_at: at(9), ..live() },
            Session { expires_at: at(9), ..live() },
        ] {
            let session = opened(&backend, bad).await;
            assert!(!rotate(&backend, session.id, rotation).await, "{session:?}");
            assert_eq!(stored_session(&backend, session.id).await, session);
        }
        assert!(!rotate(&backend, samples.session_id(), rotation).await);
    }

    /// A rotation that is not committed has not happened.
    ///
    /// Proves: RT-07
    pub async fn a_rotation_that_is_not_committed_has_not_happened(backend: Backend) {
        let samples = Samples::default();
        let owner = inserted(&backend, samples.user("ada")).await;
        let session = opened(&backend, samples.session(owner.id)).await;
        let rotation = Rotation { from: 0, at: at(9), idle_expires_at: at(69) };
        let transaction = backend.begin().await.unwrap();
        assert!(transaction.session_rotate(session.id, rotation).await.unwrap());
        assert!(!transaction.session_rotate(session.id, rotation).await.unwrap(), "it sees its own");
        drop(transaction);
        assert_eq!(stored_session(&backend, session.id).await, session);
        assert!(rotate(&backend, session.id, rotation).await);
    }

    /// Of several who rotate a session from one generation at once one does, and what he wrote stays.
    ///
    /// Proves: RT-05
    pub async fn one_rotation_wins(backend: Backend) {
        let samples = Samples::default();
        let owner = inserted(&backend, samples.user("ada")).await;
        let mut session = opened(&backend, samples.session(owner.id)).await;
        for round in 0..ROUNDS {
            let contenders = (0..8).map(|contender| {
                let (backend, id, from) = (backend.clone(), session.id, session.generation);
                let rotation = Rotation { from, at: at(contender), idle_expires_at: at(60 + contender) };
                async move || rotate(&backend, id, rotation).await.then_some(rotation)
            });
            let winners: Vec<_> = race(contenders).await.into_iter().flatten().collect();
            assert_eq!(winners.len(), 1, "round {round}");
            session = session.rotated(winners[0]);
            assert_eq!(stored_session(&backend, session.id).await, session);
        }
    }

    /// Whoever comes first, a rotation or a revocation: after both, the session has ended and never
    /// rotates again.
    ///
    /// Proves: RT-03
    pub async fn a_session_that_was_ended_never_rotates_again(backend: Backend) {
        let samples = Samples::default();
        let owner = inserted(&backend, samples.user("ada")).await;
        let revocation = Revocation { at: at(9), reason: RevokeReason::RefreshReused };
        for round in 0..ROUNDS {
            let session = opened(&backend, samples.session(owner.id)).await;
            let contenders = (0..4).map(|contender| {
                let (backend, id, user) = (backend.clone(), session.id, owner.id);
                let rotation = Rotation { from: 0, at: at(9), idle_expires_at: at(69) };
                async move || match contender {
                    0 => commit(&backend, async |transaction| transaction.session_revoke(id, revocation).await)
                        .await
                        .map(drop),
                    1 => commit(&backend, async |transaction| {
                        transaction.session_revoke_all(user, None, revocation).await
                    })
                    .await
                    .map(drop),
                    _ => {
                        rotate(&backend, id, rotation).await;
                        Ok(())
                    }
                }
            });
            for ended in race(contenders).await {
                ended.unwrap();
            }
            let ended = stored_session(&backend, session.id).await;
            assert_eq!(ended.revoked, Some(revocation), "round {round}");
            assert!(ended.generation <= 1);
            let next = Rotation { from: ended.generation, at: at(10), idle_expires_at: at(70) };
            assert!(!rotate(&backend, session.id, next).await);
            assert_eq!(stored_session(&backend, session.id).await, ended);
        }
    }
});

async fn rotate(backend: &Backend, id: SessionId, rotation: Rotation) -> bool {
    commit(backend, async |transaction| transaction.session_rotate(id, rotation).await).await.unwrap()
}

async fn opened(backend: &Backend, session: Session) -> Session {
    commit(backend, async |transaction| transaction.session_insert(&session).await).await.unwrap();
    session
}

async fn stored_session(backend: &Backend, id: SessionId) -> Session {
    backend.session_with_user(id).await.unwrap().unwrap().0
}
