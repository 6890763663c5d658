use std::{sync::Arc, time::Duration};

use tokio::sync::Barrier;
use usher_domain::{
    Action, Actor, ClientInfo, Denied, Direction, FaultCode, PageSize, StatusFilter, User, UserFilter, UserOrder,
    UserStatus,
};
use usher_service::{UserDraft, UserPatch, UsersError};

use crate::{
    fixture::{Fixture, PASSWORD, draft, password, request},
    users::{add_role, faults},
};

/// What [`Fixture`] needs to have somebody who may do something about others.
async fn with_admin() -> (Fixture, Actor) {
    let fixture = Fixture::new().await;
    fixture.user_with_role("root", "admin").await;
    let root = fixture.actor("root").await;
    (fixture, root)
}

fn full_name(text: &str) -> UserPatch {
    UserPatch { full_name: Some(Some(text.to_owned())), ..UserPatch::default() }
}

fn email(text: &str) -> UserPatch {
    UserPatch { email: Some(Some(text.to_owned())), ..UserPatch::default() }
}

async fn is_in(fixture: &Fixture, token: &str) -> bool {
    fixture.auth.authenticate(token, ClientInfo::default()).await.is_ok()
}

/// Proves: ID-06, ID-07, JW-17, RT-13
#[tokio::test]
async fn an_account_is_shut_opened_deleted_restored_and_its_old_sessions_stay_dead() {
    let (fixture, root) = with_admin().await;
    let bob = fixture.user("bob").await;
    let login = fixture.login("bob").await;
    let token = login.access.token.expose();

    let shut = fixture.users.deactivate_user(&root, bob.id, Some("left".to_owned())).await.unwrap();
    assert!(matches!(shut.status, UserStatus::Deactivated { .. }));
    assert!(!is_in(&fixture, token).await);
    assert!(fixture.auth.login(&request("bob", PASSWORD), &ClientInfo::default()).await.is_err());
    assert!(matches!(
        fixture.users.deactivate_user(&root, bob.id, None).await,
        Err(UsersError::WrongStatus("deactivated"))
    ));
    let entry = fixture.log().await.pop().unwrap();
    assert_eq!(entry.action, Action::AuthLogin, "the refused login");

    let opened = fixture.users.activate_user(&root, bob.id, None).await.unwrap();
    assert_eq!(opened.status, UserStatus::Active);
    assert!(!is_in(&fixture, token).await, "the old session stays dead");
    let login = fixture.login("bob").await;

    fixture.users.deactivate_user(&root, bob.id, None).await.unwrap();
    fixture.users.delete_user(&root, bob.id, None).await.unwrap();
    assert!(!is_in(&fixture, login.access.token.expose()).await);
    assert!(fixture.auth.login(&request("bob", PASSWORD), &ClientInfo::default()).await.is_err());
    let taken = fixture.users.create_user(&root, draft("BOB")).await;
    assert!(matches!(taken, Err(UsersError::UsernameTaken)), "the name stays taken");
    assert!(matches!(
        fixture.users.update_user(&root, bob.id, full_name("Bob"), None).await,
        Err(UsersError::WrongStatus(_))
    ));

    let restored = fixture.users.restore_user(&root, bob.id, None).await.unwrap();
    assert!(matches!(restored.status, UserStatus::Deactivated { .. }), "a deactivation survives");
    let versions = [shut.version, opened.version, restored.version];
    assert!(versions.is_sorted() && versions[0] > bob.version);
}

/// Proves: ID-06
#[tokio::test]
async fn a_purge_frees_the_names_and_leaves_nothing_but_the_id_in_the_log() {
    let (fixture, root) = with_admin().await;
    let bob = fixture
        .users
        .create_user(&root, UserDraft { email: Some("bob@example.org".into()), ..draft("bob") })
        .await
        .unwrap();
    let client = ClientInfo::new(Some([192, 0, 2, 7].into()), Some("a browser"), None);
    fixture.auth.login(&request("bob", PASSWORD), &client).await.unwrap();

    fixture.users.purge_user(&root, bob.id, None).await.unwrap();
    assert!(matches!(fixture.users.get_by_id(&root, bob.id).await, Err(UsersError::NotFound)));
    let his: Vec<_> = fixture.log().await.into_iter().filter(|entry| entry.subject == Some(bob.id)).collect();
    assert_eq!(his.last().map(|entry| entry.action), Some(Action::UserPurged));
    assert!(his.len() > 1);
    assert!(
        his.iter().all(|entry| entry.user_agent.is_none() && entry.ip.is_none() && entry.details.fields().is_empty())
    );
    let again = fixture.users.create_user(&root, draft("bob")).await.unwrap();
    assert_ne!(again.id, bob.id);
}

