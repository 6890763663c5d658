//! Accounts on the command line, next to a server that runs.

use actix_web::rt::System;
use serde_json::{Value, json};
use usher_domain::{Action, ActivityFilter, PageSize};
use usher_storage::{ActivityQueries, ConnectSettings, SeaOrmBackend};

use crate::support::{Finished, PASSWORD, Place, QUICK, Server};

const OTHER_PASSWORD: &str = "9Wq#rT2!plumK";

fn create(place: &Place, arguments: &[&str]) -> Value {
    let arguments = [&["users", "create", "--no-must-change-password", "--json"], arguments].concat();
    let made = place.run_with_input(&arguments, &QUICK, PASSWORD);
    assert_eq!(made.code, Some(0), "{made:?}");
    serde_json::from_str(&made.stdout).unwrap()
}

fn users(place: &Place, arguments: &[&str]) -> Finished {
    place.run(&[&["users"], arguments].concat(), &QUICK)
}

fn object(place: &Place, arguments: &[&str]) -> Value {
    let done = users(place, &[arguments, &["--json"]].concat());
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{done:?}");
    serde_json::from_str(&done.stdout).unwrap()
}

/// The usernames of a list, in order.
fn names(place: &Place, arguments: &[&str]) -> Vec<String> {
    let listed = users(place, &[&["list", "--json"], arguments].concat());
    assert_eq!(listed.code, Some(0), "{listed:?}");
    let accounts = listed.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let name = |account: &Value| account["username"].as_str().unwrap().to_owned();
    accounts.map(|account| name(&account)).collect()
}

#[track_caller]
fn refused(done: &Finished, expected: &[&str]) {
    assert_eq!((done.code, done.stdout.as_str()), (Some(1), ""), "{done:?}");
    for text in expected {
        assert!(done.stderr.contains(text), "{text:?} is missing in {done:?}");
    }
}

#[test]
fn accounts_are_listed_by_what_is_asked_for() {
    let place = Place::new();
    create(&place, &["bob", "--full-name", "Bob Ada"]);
    create(&place, &["Ada", "--email", "ada@example.org", "--role", "admin", "--role", "user"]);
    create(&place, &["carol", "--role", "user"]);
    assert_eq!(users(&place, &["deactivate", "carol"]).code, Some(0));

    assert_eq!(names(&place, &[]), ["carol", "Ada", "bob"]);
    assert_eq!(names(&place, &["--sort", "created_at"]), ["bob", "Ada", "carol"]);
    assert_eq!(names(&place, &["--sort", "username"]), ["Ada", "bob", "carol"]);
    assert_eq!(names(&place, &["--sort", "-username"]), ["carol", "bob", "Ada"]);
    assert_eq!(names(&place, &["--status", "deactivated"]), ["carol"]);
    assert_eq!(names(&place, &["--status", "deleted"]), [""; 0]);
    assert_eq!(names(&place, &["--role", "admin"]), ["Ada"]);
    assert_eq!(names(&place, &["--q", "ADA"]), ["Ada"]);
    assert_eq!(names(&place, &["--q", "bob a"]), ["bob"]);
    assert_eq!(names(&place, &["--limit", "3"]), ["carol", "Ada", "bob"]);
    assert_eq!(users(&place, &["list", "--limit", "3"]).stderr, "");
    assert_eq!(names(&place, &["--limit", "2"]), ["carol", "Ada"]);
    assert_eq!(users(&place, &["list", "--limit", "2"]).stderr, "there are more than 2: --limit 0 lists all\n");

    let table = users(&place, &["list", "--sort", "username"]).stdout;
    let rows: Vec<Vec<_>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["USERNAME", "STATUS", "ROLES", "E-MAIL", "CREATED", "ID", "FULL", "NAME"]);
    assert_eq!(rows[1][..4], ["Ada", "active", "admin,user", "ada@example.org"]);
    assert_eq!((rows[2][3], &rows[2][6..]), ("-", &["Bob", "Ada"][..]));
    assert_eq!((rows[3][..2].to_vec(), rows.len()), (vec!["carol", "deactivated"], 4));
    let ids: Vec<_> = table.lines().map(|line| line.find(rows[1][5]).or_else(|| line.find(" ID "))).collect();
    assert_eq!(ids[0].map(|at| at + 1), ids[1], "the columns stand under each other:\n{table}");
}

