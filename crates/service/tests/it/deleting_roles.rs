//! Roles that go, and what becomes of those who held them.

use serde_json::json;
use usher_domain::{Action, Actor, ClientInfo, Denied, RoleName, UserId, UserScope, UserStatus};
use usher_service::{RoleUse, RolesError, TokenBlocklist, UsersSettings};
use usher_storage::{RoleQueries, UserQueries};

use crate::{
    fixture::Fixture,
    issuer::parts,
    roles::{clerk, everything, granting, holder, is_forbidden, name, owned, role_draft},
    users::add_role,
};

async fn version_and_epoch(fixture: &Fixture, id: UserId) -> (i64, i64) {
    let account = fixture.backend.user_by_id(id, UserScope::WithDeleted).await.unwrap().unwrap();
    (account.user.version, account.token_epoch)
}

#[tokio::test]
async fn a_role_that_nobody_holds_is_deleted_and_written_down() {
    let fixture = Fixture::new().await;
    let boss = clerk(&fixture, "boss", &["roles:write", "texts:edit", "texts:read"]).await;
    for force in [false, true] {
        fixture.roles.create(&boss, role_draft("editor", &["texts:edit", "texts:read"])).await.unwrap();
        fixture.roles.delete(&boss, &name("editor"), force, None).await.unwrap();
        assert_eq!(fixture.backend.role_by_name(&name("editor")).await.unwrap(), None);
        let entry = fixture.log().await.pop().unwrap();
        assert_eq!((entry.action, entry.actor, entry.subject), (Action::RoleDeleted, boss.user_id(), None));
        let details = json!({"role": "editor", "permissions": ["texts:edit", "texts:read"], "holders": 0});
        assert_eq!(serde_json::to_value(&entry.details).unwrap(), details);
        let again = fixture.roles.delete(&boss, &name("editor"), force, None).await;
        assert!(matches!(again, Err(RolesError::NotFound)));
    }
}

#[tokio::test]
async fn what_usher_made_stays_and_so_does_what_every_account_is_given() {
    let default_roles = vec![RoleName::USER, name("member")];
    let fixture = Fixture::with(UsersSettings { default_roles, ..UsersSettings::default() }).await;
    add_role(&fixture, "member", &[]).await;
    let system = Actor::system();
    let before = everything(&fixture).await;
    for force in [false, true] {
        for built_in in [RoleName::ADMIN, RoleName::USER] {
            let refused = fixture.roles.delete(&system, &built_in, force, None).await;
            assert!(matches!(refused, Err(RolesError::BuiltIn)), "{refused:?}");
        }
        let refused = fixture.roles.delete(&system, &name("member"), force, None).await;
        assert!(matches!(refused, Err(RolesError::InUse(RoleUse::Default))), "{refused:?}");
    }
    assert_eq!(everything(&fixture).await, before);
    fixture.roles.update(&system, &name("member"), &granting(&["texts:read"]), None).await.unwrap();
}

#[tokio::test]
async fn a_role_that_somebody_holds_stays_unless_forced_whatever_he_is() {
    let fixture = Fixture::new().await;
    add_role(&fixture, "editor", &[]).await;
    let rita = holder(&fixture, "rita", &["editor"]).await;
    let system = Actor::system();
    for status in [
        |_| UserStatus::Active,
        |since| UserStatus::Deactivated { since },
        |since| UserStatus::Deleted { since, deactivated_since: None },
    ] {
        fixture.set_status(rita.id, status).await;
        let before = everything(&fixture).await;
        let refused = fixture.roles.delete(&system, &name("editor"), false, None).await;
        assert!(matches!(refused, Err(RolesError::InUse(RoleUse::Held))), "{refused:?}");
        assert_eq!(everything(&fixture).await, before);
    }
    fixture.users.purge_user(&system, rita.id, None).await.unwrap();
    fixture.roles.delete(&system, &name("editor"), false, None).await.unwrap();
}

/// Proves: AZ-06
#[tokio::test]
async fn a_role_is_taken_only_from_those_who_may_not_do_more() {
    let fixture = Fixture::new().await;
    let writer = clerk(&fixture, "writer", &["roles:write", "texts:edit"]).await;
    let boss = clerk(&fixture, "boss", &["roles:write", "roles:assign", "texts:edit"]).await;
    add_role(&fixture, "editor", &["texts:edit"]).await;
    add_role(&fixture, "printer", &["texts:print"]).await;
    let rita = holder(&fixture, "rita", &["editor"]).await;
    let editor = name("editor");
    let refused = fixture.roles.delete(&writer, &editor, true, None).await;
    assert!(is_forbidden(&refused), "without roles:assign");

    let system = Actor::system();
    holder(&fixture, "root", &["admin"]).await;
    for more in [&["editor", "printer"][..], &["admin", "editor"]] {
        let paul = holder(&fixture, "paul", more).await;
        for status in [|_| UserStatus::Active, |since| UserStatus::Deleted { since, deactivated_since: None }] {
            fixture.set_status(paul.id, status).await;
            let before = everything(&fixture).await;
            let refused = fixture.roles.delete(&boss, &editor, true, None).await;
            assert!(is_forbidden(&refused), "{more:?}: {refused:?}");
            assert_eq!(everything(&fixture).await, before);
        }
        fixture.set_status(paul.id, |_| UserStatus::Active).await;
        fixture.users.purge_user(&system, paul.id, None).await.unwrap();
    }
    fixture.roles.delete(&boss, &editor, true, None).await.unwrap();
    let rita = fixture.users.get_by_id(&system, rita.id).await.unwrap();
    assert!(rita.roles.is_empty(), "nobody needs a role");
}

