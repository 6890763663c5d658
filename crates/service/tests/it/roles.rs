//! Roles: who may see, make and change them, and when that is in force.

use serde_json::json;
use usher_domain::{
    Action, ActivityEntry, Actor, Clock, Denied, FaultCode, Permission, Role, RoleName, User, UserScope, permissions,
};
use usher_service::{Failure, RoleDraft, RolePatch, RolesError, UserDraft, UsersError};
use usher_storage::{RoleQueries, UserQueries};

use crate::{
    fixture::{Fixture, draft},
    issuer::parts,
    users::add_role,
};

pub(crate) fn name(text: &str) -> RoleName {
    RoleName::parse(text).unwrap()
}

pub(crate) fn role_draft(name: &str, granted: &[&str]) -> RoleDraft {
    RoleDraft { name: name.to_owned(), description: String::new(), permissions: owned(granted) }
}

pub(crate) fn granting(granted: &[&str]) -> RolePatch {
    RolePatch { permissions: Some(owned(granted)), ..RolePatch::default() }
}

pub(crate) fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// Somebody who holds a role of the same name, which grants this.
pub(crate) async fn clerk(fixture: &Fixture, username: &str, granted: &[&str]) -> Actor {
    add_role(fixture, username, granted).await;
    fixture.user_with_role(username, username).await;
    fixture.actor(username).await
}

pub(crate) async fn holder(fixture: &Fixture, username: &str, roles: &[&str]) -> User {
    let draft = UserDraft { roles: Some(owned(roles)), ..draft(username) };
    fixture.users.create_user(&Actor::system(), draft).await.unwrap()
}

pub(crate) fn is_forbidden<T>(answer: &Result<T, RolesError>) -> bool {
    matches!(answer, Err(RolesError::Denied(Denied::Forbidden)))
}

pub(crate) fn faults(error: RolesError) -> Vec<(String, FaultCode)> {
    match error {
        RolesError::Invalid(error) => error.faults().iter().map(|fault| (fault.field.clone(), fault.code)).collect(),
        other => panic!("expected faults, got {other:?}"),
    }
}

/// All that is stored of roles, and the whole log.
pub(crate) async fn everything(fixture: &Fixture) -> (Vec<Role>, Vec<ActivityEntry>) {
    (fixture.backend.role_all().await.unwrap(), fixture.log().await)
}

fn granted(role: &Role) -> Vec<&str> {
    role.granted.iter().map(Permission::as_str).collect()
}

/// Proves: AZ-02
#[tokio::test]
async fn permission_is_asked_for_before_anything_is_looked_at() {
    let fixture = Fixture::new().await;
    let reader = clerk(&fixture, "reader", &["roles:read", "roles:assign", "users:write"]).await;
    let nobody = clerk(&fixture, "nobody", &[]).await;
    let must_change = UserDraft { must_change_password: Some(true), ..draft("fresh") };
    let must_change = UserDraft { roles: Some(owned(&["admin"])), ..must_change };
    fixture.users.create_user(&Actor::system(), must_change).await.unwrap();
    let fresh = fixture.actor("fresh").await;
    let roles = &fixture.roles;
    let bad = || role_draft("No Role", &["nothing"]);
    let patch = granting(&["nothing"]);
    fixture.backend.asked();
    for (role, version) in [(name("reader"), Some(7)), (RoleName::ADMIN, None), (name("missing"), None)] {
        for (actor, why) in [(&nobody, Denied::Forbidden), (&fresh, Denied::PasswordChangeRequired)] {
            for refused in [roles.get(actor, &role).await.map(drop), roles.list(actor).await.map(drop)] {
                assert!(matches!(&refused, Err(RolesError::Denied(denied)) if *denied == why), "{refused:?}");
            }
            let refused = roles.permissions(actor).await;
            assert!(matches!(&refused, Err(RolesError::Denied(denied)) if *denied == why), "{refused:?}");
        }
        for (actor, why) in
            [(&nobody, Denied::Forbidden), (&reader, Denied::Forbidden), (&fresh, Denied::PasswordChangeRequired)]
        {
            for refused in [
                roles.create(actor, bad()).await.map(drop),
                roles.update(actor, &role, &patch, version).await.map(drop),
                roles.delete(actor, &role, true, version).await,
            ] {
                assert!(matches!(&refused, Err(RolesError::Denied(denied)) if *denied == why), "{refused:?}");
            }
        }
    }
    assert!(fixture.backend.asked().is_empty());
}