#[test]
fn a_list_that_makes_no_sense_is_refused() {
    let place = Place::new();
    for arguments in [
        &["--q", "a"][..],
        &["--sort", "email"],
        &["--q", "ada", "--sort", "username"],
        &["--status", "gone"],
        &["--role", "No Role"],
        &["--limit", "-1"],
    ] {
        let ended = users(&place, &[&["list"], arguments].concat());
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{arguments:?}");
    }
}

#[test]
fn an_account_is_shown_by_username_address_and_id() {
    let place = Place::new();
    let server = Server::start(&place, &[], &QUICK);
    let made =
        create(&place, &["ada", "--email", "ada@example.org", "--email-verified", "--full-name", "Ada Lovelace"]);
    let id = made["id"].as_str().unwrap();
    for user in ["ada", "ADA", "ada@example.org", "Ada@Example.ORG", id, &id.to_uppercase()] {
        assert_eq!(object(&place, &["show", user]), made, "{user}");
    }
    assert_eq!(made["last_login_at"], Value::Null);
    let answered = &server.client.login("ada", PASSWORD).json()["data"]["user"];
    let mut shown = object(&place, &["show", "ada"]);
    assert!(shown["last_login_at"].is_string());
    shown["last_login_at"] = answered["last_login_at"].clone();
    assert_eq!(shown, *answered, "the command line and the API show the same");

    let text = users(&place, &["show", "ada"]).stdout;
    for line in ["Username     ada\n", "Status       active\n", "E-mail       ada@example.org (proven)\n", id] {
        assert!(text.contains(line), "{line:?} is missing in {text}");
    }
    // A username may look like an id.
    let odd = "01900000-0000-7000-8000-000000000001";
    create(&place, &[odd]);
    assert_eq!(object(&place, &["show", odd])["username"], odd);

    for user in ["nobody", "nobody@example.org", "01900000-0000-7000-8000-000000000002", "no name at all"] {
        refused(&users(&place, &["show", user]), &["there is no account", user, "usher users list"]);
    }
}

/// Proves: PW-01
#[test]
fn a_password_is_set_from_standard_input_alone() {
    let place = Place::new();
    let server = Server::start(&place, &[], &QUICK);
    create(&place, &["ada", "--email", "ada@example.org"]);
    assert_eq!(server.client.login("ada", PASSWORD).status, 200);

    let set = |user, input: &str| place.run_with_input(&["users", "set-password", user], &QUICK, input);
    let done = set("ada@example.org", &format!("{OTHER_PASSWORD}\n"));
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{done:?}");
    assert_eq!(done.stdout, "set the password of ada: he must change it at the next login\n");
    assert_eq!(server.client.login("ada", PASSWORD).status, 401);
    let answer = server.client.login("ada", OTHER_PASSWORD);
    assert_eq!((answer.status, &answer.json()["data"]["user"]["must_change_password"]), (200, &true.into()));

    let weak = set("ada", "short\n");
    refused(&weak, &["the password of ada was not set", "at least 8 characters", "upper-case", "digit", "symbol"]);
    assert!(!weak.stderr.contains("short"), "{weak:?}");
    refused(&set("nobody", OTHER_PASSWORD), &["there is no account \"nobody\""]);
    assert_eq!(server.client.login("ada", OTHER_PASSWORD).status, 200);

    let empty = set("ada", "");
    assert!(empty.code == Some(2) && empty.stderr.contains("no password was given"), "{empty:?}");
    assert_eq!(users(&place, &["set-password", "ada", PASSWORD]).code, Some(2), "never as an argument");
}

