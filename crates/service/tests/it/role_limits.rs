//! How many roles there are, how many somebody holds, and how much they may grant together.

use std::collections::BTreeSet;

use usher_domain::{
    Actor, FaultCode, Metadata, NewUser, Permission, Role, RoleDescription, RoleName, Timestamp, UserId, permissions,
};
use usher_service::{RolePatch, RoleUse, RolesError, UserDraft};
use usher_storage::{RoleQueries, UsersStorageBackend};

use crate::{
    fixture::{Fixture, draft},
    issuer::parts,
    roles::{everything, faults, granting, name, owned, role_draft},
    users,
};

/// Past all managers, and so past all limits.
async fn add_roles(fixture: &Fixture, names: impl IntoIterator<Item = String>, granted: &BTreeSet<Permission>) {
    let transaction = fixture.backend.begin().await.unwrap();
    for name in names {
        let role = Role {
            name: RoleName::parse(&name).unwrap(),
            description: RoleDescription::default(),
            granted: granted.clone(),
            built_in: false,
            version: 1,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        };
        transaction.role_insert(&role).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

/// So many names as long as they can be.
fn longest(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("r{n:0>3}{}", "x".repeat(46))).collect()
}

/// Permissions that together with ours take all the room that there is.
fn filling() -> Vec<String> {
    const SHORTEST: usize = 49;
    const LONGEST: usize = 98;
    let ours: usize = permissions::ALL.iter().map(|one| one.as_str().len() + 3).sum();
    let mut left = permissions::MOST_BYTES - ours;
    let mut names = Vec::new();
    while left > 0 {
        let bytes = if left <= LONGEST { left } else { LONGEST.min(left - SHORTEST) };
        names.push(format!("a{:0>3}{}:{}", names.len(), "x".repeat(40), "y".repeat(bytes - 48)));
        left -= bytes;
    }
    names
}

#[tokio::test]
async fn nobody_holds_more_than_25_roles() {
    let fixture = Fixture::new().await;
    let system = Actor::system();
    let names: Vec<_> = (0..26).map(|n| format!("role{n}")).collect();
    add_roles(&fixture, names.clone(), &BTreeSet::new()).await;
    let bob = fixture.user("bob").await;
    let too_many = [("roles".to_owned(), FaultCode::TooLong)];
    let refused = fixture.users.set_roles(&system, bob.id, &names, None).await.unwrap_err();
    assert_eq!(users::faults(refused), too_many);
    let wanted = |roles: &[String]| UserDraft { roles: Some(roles.to_vec()), ..draft("carl") };
    let refused = fixture.users.create_user(&system, wanted(&names)).await.unwrap_err();
    assert_eq!(users::faults(refused), too_many);

    let often: Vec<_> = names[..25].iter().chain(&names[..25]).cloned().collect();
    assert_eq!(fixture.users.set_roles(&system, bob.id, &often, None).await.unwrap().roles.len(), 25);
    assert_eq!(fixture.users.create_user(&system, wanted(&often)).await.unwrap().roles.len(), 25);
}

#[tokio::test]
async fn there_are_no_more_than_500_roles() {
    let fixture = Fixture::new().await;
    let system = Actor::system();
    add_roles(&fixture, (0..497).map(|n| format!("role{n}")), &BTreeSet::new()).await;
    fixture.roles.create(&system, role_draft("last", &[])).await.unwrap();
    let before = everything(&fixture).await;
    assert_eq!(before.0.len(), 500);
    for taken in ["more", "last"] {
        let refused = fixture.roles.create(&system, role_draft(taken, &[])).await.unwrap_err();
        assert_eq!(faults(refused), [("name".to_owned(), FaultCode::OutOfRange)]);
    }
    assert_eq!(everything(&fixture).await, before);
    fixture.roles.update(&system, &name("last"), &granting(&["texts:edit"]), None).await.unwrap();
    fixture.roles.delete(&system, &name("role7"), false, None).await.unwrap();
    fixture.roles.create(&system, role_draft("more", &[])).await.unwrap();
}

#[tokio::test]
async fn all_permissions_together_have_their_bounds_and_less_is_always_taken() {
    let fixture = Fixture::new().await;
    let (system, roles) = (Actor::system(), &fixture.roles);
    let filling = filling();
    let filling: Vec<_> = filling.iter().map(String::as_str).collect();
    roles.create(&system, role_draft("full", &filling)).await.unwrap();
    let before = everything(&fixture).await;
    let too_long = [("permissions".to_owned(), FaultCode::TooLong)];
    let refused = roles.create(&system, role_draft("more", &["a:b"])).await.unwrap_err();
    assert_eq!(faults(refused), too_long);
    let refused = roles.update(&system, &RoleName::USER, &granting(&["a:b"]), None).await.unwrap_err();
    assert_eq!(faults(refused), too_long);
    assert_eq!(everything(&fixture).await, before);

    roles.create(&system, role_draft("known", &[filling[0], "users:read"])).await.unwrap();
    let (full, last) = (name("full"), filling.len() - 1);
    let replaced: Vec<_> = filling[..last].iter().copied().chain(["a:b"]).collect();
    roles.update(&system, &full, &granting(&replaced), None).await.unwrap();
    roles.update(&system, &full, &granting(&filling), None).await.unwrap();

    let one_more = "users:x".parse().unwrap();
    add_roles(&fixture, ["beyond".to_owned()], &[one_more].into()).await;
    let shrunk = roles.update(&system, &full, &granting(&filling[1..]), None).await.unwrap();
    assert_eq!(shrunk.granted.len(), last, "also where there are too many already");
    let described = RolePatch { description: Some("Much.".to_owned()), ..RolePatch::default() };
    roles.update(&system, &full, &described, None).await.unwrap();
}

#[tokio::test]
async fn the_longest_token_there_can_be_is_issued() {
    let fixture = Fixture::new().await;
    let system = Actor::system();
    let filling = filling();
    let filling: Vec<_> = filling.iter().map(String::as_str).collect();
    fixture.roles.create(&system, role_draft("full", &filling)).await.unwrap();
    let names = longest(24);
    add_roles(&fixture, names.clone(), &BTreeSet::new()).await;
    let username = "u".repeat(50);
    let held: Vec<_> = names.iter().map(String::as_str).chain(["admin"]).collect();
    let wanted = UserDraft { roles: Some(owned(&held)), ..draft(&username) };
    fixture.users.create_user(&system, wanted).await.unwrap();

    let login = fixture.login(&username).await;
    let token = login.access.token.expose();
    assert!((7_000..8 * 1024).contains(&token.len()), "{}", token.len());
    let claims = parts(token).1;
    assert_eq!(claims["roles"].as_array().unwrap().len(), RoleName::MOST_HELD);
    let told = claims["permissions"].as_array().unwrap();
    assert_eq!(told.len(), permissions::ALL.len() + filling.len());
    assert!(fixture.knows(&login).await);
    assert!(fixture.refresh(&login).await.is_ok());
}

#[tokio::test]
async fn a_role_is_not_taken_from_more_than_10_000_at_once() {
    let fixture = Fixture::new().await;
    let system = Actor::system();
    add_roles(&fixture, ["editor".to_owned()], &BTreeSet::new()).await;
    let editor = name("editor");
    let transaction = fixture.backend.begin().await.unwrap();
    for n in 0..10_001 {
        let user = NewUser {
            id: UserId::generate(&*fixture.environment.ids),
            username: format!("user{n}").parse().unwrap(),
            email: None,
            email_verified_at: None,
            full_name: None,
            external_id: None,
            metadata: Metadata::default(),
            password_hash: None,
            roles: vec![editor.clone()],
            must_change_password: false,
            created_at: Timestamp::UNIX_EPOCH,
        };
        transaction.user_insert(&user).await.unwrap();
    }
    transaction.commit().await.unwrap();
    let refused = fixture.roles.delete(&system, &editor, true, None).await;
    assert!(matches!(refused, Err(RolesError::InUse(RoleUse::HeldByTooMany))), "{refused:?}");
    assert!(fixture.log().await.is_empty());
    assert!(fixture.backend.role_by_name(&editor).await.unwrap().is_some());

    let first = fixture.users.get_by_username(&system, &"user0".parse().unwrap()).await.unwrap();
    fixture.users.set_roles(&system, first.id, &[], None).await.unwrap();
    fixture.roles.delete(&system, &editor, true, None).await.unwrap();
    assert_eq!(fixture.backend.role_by_name(&editor).await.unwrap(), None);
}
