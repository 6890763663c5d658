//! Cases of [`UserQueries`](crate::UserQueries) and [`UserWrites`](crate::UserWrites).

use usher_domain::{
    FullName, Metadata, NewUser, Permissions, RoleName, User, UserChanges, UserInDB, UserScope, UserStatus,
};

use super::{
    Backend, cases,
    sample::{ROUNDS, Samples, at, commit, hash, inserted, metadata, race, stored},
};
use crate::{Constraint, StorageError};

cases!(users, __users_cases, {
    /// Every field of a new account comes back as it was.
    pub async fn a_full_account_comes_back_as_it_was_given(backend: Backend) {
        let user = inserted(&backend, Samples::default().full_user()).await;
        assert_eq!(stored(&backend, user.id).await, as_stored(&user));
    }

    /// What can be left out stays out.
    pub async fn a_bare_account_comes_back_as_it_was_given(backend: Backend) {
        let samples = Samples::default();
        let bare = NewUser { password_hash: None, roles: Vec::new(), ..samples.user("ada") };
        let user = inserted(&backend, bare).await;
        assert_eq!(stored(&backend, user.id).await, as_stored(&user));
    }

    /// All look-ups find the same account, however its names are spelt, and nothing else.
    pub async fn an_account_is_found_by_each_of_its_names(backend: Backend) {
        let samples = Samples::default();
        let user = inserted(&backend, samples.full_user()).await;
        inserted(&backend, samples.user("ada")).await;
        let expected = Some(as_stored(&user));
        for scope in [UserScope::Existing, UserScope::WithDeleted] {
            assert_eq!(backend.user_by_id(user.id, scope).await.unwrap(), expected);
            let username = "ADA.lovelace".parse().unwrap();
            assert_eq!(backend.user_by_username(&username, scope).await.unwrap(), expected);
            let email = "ADA.LOVELACE+POST@BÜCHER.EXAMPLE".parse().unwrap();
            assert_eq!(backend.user_by_email(&email, scope).await.unwrap(), expected);

            assert_eq!(backend.user_by_id(samples.user_id(), scope).await.unwrap(), None);
            assert_eq!(backend.user_by_username(&"ada_lovelace".parse().unwrap(), scope).await.unwrap(), None);
            assert_eq!(backend.user_by_email(&"ada.lovelace@x.example".parse().unwrap(), scope).await.unwrap(), None);
        }
    }

    /// Softly deleted accounts are seen only by whoever asks for them, in every look-up.
    pub async fn a_deleted_account_is_out_of_sight(backend: Backend) {
        let user = inserted(&backend, Samples::default().full_user()).await;
        set_status(&backend, &user, UserStatus::Deleted { since: at(9), deactivated_since: None }).await;
        let (username, email) = (&user.username, user.email.as_ref().unwrap());

        assert_eq!(backend.user_by_id(user.id, UserScope::Existing).await.unwrap(), None);
        assert_eq!(backend.user_by_username(username, UserScope::Existing).await.unwrap(), None);
        assert_eq!(backend.user_by_email(email, UserScope::Existing).await.unwrap(), None);
        let transaction = backend.begin().await.unwrap();
        assert_eq!(transaction.user_by_id_for_update(user.id, UserScope::Existing).await.unwrap(), None);
        let deleted = transaction.user_by_id_for_update(user.id, UserScope::WithDeleted).await.unwrap();
        drop(transaction);

        assert!(deleted.is_some());
        assert_eq!(backend.user_by_id(user.id, UserScope::WithDeleted).await.unwrap(), deleted);
        assert_eq!(backend.user_by_username(username, UserScope::WithDeleted).await.unwrap(), deleted);
        assert_eq!(backend.user_by_email(email, UserScope::WithDeleted).await.unwrap(), deleted);
    }

    /// A fresh backend has no account; a softly deleted one counts as one.
    pub async fn any_account_counts_deleted_ones(backend: Backend) {
        assert!(!backend.user_any().await.unwrap());
        let user = inserted(&backend, Samples::default().user("ada")).await;
        assert!(backend.user_any().await.unwrap());
        set_status(&backend, &user, UserStatus::Deleted { since: at(9), deactivated_since: None }).await;
        assert!(backend.user_any().await.unwrap());
    }

    /// Usernames are unique whatever their case, also against deleted accounts.
    pub async fn a_username_is_taken_in_any_case(backend: Backend) {
        let samples = Samples::default();
        let user = inserted(&backend, samples.user("Ada")).await;
        set_status(&backend, &user, UserStatus::Deleted { since: at(9), deactivated_since: None }).await;
        let taken = insert(&backend, samples.user("aDA")).await;
        assert!(matches!(taken, Err(StorageError::Conflict(Constraint::UsernameUnique))), "{taken:?}");
    }

    /// Addresses are unique whatever their case, and any number of accounts has none.
    pub async fn an_address_is_taken_in_any_case(backend: Backend) {
        let samples = Samples::default();
        let with = |username, email: &str| NewUser { email: email.parse().ok(), ..samples.user(username) };
        inserted(&backend, with("ada", "Ada@Example.org")).await;
        inserted(&backend, samples.user("bob")).await;
        inserted(&backend, samples.user("cyd")).await;
        inserted(&backend, with("dan", "a.da@example.org")).await;
        let taken = insert(&backend, with("eve", "aDA@eXAMPLE.org")).await;
        assert!(matches!(taken, Err(StorageError::Conflict(Constraint::EmailUnique))), "{taken:?}");
    }

    /// External ids are unique byte by byte, and any number of accounts has none.
    pub async fn an_external_id_is_taken_byte_by_byte(backend: Backend) {
        let samples = Samples::default();
        let with = |username, id: &str| NewUser { external_id: id.parse().ok(), ..samples.user(username) };
        inserted(&backend, with("ada", "crm-17")).await;
        inserted(&backend, with("bob", "CRM-17")).await;
        inserted(&backend, with("cyd", "crm_17")).await;
        inserted(&backend, samples.user("dan")).await;
        inserted(&backend, samples.user("eve")).await;
        let taken = insert(&backend, with("fay", "crm-17")).await;
        assert!(matches!(taken, Err(StorageError::Conflict(Constraint::ExternalIdUnique))), "{taken:?}");
    }

    /// Of fifty who take one name at once one gets it, and the others are told why not.
    pub async fn one_of_fifty_gets_the_name(backend: Backend) {
        let samples = Samples::default();
        let contenders = (0..50).map(|_| {
            let (backend, user) = (backend.clone(), samples.user("ada"));
            async move || insert(&backend, user).await
        });
        let mut winners = 0;
        for answer in race(contenders).await {
            match answer {
                Ok(()) => winners += 1,
                Err(StorageError::Conflict(Constraint::UsernameUnique)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(winners, 1);
    }

    /// An id is never used again, whatever else the account is like.
    pub async fn an_id_is_taken(backend: Backend) {
        let samples = Samples::default();
        let user = inserted(&backend, samples.user("ada")).await;
        let taken = insert(&backend, NewUser { id: user.id, ..samples.user("bob") }).await;
        assert!(matches!(taken, Err(StorageError::Backend(_))), "{taken:?}");
        assert_eq!(stored(&backend, user.id).await, as_stored(&user));
    }

    /// A role that does not exist cannot be given, and the account is not made either.
    pub async fn an_account_with_an_unknown_role_is_refused(backend: Backend) {
        let user = NewUser { roles: vec![super::sample::role("nobody")], ..Samples::default().user("ada") };
        let refused = insert(&backend, user).await;
        assert!(matches!(refused, Err(StorageError::Conflict(Constraint::RoleExists))), "{refused:?}");
        assert!(!backend.user_any().await.unwrap());
    }

    /// A role that is named twice is held once.
    pub async fn a_role_given_twice_is_held_once(backend: Backend) {
        let twice = NewUser { roles: vec![RoleName::USER, RoleName::USER], ..Samples::default().user("ada") };
        let user = inserted(&backend, twice).await;
        assert_eq!(stored(&backend, user.id).await.user.roles, [RoleName::USER]);
    }

    /// Every field can be changed, and nothing else changes with it.
    pub async fn every_field_changes(backend: Backend) {
        let samples = Samples::default();
        let user = inserted(&backend, samples.user("ada")).await;
        let before = stored(&backend, user.id).await;
        let changes = UserChanges {
            username: Some("Grace".parse().unwrap()),
            email: Some(Some("Grace@Example.org".parse().unwrap())),
            email_verified_at: Some(Some(at(4))),
            full_name: Some(Some("Grace Hopper".parse().unwrap())),
            external_id: Some(Some("crm-18".parse().unwrap())),
            metadata: Some(metadata()),
            status: Some(UserStatus::Deactivated { since: at(5) }),
        };
        assert!(update(&backend, &user, None, changes).await.unwrap());

        let mut expected = before;
        expected.user.username = "Grace".parse().unwrap();
        expected.user.email = "Grace@Example.org".parse().ok();
        expected.user.email_verified_at = Some(at(4));
        expected.user.full_name = "Grace Hopper".parse().ok();
        expected.user.external_id = "crm-18".parse().ok();
        expected.user.metadata = metadata();
        expected.user.status = UserStatus::Deactivated { since: at(5) };
        expected.user.version += 1;
        expected.user.updated_at = at(100);
        assert_eq!(stored(&backend, user.id).await, expected);
        let found = backend.user_by_username(&"grace".parse().unwrap(), UserScope::Existing).await.unwrap();
        assert_eq!(found.as_ref(), Some(&expected));
        let found = backend.user_by_email(&"grace@example.org".parse().unwrap(), UserScope::Existing).await.unwrap();
        assert_eq!(found, Some(expected));
        assert_eq!(backend.user_by_username(&user.username, UserScope::Existing).await.unwrap(), None);
    }

    /// What can be empty can be cleared, and is free for others then.
    pub async fn fields_can_be_cleared(backend: Backend) {
        let samples = Samples::default();
        let full = inserted(&backend, samples.full_user()).await;
        let changes = UserChanges {
            email: Some(None),
            email_verified_at: Some(None),
            full_name: Some(None),
            external_id: Some(None),
            metadata: Some(Metadata::default()),
            ..UserChanges::default()
        };
        assert!(update(&backend, &full, None, changes).await.unwrap());
        let user = stored(&backend, full.id).await.user;
        assert_eq!((user.email, user.email_verified_at, user.full_name, user.external_id), (None, None, None, None));
        assert_eq!(user.metadata, Metadata::default());
        let heir = NewUser { email: full.email, external_id: full.external_id, ..samples.user("heir") };
        inserted(&backend, heir).await;
    }

    /// An account goes through every status and back.
    pub async fn every_status_is_kept(backend: Backend) {
        let user = inserted(&backend, Samples::default().user("ada")).await;
        for status in [
            UserStatus::Deactivated { since: at(1) },
            UserStatus::Deleted { since: at(2), deactivated_since: Some(at(1)) },
            UserStatus::Deleted { since: at(2), deactivated_since: None },
            UserStatus::Active,
        ] {
            set_status(&backend, &user, status).await;
            assert_eq!(stored(&backend, user.id).await.user.status, status);
        }
    }

    /// A change of an account that is not there changes nothing.
    pub async fn a_missing_account_is_not_changed(backend: Backend) {
        let user = Samples::default().user("ada");
        assert!(!update(&backend, &user, None, UserChanges::default()).await.unwrap());
        let done = commit(&backend, async |transaction| {
            Ok([
                transaction.user_set_password(user.id, &hash("new"), false, at(1)).await?,
                transaction.user_upgrade_password_hash(user.id, &hash("first"), &hash("new")).await?,
                transaction.user_record_login(user.id, &hash("first"), at(1)).await?,
            ])
        });
        assert_eq!(done.await.unwrap(), [false; 3]);
    }

    /// With an expected version only the change that knows the last one is made.
    pub async fn a_change_with_an_old_version_is_not_made(backend: Backend) {
        let user = inserted(&backend, Samples::default().user("ada")).await;
        let named = |name: &str| UserChanges { full_name: Some(name.parse().ok()), ..UserChanges::default() };
        assert!(update(&backend, &user, Some(1), named("First")).await.unwrap());
        assert!(!update(&backend, &user, Some(1), named("Second")).await.unwrap());
        assert!(update(&backend, &user, Some(2), named("Third")).await.unwrap());
        let now = stored(&backend, user.id).await.user;
        assert_eq!((now.full_name.as_ref().map(FullName::as_str), now.version), (Some("Third"), 3));
    }

    /// Of several changes that know the same version one is made.
    pub async fn one_change_of_a_version_wins(backend: Backend) {
        let user = inserted(&backend, Samples::default().user("ada")).await;
        for round in 1..=ROUNDS {
            let version = i64::try_from(round).unwrap();
            let contenders = (0..4).map(|_| {
                let (backend, user) = (backend.clone(), user.clone());
                async move || update(&backend, &user, Some(version), UserChanges::default()).await.unwrap()
            });
            assert_eq!(race(contenders).await.into_iter().filter(|&won| won).count(), 1);
            assert_eq!(stored(&backend, user.id).await.user.version, version + 1);
        }
    }

    /// A name that somebody else has cannot be taken by a change; one's own can, in another case.
    pub async fn a_change_cannot_take_a_name(backend: Backend) {
        let samples = Samples::default();
        inserted(&backend, samples.full_user()).await;
        let user = inserted(&backend, samples.user("bob")).await;
        let username = UserChanges { username: "ADA.LOVELACE".parse().ok(), ..UserChanges::default() };
        let email =
            UserChanges { email: Some("ada.LOVELACE+post@bücher.example".parse().ok()), ..UserChanges::default() };
        let external_id = UserChanges { external_id: Some("crm:Ada'\"% 17".parse().ok()), ..UserChanges::default() };
        for (changes, constraint) in [
            (username, Constraint::UsernameUnique),
            (email, Constraint::EmailUnique),
            (external_id, Constraint::ExternalIdUnique),
        ] {
            match update(&backend, &user, None, changes).await {
                Err(StorageError::Conflict(told)) => assert_eq!(told, constraint),
                other => panic!("{other:?} instead of {constraint:?}"),
            }
        }
        let own = UserChanges { username: "BOB".parse().ok(), ..UserChanges::default() };
        assert!(update(&backend, &user, None, own).await.unwrap());
        assert_eq!(stored(&backend, user.id).await.user.username.as_str(), "BOB");
    }

    /// Another password raises the epoch; the version only where it turns what is shown.
    pub async fn a_new_password_raises_the_epoch(backend: Backend) {
        let user = inserted(&backend, Samples::default().user("ada")).await;
        let mut expected = stored(&backend, user.id).await;

        assert!(set_password(&backend, &user, "second", false).await);
        expected.password_hash = Some(hash("second"));
        expected.token_epoch += 1;
        assert_eq!(stored(&backend, user.id).await, expected);

        assert!(set_password(&backend, &user, "third", true).await);
        expected.password_hash = Some(hash("third"));
        expected.token_epoch += 1;
        expected.user.must_change_password = true;
        expected.user.version += 1;
        expected.user.updated_at = at(100);
        assert_eq!(stored(&backend, user.id).await, expected);
    }

    /// A deactivated account can be given a password, a deleted one cannot.
    pub async fn a_deleted_account_gets_no_password(backend: Backend) {
        let user = inserted(&backend, Samples::default().user("ada")).await;
        set_status(&backend, &user, UserStatus::Deactivated { since: at(1) }).await;
        assert!(set_password(&backend, &user, "second", false).await);
        set_status(&backend, &user, UserStatus::Deleted { since: at(2), deactivated_since: None }).await;
        assert!(!set_password(&backend, &user, "third", false).await);
        assert_eq!(stored(&backend, user.id).await.password_hash, Some(hash("second")));
    }

    /// A better hash replaces the one that it was made from, and changes nothing else.
    pub async fn an_upgraded_hash_changes_nothing_else(backend: Backend) {
        let user = inserted(&backend, Samples::default().user("ada")).await;
        let mut expected = stored(&backend, user.id).await;
        let upgrade = async |old: &str, new: &str| {
            let (old, new) = (hash(old), hash(new));
            commit(&backend, async |transaction| transaction.user_upgrade_password_hash(user.id, &old, &new).await)
                .await
                .unwrap()
        };
        assert!(!upgrade("another", "better").await);
        assert_eq!(stored(&backend, user.id).await, expected);
        assert!(upgrade("first", "better").await);
        expected.password_hash = Some(hash("better"));
        assert_eq!(stored(&backend, user.id).await, expected);
    }

    /// Of several upgrades of one hash one is made, and it is the one that says so.
    pub async fn one_upgrade_wins(backend: Backend) {
        let samples = Samples::default();
        for round in 0..ROUNDS {
            let user = inserted(&backend, samples.user(&format!("user{round}"))).await;
            let contenders = (0..8).map(|contender| {
                let (backend, id, new) = (backend.clone(), user.id, hash(&format!("better {contender}")));
                async move || {
                    let upgrade = commit(&backend, async |transaction| {
                        transaction.user_upgrade_password_hash(id, &hash("first"), &new).await
                    });
                    upgrade.await.unwrap().then_some(new)
                }
            });
            let winners: Vec<_> = race(contenders).await.into_iter().flatten().collect();
            assert_eq!(winners.len(), 1);
            assert_eq!(stored(&backend, user.id).await.password_hash.as_ref(), winners.first());
        }
    }

    /// A login is noted, and changes nothing else.
    pub async fn a_login_is_noted(backend: Backend) {
        let user = inserted(&backend, Samples::default().user("ada")).await;
        let mut expected = stored(&backend, user.id).await;
        assert!(record_login(&backend, &user).await);
        expected.user.last_login_at = Some(at(100));
        assert_eq!(stored(&backend, user.id).await, expected);
    }

    /// A login that raced a change of password, a deactivation or a deletion does not count.
    pub async fn a_login_of_before_does_not_count(backend: Backend) {
        let samples = Samples::default();
        let changed = inserted(&backend, samples.user("ada")).await;
        assert!(set_password(&backend, &changed, "second", false).await);
        let invited = inserted(&backend, NewUser { password_hash: None, ..samples.user("bob") }).await;
        let deactivated = inserted(&backend, samples.user("cyd")).await;
        set_status(&backend, &deactivated, UserStatus::Deactivated { since: at(1) }).await;
        let deleted = inserted(&backend, samples.user("dan")).await;
        set_status(&backend, &deleted, UserStatus::Deleted { since: at(1), deactivated_since: None }).await;
        for user in [changed, invited, deactivated, deleted] {
            assert!(!record_login(&backend, &user).await, "{}", user.username);
            assert_eq!(stored(&backend, user.id).await.user.last_login_at, None);
        }
    }

    /// Whoever reads for an update holds the others off: no update is lost, and each sees all of what
    /// the one before him did.
    pub async fn a_locking_read_sees_what_it_waited_for(backend: Backend) {
        let user = inserted(&backend, NewUser { roles: Vec::new(), ..Samples::default().user("ada") }).await;
        for round in 0..ROUNDS {
            let contenders = (0..4).map(|_| {
                let (backend, id) = (backend.clone(), user.id);
                async move || {
                    let toggle = commit(&backend, async |transaction| {
                        let read = transaction.user_by_id_for_update(id, UserScope::Existing).await?.unwrap();
                        let held = read.user.roles.len();
                        let roles = if held == 0 { &[RoleName::USER][..] } else { &[] };
                        transaction.user_set_roles(id, roles, at(1)).await?;
                        Ok((read.user.version, held))
                    });
                    toggle.await.unwrap()
                }
            });
            let mut seen = race(contenders).await;
            seen.sort_unstable();
            let first = i64::try_from(round * 4).unwrap() + 1;
            assert_eq!(seen, [(first, 0), (first + 1, 1), (first + 2, 0), (first + 3, 1)]);
        }
    }
});

/// What a new account looks like once it rests.
fn as_stored(new: &NewUser) -> UserInDB {
    let mut roles = new.roles.clone();
    roles.sort();
    UserInDB {
        user: User {
            id: new.id,
            username: new.username.clone(),
            email: new.email.clone(),
            email_verified_at: new.email_verified_at,
            full_name: new.full_name.clone(),
            external_id: new.external_id.clone(),
            metadata: new.metadata.clone(),
            status: UserStatus::Active,
            permissions: if roles.contains(&RoleName::ADMIN) { Permissions::All } else { Permissions::default() },
            roles,
            must_change_password: new.must_change_password,
            version: 1,
            last_login_at: None,
            created_at: new.created_at,
            updated_at: new.created_at,
        },
        password_hash: new.password_hash.clone(),
        token_epoch: 0,
    }
}

async fn insert(backend: &Backend, user: NewUser) -> Result<(), StorageError> {
    commit(backend, async |transaction| transaction.user_insert(&user).await).await
}

async fn update(
    backend: &Backend,
    user: &NewUser,
    expected_version: Option<i64>,
    changes: UserChanges,
) -> Result<bool, StorageError> {
    commit(backend, async |transaction| transaction.user_update(user.id, expected_version, &changes, at(100)).await)
        .await
}

async fn set_status(backend: &Backend, user: &NewUser, status: UserStatus) {
    let changes = UserChanges { status: Some(status), ..UserChanges::default() };
    assert!(update(backend, user, None, changes).await.unwrap());
}

async fn set_password(backend: &Backend, user: &NewUser, password: &str, must_change: bool) -> bool {
    commit(backend, async |transaction| {
        transaction.user_set_password(user.id, &hash(password), must_change, at(100)).await
    })
    .await
    .unwrap()
}

async fn record_login(backend: &Backend, user: &NewUser) -> bool {
    commit(backend, async |transaction| transaction.user_record_login(user.id, &hash("first"), at(100)).await)
        .await
        .unwrap()
}