#[tokio::test]
async fn whoever_was_deleted_long_ago_is_purged_by_the_job() {
    let (fixture, root) = with_admin().await;
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let (early, late) = (fixture.user("early").await, fixture.user("late").await);
    fixture.users.delete_user(&root, early.id, None).await.unwrap();
    fixture.clock.advance(DAY * 20);
    let root = fixture.actor("root").await;
    fixture.users.delete_user(&root, late.id, None).await.unwrap();
    fixture.clock.advance(DAY * 10);
    assert_eq!(fixture.users.purge_expired(DAY * 30).await.unwrap(), 0, "not before the whole time is over");
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(fixture.users.purge_expired(DAY * 30).await.unwrap(), 1);
    let root = fixture.actor("root").await;
    assert!(matches!(fixture.users.get_by_id(&root, early.id).await, Err(UsersError::NotFound)));
    assert!(fixture.users.restore_user(&root, late.id, None).await.is_ok());
}

/// Proves: AZ-04
#[tokio::test]
async fn the_last_active_administrator_stays() {
    let (fixture, root) = with_admin().await;
    let system = Actor::system();
    let id = root.user_id().unwrap();
    let spare = fixture.user_with_role("spare", "admin").await;
    fixture.users.deactivate_user(&root, spare.id, None).await.unwrap();

    let demoted = fixture.users.set_roles(&system, id, &["user".to_owned()], None).await;
    let deactivated = fixture.users.deactivate_user(&system, id, None).await;
    let deleted = fixture.users.delete_user(&system, id, None).await;
    for refused in [demoted, deactivated, deleted] {
        assert!(matches!(refused, Err(UsersError::LastAdmin)), "a deactivated one does not count");
    }
    assert!(matches!(fixture.users.purge_user(&system, id, None).await, Err(UsersError::LastAdmin)));

    fixture.users.activate_user(&root, spare.id, None).await.unwrap();
    assert!(fixture.users.delete_user(&system, id, None).await.is_ok());
}

/// Proves: AZ-04
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_administrators_who_are_taken_away_at_once_one_stays() {
    type Step = usize;
    async fn take_away(fixture: &Fixture, step: Step, admin: &User) -> bool {
        let (users, system) = (&fixture.users, Actor::system());
        match step % 4 {
            0 => users.set_roles(&system, admin.id, &[], None).await.is_ok(),
            1 => users.deactivate_user(&system, admin.id, None).await.is_ok(),
            2 => users.delete_user(&system, admin.id, None).await.is_ok(),
            _ => users.purge_user(&system, admin.id, None).await.is_ok(),
        }
    }
    for round in 0..200 {
        let fixture = Arc::new(Fixture::new().await);
        let admins = [fixture.user_with_role("one", "admin").await, fixture.user_with_role("two", "admin").await];
        let barrier = Arc::new(Barrier::new(2));
        let steps = [round, round / 4];
        let raced = admins.into_iter().zip(steps).map(|(admin, step)| {
            let (fixture, barrier) = (fixture.clone(), barrier.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                take_away(&fixture, step, &admin).await
            })
        });
        let mut won = 0;
        for one in raced.collect::<Vec<_>>() {
            won += usize::from(one.await.unwrap());
        }
        assert_eq!(won, 1, "round {round}: {steps:?}");
    }
}

/// Proves: AZ-04
#[tokio::test]
async fn nobody_targets_himself() {
    let (fixture, root) = with_admin().await;
    fixture.user_with_role("spare", "admin").await;
    let id = root.user_id().unwrap();
    let users = &fixture.users;
    let refused = [
        users.set_roles(&root, id, &[], None).await.map(drop),
        users.deactivate_user(&root, id, None).await.map(drop),
        users.delete_user(&root, id, None).await.map(drop),
        users.purge_user(&root, id, None).await,
        users.set_password(&root, id, password("Another-7-word")).await,
        users.update_user(&root, id, email("root@example.org"), None).await.map(drop),
    ];
    for one in refused {
        assert!(matches!(one, Err(UsersError::CannotTargetSelf)), "{one:?}");
    }
    assert!(users.update_user(&root, id, full_name("Root"), None).await.is_ok());
}

