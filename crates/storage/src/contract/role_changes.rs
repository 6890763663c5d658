//! Cases of [`RoleWrites`](crate::RoleWrites) that change or remove a role that is there.

use std::{collections::BTreeSet, slice};

use usher_domain::{
    NewUser, Permission, Permissions, Role, RoleChanges, RoleDescription, RoleName, Timestamp, UserChanges, UserFilter,
    UserId, UserInDB, UserStatus, permissions,
};

use super::{
    Backend, cases,
    sample::{ROUNDS, Samples, at, commit, inserted, race, role, stored},
};
use crate::{Constraint, StorageError, StorageResult};

cases!(role_changes, __role_changes_cases, {
    /// An update writes what it names, raises the version and moves `updated_at`; all else stays, and
    /// so do the other roles.
    pub async fn an_update_writes_what_it_names(backend: Backend) {
        let mut editor = insert(&backend, "editor", &["texts:edit", "texts:read"]).await;
        insert(&backend, "edito", &["texts:edit"]).await;
        let others = async || {
            let roles = backend.role_all().await.unwrap();
            roles.into_iter().filter(|one| one.name != role("editor")).collect::<Vec<_>>()
        };
        let untouched = others().await;
        for (second, (description, granted)) in (100..).zip([
            (Some("Redigiert “Texte” – '\"\\ 🦊"), None),
            (None, Some(&["users:read", "texts:edit"][..])),
            (Some(""), Some(&[][..])),
            (Some("Edits."), Some(&["texts:edit"][..])),
            (None, None),
        ]) {
            let changes = RoleChanges {
                description: description.map(|text| text.parse().unwrap()),
                granted: granted.map(grants),
            };
            let now = at(second);
            assert!(update(&backend, &editor.name, changes.clone(), now).await.unwrap());
            editor.description = changes.description.clone().unwrap_or(editor.description);
            editor.granted = changes.granted.clone().unwrap_or(editor.granted);
            editor.version += 1;
            editor.updated_at = now;
            assert_eq!(backend.role_by_name(&editor.name).await.unwrap().as_ref(), Some(&editor), "{changes:?}");
        }
        assert_eq!(others().await, untouched);
    }

    /// What a role grants anew its holders may do, and nothing else of them changes.
    pub async fn an_updated_role_grants_anew_and_leaves_its_holders(backend: Backend) {
        let editor = insert(&backend, "editor", &["texts:edit"]).await;
        let ada = inserted(&backend, holder(&Samples::default(), "ada", &["editor", "user"])).await;
        let mut expected = stored(&backend, ada.id).await;
        let changes = RoleChanges { granted: Some([permissions::USERS_READ].into()), ..RoleChanges::default() };
        assert!(update(&backend, &editor.name, changes, at(9)).await.unwrap());
        expected.user.permissions = Permissions::Only([permissions::USERS_READ].into());
        assert_eq!(stored(&backend, ada.id).await, expected);
    }

    /// A role that is not there is neither changed nor removed, and nobody holds it.
    pub async fn a_role_that_is_not_there_is_left_alone(backend: Backend) {
        let ada = inserted(&backend, holder(&Samples::default(), "ada", &["user"])).await;
        let (roles, before) = (backend.role_all().await.unwrap(), stored(&backend, ada.id).await);
        let nobodys = role("nobodys");
        let changes = RoleChanges { description: Some(RoleDescription::default()), ..RoleChanges::default() };
        assert!(!update(&backend, &nobodys, changes, at(9)).await.unwrap());
        assert!(!delete(&backend, &nobodys, at(9)).await.unwrap());
        assert_eq!(holders(&backend, &nobodys, 9).await, []);
        assert_eq!(backend.role_all().await.unwrap(), roles);
        assert_eq!(stored(&backend, ada.id).await, before);
    }

    /// A removed role is taken from whoever holds it, also from those who are shut or deleted: their
    /// epoch and version rise, and nobody else's.
    pub async fn a_removed_role_is_taken_from_everybody(backend: Backend) {
        let samples = Samples::default();
        let editor = insert(&backend, "editor", &["texts:edit"]).await.name;
        insert(&backend, "reader", &["texts:read"]).await;
        let (losers, others) = of_every_status(&backend, &samples).await;
        let unchanged = all(&backend, &others).await;
        let mut expected = all(&backend, &losers).await;

        assert!(delete(&backend, &editor, at(200)).await.unwrap());

        for account in &mut expected {
            account.user.roles = vec![role("reader"), RoleName::USER];
            account.user.permissions = Permissions::Only(grants(&["texts:read"]));
            account.user.version += 1;
            account.user.updated_at = at(200);
            account.token_epoch += 1;
        }
        assert_eq!(all(&backend, &losers).await, expected);
        assert_eq!(all(&backend, &others).await, unchanged);
        assert_eq!(backend.role_by_name(&editor).await.unwrap(), None);
        assert_eq!(backend.role_all().await.unwrap().len(), 3);
        let filter = UserFilter { role: Some(editor.clone()), ..UserFilter::default() };
        assert_eq!(backend.user_count(&filter, None, 9).await.unwrap(), 0);
        assert!(!delete(&backend, &editor, at(201)).await.unwrap());
        assert_eq!(all(&backend, &losers).await, expected, "once");
    }

    /// The name of a removed role is free, and nobody holds what is made under it.
    pub async fn a_removed_role_leaves_its_name(backend: Backend) {
        let editor = insert(&backend, "editor", &["texts:edit"]).await.name;
        let ada = inserted(&backend, holder(&Samples::default(), "ada", &["editor"])).await;
        assert!(delete(&backend, &editor, at(9)).await.unwrap());
        insert(&backend, "editor", &["texts:read"]).await;
        assert_eq!(stored(&backend, ada.id).await.user.roles, []);
        assert_eq!(holders(&backend, &editor, 9).await, []);
    }

    /// Without a commit no role is changed or removed.
    pub async fn changes_of_roles_can_be_taken_back(backend: Backend) {
        let editor = insert(&backend, "editor", &["texts:edit"]).await;
        let ada = inserted(&backend, holder(&Samples::default(), "ada", &["editor"])).await;
        let before = stored(&backend, ada.id).await;
        let transaction = backend.begin().await.unwrap();
        let changes = RoleChanges { granted: Some(grants(&[])), ..RoleChanges::default() };
        assert!(transaction.role_update(&editor.name, &changes, at(9)).await.unwrap());
        assert!(transaction.role_delete(&editor.name, at(9)).await.unwrap());
        assert_eq!(transaction.role_by_name(&editor.name).await.unwrap(), None);
        assert_eq!(transaction.role_holders_for_update(&editor.name, 9).await.unwrap(), []);
        drop(transaction);
        assert_eq!(backend.role_by_name(&editor.name).await.unwrap(), Some(editor));
        assert_eq!(stored(&backend, ada.id).await, before);
    }

    /// The holders of a role are those of every status, by id, with all that they hold; so many as are
    /// asked for.
    pub async fn holders_come_by_id_with_all_that_they_hold(backend: Backend) {
        let samples = Samples::default();
        let editor = insert(&backend, "editor", &["texts:edit"]).await.name;
        insert(&backend, "reader", &["texts:read"]).await;
        let (mut ids, _) = of_every_status(&backend, &samples).await;
        let root = inserted(&backend, holder(&samples, "root", &["admin", "editor"])).await;
        ids.push(root.id);
        ids.sort();
        let expected = all(&backend, &ids).await;
        assert!(expected.iter().any(|account| account.user.permissions == Permissions::All));
        for (most, count) in (0..=6).zip([0, 1, 2, 3, 4, 5, 5]) {
            assert_eq!(holders(&backend, &editor, most).await, &expected[..count], "{most}");
        }
        assert_eq!(holders(&backend, &editor, u32::MAX.into()).await, expected);
    }

    /// Holders that were read for an update are nobody else's until the transaction ends.
    pub async fn holders_are_locked(backend: Backend) {
        let samples = Samples::default();
        let editor = insert(&backend, "editor", &["texts:edit"]).await.name;
        let ada = inserted(&backend, holder(&samples, "ada", &["editor"])).await.id;
        for round in 0..ROUNDS {
            let before = stored(&backend, ada).await.user.version;
            let contenders = [(); 4].map(|()| {
                let (backend, editor) = (backend.clone(), editor.clone());
                async move || {
                    let writing = commit(&backend, async |transaction| {
                        let holders = transaction.role_holders_for_update(&editor, 9).await?;
                        let [holder] = &holders[..] else { panic!("{holders:?}") };
                        let version = Some(holder.user.version);
                        transaction.user_update(holder.user.id, version, &UserChanges::default(), at(1)).await
                    });
                    writing.await.unwrap()
                }
            });
            assert_eq!(race(contenders).await, [true; 4], "round {round}");
            assert_eq!(stored(&backend, ada).await.user.version, before + 4, "round {round}");
        }
    }

    /// Of updates at once each raises the version.
    pub async fn updates_at_once_are_all_counted(backend: Backend) {
        let editor = insert(&backend, "editor", &["texts:edit"]).await;
        let mut expected = editor.version;
        for round in 0..ROUNDS {
            let contenders = ["texts:read", "texts:write"].map(|granted| {
                let (backend, name) = (backend.clone(), editor.name.clone());
                let changes = RoleChanges { granted: Some(grants(&[granted])), ..RoleChanges::default() };
                async move || update(&backend, &name, changes, at(1)).await.unwrap()
            });
            assert_eq!(race(contenders).await, [true; 2], "round {round}");
            let version = backend.role_by_name(&editor.name).await.unwrap().unwrap().version;
            expected += 2;
            assert_eq!(version, expected, "round {round}");
        }
    }

    /// A locked role that nobody holds is not given away before it is removed: whoever gives it came
    /// before, or finds that there is none.
    pub async fn a_role_that_is_about_to_go_is_not_given_away(backend: Backend) {
        let samples = Samples::default();
        let editor = role("editor");
        let ada = inserted(&backend, holder(&samples, "ada", &[])).await.id;
        for round in 0..ROUNDS * 2 {
            insert(&backend, "editor", &["texts:edit"]).await;
            let newcomer = holder(&samples, &format!("user{round}"), &["editor"]);
            let contenders = [true, false].map(|removes| {
                let (backend, editor, newcomer) = (backend.clone(), editor.clone(), newcomer.clone());
                async move || {
                    let done = commit(&backend, async |transaction| {
                        if removes {
                            transaction.role_lock(&editor).await?;
                            let is_unused = transaction.role_holders_for_update(&editor, 1).await?.is_empty();
                            Ok(is_unused && transaction.role_delete(&editor, at(1)).await?)
                        } else if round % 2 == 0 {
                            transaction.user_set_roles(ada, slice::from_ref(&editor), at(1)).await
                        } else {
                            transaction.user_insert(&newcomer).await.map(|()| true)
                        }
                    });
                    match done.await {
                        Ok(done) => done,
                        Err(StorageError::Conflict(Constraint::RoleExists)) if !removes => false,
                        Err(error) => panic!("{error:?}"),
                    }
                }
            });
            let done = race(contenders).await;
            assert_eq!(done.iter().filter(|&&done| done).count(), 1, "round {round}: one of the two");
            let is_there = backend.role_by_name(&editor).await.unwrap().is_some();
            assert_eq!(holders(&backend, &editor, 9).await.len(), usize::from(is_there), "round {round}");
            assert_eq!(delete(&backend, &editor, at(2)).await.unwrap(), is_there);
            assert_eq!(stored(&backend, ada).await.user.roles, [], "round {round}");
        }
    }
});

