use std::{collections::BTreeSet, sync::Arc};

use tokio::sync::Barrier;
use usher_domain::{
    Action, Actor, Denied, FaultCode, Outcome, Permission, Role, RoleDescription, RoleName, Timestamp, UserId,
    UserScope, UserStatus, Username,
};
use usher_service::{BootstrapAdmin, BootstrapOutcome, ChangePassword, UserDraft, UsersError};
use usher_storage::{UserQueries, UsersStorageBackend};

use crate::fixture::{Fixture, PASSWORD, draft, password, request};

fn first_admin() -> BootstrapAdmin {
    BootstrapAdmin { username: Username::parse("admin").unwrap(), password: password("admin") }
}

pub(crate) fn faults(error: UsersError) -> Vec<(String, FaultCode)> {
    match error {
        UsersError::Invalid(error) => error.faults().iter().map(|fault| (fault.field.clone(), fault.code)).collect(),
        other => panic!("expected faults, got {other:?}"),
    }
}

pub(crate) async fn add_role(fixture: &Fixture, name: &str, granted: &[&str]) {
    let role = Role {
        name: RoleName::parse(name).unwrap(),
        description: RoleDescription::default(),
        granted: granted.iter().map(|name| Permission::parse(name).unwrap()).collect::<BTreeSet<_>>(),
        built_in: false,
        version: 1,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    };
    let transaction = fixture.backend.begin().await.unwrap();
    transaction.role_insert(&role).await.unwrap();
    transaction.commit().await.unwrap();
}

/// Proves: OP-09
#[tokio::test]
async fn the_first_administrator_is_made_once_and_must_change_the_password() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.users.ensure_default_admin(first_admin()).await.unwrap(), BootstrapOutcome::Created);
    assert_eq!(fixture.users.ensure_default_admin(first_admin()).await.unwrap(), BootstrapOutcome::Present);

    let admin = fixture.users.get_by_username(&Actor::system(), &first_admin().username).await.unwrap();
    assert!(admin.is_admin() && admin.must_change_password);
    let log = fixture.log().await;
    assert_eq!(log.iter().map(|entry| entry.action).collect::<Vec<_>>(), [Action::SystemBootstrapped]);
}

/// Proves: OP-09
#[tokio::test]
async fn a_deleted_account_is_enough_to_never_make_the_first_administrator_again() {
    let fixture = Fixture::new().await;
    let bob = fixture.user("bob").await;
    fixture.set_status(bob.id, |since| UserStatus::Deleted { since, deactivated_since: None }).await;
    assert_eq!(fixture.users.ensure_default_admin(first_admin()).await.unwrap(), BootstrapOutcome::Present);
}

/// Proves: OP-08
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_first_starts_at_once_one_makes_the_administrator() {
    for _ in 0..20 {
        let fixture = Fixture::new().await;
        let barrier = Arc::new(Barrier::new(8));
        let starts: Vec<_> = (0..8)
            .map(|_| {
                let (users, barrier) = (fixture.users.clone(), barrier.clone());
                tokio::spawn(async move {
                    barrier.wait().await;
                    users.ensure_default_admin(first_admin()).await.unwrap()
                })
            })
            .collect();
        let mut created = 0;
        for start in starts {
            created += usize::from(start.await.unwrap() == BootstrapOutcome::Created);
        }
        assert_eq!(created, 1);
        assert_eq!(fixture.log().await.len(), 1);
    }
}

/// Proves: ID-10
#[tokio::test]
async fn an_account_comes_with_its_activity_entry_or_not_at_all() {
    let fixture = Fixture::new().await;
    fixture.user_with_role("root", "admin").await;
    let root = fixture.actor("root").await;
    let before = fixture.log().await.len();

    let bob = fixture.users.create_user(&root, draft("bob")).await.unwrap();
    let log = fixture.log().await;
    assert_eq!(log.len(), before + 1);
    let entry = log.last().unwrap();
    assert_eq!((entry.action, entry.actor, entry.subject), (Action::UserCreated, root.user_id(), Some(bob.id)));

    assert!(matches!(fixture.users.create_user(&root, draft("BOB")).await, Err(UsersError::UsernameTaken)));
    assert_eq!(fixture.log().await.len(), before + 1, "no entry without its account");
}

