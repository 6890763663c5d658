//! Cases of what ends access tokens and accounts for ever:
//! [`user_raise_epoch`](crate::UserWrites::user_raise_epoch), [`user_purge`](crate::UserWrites::user_purge) and
//! [`activity_blank`](crate::ActivityWrites::activity_blank).

use usher_domain::{
    Action, ActivityEntry, ActivityFilter, Details, NewUser, PageSize, RoleName, UserChanges, UserFilter, UserId,
    UserInDB, UserScope, UserStatus,
};

use super::{
    Backend, cases,
    sample::{Samples, at, commit, inserted, stored},
};
use crate::{Constraint, StorageError};

cases!(purge, __purge_cases, {
    /// The epoch rises by one and nothing else changes, also of a deleted account; of nobody it cannot.
    pub async fn raising_the_epoch_changes_nothing_else(backend: Backend) {
        let samples = Samples::default();
        let user = inserted(&backend, samples.full_user()).await;
        for deleted in [false, true] {
            if deleted {
                delete_softly(&backend, user.id).await;
            }
            let before = stored(&backend, user.id).await;
            assert!(raise_epoch(&backend, user.id).await);
            let expected = UserInDB { token_epoch: before.token_epoch + 1, ..before };
            assert_eq!(stored(&backend, user.id).await, expected);
        }
        assert!(!raise_epoch(&backend, samples.user_id()).await);
    }

    /// A purged account is gone, with its sessions, its roles, its tokens and the mails about it, and leaves
    /// everybody else's alone.
    ///
    /// Proves: ID-06
    pub async fn a_purge_takes_all_that_hangs_onto_an_account(backend: Backend) {
        let samples = Samples::default();
        let ada = inserted(&backend, samples.full_user()).await;
        let bob = inserted(&backend, samples.user("bob")).await;
        let (hers, his) = (samples.full_session(ada.id), samples.session(bob.id));
        let tokens = [samples.reset(ada.id), samples.reset(bob.id)];
        let mails = [ada.id, bob.id].map(|user| samples.full_mail(user));
        commit(&backend, async |transaction| {
            transaction.session_insert(&hers).await?;
            transaction.session_insert(&his).await?;
            for (token, mail) in tokens.iter().zip(&mails) {
                transaction.one_time_token_insert(token).await?;
                transaction.mail_insert(mail).await?;
            }
            Ok(())
        })
        .await
        .unwrap();
        let before = stored(&backend, bob.id).await;

        assert!(purge(&backend, ada.id).await);
        assert!(!purge(&backend, ada.id).await);

        assert_eq!(backend.user_by_id(ada.id, UserScope::WithDeleted).await.unwrap(), None);
        assert_eq!(backend.session_with_user(hers.id).await.unwrap(), None);
        let holders = UserFilter { role: Some(RoleName::ADMIN), ..UserFilter::default() };
        assert_eq!(backend.user_count(&holders, None, 9).await.unwrap(), 0);
        assert_eq!(stored(&backend, bob.id).await, before);
        assert!(backend.session_with_user(his.id).await.unwrap().is_some());
        let [her_token, his_token] = tokens;
        let [_, his_mail] = mails;
        assert_eq!(backend.one_time_token_by_id(her_token.id).await.unwrap(), None);
        assert_eq!(backend.one_time_token_by_id(his_token.id).await.unwrap(), Some(his_token));
        assert_eq!(backend.mail_due(at(99), PageSize::MAX).await.unwrap(), [his_mail]);
    }

    /// The names of a softly deleted account stay taken, and are free once it is purged.
    ///
    /// Proves: ID-06
    pub async fn the_names_of_a_purged_account_are_free(backend: Backend) {
        let samples = Samples::default();
        let user = inserted(&backend, samples.full_user()).await;
        delete_softly(&backend, user.id).await;
        let again = samples.full_user();
        for (names, constraint) in [
            (NewUser { email: None, external_id: None, ..again.clone() }, Constraint::UsernameUnique),
            (NewUser { email: again.email.clone(), ..samples.user("bob") }, Constraint::EmailUnique),
            (NewUser { external_id: again.external_id.clone(), ..samples.user("bob") }, Constraint::ExternalIdUnique),
        ] {
            match commit(&backend, async |transaction| transaction.user_insert(&names).await).await {
                Err(StorageError::Conflict(taken)) => assert_eq!(taken, constraint),
                other => panic!("{other:?}"),
            }
        }

        assert!(purge(&backend, user.id).await);
        let again = inserted(&backend, again).await;
        assert_eq!(stored(&backend, again.id).await.user.username, user.username);
    }

    /// Without a commit nothing is purged.
    pub async fn a_purge_can_be_taken_back(backend: Backend) {
        let user = inserted(&backend, Samples::default().full_user()).await;
        let before = stored(&backend, user.id).await;
        let transaction = backend.begin().await.unwrap();
        assert!(transaction.user_purge(user.id).await.unwrap());
        assert_eq!(transaction.user_by_id(user.id, UserScope::WithDeleted).await.unwrap(), None);
        drop(transaction);
        assert_eq!(stored(&backend, user.id).await, before);
    }

    /// Blanking takes address, user agent and details of every entry by or about somebody, and
    /// leaves all else: ids, moments, and the entries of others. Purging touches no entry.
    ///
    /// Proves: ID-06
    pub async fn blanking_leaves_ids_and_moments(backend: Backend) {
        let samples = Samples::default();
        let ada = inserted(&backend, samples.user("ada")).await.id;
        let full = samples.full_entry();
        let mut expected = Vec::new();
        for (actor, subject) in [
            (Some(ada), full.subject),
            (full.actor, Some(ada)),
            (Some(ada), Some(ada)),
            (full.actor, full.subject),
            (None, None),
        ] {
            let id = samples.entry(Action::AuthLogin, at(0)).id;
            let entry = ActivityEntry { id, actor, subject, ..full.clone() };
            commit(&backend, async |transaction| transaction.activity_append(&entry).await).await.unwrap();
            expected.push(if actor == Some(ada) || subject == Some(ada) {
                ActivityEntry { ip: None, user_agent: None, details: Details::default(), ..entry }
            } else {
                entry
            });
        }
        expected.reverse();

        commit(&backend, async |transaction| {
            assert!(transaction.user_purge(ada).await?);
            transaction.activity_blank(ada).await
        })
        .await
        .unwrap();
        let everything = backend.activity_latest(&ActivityFilter::default(), PageSize::MAX).await.unwrap();
        assert_eq!(everything, expected);
    }
});

async fn purge(backend: &Backend, id: UserId) -> bool {
    commit(backend, async |transaction| transaction.user_purge(id).await).await.unwrap()
}

async fn raise_epoch(backend: &Backend, id: UserId) -> bool {
    commit(backend, async |transaction| transaction.user_raise_epoch(id).await).await.unwrap()
}

async fn delete_softly(backend: &Backend, id: UserId) {
    let status = UserStatus::Deleted { since: at(9), deactivated_since: None };
    let changes = UserChanges { status: Some(status), ..UserChanges::default() };
    let deleted = commit(backend, async |transaction| transaction.user_update(id, None, &changes, at(9)).await);
    assert!(deleted.await.unwrap());
}
