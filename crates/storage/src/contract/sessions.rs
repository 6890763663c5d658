//! Cases of [`SessionQueries`](crate::SessionQueries) and [`SessionWrites`](crate::SessionWrites).

use usher_domain::{NewUser, Revocation, RevokeReason, RoleName, Session, SessionId, UserChanges, UserStatus};

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
});

async fn opened(backend: &Backend, session: Session) -> Session {
    commit(backend, async |transaction| transaction.session_insert(&session).await).await.unwrap();
    session
}

async fn stored_session(backend: &Backend, id: SessionId) -> Session {
    backend.session_with_user(id).await.unwrap().unwrap().0
}
