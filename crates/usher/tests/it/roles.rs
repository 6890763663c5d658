//! Roles on the command line.

use serde_json::{Value, json};

use crate::support::{Finished, PASSWORD, Place, QUICK};

fn roles(place: &Place, arguments: &[&str]) -> Finished {
    place.run(&[&["roles"], arguments].concat(), &QUICK)
}

fn done(place: &Place, arguments: &[&str]) -> String {
    let done = roles(place, arguments);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{done:?}");
    done.stdout
}

/// The roles, one object for each.
fn listed(place: &Place) -> Vec<Value> {
    done(place, &["list", "--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[track_caller]
fn refused(place: &Place, arguments: &[&str], expected: &[&str]) {
    let done = roles(place, arguments);
    assert_eq!((done.code, done.stdout.as_str()), (Some(1), ""), "{done:?}");
    for text in expected {
        assert!(done.stderr.contains(text), "{text:?} is missing in {done:?}");
    }
}

fn with_support() -> Place {
    let place = Place::new();
    let permissions = ["--permission", "users:read", "--permission", "tickets:answer"];
    let said = done(&place, &[&["create", "support", "--description", "Answers questions"], &permissions[..]].concat());
    assert_eq!(said, "support grants tickets:answer,users:read\n");
    place
}

#[test]
fn roles_are_made_listed_changed_and_deleted() {
    let place = with_support();
    let names: Vec<_> = listed(&place).into_iter().map(|role| role["name"].clone()).collect();
    assert_eq!(names, ["admin", "support", "user"]);
    let table = done(&place, &["list"]);
    let rows: Vec<Vec<_>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["ROLE", "PERMISSIONS", "DESCRIPTION"]);
    assert_eq!(rows[2], ["support", "tickets:answer,users:read", "Answers", "questions"]);

    let changed = done(&place, &["update", "support", "--add", "users:write", "--remove", "tickets:answer"]);
    assert_eq!(changed, "support grants users:read,users:write\n");
    let changed = done(&place, &["update", "support", "--description", "Helps", "--json"]);
    let changed: Value = serde_json::from_str(&changed).unwrap();
    let told = [&changed["description"], &changed["permissions"]];
    assert_eq!(told, [&json!("Helps"), &json!(["users:read", "users:write"])]);
    assert_eq!(done(&place, &["delete", "support"]), "deleted support\n");
    assert_eq!(listed(&place).len(), 2);
}

#[test]
fn what_cannot_be_done_says_why_and_what_to_do() {
    let place = with_support();
    let faults = ["no role was made", "name: must have 2 to 50", "permissions.0: must be of the form area:verb"];
    refused(&place, &["create", "Support", "--permission", "x"], &faults);
    refused(&place, &["create", "support"], &["the role name is taken"]);
    refused(&place, &["update", "nobody", "--add", "a:b"], &["there is no such role: `usher roles list` shows all"]);
    refused(&place, &["update", "support", "--remove", "a:b"], &["support does not grant \"a:b\"", "usher roles list"]);
    refused(&place, &["update", "admin", "--add", "a:b"], &["the role is built in"]);
    refused(&place, &["delete", "user", "--force"], &["the role is built in"]);
    assert_eq!(roles(&place, &["update", "support"]).code, Some(2), "nothing is to be changed");
    assert_eq!(roles(&place, &["delete", "No Role"]).code, Some(2));
}

#[test]
fn roles_are_given_and_taken_and_in_use_they_stay() {
    let place = with_support();
    let made = place.run_with_input(&["users", "create", "ada"], &QUICK, PASSWORD);
    assert_eq!(made.code, Some(0), "{made:?}");
    assert_eq!(done(&place, &["grant", "support", "ada"]), "support\nuser\n");
    assert_eq!(done(&place, &["revoke", "user", "ada"]), "support\n");
    let shown: Value = serde_json::from_str(&done(&place, &["grant", "user", "ada", "--json"])).unwrap();
    assert_eq!(shown["roles"], json!(["support", "user"]));
    refused(&place, &["grant", "nobody", "ada"], &["the roles of ada were not changed", "does not exist"]);
    refused(&place, &["grant", "support", "bob"], &["there is no account \"bob\""]);
    refused(&place, &["revoke", "admin", "ada"], &["ada does not hold the role \"admin\""]);

    refused(&place, &["delete", "support"], &["somebody holds it", "--force takes it from all"]);
    assert_eq!(done(&place, &["delete", "support", "--force"]), "deleted support\n");
    let left = place.run(&["users", "roles", "ada"], &QUICK);
    assert_eq!(left.stdout, "user\n", "{left:?}");
}

#[test]
fn a_server_does_not_start_with_a_default_role_that_does_not_exist() {
    let place = with_support();
    let defaults = [QUICK.as_slice(), &[("USHER__REGISTRATION__DEFAULT_ROLES", "user,guests")]].concat();
    let refused = place.run(&["serve"], &defaults);
    assert_eq!(refused.code, Some(78), "{refused:?}");
    let hint = "registration.default_roles names guests, which is no role: make it with `usher roles create guests`";
    assert!(refused.stderr.contains(hint), "{refused:?}");

    let defaults = [QUICK.as_slice(), &[("USHER__REGISTRATION__DEFAULT_ROLES", "user,support")]].concat();
    let stays = place.run(&["roles", "delete", "support", "--force"], &defaults);
    assert!(stays.stderr.contains("take it out of registration.default_roles first"), "{stays:?}");
    let made = place.run_with_input(&["users", "create", "ada", "--json"], &defaults, PASSWORD);
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    assert_eq!(made["roles"], json!(["support", "user"]));
}
