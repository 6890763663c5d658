use std::collections::BTreeSet;

use proptest::prelude::*;
use usher_domain::{FaultCode, Permission, Permissions, permissions};

pub(crate) fn only(names: &[&str]) -> Permissions {
    Permissions::Only(names.iter().map(|name| Permission::parse(name).unwrap()).collect())
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
fn a_permission_is_an_area_and_a_verb() {
    for good in ["a:b", "chats:moderate", "a1_b-c:d2_e-f", &format!("{0}:{0}", "a".repeat(50))] {
        assert_eq!(Permission::parse(good).expect(good).as_str(), good);
    }
    for bad in [
        "",
        "users",
        "users:",
        ":read",
        "Users:read",
        "users:read:all",
        "*:*",
        "users:*",
        "1users:read",
        "users:_read",
        " users:read",
        "users:read\n",
        "üsers:read",
        &format!("{}:b", "a".repeat(51)),
        &format!("a:{}", "b".repeat(51)),
    ] {
        assert_eq!(Permission::parse(bad).expect_err(bad).code, FaultCode::InvalidFormat, "{bad:?}");
    }
}

#[test]
fn our_permissions_are_distinct_well_formed_and_described() {
    let distinct: BTreeSet<_> = permissions::ALL.iter().map(Permission::as_str).collect();
    assert_eq!(distinct.len(), 8);
    assert!(distinct.into_iter().all(|name| Permission::parse(name).is_ok()));
    let descriptions: BTreeSet<_> = permissions::ALL.iter().filter_map(permissions::description).collect();
    assert_eq!(descriptions.len(), 8, "each has one of its own");
    assert!(descriptions.iter().all(|text| text.ends_with('.') && text.trim() == *text), "{descriptions:?}");
}

#[test]
fn a_permission_is_described_however_it_was_made_and_one_that_is_not_ours_is_not() {
    assert_eq!(permissions::description(&permissions::ROLES_READ), Some("See roles and permissions."));
    let parsed = Permission::parse("roles:read").unwrap();
    assert_eq!(permissions::description(&parsed), Some("See roles and permissions."));
    assert_eq!(permissions::description(&Permission::parse("chats:moderate").unwrap()), None);
}

#[test]
fn the_longest_permission_leaves_room_for_others() {
    let longest = Permission::parse(&format!("{0}:{0}", "a".repeat(50))).unwrap();
    let ours: usize = permissions::ALL.iter().map(|one| one.as_str().len() + 3).sum();
    assert!(ours + 25 * (longest.as_str().len() + 3) <= permissions::MOST_BYTES);
}

proptest! {
    #[test]
    fn parsing_a_permission_twice_changes_nothing(text in "[a-z0-9:_-]{1,20}") {
        if let Ok(once) = Permission::parse(&text) {
            prop_assert_eq!(once.as_str(), &text);
            prop_assert_eq!(&Permission::parse(&once.to_string()).unwrap(), &once);
        }
    }
}