#[test]
fn an_account_is_shut_and_opened_again() {
    let place = Place::new();
    let server = Server::start(&place, &[], &QUICK);
    create(&place, &["ada"]);
    let done = users(&place, &["deactivate", "ada", "--reason", "on leave"]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(0), "deactivated ada\n"), "{done:?}");
    assert_eq!(server.client.login("ada", PASSWORD).status, 401);
    refused(&users(&place, &["deactivate", "ada"]), &["ada was not deactivated", "the account is deactivated"]);
    let reason = System::new().block_on(async {
        let url = format!("sqlite://{}", place.path("data/usher.db").display());
        let backend = SeaOrmBackend::connect(ConnectSettings::new(url)).await.unwrap();
        let filter = ActivityFilter { actions: vec![Action::UserDeactivated], ..ActivityFilter::default() };
        let entries = backend.activity_latest(&filter, PageSize::MAX).await.unwrap();
        backend.close().await;
        entries[0].details.fields()["reason"].clone()
    });
    assert_eq!(reason, "on leave");

    let opened = object(&place, &["activate", "ada"]);
    assert_eq!((&opened["status"], &opened["username"]), (&"active".into(), &"ada".into()));
    assert_eq!(server.client.login("ada", PASSWORD).status, 200);
    refused(&users(&place, &["activate", "ada"]), &["ada was not activated", "the account is active"]);
    refused(&users(&place, &["activate", "nobody"]), &["there is no account \"nobody\""]);
    let long = "x".repeat(501);
    refused(&users(&place, &["deactivate", "ada", "--reason", &long]), &["reason: must have at most 500 characters"]);
}

#[test]
fn roles_are_shown_given_and_taken() {
    let place = Place::new();
    create(&place, &["ada"]);
    assert_eq!(users(&place, &["roles", "ada"]).stdout, "user\n");
    assert_eq!(users(&place, &["roles", "ada", "--add", "admin"]).stdout, "admin\nuser\n");
    assert_eq!(object(&place, &["roles", "ada", "--add", "admin"])["roles"], json!(["admin", "user"]));
    create(&place, &["bob", "--role", "admin"]);
    assert_eq!(users(&place, &["roles", "ada", "--remove", "admin"]).stdout, "user\n");
    assert_eq!(users(&place, &["roles", "ada", "--remove", "user", "--add", "admin"]).stdout, "admin\n");
    assert_eq!(users(&place, &["roles", "ada", "--set", ""]).stdout, "");
    assert_eq!(users(&place, &["roles", "ada", "--set", "user,admin"]).stdout, "admin\nuser\n");
    assert_eq!(object(&place, &["show", "ada"])["is_admin"], true);

    let unknown = users(&place, &["roles", "ada", "--set", "user,nobody"]);
    refused(&unknown, &["the roles of ada were not changed", "roles.1: names a role that does not exist"]);
    refused(&users(&place, &["roles", "bob", "--remove", "user"]), &["bob does not hold the role \"user\""]);
    assert_eq!(users(&place, &["roles", "ada", "--set", "user", "--add", "admin"]).code, Some(2));
    assert_eq!(users(&place, &["roles", "ada"]).stdout, "admin\nuser\n", "nothing of this was done");
}

#[test]
fn the_last_administrator_stays() {
    let place = Place::new();
    create(&place, &["root", "--role", "admin"]);
    let hint = "this is the last active administrator: give another account the role first";
    for arguments in [&["deactivate", "root"][..], &["roles", "root", "--set", "user"], &["roles", "root", "--set", ""]]
    {
        refused(&users(&place, arguments), &[hint, "--add admin"]);
    }
    let root = object(&place, &["show", "root"]);
    assert_eq!((&root["status"], &root["roles"]), (&"active".into(), &json!(["admin"])));
}
