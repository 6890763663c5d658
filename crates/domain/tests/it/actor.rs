use std::sync::Arc;

use usher_domain::{
    Actor, ClientInfo, Denied, Metadata, Permissions, SequentialIds, SessionId, Timestamp, User, UserId, UserStatus,
    Username, permissions,
};

use crate::permission::only;

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
fn a_password_that_must_be_changed_comes_before_any_permission() {
    let restricted = actor(Permissions::All, true);
    assert_eq!(restricted.require(&permissions::USERS_READ), Err(Denied::PasswordChangeRequired));
    assert_eq!(actor(Permissions::All, false).require(&permissions::USERS_READ), Ok(()));
    assert_eq!(actor(only(&[]), false).require(&permissions::USERS_READ), Err(Denied::Forbidden));
    assert_eq!(Actor::system().require(&permissions::USERS_PURGE), Ok(()));
}

#[test]
fn a_password_that_must_be_changed_comes_before_the_rule_against_escalation() {
    let nothing = Permissions::default();
    assert_eq!(actor(Permissions::All, true).require_cover(&nothing), Err(Denied::PasswordChangeRequired));
    let some = actor(only(&["users:read"]), false);
    assert_eq!(some.require_cover(&nothing), Ok(()));
    assert_eq!(some.require_cover(&only(&["users:read"])), Ok(()));
    assert_eq!(some.require_cover(&only(&["users:read", "chats:read"])), Err(Denied::Forbidden));
    assert_eq!(some.require_cover(&Permissions::All), Err(Denied::Forbidden));
    assert_eq!(Actor::system().require_cover(&Permissions::All), Ok(()));
}