/// Proves: AZ-06, JW-17, RT-17
#[tokio::test]
async fn a_forced_deletion_is_told_of_everybody_who_held_it_and_is_in_force_at_once() {
    let fixture = Fixture::new().await;
    add_role(&fixture, "editor", &["texts:edit", "users:read"]).await;
    fixture.user_with_role("root", "admin").await;
    let root = fixture.actor("root").await;
    let rita = holder(&fixture, "rita", &["editor", "user"]).await;
    let gone = holder(&fixture, "gone", &["editor"]).await;
    let other = fixture.user("otto").await;
    fixture.set_status(gone.id, |since| UserStatus::Deleted { since, deactivated_since: None }).await;
    let (login, others) = (fixture.login("rita").await, fixture.login("otto").await);
    assert!(fixture.knows(&login).await && fixture.knows(&others).await);
    let mut before = Vec::new();
    for id in [rita.id, gone.id, other.id] {
        before.push(version_and_epoch(&fixture, id).await);
    }
    let logged = fixture.log().await.len();

    fixture.roles.delete(&root, &name("editor"), true, Some(1)).await.unwrap();

    let log = fixture.log().await.split_off(logged);
    let told: Vec<_> = log
        .iter()
        .map(|entry| (entry.action, entry.actor, entry.subject, serde_json::to_value(&entry.details).unwrap()))
        .collect();
    let actor = root.user_id();
    let expected = [
        (
            Action::RoleDeleted,
            actor,
            None,
            json!({"role": "editor", "permissions": ["texts:edit", "users:read"], "holders": 2}),
        ),
        (Action::UserRolesChanged, actor, Some(rita.id), json!({"old": ["editor", "user"], "new": ["user"]})),
        (Action::UserRolesChanged, actor, Some(gone.id), json!({"old": ["editor"], "new": []})),
    ];
    assert_eq!(told, expected);

    let mut after = Vec::new();
    for id in [rita.id, gone.id, other.id] {
        after.push(version_and_epoch(&fixture, id).await);
    }
    let raised = |(version, epoch): (i64, i64)| (version + 1, epoch + 1);
    assert_eq!(after, [raised(before[0]), raised(before[1]), before[2]]);
    assert!(!fixture.knows(&login).await, "the token says what is no more so");
    assert!(fixture.knows(&others).await);
    let claims = |token: &str| fixture.tokens.verify(token).unwrap();
    assert!(fixture.blocklist.blocks(&claims(login.access.token.expose())).await.unwrap(), "others are told");
    assert!(!fixture.blocklist.blocks(&claims(others.access.token.expose())).await.unwrap());
    let refreshed = fixture.auth.refresh(&login.refresh.token, &ClientInfo::default()).await.unwrap();
    let claims = parts(refreshed.access.token.expose()).1;
    assert_eq!((&claims["roles"], &claims["permissions"]), (&json!(["user"]), &json!([])));
    assert!(fixture.knows(&refreshed).await);
}

#[tokio::test]
async fn whoever_may_no_more_cannot_go_on_with_what_a_deleted_role_gave_him() {
    let fixture = Fixture::new().await;
    clerk(&fixture, "boss", &["roles:read", "roles:write"]).await;
    let login = fixture.login("boss").await;
    fixture.roles.delete(&Actor::system(), &name("boss"), true, None).await.unwrap();
    assert!(!fixture.knows(&login).await);
    let boss = fixture.actor("boss").await;
    let refused = fixture.roles.list(&boss).await;
    assert!(matches!(refused, Err(RolesError::Denied(Denied::Forbidden))));
    fixture.roles.create(&Actor::system(), role_draft("boss", &["roles:read"])).await.unwrap();
    assert!(is_forbidden(&fixture.roles.list(&boss).await), "nor with another one of the same name");
    let id = boss.user_id().unwrap();
    fixture.users.set_roles(&Actor::system(), id, &owned(&["boss"]), None).await.unwrap();
    assert!(fixture.roles.list(&fixture.actor("boss").await).await.is_ok());
}