/// Proves: ID-01
#[tokio::test]
async fn a_taken_name_address_or_external_id_is_told_apart() {
    let fixture = Fixture::new().await;
    let full = |username: &str, email: &str, external: &str| UserDraft {
        email: Some(email.to_owned()),
        external_id: Some(external.to_owned()),
        ..draft(username)
    };
    let system = Actor::system();
    let create = |draft| fixture.users.create_user(&system, draft);
    create(full("bob", "bob@example.org", "1")).await.unwrap();
    assert!(matches!(create(full("Bob", "b@example.org", "2")).await, Err(UsersError::UsernameTaken)));
    assert!(matches!(create(full("rob", "BOB@Example.org", "2")).await, Err(UsersError::EmailTaken)));
    assert!(matches!(create(full("rob", "rob@example.org", "1")).await, Err(UsersError::ExternalIdTaken)));
    create(full("rob", "rob@example.org", "2")).await.unwrap();
}

#[tokio::test]
async fn every_fault_of_a_draft_is_told_at_once() {
    let fixture = Fixture::new().await;
    let draft = UserDraft {
        username: "b".to_owned(),
        password: Some(password("short")),
        email: Some("nowhere".to_owned()),
        full_name: Some("Bob1".to_owned()),
        external_id: Some("ü".to_owned()),
        metadata: Some(serde_json::json!([])),
        roles: Some(vec!["user".to_owned(), "No Role".to_owned()]),
        ..UserDraft::default()
    };
    let mut found = faults(fixture.users.create_user(&Actor::system(), draft).await.unwrap_err());
    found.sort();
    let named: BTreeSet<_> = found.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(
        named.into_iter().collect::<Vec<_>>(),
        ["email", "external_id", "full_name", "metadata", "password", "roles.1", "username"]
    );
    assert!(fixture.log().await.is_empty());
}

/// Proves: PW-01, PW-04
#[tokio::test]
async fn a_weak_password_is_refused_where_an_administrator_sets_it_too() {
    let fixture = Fixture::new().await;
    for (text, code) in [("Xk7!vQz", FaultCode::TooShort), ("Xk7!vQz\0-mN", FaultCode::InvalidFormat)] {
        let draft = UserDraft { password: Some(password(text)), ..draft("bob") };
        let refused = fixture.users.create_user(&Actor::system(), draft).await.unwrap_err();
        assert_eq!(faults(refused), [("password".to_owned(), code)]);
    }
}

/// Proves: PW-15
#[tokio::test]
async fn a_password_that_somebody_else_chose_must_be_changed() {
    let fixture = Fixture::new().await;
    let draft = UserDraft { must_change_password: None, ..draft("bob") };
    let bob = fixture.users.create_user(&Actor::system(), draft).await.unwrap();
    assert!(bob.must_change_password);
    let actor = fixture.actor("bob").await;
    let refused = fixture.users.get_by_id(&actor, bob.id).await;
    assert!(matches!(refused, Err(UsersError::Denied(Denied::PasswordChangeRequired))));
}

/// Proves: AZ-02
#[tokio::test]
async fn without_permission_existing_and_missing_accounts_look_alike() {
    let fixture = Fixture::new().await;
    let (bob, eve) = (fixture.user("bob").await, fixture.user("eve").await);
    let actor = fixture.actor("eve").await;
    assert_eq!(fixture.users.get_by_id(&actor, eve.id).await.unwrap().id, eve.id, "oneself");
    for id in [bob.id, UserId::generate(&*fixture.environment.ids)] {
        let refused = fixture.users.get_by_id(&actor, id).await;
        assert!(matches!(refused, Err(UsersError::Denied(Denied::Forbidden))));
    }
    let refused = fixture.users.create_user(&actor, draft("mallory")).await;
    assert!(matches!(refused, Err(UsersError::Denied(Denied::Forbidden))));
}