/// Proves: AZ-06
#[tokio::test]
async fn nobody_touches_an_account_that_may_do_more_than_he() {
    let (fixture, root) = with_admin().await;
    add_role(&fixture, "clerk", &["users:read", "users:write", "users:delete", "users:purge", "roles:assign"]).await;
    add_role(&fixture, "auditor", &["activity:read"]).await;
    fixture.user_with_role("clara", "clerk").await;
    let clerk = fixture.actor("clara").await;
    let (bob, auditor) = (fixture.user("bob").await, fixture.user_with_role("otto", "auditor").await);
    let users = &fixture.users;
    for id in [auditor.id, root.user_id().unwrap()] {
        let refused = [
            users.set_roles(&clerk, id, &[], None).await.map(drop),
            users.deactivate_user(&clerk, id, None).await.map(drop),
            users.delete_user(&clerk, id, None).await.map(drop),
            users.purge_user(&clerk, id, None).await,
            users.set_password(&clerk, id, password("Another-7-word")).await,
            users.update_user(&clerk, id, full_name("Otto"), None).await.map(drop),
        ];
        for one in refused {
            assert!(matches!(one, Err(UsersError::Denied(Denied::Forbidden))), "{one:?}");
        }
    }
    let granted = users.set_roles(&clerk, bob.id, &["auditor".to_owned()], None).await;
    assert!(matches!(granted, Err(UsersError::Denied(Denied::Forbidden))), "nor gives what he does not hold");
    assert!(users.set_roles(&clerk, bob.id, &["clerk".to_owned()], None).await.is_ok());
    let unknown = users.set_roles(&root, bob.id, &["user".to_owned(), "nosuch".to_owned()], None).await.unwrap_err();
    assert_eq!(faults(unknown), [("roles.1".to_owned(), FaultCode::UnknownValue)]);
}

/// Proves: AZ-06, JW-17
#[tokio::test]
async fn a_changed_role_is_logged_with_old_and_new_and_ends_old_tokens() {
    let (fixture, root) = with_admin().await;
    let bob = fixture.user("bob").await;
    let login = fixture.login("bob").await;
    let roles = ["admin".to_owned(), "user".to_owned()];
    let changed = fixture.users.set_roles(&root, bob.id, &roles, None).await.unwrap();
    assert!(changed.is_admin() && changed.version == bob.version + 1);
    let entry = fixture.log().await.pop().unwrap();
    assert_eq!((entry.action, entry.actor, entry.subject), (Action::UserRolesChanged, root.user_id(), Some(bob.id)));
    let details = serde_json::to_value(&entry.details).unwrap();
    assert_eq!(details, serde_json::json!({"old": ["user"], "new": ["admin", "user"]}));
    assert!(!is_in(&fixture, login.access.token.expose()).await);

    let entries = fixture.log().await.len();
    let same = fixture.users.set_roles(&root, bob.id, &roles, None).await.unwrap();
    assert_eq!(
        (same.version, fixture.log().await.len()),
        (changed.version, entries),
        "nothing changes, nothing is written"
    );
}

/// Proves: PW-15
#[tokio::test]
async fn a_password_that_an_administrator_sets_must_be_changed_and_ends_all_sessions() {
    let (fixture, root) = with_admin().await;
    let bob = fixture.user("bob").await;
    let login = fixture.login("bob").await;
    let weak = fixture.users.set_password(&root, bob.id, password("bob")).await.unwrap_err();
    assert!(faults(weak).contains(&("new_password".to_owned(), FaultCode::TooShort)));
    fixture.users.set_password(&root, bob.id, password("Another-7-word")).await.unwrap();
    assert!(!is_in(&fixture, login.access.token.expose()).await);
    let login = fixture.auth.login(&request("bob", "Another-7-word"), &ClientInfo::default()).await.unwrap();
    assert!(login.user.must_change_password);
    assert_eq!(fixture.log().await.iter().filter(|entry| entry.action == Action::PasswordSet).count(), 1);
}

