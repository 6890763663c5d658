//! Cases of [`Transaction`](crate::Transaction).

use std::{future::pending, time::Duration};

use tokio::{sync::oneshot, time::timeout};
use usher_domain::{Action, ActivityFilter, NewUser, PageSize, RoleName, UserChanges, UserScope};

use super::{
    Backend, cases,
    sample::{Samples, at, commit, inserted, race, role},
};
use crate::StorageError;

cases!(transactions, __transactions_cases, {
    /// A backend that can be reached says so.
    pub async fn a_backend_answers(backend: Backend) {
        backend.ping().await.unwrap();
    }

    /// A transaction sees its own writes, through every read.
    pub async fn a_transaction_sees_its_own_writes(backend: Backend) {
        let samples = Samples::default();
        let user = samples.full_user();
        let session = samples.session(user.id);
        let entry = samples.entry(Action::UserCreated, at(1)).about(user.id);
        let transaction = backend.begin().await.unwrap();
        assert!(!transaction.user_any().await.unwrap());
        transaction.user_insert(&user).await.unwrap();
        transaction.session_insert(&session).await.unwrap();
        transaction.activity_append(&entry).await.unwrap();

        assert!(transaction.user_any().await.unwrap());
        let found = transaction.user_by_id(user.id, UserScope::Existing).await.unwrap();
        assert!(found.is_some());
        assert_eq!(transaction.user_by_username(&user.username, UserScope::Existing).await.unwrap(), found);
        assert_eq!(transaction.user_by_email(&user.email.unwrap(), UserScope::Existing).await.unwrap(), found);
        assert_eq!(transaction.user_by_id_for_update(user.id, UserScope::Existing).await.unwrap(), found);
        assert_eq!(transaction.session_with_user(session.id).await.unwrap(), found.map(|user| (session.clone(), user)));
        assert_eq!(transaction.session_by_user(user.id).await.unwrap(), [session]);
        let latest = transaction.activity_latest(&ActivityFilter::default(), PageSize::MAX).await.unwrap();
        assert_eq!(latest, [entry]);
        assert!(transaction.role_by_name(&RoleName::ADMIN).await.unwrap().is_some());
        assert_eq!(transaction.role_all().await.unwrap().len(), 2);
        assert_eq!(transaction.role_count_active_holders(&RoleName::ADMIN).await.unwrap(), 1);
    }

    /// Nobody else sees what is not committed: he sees nothing, or waits.
    pub async fn nobody_else_sees_what_is_not_committed(backend: Backend) {
        let user = Samples::default().user("ada");
        let transaction = backend.begin().await.unwrap();
        transaction.user_insert(&user).await.unwrap();
        let outside = timeout(Duration::from_secs(1), backend.user_by_id(user.id, UserScope::Existing)).await;
        assert!(matches!(outside, Ok(Ok(None) | Err(StorageError::Unavailable(_))) | Err(_)), "{outside:?}");
        transaction.commit().await.unwrap();
        assert!(backend.user_by_id(user.id, UserScope::Existing).await.unwrap().is_some());
    }

    /// A transaction that is dropped has never been, and the next can begin.
    pub async fn a_dropped_transaction_rolls_back(backend: Backend) {
        let samples = Samples::default();
        let kept = inserted(&backend, samples.user("ada")).await;
        let transaction = backend.begin().await.unwrap();
        transaction.user_insert(&samples.user("bob")).await.unwrap();
        transaction.session_insert(&samples.session(kept.id)).await.unwrap();
        transaction.activity_append(&samples.full_entry()).await.unwrap();
        transaction.user_set_roles(kept.id, &[RoleName::ADMIN], at(1)).await.unwrap();
        drop(transaction);

        inserted(&backend, samples.user("bob")).await;
        assert_eq!(backend.session_by_user(kept.id).await.unwrap(), []);
        assert_eq!(backend.activity_latest(&ActivityFilter::default(), PageSize::MAX).await.unwrap(), []);
        let user = backend.user_by_id(kept.id, UserScope::Existing).await.unwrap().unwrap().user;
        assert_eq!((user.roles, user.version), (vec![RoleName::USER], 1));
    }

    /// A transaction in a future that is cancelled is dropped with it.
    pub async fn a_cancelled_transaction_rolls_back(backend: Backend) {
        let samples = Samples::default();
        for _ in 0..5 {
            let (written, when_written) = oneshot::channel();
            let (theirs, user) = (backend.clone(), samples.user("ada"));
            let task = tokio::spawn(async move {
                let transaction = theirs.begin().await.unwrap();
                transaction.user_insert(&user).await.unwrap();
                written.send(()).unwrap();
                pending::<()>().await;
                transaction.commit().await.unwrap();
            });
            when_written.await.unwrap();
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
            assert!(!backend.user_any().await.unwrap());
        }
        inserted(&backend, samples.user("ada")).await;
    }

    /// After an error nothing can be committed, neither what was written before nor after it.
    pub async fn an_error_poisons_the_transaction(backend: Backend) {
        let samples = Samples::default();
        let ada = inserted(&backend, samples.user("ada")).await;
        let transaction = backend.begin().await.unwrap();
        transaction.user_insert(&samples.user("bob")).await.unwrap();
        assert!(transaction.user_insert(&samples.user("ADA")).await.is_err());
        // Whether this is refused already is the backend's affair.
        let after = transaction.user_insert(&samples.user("cyd")).await;
        assert!(transaction.commit().await.is_err(), "after {after:?}");
        for name in ["bob", "cyd"] {
            let found = backend.user_by_username(&name.parse().unwrap(), UserScope::WithDeleted).await.unwrap();
            assert_eq!(found, None);
        }
        assert!(backend.user_by_id(ada.id, UserScope::Existing).await.unwrap().is_some());
    }

    /// Every write that is refused poisons its transaction.
    pub async fn every_refused_write_poisons_the_transaction(backend: Backend) {
        let samples = Samples::default();
        let ada = inserted(&backend, samples.full_user()).await;
        let bob = inserted(&backend, samples.user("bob")).await;
        let renamed = UserChanges { username: Some(ada.username.clone()), ..UserChanges::default() };
        for refusal in 0..7 {
            let transaction = backend.begin().await.unwrap();
            transaction.activity_append(&samples.full_entry()).await.unwrap();
            let refused = match refusal {
                0 => transaction.user_update(bob.id, None, &renamed, at(1)).await.map(drop),
                1 => transaction.user_set_roles(bob.id, &[role("nobody")], at(1)).await.map(drop),
                2 => transaction.session_insert(&samples.session(samples.user_id())).await,
                3 => transaction.one_time_token_insert(&samples.reset(samples.user_id())).await,
                4 => transaction.mail_insert(&samples.full_mail(samples.user_id())).await,
                5 => transaction.user_insert(&NewUser { roles: vec![role("nobody")], ..samples.user("cyd") }).await,
                _ => transaction.role_insert(&usher_domain::Role::built_in(at(1))[0]).await,
            };
            assert!(matches!(refused, Err(StorageError::Conflict(_))), "{refusal}: {refused:?}");
            assert!(transaction.commit().await.is_err(), "{refusal}");
        }
        assert_eq!(backend.activity_latest(&ActivityFilter::default(), PageSize::MAX).await.unwrap(), []);
    }

    /// A transaction can go on in another task.
    pub async fn a_transaction_moves_to_another_task(backend: Backend) {
        let user = Samples::default().user("ada");
        let transaction = backend.begin().await.unwrap();
        transaction.user_insert(&user).await.unwrap();
        let id = user.id;
        tokio::spawn(async move {
            assert!(transaction.user_by_id(id, UserScope::Existing).await.unwrap().is_some());
            transaction.commit().await.unwrap();
        })
        .await
        .unwrap();
        assert!(backend.user_by_id(id, UserScope::Existing).await.unwrap().is_some());
    }

    /// Many who write different things at once all succeed.
    pub async fn many_transactions_run_side_by_side(backend: Backend) {
        let samples = Samples::default();
        let contenders = (0..50).map(|n| {
            let (backend, user) = (backend.clone(), samples.user(&format!("user{n}")));
            let entry = samples.entry(Action::UserCreated, at(n)).about(user.id);
            async move || {
                commit(&backend, async |transaction| {
                    transaction.user_insert(&user).await?;
                    transaction.activity_append(&entry).await
                })
                .await
            }
        });
        for answer in race(contenders).await {
            answer.unwrap();
        }
        assert_eq!(backend.activity_latest(&ActivityFilter::default(), PageSize::MAX).await.unwrap().len(), 50);
    }
});