/// Proves: AZ-06
#[tokio::test]
async fn nobody_gives_away_what_he_does_not_hold() {
    let fixture = Fixture::new().await;
    add_role(&fixture, "clerk", &["users:write"]).await;
    add_role(&fixture, "boss", &["users:write", "roles:assign"]).await;
    add_role(&fixture, "auditor", &["activity:read"]).await;
    fixture.user_with_role("clara", "clerk").await;
    fixture.user_with_role("boris", "boss").await;
    let with_role = |name: &str, role: &str| UserDraft { roles: Some(vec![role.to_owned()]), ..draft(name) };

    let clerk = fixture.actor("clara").await;
    fixture.users.create_user(&clerk, draft("plain")).await.unwrap();
    let refused = fixture.users.create_user(&clerk, with_role("one", "clerk")).await;
    assert!(matches!(refused, Err(UsersError::Denied(Denied::Forbidden))), "without roles:assign");

    let boss = fixture.actor("boris").await;
    fixture.users.create_user(&boss, with_role("two", "clerk")).await.unwrap();
    for role in ["auditor", "admin"] {
        let refused = fixture.users.create_user(&boss, with_role("three", role)).await;
        assert!(matches!(refused, Err(UsersError::Denied(Denied::Forbidden))), "{role}");
    }
    let unknown = fixture.users.create_user(&boss, with_role("four", "nosuch")).await.unwrap_err();
    assert_eq!(faults(unknown), [("roles.0".to_owned(), FaultCode::UnknownValue)]);
}

/// Proves: PW-08
#[tokio::test]
async fn changing_a_password_takes_the_current_one_and_failures_are_written_down() {
    let fixture = Fixture::new().await;
    let bob = fixture.user("bob").await;
    let actor = fixture.actor("bob").await;
    let wish =
        |current: &str, new: &str| ChangePassword { current_password: password(current), new_password: password(new) };

    let refused = fixture.users.change_password(&actor, wish("Wrong-7-one", "Another-7-word")).await;
    assert!(matches!(refused, Err(UsersError::CurrentPasswordIncorrect)));
    let entry = fixture.log().await.pop().unwrap();
    assert_eq!((entry.action, entry.outcome), (Action::PasswordChanged, Outcome::Failure));

    let same = fixture.users.change_password(&actor, wish(PASSWORD, PASSWORD)).await.unwrap_err();
    assert_eq!(faults(same), [("new_password".to_owned(), FaultCode::InvalidFormat)]);
    let weak = fixture.users.change_password(&actor, wish(PASSWORD, "bob-Bob")).await.unwrap_err();
    assert!(faults(weak).contains(&("new_password".to_owned(), FaultCode::TooShort)));

    let before = fixture.backend.user_by_id(bob.id, UserScope::Existing).await.unwrap().unwrap();
    let changed = fixture.users.change_password(&actor, wish(PASSWORD, "Another-7-word")).await.unwrap();
    assert_ne!(changed.password_hash, before.password_hash);
    assert_eq!(changed.token_epoch, before.token_epoch + 1);
    assert_eq!(changed.user.version, before.user.version, "nothing that is shown has changed");
}

/// Proves: RT-12
#[tokio::test]
async fn a_changed_password_ends_the_other_sessions_and_keeps_the_current_one() {
    let fixture = Fixture::new().await;
    fixture.user("bob").await;
    let (here, elsewhere) = (fixture.login("bob").await, fixture.login("bob").await);
    let actor = fixture.actor_of(&here).await;
    let wish = ChangePassword { current_password: password(PASSWORD), new_password: password("Another-7-word") };
    let changed = fixture.users.change_password(&actor, wish).await.unwrap();

    for old in [&here, &elsewhere] {
        let refused = fixture.auth.authenticate(old.access.token.expose(), Default::default()).await;
        assert!(refused.is_err(), "every access token so far is dead");
    }
    let renewed = fixture.auth.access_token(&changed, here.access.session).await.unwrap();
    assert!(fixture.auth.authenticate(renewed.token.expose(), Default::default()).await.is_ok());
    let ended = fixture.auth.access_token(&changed, elsewhere.access.session).await.unwrap();
    assert!(fixture.auth.authenticate(ended.token.expose(), Default::default()).await.is_err());
    assert!(fixture.auth.login(&request("bob", PASSWORD), &Default::default()).await.is_err());
}
