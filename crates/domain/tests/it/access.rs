use std::{collections::BTreeSet, sync::Arc};

use usher_domain::{
    Actor, ClientInfo, Denied, Metadata, Permission, Permissions, RequestId, Role, RoleName, SequentialIds, SessionId,
    Timestamp, User, UserId, UserStatus, Username, permissions,
};

fn only(names: &[&str]) -> Permissions {
    Permissions::Only(names.iter().map(|name| Permission::parse(name).unwrap()).collect())
}

fn actor(permissions: Permissions, must_change_password: bool) -> Actor {
    let ids = SequentialIds::default();
    let now = Timestamp::UNIX_EPOCH;
    let user = User {
        id: UserId::generate(&ids),
        username: Username::parse("bob").unwrap(),
        email: None,
        email_verified_at: None,
        full_name: None,
        external_id: None,
        metadata: Metadata::default(),
        status: UserStatus::Active,
        roles: vec![],
        permissions,
        must_change_password,
        version: 1,
        last_login_at: None,
        created_at: now,
        updated_at: now,
    };
    Actor::user(Arc::new(user), SessionId::generate(&ids), ClientInfo::default())
}

#[test]
fn the_role_admin_holds_every_permission_also_ones_nobody_thought_of() {
    let [admin, user] = Role::built_in(Timestamp::UNIX_EPOCH);
    assert_eq!(admin.name, RoleName::ADMIN);
    assert!(admin.permissions().allow(&Permission::parse("chats:moderate").unwrap()));
    assert!(!user.permissions().allow(&permissions::USERS_READ));
    assert_eq!(Permissions::of_roles([&admin, &user]), Permissions::All);
}

#[test]
fn nobody_covers_what_he_does_not_hold() {
    let some = only(&["users:read", "users:write"]);
    assert!(some.cover(&only(&["users:read"])));
    assert!(!some.cover(&only(&["users:read", "roles:assign"])));
    assert!(!some.cover(&Permissions::All));
    assert!(Permissions::All.cover(&Permissions::All));
}

#[test]
fn a_password_that_must_be_changed_comes_before_any_permission() {
    let restricted = actor(Permissions::All, true);
    assert_eq!(restricted.require(&permissions::USERS_READ), Err(Denied::PasswordChangeRequired));
    assert_eq!(actor(Permissions::All, false).require(&permissions::USERS_READ), Ok(()));
    assert_eq!(actor(only(&[]), false).require(&permissions::USERS_READ), Err(Denied::Forbidden));
    assert_eq!(Actor::system().require(&permissions::USERS_PURGE), Ok(()));
}

#[test]
fn names_of_roles_and_permissions_have_one_form() {
    for bad in ["", "a", "Admin", "1role", "a b", "role:x", &"a".repeat(51)] {
        assert!(RoleName::parse(bad).is_err(), "{bad:?}");
    }
    assert!(RoleName::parse("support-2_eu").is_ok());
    for bad in ["", "users", "users:", ":read", "Users:read", "users:read:all", "*:*", "users:*"] {
        assert!(Permission::parse(bad).is_err(), "{bad:?}");
    }
    let distinct: BTreeSet<_> = permissions::ALL.iter().map(Permission::as_str).collect();
    assert_eq!(distinct.len(), 8);
    assert!(distinct.into_iter().all(|name| Permission::parse(name).is_ok()));
}

#[test]
fn a_request_id_cannot_smuggle_anything_into_a_log() {
    assert!(RequestId::parse("a.B-9_x").is_some());
    for bad in ["", "a b", "a\nb", "\u{1b}[31m", &"a".repeat(65)] {
        assert!(RequestId::parse(bad).is_none(), "{bad:?}");
    }
    let client = ClientInfo::new(None, Some("curl\u{1b}[31m/8"), None);
    assert_eq!(client.user_agent(), Some("curl[31m/8"));
}