#[tokio::test]
async fn whoever_may_read_sees_every_role_and_every_permission() {
    let fixture = Fixture::new().await;
    let reader = clerk(&fixture, "reader", &["roles:read"]).await;
    add_role(&fixture, "editor", &["texts:edit", "users:read"]).await;
    let listed = fixture.roles.list(&reader).await.unwrap();
    let names: Vec<_> = listed.iter().map(|role| role.name.as_str()).collect();
    assert_eq!(names, ["admin", "editor", "reader", "user"]);
    let all = [
        "activity:read",
        "roles:assign",
        "roles:read",
        "roles:write",
        "texts:edit",
        "users:delete",
        "users:purge",
        "users:read",
        "users:write",
    ];
    assert_eq!(granted(&listed[0]), all, "an administrator may do all that there is");
    assert_eq!(granted(&listed[1]), ["texts:edit", "users:read"]);
    assert_eq!(granted(&listed[3]), [""; 0]);
    for role in &listed {
        assert_eq!(fixture.roles.get(&reader, &role.name).await.unwrap(), *role);
    }
    let missing = fixture.roles.get(&reader, &name("missing")).await;
    assert!(matches!(missing, Err(RolesError::NotFound)));

    let known = fixture.roles.permissions(&reader).await.unwrap();
    assert_eq!(known.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), all);
    for one in known {
        assert_eq!(one.built_in, one.name.as_str() != "texts:edit");
        assert_eq!(one.description, permissions::description(&one.name));
    }
}

