//! Made-up accounts.

use std::collections::BTreeSet;

use actix_web::rt::System;
use serde_json::Value;
use usher_domain::{Action, ActivityEntry, ActivityFilter, Outcome, PageSize};
use usher_storage::{ActivityQueries, ConnectSettings, SeaOrmBackend, contract::TestDatabase};

use crate::support::{MASTER_KEY, Place, QUICK, Server};

const PASSWORD: &str = "Made-up-4-benchmarks";

fn seed(place: &Place, variables: &[(&str, &str)], number: &str) -> String {
    seed_as(place, variables, &["--users", number])
}

fn seed_as(place: &Place, variables: &[(&str, &str)], arguments: &[&str]) -> String {
    let done = place.run(&[&["dev", "seed"], arguments].concat(), variables);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{done:?}");
    done.stdout
}

/// All accounts but the first administrator, as JSON.
fn accounts(place: &Place, variables: &[(&str, &str)]) -> Vec<Value> {
    let list = |status| {
        let arguments = ["users", "list", "--json", "--limit", "0", "--sort", "created_at", "--status", status];
        let listed = place.run(&arguments, variables);
        assert_eq!(listed.code, Some(0), "{listed:?}");
        listed.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let all = ["active", "deactivated", "deleted"].into_iter().flat_map(list);
    all.filter(|account| account["username"] != "admin").collect()
}

/// The entries of these actions, or all, newest first.
fn entries(place: &Place, actions: &[Action]) -> Vec<ActivityEntry> {
    let url = format!("sqlite://{}", place.path("data/usher.db").display());
    System::new().block_on(async {
        let backend = SeaOrmBackend::connect(ConnectSettings::new(url)).await.unwrap();
        let filter = ActivityFilter { actions: actions.to_vec(), ..ActivityFilter::default() };
        let (mut entries, mut before) = (Vec::new(), None);
        loop {
            let page = backend.activity_page(&filter, before, PageSize::MAX).await.unwrap();
            entries.extend(page.items);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        backend.close().await;
        entries
    })
}

#[test]
fn there_are_as_many_as_were_asked_for_and_different_ones() {
    let place = Place::new();
    let said = seed(&place, &QUICK, "1250");
    assert!(said.starts_with("made the first administrator: username admin, password admin\nmade 1250 accounts in "));
    assert!(said.ends_with(&format!("0 of 1250 were there\npassword of all: {PASSWORD}\n")), "{said}");

    let accounts = accounts(&place, &QUICK);
    assert_eq!(accounts.len(), 1250);
    let ids: BTreeSet<_> = accounts.iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 1250);
    let share = |of: fn(&Value) -> bool| accounts.iter().filter(|account| of(account)).count();
    assert!((5..60).contains(&share(|it| it["status"] == "deactivated")));
    assert!((2..40).contains(&share(|it| it["status"] == "deleted")));
    assert!((100..300).contains(&share(|it| it["email"].is_null())));
    assert!((250..500).contains(&share(|it| it["external_id"].is_string())));
    assert!((350..650).contains(&share(|it| it["metadata"]["plan"].is_string())));
    assert!(share(|it| it["full_name"].as_str().is_some_and(|name| !name.is_ascii())) > 500);
    assert_eq!(share(|it| it["roles"] != serde_json::json!(["user"])), 0);

    let server = Server::start(&place, &[], &QUICK);
    let active = accounts.iter().find(|it| it["status"] == "active").unwrap();
    assert_eq!(server.client.login(active["username"].as_str().unwrap(), PASSWORD).status, 200);
    assert_eq!(server.client.login("admin", "admin").status, 200);
}

#[test]
fn they_are_the_same_in_every_database_and_the_missing_ones_are_added() {
    let (at_once, in_steps) = (Place::new(), Place::new());
    seed(&at_once, &QUICK, "30");
    for (number, made) in [("10", 10), ("10", 0), ("30", 20), ("20", 0)] {
        let said = seed(&in_steps, &QUICK, number);
        assert!(said.contains(&format!("made {made} accounts in ")), "{number}: {said}");
    }
    let known = |place, fields: &[&str]| {
        let fields = |it: &Value| fields.iter().map(|field| it[*field].to_string()).collect::<Vec<_>>();
        accounts(place, &QUICK).iter().map(fields).collect::<BTreeSet<_>>()
    };
    let names = ["username", "email", "full_name", "external_id", "metadata", "status"];
    assert_eq!(known(&at_once, &names).len(), 30);
    assert_eq!(known(&at_once, &names), known(&in_steps, &names));

    let again = Place::new();
    seed(&again, &QUICK, "30");
    let all = [&names[..], &["id", "created_at", "roles", "email_verified"]].concat();
    assert_eq!(known(&at_once, &all), known(&again, &all));
}

#[test]
fn each_of_them_has_an_entry_in_the_activity_log() {
    let place = Place::new();
    seed(&place, &QUICK, "60");
    let accounts = accounts(&place, &QUICK);
    let entries = entries(&place, &[Action::UserCreated]);
    let told: BTreeSet<_> =
        entries.iter().map(|it| (it.subject.unwrap().to_string(), it.occurred_at.to_string())).collect();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let made: BTreeSet<_> = accounts.iter().map(|it| (text(&it["id"]), text(&it["created_at"]))).collect();
    assert_eq!(made.len(), 60);
    assert_eq!(told, made);
}

#[test]
fn the_activity_log_is_filled_up_with_what_they_have_done() {
    let (place, other) = (Place::new(), Place::new());
    let arguments = ["--users", "200", "--activity", "6000"];
    let said = seed_as(&place, &QUICK, &arguments);
    let written = entries(&place, &[]);
    assert_eq!(written.len(), 6000);
    let made = accounts(&place, &QUICK);
    let known: BTreeSet<_> = made.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
    let done: Vec<_> = written.iter().filter(|it| it.user_agent.is_some()).cloned().collect();
    assert!(
        said.contains(&format!("\nwrote {} entries of the activity log in ", 6000 - 200 - ended(&made) - 1)),
        "{said}"
    );
    assert!(done.iter().filter_map(|it| it.subject.or(it.actor)).all(|it| known.contains(&it.to_string())));
    assert!(done.iter().filter(|it| it.action == Action::AuthLogin && it.outcome == Outcome::Success).count() > 2_000);
    assert!(done.iter().any(|it| it.outcome == Outcome::Failure && it.subject.is_none()));
    assert!(done.iter().any(|it| it.actor.is_some() && it.actor != it.subject));

    seed_as(&other, &QUICK, &arguments);
    let again: Vec<_> = entries(&other, &[]).into_iter().filter(|it| it.user_agent.is_some()).collect();
    assert_eq!(again, done, "the same in every database");
}

#[test]
fn only_the_missing_entries_are_added() {
    let place = Place::new();
    seed_as(&place, &QUICK, &["--users", "20", "--activity", "100"]);
    for (wanted, missing) in [("100", 0), ("150", 50), ("50", 0)] {
        let said = seed_as(&place, &QUICK, &["--users", "20", "--activity", wanted]);
        assert!(said.contains(&format!("\nwrote {missing} entries of the activity log in ")), "{wanted}: {said}");
    }
    assert_eq!(entries(&place, &[]).len(), 150);
}

/// How many of the accounts were deactivated or deleted: there is an entry of each.
fn ended(accounts: &[Value]) -> usize {
    accounts.iter().filter(|it| it["status"] != "active").count()
}

#[test]
fn postgresql_takes_them_too() {
    let Some(database) = System::new().block_on(TestDatabase::postgres()) else { return };
    let shared = [("USHER__DATABASE__URL", database.url()), MASTER_KEY];
    let variables = [QUICK.as_slice(), &shared].concat();
    let place = Place::new();
    seed(&place, &variables, "150");
    let said = seed_as(&place, &variables, &["--users", "160", "--activity", "1500"]);
    assert!(said.contains("made 10 accounts in ") && said.contains("\nwrote 13"), "{said}");
    let accounts = accounts(&place, &variables);
    assert_eq!(accounts.len(), 160);

    let email = accounts.iter().find_map(|it| it["email"].as_str().filter(|_| it["status"] == "active")).unwrap();
    let given = place.run(&["users", "roles", email, "--add", "admin"], &variables);
    assert_eq!((given.code, given.stdout.as_str()), (Some(0), "admin\nuser\n"), "{given:?}");
    assert_eq!(place.run(&["users", "deactivate", email], &variables).code, Some(0));
    let shown = place.run(&["users", "show", email, "--json"], &variables);
    assert_eq!(serde_json::from_str::<Value>(&shown.stdout).unwrap()["status"], "deactivated");
}

#[test]
fn production_and_wrong_numbers_are_refused() {
    let place = Place::new();
    let production =
        [("USHER__PROFILE", "production"), ("USHER__HTTP__PUBLIC_URL", "https://accounts.example.com"), MASTER_KEY];
    let refused = place.run(&["dev", "seed", "--users", "1"], &production);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{refused:?}");
    assert!(refused.stderr.contains("not done in profile production"), "{refused:?}");
    assert!(!place.path("data").exists(), "no database was made");
    for number in ["0", "-1", "many"] {
        assert_eq!(place.run(&["dev", "seed", "--users", number], &QUICK).code, Some(2), "{number}");
        let arguments = ["dev", "seed", "--users", "1", "--activity", number];
        assert_eq!(place.run(&arguments, &QUICK).code, Some(2), "{number}");
    }
}

#[test]
fn an_account_that_is_in_the_way_is_told() {
    let (other, place) = (Place::new(), Place::new());
    seed(&other, &QUICK, "5");
    let email = accounts(&other, &QUICK).iter().find_map(|it| it["email"].as_str().map(str::to_owned)).unwrap();
    let made = place.run_with_input(&["users", "create", "ada", "--email", &email], &QUICK, crate::support::PASSWORD);
    assert_eq!(made.code, Some(0), "{made:?}");
    let refused = place.run(&["dev", "seed", "--users", "5"], &QUICK);
    assert!(
        refused.code == Some(1) && refused.stderr.contains("is in the way (e-mail address is unique)"),
        "{refused:?}"
    );
    assert_eq!(accounts(&place, &QUICK).len(), 1);
}