/// Proves: AZ-03
#[tokio::test]
async fn somebody_without_permission_changes_his_names_and_nothing_else() {
    let (fixture, _) = with_admin().await;
    let bob = fixture.user("bob").await;
    let actor = fixture.actor("bob").await;
    let users = &fixture.users;
    let renamed = UserPatch { username: Some("Robert".to_owned()), ..full_name("Robert") };
    let renamed = users.update_user(&actor, bob.id, renamed, None).await.unwrap();
    assert_eq!((renamed.username.as_str(), renamed.version), ("Robert", bob.version + 1));
    for patch in [
        email("bob@example.org"),
        UserPatch { external_id: Some(Some("x".to_owned())), ..UserPatch::default() },
        UserPatch { metadata: Some(serde_json::json!({"a": 1})), ..UserPatch::default() },
    ] {
        let refused = users.update_user(&actor, bob.id, patch, None).await;
        assert!(matches!(refused, Err(UsersError::Denied(Denied::Forbidden))));
    }
    let reserved = UserPatch { username: Some("Support".to_owned()), ..UserPatch::default() };
    let reserved = users.update_user(&actor, bob.id, reserved, None).await.unwrap_err();
    assert_eq!(faults(reserved), [("username".to_owned(), FaultCode::Reserved)]);
    let whole = UserPatch {
        username: Some("Robert".to_owned()),
        email: Some(None),
        email_verified: Some(false),
        external_id: Some(None),
        metadata: Some(serde_json::json!({})),
        ..full_name("Robert")
    };
    let same = users.update_user(&actor, bob.id, whole, None).await.unwrap();
    assert_eq!(same.version, renamed.version, "the same values again are no change");
}

#[tokio::test]
async fn a_new_address_is_unproven_and_a_stale_version_is_refused() {
    let (fixture, root) = with_admin().await;
    let users = &fixture.users;
    let made = UserDraft { email: Some("bob@example.org".into()), email_verified: true, ..draft("bob") };
    let bob = users.create_user(&root, made).await.unwrap();
    assert!(bob.email_verified_at.is_some());
    let stale = users.update_user(&root, bob.id, email("b@example.org"), Some(bob.version + 1)).await;
    assert!(matches!(stale, Err(UsersError::VersionMismatch)));
    let moved = users.update_user(&root, bob.id, email("b@example.org"), Some(bob.version)).await.unwrap();
    assert_eq!((moved.email_verified_at, moved.version), (None, bob.version + 1));
    let proven = UserPatch { email_verified: Some(true), ..email("bob@example.org") };
    assert!(users.update_user(&root, bob.id, proven, None).await.unwrap().email_verified_at.is_some());
    let cleared = UserPatch { email: Some(None), ..UserPatch::default() };
    let cleared = users.update_user(&root, bob.id, cleared, None).await.unwrap();
    assert_eq!((cleared.email, cleared.email_verified_at), (None, None));
    let nothing = UserPatch { email_verified: Some(true), ..UserPatch::default() };
    assert!(faults(users.update_user(&root, bob.id, nothing, None).await.unwrap_err())[0].0 == "email_verified");
    let entry = fixture.log().await.pop().unwrap();
    assert_eq!(entry.action, Action::UserUpdated);
    assert_eq!(serde_json::to_value(&entry.details).unwrap(), serde_json::json!({"fields": ["email"]}));
}

/// Proves: AZ-02
#[tokio::test]
async fn lists_are_for_those_who_may_read_and_deleted_accounts_for_those_who_may_delete() {
    let (fixture, root) = with_admin().await;
    add_role(&fixture, "reader", &["users:read"]).await;
    fixture.user_with_role("rita", "reader").await;
    let gone = fixture.user("gone").await;
    fixture.users.delete_user(&root, gone.id, None).await.unwrap();
    let list = async |actor: &Actor, filter: &UserFilter| {
        let order = UserOrder::Username { direction: Direction::Ascending, after: None };
        fixture.users.list_users(actor, filter, &order, PageSize::default(), true).await
    };
    let (everybody, deleted) =
        (UserFilter::default(), UserFilter { status: Some(StatusFilter::Deleted), ..UserFilter::default() });
    let reader = fixture.actor("rita").await;
    let listed = list(&reader, &everybody).await.unwrap();
    let names: Vec<_> = listed.page.items.iter().map(|user| user.username.as_str()).collect();
    assert_eq!(names, ["rita", "root"]);
    assert_eq!(listed.total.map(|total| (total.count, total.capped)), Some((2, false)));
    assert!(matches!(list(&reader, &deleted).await, Err(UsersError::Denied(Denied::Forbidden))));
    assert_eq!(list(&root, &deleted).await.unwrap().page.items.len(), 1);
    assert!(matches!(fixture.users.get_by_id(&reader, gone.id).await, Err(UsersError::NotFound)));
    assert!(fixture.users.get_by_id(&root, gone.id).await.is_ok());
    fixture.user("bob").await;
    let nobody = fixture.actor("bob").await;
    assert!(matches!(list(&nobody, &everybody).await, Err(UsersError::Denied(Denied::Forbidden))));
}
