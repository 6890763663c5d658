//! Cases of [`RoleQueries`](crate::RoleQueries) and [`RoleWrites`](crate::RoleWrites).

use usher_domain::{NewUser, Permissions, Role, RoleName, Timestamp, UserChanges, UserId, UserStatus, permissions};

use super::{
    Backend, cases,
    sample::{ROUNDS, Samples, at, commit, inserted, race, role, stored},
};
use crate::{Constraint, StorageError};

cases!(roles, __roles_cases, {
    /// A fresh backend has the two built-in roles, and they are as the domain says.
    pub async fn the_built_in_roles_are_there_from_the_start(backend: Backend) {
        let made_at =
            |role: Role| Role { created_at: Timestamp::UNIX_EPOCH, updated_at: Timestamp::UNIX_EPOCH, ..role };
        let roles: Vec<_> = backend.role_all().await.unwrap().into_iter().map(made_at).collect();
        assert_eq!(roles, Role::built_in(Timestamp::UNIX_EPOCH));
    }

    /// Every field of a role comes back as it was.
    pub async fn a_role_comes_back_as_it_was_given(backend: Backend) {
        let editor = insert(&backend, "editor").await;
        assert_eq!(backend.role_by_name(&editor.name).await.unwrap(), Some(editor));
        assert_eq!(backend.role_by_name(&role("edito")).await.unwrap(), None);
    }

    /// Roles are listed by name, byte by byte.
    pub async fn roles_are_sorted_byte_by_byte(backend: Backend) {
        for name in ["ab", "a_b", "a-b", "a0b"] {
            insert(&backend, name).await;
        }
        let names: Vec<_> = backend.role_all().await.unwrap().into_iter().map(|role| role.name).collect();
        assert_eq!(names, ["a-b", "a0b", "a_b", "ab", "admin", "user"].map(role));
    }

    /// The name of a role is unique.
    pub async fn a_role_name_is_taken(backend: Backend) {
        insert(&backend, "editor").await;
        let taken = commit(&backend, async |transaction| transaction.role_insert(&sample("editor")).await).await;
        assert!(matches!(taken, Err(StorageError::Conflict(Constraint::RoleNameUnique))), "{taken:?}");
    }

    /// An account has what all its roles grant, and an administrator everything.
    pub async fn an_account_has_the_permissions_of_its_roles(backend: Backend) {
        let samples = Samples::default();
        let editor = insert(&backend, "editor").await;
        let auditor = Role { granted: [permissions::ACTIVITY_READ].into(), ..sample("auditor") };
        commit(&backend, async |transaction| transaction.role_insert(&auditor).await).await.unwrap();

        let with = |username, roles: &[&RoleName]| NewUser {
            roles: roles.iter().map(|&role| role.clone()).collect(),
            ..samples.user(username)
        };
        let both = inserted(&backend, with("both", &[&editor.name, &auditor.name, &RoleName::USER])).await;
        let admin = inserted(&backend, with("adm", &[&auditor.name, &RoleName::ADMIN])).await;
        let none = inserted(&backend, with("none", &[])).await;

        let both = stored(&backend, both.id).await.user;
        assert_eq!(both.roles, ["auditor", "editor", "user"].map(role));
        let granted = editor.granted.into_iter().chain([permissions::ACTIVITY_READ]).collect();
        assert_eq!(both.permissions, Permissions::Only(granted));
        assert_eq!(stored(&backend, admin.id).await.user.permissions, Permissions::All);
        assert_eq!(stored(&backend, none.id).await.user.permissions, Permissions::default());
    }

    /// Setting roles replaces those before, and raises epoch and version.
    pub async fn set_roles_replace_those_before(backend: Backend) {
        let user = inserted(&backend, Samples::default().user("ada")).await;
        let mut expected = stored(&backend, user.id).await;
        for roles in [vec![RoleName::ADMIN], vec![RoleName::ADMIN, RoleName::USER, RoleName::ADMIN], vec![]] {
            assert!(set_roles(&backend, user.id, &roles).await.unwrap());
            expected.user.roles = roles;
            expected.user.roles.sort();
            expected.user.roles.dedup();
            expected.user.permissions =
                if expected.user.is_admin() { Permissions::All } else { Permissions::default() };
            expected.user.version += 1;
            expected.user.updated_at = at(100);
            expected.token_epoch += 1;
            assert_eq!(stored(&backend, user.id).await, expected);
        }
    }

    /// A role that does not exist cannot be given, and the roles before stay.
    pub async fn an_unknown_role_is_not_given(backend: Backend) {
        let user = inserted(&backend, Samples::default().user("ada")).await;
        let before = stored(&backend, user.id).await;
        let refused = set_roles(&backend, user.id, &[RoleName::ADMIN, role("nobody")]).await;
        assert!(matches!(refused, Err(StorageError::Conflict(Constraint::RoleExists))), "{refused:?}");
        assert_eq!(stored(&backend, user.id).await, before);
    }

    /// Accounts that are not there, or deleted, are given no roles.
    pub async fn a_deleted_account_gets_no_roles(backend: Backend) {
        let samples = Samples::default();
        assert!(!set_roles(&backend, samples.user_id(), &[RoleName::USER]).await.unwrap());
        let user = inserted(&backend, samples.user("ada")).await;
        set_status(&backend, user.id, UserStatus::Deleted { since: at(1), deactivated_since: None }).await;
        let before = stored(&backend, user.id).await;
        assert!(!set_roles(&backend, user.id, &[RoleName::ADMIN]).await.unwrap());
        assert_eq!(stored(&backend, user.id).await, before);
    }

    /// Only active accounts count as holders of a role.
    pub async fn only_active_holders_count(backend: Backend) {
        let samples = Samples::default();
        let count = async |name: RoleName| {
            commit(&backend, async |transaction| transaction.role_count_active_holders(&name).await).await.unwrap()
        };
        assert_eq!(count(RoleName::ADMIN).await, 0);
        let admin = |username| NewUser { roles: vec![RoleName::USER, RoleName::ADMIN], ..samples.user(username) };
        inserted(&backend, admin("ada")).await;
        inserted(&backend, samples.user("bob")).await;
        for (username, status) in [
            ("cyd", UserStatus::Deactivated { since: at(1) }),
            ("dan", UserStatus::Deleted { since: at(1), deactivated_since: None }),
            ("eve", UserStatus::Deleted { since: at(2), deactivated_since: Some(at(1)) }),
        ] {
            let user = inserted(&backend, admin(username)).await;
            set_status(&backend, user.id, status).await;
        }
        assert_eq!(count(RoleName::ADMIN).await, 1);
        assert_eq!(count(RoleName::USER).await, 2);
        assert_eq!(count(role("nobody")).await, 0);
    }

    /// A role that is there can be locked, another cannot.
    pub async fn only_a_role_that_exists_is_locked(backend: Backend) {
        let lock = async |name: RoleName| {
            commit(&backend, async |transaction| transaction.role_lock(&name).await).await.unwrap()
        };
        assert!(lock(RoleName::ADMIN).await);
        assert!(!lock(role("nobody")).await);
    }

    /// Whoever locks a role holds off the others: of two administrators who demote each other at
    /// once, one stays.
    pub async fn a_locked_role_keeps_its_last_holder(backend: Backend) {
        let samples = Samples::default();
        let admin = |username| NewUser { roles: vec![RoleName::ADMIN], ..samples.user(username) };
        let admins = [inserted(&backend, admin("ada")).await.id, inserted(&backend, admin("bob")).await.id];
        for round in 0..ROUNDS {
            let contenders = admins.map(|id| {
                let backend = backend.clone();
                async move || {
                    let demotion = commit(&backend, async |transaction| {
                        assert!(transaction.role_lock(&RoleName::ADMIN).await?);
                        let another = transaction.role_count_active_holders(&RoleName::ADMIN).await? > 1;
                        Ok(another && transaction.user_set_roles(id, &[], at(1)).await?)
                    });
                    demotion.await.unwrap()
                }
            });
            let demoted = race(contenders).await;
            assert_eq!(demoted.iter().filter(|&&demoted| demoted).count(), 1, "round {round}");
            for id in admins {
                set_roles(&backend, id, &[RoleName::ADMIN]).await.unwrap();
            }
        }
    }
});

fn sample(name: &str) -> Role {
    Role {
        name: role(name),
        description: "Redigiert “Texte”, und mehr.".parse().unwrap(),
        granted: [permissions::USERS_READ, "texts:edit".parse().unwrap()].into(),
        built_in: false,
        version: 3,
        created_at: at(1),
        updated_at: at(2),
    }
}

async fn insert(backend: &Backend, name: &str) -> Role {
    let role = sample(name);
    commit(backend, async |transaction| transaction.role_insert(&role).await).await.unwrap();
    role
}

async fn set_roles(backend: &Backend, user: UserId, roles: &[RoleName]) -> Result<bool, StorageError> {
    commit(backend, async |transaction| transaction.user_set_roles(user, roles, at(100)).await).await
}

async fn set_status(backend: &Backend, user: UserId, status: UserStatus) {
    let changes = UserChanges { status: Some(status), ..UserChanges::default() };
    commit(backend, async |transaction| transaction.user_update(user, None, &changes, at(99)).await).await.unwrap();
}