fn grants(names: &[&str]) -> BTreeSet<Permission> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

async fn insert(backend: &Backend, name: &str, granted: &[&str]) -> Role {
    let made = Role {
        name: role(name),
        description: "Schreibt.".parse().unwrap(),
        granted: grants(granted),
        built_in: false,
        version: 3,
        created_at: at(1),
        updated_at: at(2),
    };
    commit(backend, async |transaction| transaction.role_insert(&made).await).await.unwrap();
    made
}

async fn update(backend: &Backend, name: &RoleName, changes: RoleChanges, now: Timestamp) -> StorageResult<bool> {
    commit(backend, async |transaction| transaction.role_update(name, &changes, now).await).await
}

async fn delete(backend: &Backend, name: &RoleName, now: Timestamp) -> StorageResult<bool> {
    commit(backend, async |transaction| transaction.role_delete(name, now).await).await
}

async fn holders(backend: &Backend, name: &RoleName, most: u64) -> Vec<UserInDB> {
    commit(backend, async |transaction| transaction.role_holders_for_update(name, most).await).await.unwrap()
}

fn holder(samples: &Samples, username: &str, roles: &[&str]) -> NewUser {
    NewUser { roles: roles.iter().map(|name| role(name)).collect(), ..samples.user(username) }
}

/// Holders of the roles `editor`, `reader` and `user`, one of each status, and as many who are no editors.
async fn of_every_status(backend: &Backend, samples: &Samples) -> (Vec<UserId>, Vec<UserId>) {
    let deleted = |deactivated_since| UserStatus::Deleted { since: at(3), deactivated_since };
    let statuses = [UserStatus::Active, UserStatus::Deactivated { since: at(2) }, deleted(None), deleted(Some(at(2)))];
    let mut groups = (Vec::new(), Vec::new());
    for (n, status) in statuses.into_iter().enumerate() {
        let editor = inserted(backend, holder(samples, &format!("editor{n}"), &["editor", "reader", "user"])).await;
        let other = inserted(backend, holder(samples, &format!("other{n}"), &["reader", "user"])).await;
        let changes = UserChanges { status: Some(status), ..UserChanges::default() };
        for id in [editor.id, other.id] {
            commit(backend, async |transaction| transaction.user_update(id, None, &changes, at(3)).await)
                .await
                .unwrap();
        }
        groups.0.push(editor.id);
        groups.1.push(other.id);
    }
    groups
}

async fn all(backend: &Backend, ids: &[UserId]) -> Vec<UserInDB> {
    let mut accounts = Vec::new();
    for id in ids {
        accounts.push(stored(backend, *id).await);
    }
    accounts
}