#[tokio::test]
async fn a_role_is_made_as_it_was_wanted_and_written_down() {
    let fixture = Fixture::new().await;
    let boss = clerk(&fixture, "boss", &["roles:write", "roles:read", "texts:edit", "texts:read"]).await;
    let wanted = RoleDraft {
        description: "Edits texts.".to_owned(),
        ..role_draft("editor", &["texts:read", "texts:edit", "texts:read"])
    };
    let made = fixture.roles.create(&boss, wanted).await.unwrap();
    let now = fixture.clock.now();
    let expected = Role {
        name: name("editor"),
        description: "Edits texts.".parse().unwrap(),
        granted: ["texts:edit", "texts:read"].map(|one| one.parse().unwrap()).into(),
        built_in: false,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    assert_eq!(made, expected);
    assert_eq!(fixture.roles.get(&boss, &made.name).await.unwrap(), expected);
    let entry = fixture.log().await.pop().unwrap();
    assert_eq!((entry.action, entry.actor, entry.subject), (Action::RoleCreated, boss.user_id(), None));
    let details = serde_json::to_value(&entry.details).unwrap();
    assert_eq!(details, json!({"role": "editor", "permissions": ["texts:edit", "texts:read"]}));

    let before = everything(&fixture).await;
    for taken in ["editor", "admin", "user"] {
        let refused = fixture.roles.create(&boss, role_draft(taken, &[])).await;
        assert!(matches!(refused, Err(RolesError::NameTaken)), "{refused:?}");
    }
    assert_eq!(everything(&fixture).await, before);
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let fixture = Fixture::new().await;
    let system = Actor::system();
    let before = everything(&fixture).await;
    let permissions = owned(&["users", "users:read", "*:*"]);
    let bad = RoleDraft { name: "No Role".to_owned(), description: "a\nb".to_owned(), permissions };
    let found = faults(fixture.roles.create(&system, bad.clone()).await.unwrap_err());
    let fault = |field: &str| (field.to_owned(), FaultCode::InvalidFormat);
    assert_eq!(found, ["name", "description", "permissions.0", "permissions.2"].map(fault));
    let patch = RolePatch { description: Some(bad.description), permissions: Some(bad.permissions) };
    let found = faults(fixture.roles.update(&system, &RoleName::USER, &patch, None).await.unwrap_err());
    assert_eq!(found, ["description", "permissions.0", "permissions.2"].map(fault));
    assert_eq!(everything(&fixture).await, before);
}

/// Proves: AZ-06
#[tokio::test]
async fn nobody_puts_into_a_role_or_takes_out_of_it_what_he_does_not_have() {
    let fixture = Fixture::new().await;
    let boss = clerk(&fixture, "boss", &["roles:write", "texts:edit", "texts:read"]).await;
    add_role(&fixture, "printer", &["texts:print", "texts:read"]).await;
    let (roles, printer) = (&fixture.roles, name("printer"));
    let before = everything(&fixture).await;
    for granted in [&["texts:edit", "texts:print"][..], &["users:read"]] {
        assert!(is_forbidden(&roles.create(&boss, role_draft("new", granted)).await), "{granted:?}");
    }
    for granted in [
        &["texts:print", "texts:read", "users:read"][..],
        &["texts:read"],
        &["texts:edit"],
        &["texts:edit", "texts:read", "users:read"],
        &[],
    ] {
        assert!(is_forbidden(&roles.update(&boss, &printer, &granting(granted), None).await), "{granted:?}");
    }
    for force in [false, true] {
        assert!(is_forbidden(&roles.delete(&boss, &printer, force, None).await));
    }
    assert_eq!(everything(&fixture).await, before);

    let described = RolePatch { description: Some("Prints.".to_owned()), ..RolePatch::default() };
    roles.update(&boss, &printer, &described, None).await.unwrap();
    let swapped = roles.update(&boss, &printer, &granting(&["texts:print", "texts:edit"]), None).await.unwrap();
    assert_eq!(granted(&swapped), ["texts:edit", "texts:print"], "what stays is not asked about");
    roles.create(&boss, role_draft("new", &["texts:edit"])).await.unwrap();
}

/// Proves: AZ-06
#[tokio::test]
async fn nobody_gives_somebody_a_role_or_takes_it_that_grants_what_he_does_not_have() {
    let fixture = Fixture::new().await;
    let powers = ["roles:write", "roles:assign", "users:write", "texts:read"];
    let boss = clerk(&fixture, "boss", &powers).await;
    add_role(&fixture, "reader", &["texts:read"]).await;
    add_role(&fixture, "printer", &["texts:print", "texts:read"]).await;
    let reader = holder(&fixture, "rita", &["reader"]).await;
    let printer = holder(&fixture, "paul", &["printer", "reader"]).await;
    let users = &fixture.users;
    let before = everything(&fixture).await;
    for (id, wanted) in [
        (reader.id, &["printer", "reader"][..]),
        (reader.id, &["admin"]),
        (printer.id, &["reader"]),
        (printer.id, &["printer", "reader", "user"]),
        (printer.id, &[]),
    ] {
        let refused = users.set_roles(&boss, id, &owned(wanted), None).await;
        assert!(matches!(refused, Err(UsersError::Denied(Denied::Forbidden))), "{wanted:?}: {refused:?}");
    }
    for wanted in [&["printer"][..], &["reader", "printer"], &["admin"]] {
        let draft = UserDraft { roles: Some(owned(wanted)), ..draft("nina") };
        let refused = users.create_user(&boss, draft).await;
        assert!(matches!(refused, Err(UsersError::Denied(Denied::Forbidden))), "{wanted:?}: {refused:?}");
    }
    assert_eq!(everything(&fixture).await, before);
    users.set_roles(&boss, reader.id, &[], None).await.unwrap();
    users.set_roles(&boss, reader.id, &owned(&["boss", "reader"]), None).await.unwrap();
}

#[tokio::test]
async fn the_role_of_the_administrators_is_not_edited_and_that_of_everybody_is() {
    let fixture = Fixture::new().await;
    let system = Actor::system();
    let before = everything(&fixture).await;
    let described = RolePatch { description: Some("All.".to_owned()), ..RolePatch::default() };
    for patch in [&described, &granting(&["users:read"]), &granting(&[]), &RolePatch::default()] {
        let refused = fixture.roles.update(&system, &RoleName::ADMIN, patch, None).await;
        assert!(matches!(refused, Err(RolesError::BuiltIn)), "{refused:?}");
    }
    assert_eq!(everything(&fixture).await, before);
    let edited = fixture.roles.update(&system, &RoleName::USER, &granting(&["texts:read"]), None).await.unwrap();
    assert!(edited.built_in && edited.version == 2);
    assert_eq!(granted(&edited), ["texts:read"]);
}

#[tokio::test]
async fn a_stale_version_is_refused() {
    let fixture = Fixture::new().await;
    let (system, roles) = (Actor::system(), &fixture.roles);
    add_role(&fixture, "editor", &[]).await;
    let editor = name("editor");
    let edited = roles.update(&system, &editor, &granting(&["texts:edit"]), Some(1)).await.unwrap();
    assert_eq!(edited.version, 2);
    let before = everything(&fixture).await;
    for stale in [1, 3] {
        for patch in [granting(&[]), RolePatch::default()] {
            let refused = roles.update(&system, &editor, &patch, Some(stale)).await;
            assert!(matches!(refused, Err(RolesError::VersionMismatch)), "{stale}: {refused:?}");
        }
        let refused = roles.delete(&system, &editor, true, Some(stale)).await;
        assert!(matches!(refused, Err(RolesError::VersionMismatch)), "{stale}: {refused:?}");
    }
    assert_eq!(everything(&fixture).await, before);
    for missing in [None, Some(1)] {
        let refused = roles.update(&system, &name("missing"), &granting(&[]), missing).await;
        assert!(matches!(refused, Err(RolesError::NotFound)), "{refused:?}");
        let refused = roles.delete(&system, &name("missing"), true, missing).await;
        assert!(matches!(refused, Err(RolesError::NotFound)), "{refused:?}");
    }
    roles.delete(&system, &editor, false, Some(2)).await.unwrap();
}

#[tokio::test]
async fn a_change_tells_what_was_and_what_is_and_none_leaves_no_trace() {
    let fixture = Fixture::new().await;
    add_role(&fixture, "editor", &["texts:edit", "texts:read"]).await;
    let boss = clerk(&fixture, "boss", &["roles:write", "texts:edit", "texts:print"]).await;
    let editor = name("editor");
    let patch = RolePatch {
        description: Some("Edits texts.".to_owned()),
        permissions: Some(owned(&["texts:read", "texts:print"])),
    };
    fixture.clock.advance(std::time::Duration::from_secs(1));
    let edited = fixture.roles.update(&boss, &editor, &patch, None).await.unwrap();
    assert_eq!((edited.version, edited.updated_at), (2, fixture.clock.now()));
    assert_eq!((granted(&edited), edited.description.as_str()), (vec!["texts:print", "texts:read"], "Edits texts."));
    let entry = fixture.log().await.pop().unwrap();
    assert_eq!((entry.action, entry.actor, entry.subject), (Action::RoleUpdated, boss.user_id(), None));
    let old_and_new = json!({
        "role": "editor",
        "description": "changed",
        "old": ["texts:edit", "texts:read"],
        "new": ["texts:print", "texts:read"],
    });
    assert_eq!(serde_json::to_value(&entry.details).unwrap(), old_and_new);

    let before = everything(&fixture).await;
    let login = fixture.login("boss").await;
    assert!(fixture.knows(&login).await);
    let logged = fixture.log().await.len();
    fixture.clock.advance(std::time::Duration::from_millis(1));
    fixture.backend.asked();
    let again = RolePatch { permissions: Some(owned(&["texts:print", "texts:read", "texts:print"])), ..patch };
    for same in [again, RolePatch::default()] {
        assert_eq!(fixture.roles.update(&boss, &editor, &same, None).await.unwrap(), edited);
    }
    assert!(!fixture.backend.asked().contains(&"commit"));
    assert!(fixture.knows(&login).await);
    assert!(fixture.backend.asked().is_empty(), "nothing is forgotten either");
    assert_eq!((fixture.backend.role_all().await.unwrap(), fixture.log().await.len()), (before.0, logged));

    let described = RolePatch { description: Some(String::new()), ..RolePatch::default() };
    fixture.roles.update(&boss, &editor, &described, None).await.unwrap();
    let entry = fixture.log().await.pop().unwrap();
    assert_eq!(serde_json::to_value(&entry.details).unwrap(), json!({"role": "editor", "description": "changed"}));
}

/// Proves: JW-17, RT-17
#[tokio::test]
async fn an_edited_role_is_in_force_at_the_next_request_and_in_the_next_token() {
    let fixture = Fixture::new().await;
    add_role(&fixture, "editor", &["users:read"]).await;
    let rita = holder(&fixture, "rita", &["editor", "user"]).await;
    let login = fixture.login("rita").await;
    let may = async |permission| fixture.actor_of(&login).await.require(permission).is_ok();
    let told = |token: &str| parts(token).1["permissions"].clone();
    assert!(may(&permissions::USERS_READ).await);
    let epoch = async || {
        let account = fixture.backend.user_by_id(rita.id, UserScope::Existing).await.unwrap().unwrap();
        (account.token_epoch, account.user.version)
    };
    let before = epoch().await;

    let patch = granting(&["activity:read", "texts:edit"]);
    fixture.roles.update(&Actor::system(), &name("editor"), &patch, None).await.unwrap();
    assert!(may(&permissions::ACTIVITY_READ).await && !may(&permissions::USERS_READ).await, "with the same token");
    assert_eq!(told(login.access.token.expose()), json!(["users:read"]));
    let refreshed = fixture.refresh(&login).await.unwrap();
    assert_eq!(told(refreshed.access.token.expose()), json!(["activity:read", "texts:edit"]));
    assert_eq!(epoch().await, before, "the account is what it was");
}

/// Proves: JW-17
#[tokio::test]
async fn an_edit_that_is_made_while_a_request_reads_is_not_overlooked() {
    let fixture = Fixture::new().await;
    add_role(&fixture, "editor", &["users:read"]).await;
    holder(&fixture, "rita", &["editor"]).await;
    let login = fixture.login("rita").await;
    let mut held = fixture.backend.hold("session_with_user");
    let (auth, token) = (fixture.auth.clone(), login.access.token.clone());
    let reading =
        tokio::spawn(async move { auth.authenticate(token.expose(), Default::default()).await.map(drop).is_ok() });
    held.reached().await;
    fixture.roles.update(&Actor::system(), &name("editor"), &granting(&[]), None).await.unwrap();
    drop(held);
    assert!(reading.await.unwrap(), "it came before");
    let actor = fixture.actor_of(&login).await;
    assert_eq!(actor.require(&permissions::USERS_READ), Err(Denied::Forbidden), "but nobody after it");
}

#[tokio::test]
async fn what_fails_anywhere_changes_nothing() {
    let fixture = Fixture::new().await;
    add_role(&fixture, "editor", &["users:read"]).await;
    let rita = holder(&fixture, "rita", &["editor"]).await;
    let (system, roles, editor) = (Actor::system(), &fixture.roles, name("editor"));
    let state = async || {
        let account = fixture.backend.user_by_id(rita.id, UserScope::Existing).await.unwrap();
        (everything(&fixture).await, account)
    };
    let create =
        async |n: usize| roles.create(&system, role_draft(&format!("new{n}"), &["texts:edit"])).await.map(drop);
    let patch = [granting(&["texts:edit"]), granting(&["users:read"])];
    let update = async |n: usize| roles.update(&system, &editor, &patch[n], None).await.map(drop);
    let delete = async |_: usize| roles.delete(&system, &editor, true, None).await;

    for change in 0..3 {
        let run = async |n| match change {
            0 => create(n).await,
            1 => update(n).await,
            _ => delete(n).await,
        };
        // Deleted for good only to learn what is asked.
        fixture.backend.asked();
        run(0).await.unwrap();
        let asked = fixture.backend.asked();
        assert_eq!(asked.last(), Some(&"commit"), "after that nothing can fail: {asked:?}");
        if change == 2 {
            roles.create(&system, role_draft("editor", &["users:read"])).await.unwrap();
            fixture.users.set_roles(&system, rita.id, &owned(&["editor"]), None).await.unwrap();
        }
        let before = state().await;
        for what in asked {
            fixture.backend.fail_at(what);
            let failed = run(1).await;
            fixture.backend.heal();
            assert!(matches!(failed, Err(RolesError::Failure(Failure::Unavailable(_)))), "{what}: {failed:?}");
            assert_eq!(state().await, before, "{what}");
        }
        run(1).await.unwrap();
        assert_ne!(state().await, before);
    }
}
