use proptest::prelude::*;
use usher_domain::{FaultCode, Permission, Permissions, Role, RoleDescription, RoleName, Timestamp, permissions};

#[test]
fn the_role_admin_holds_every_permission_also_ones_nobody_thought_of() {
    let [admin, user] = Role::built_in(Timestamp::UNIX_EPOCH);
    assert_eq!(admin.name, RoleName::ADMIN);
    assert!(admin.permissions().allow(&Permission::parse("chats:moderate").unwrap()));
    assert!(!user.permissions().allow(&permissions::USERS_READ));
    assert_eq!(Permissions::of_roles([&admin, &user]), Permissions::All);
}

#[test]
fn the_built_in_roles_are_described_and_grant_nothing_by_name() {
    for role in Role::built_in(Timestamp::UNIX_EPOCH) {
        assert!(role.built_in && role.granted.is_empty());
        assert_eq!(RoleName::parse(role.name.as_str()), Ok(role.name));
        assert_ne!(role.description, RoleDescription::default());
        assert_eq!(RoleDescription::parse(role.description.as_str()), Ok(role.description));
    }
}

#[test]
fn the_names_of_roles_have_one_form() {
    for good in ["ab", "support-2_eu", &"a".repeat(50)] {
        assert_eq!(RoleName::parse(good).expect(good).as_str(), good);
    }
    for bad in ["", "a", "Admin", "1role", "_role", "-role", "a b", "role:x", "röle", "role\n", &"a".repeat(51)] {
        assert_eq!(RoleName::parse(bad).expect_err(bad).code, FaultCode::InvalidFormat, "{bad:?}");
    }
}

#[test]
fn a_description_is_one_line_of_any_script_or_nothing() {
    for good in ["", "Edits “texts”, and more.", "編集者 🦊", " 'quoted' \\ ", &"é".repeat(RoleDescription::MAX_LENGTH)]
    {
        assert_eq!(RoleDescription::parse(good).expect(good).as_str(), good);
    }
    assert_eq!(RoleDescription::parse("").unwrap(), RoleDescription::default());
    let long = "é".repeat(RoleDescription::MAX_LENGTH + 1);
    assert_eq!(RoleDescription::parse(&long).unwrap_err().code, FaultCode::TooLong);
    for bad in ["a\nb", "a\r", "\tb", "a\0", "\u{1b}[31m", "\u{7f}", "\u{85}", "a\u{2028}b", "a\u{2029}b"] {
        assert_eq!(RoleDescription::parse(bad).expect_err(bad).code, FaultCode::InvalidFormat, "{bad:?}");
    }
}

#[test]
fn the_roles_that_one_account_may_hold_leave_half_a_token_to_permissions() {
    let longest = RoleName::parse(&"a".repeat(50)).unwrap();
    let roles = RoleName::MOST_HELD * (longest.as_str().len() + 3);
    // What is said in three bytes takes four in a token.
    assert!((roles + permissions::MOST_BYTES) * 4 / 3 + 1024 <= 8 * 1024);
}

proptest! {
    #[test]
    fn parsing_a_role_name_twice_changes_nothing(text in "[a-z0-9_-]{1,55}") {
        if let Ok(once) = RoleName::parse(&text) {
            prop_assert_eq!(once.as_str(), &text);
            prop_assert_eq!(&RoleName::parse(&once.to_string()).unwrap(), &once);
        }
    }

    #[test]
    fn parsing_a_description_twice_changes_nothing(text in "\\PC{0,210}|.{0,30}") {
        if let Ok(once) = RoleDescription::parse(&text) {
            prop_assert_eq!(once.as_str(), &text);
            prop_assert_eq!(&RoleDescription::parse(&once.to_string()).unwrap(), &once);
        }
    }
}
