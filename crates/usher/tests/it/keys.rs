//! `usher keys`, from outside.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Finished, Place, QUICK, Server};

fn list(place: &Place, variables: &[(&str, &str)]) -> Vec<Value> {
    let listed = place.run(&["keys", "list", "--json"], variables);
    assert_eq!(listed.code, Some(0), "{listed:?}");
    serde_json::from_str(&listed.stdout).unwrap()
}

fn states(place: &Place) -> Vec<String> {
    list(place, &QUICK).iter().map(|key| key["state"].as_str().unwrap().to_owned()).collect()
}

fn done(finished: Finished) -> String {
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.stdout
}

fn sign_in(server: &Server) -> String {
    let login = server.client.login("admin", "admin").json();
    login["data"]["access_token"].as_str().unwrap().to_owned()
}

#[test]
fn keys_are_listed_without_their_secrets() {
    let place = Place::new();
    drop(Server::start(&place, &[], &QUICK));
    let keys = list(&place, &QUICK);
    assert_eq!((keys.len(), &keys[0]["state"], &keys[0]["algorithm"]), (1, &json!("active"), &json!("EdDSA")));
    let names: Vec<_> = keys[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["activates_at", "algorithm", "created_at", "kid", "retires_at", "state"]);
    let text = done(place.run(&["keys", "list"], &QUICK));
    assert!(text.starts_with("active    EdDSA  ") && text.contains(keys[0]["kid"].as_str().unwrap()), "{text}");
}

/// Proves: JW-12
#[test]
fn a_rotation_publishes_the_next_key_and_lets_the_old_one_sign_for_now() {
    let place = Place::new();
    let server = Server::start(&place, &[], &QUICK);
    let token = sign_in(&server);
    let said = done(place.run(&["keys", "rotate"], &QUICK));
    let next = list(&place, &QUICK).remove(1);
    assert!(said.contains(next["kid"].as_str().unwrap()) && said.contains("signs from"), "{said}");
    assert_eq!(done(place.run(&["keys", "rotate"], &QUICK)), said, "said twice it is one rotation");
    assert_eq!(states(&place), ["active", "next"]);
    assert_eq!(server.client.get_with(&token, "/api/v1/users/me").status, 200);
}

#[test]
fn a_key_that_leaked_is_dropped_at_once() {
    let place = Place::new();
    drop(Server::start(&place, &[], &QUICK));
    let leaked = list(&place, &QUICK).remove(0);
    done(place.run(&["keys", "rotate", "--now"], &QUICK));
    let keys = list(&place, &QUICK);
    assert_eq!((keys.len(), &keys[0]["state"]), (1, &json!("active")));
    assert_ne!(keys[0]["kid"], leaked["kid"]);
}

#[test]
fn a_running_server_follows_a_key_that_another_process_made() {
    let place = Place::new();
    let server = Server::start(&place, &[], &QUICK);
    let token = sign_in(&server);
    done(place.run(&["keys", "rotate", "--now"], &QUICK));
    server.client.until("the old key is dropped", || server.client.get_with(&token, "/api/v1/users/me").status == 401);
    let renewed = sign_in(&server);
    assert_eq!(server.client.get_with(&renewed, "/api/v1/users/me").status, 200);
}

#[test]
fn another_master_key_takes_the_place_of_the_one_that_usher_made() {
    let place = Place::new();
    let server = Server::start(&place, &[], &QUICK);
    let token = sign_in(&server);
    let refused = place.run(&["keys", "reseal"], &QUICK);
    assert!(refused.code == Some(1) && refused.stderr.contains("stop it"), "{refused:?}");
    drop(server);

    let before = fs::read_to_string(place.path("data/master.key")).unwrap();
    let said = done(place.run(&["keys", "reseal"], &QUICK));
    assert!(said.contains("sessions ended: 1"), "{said}");
    assert_ne!(fs::read_to_string(place.path("data/master.key")).unwrap(), before);
    assert!(!place.path("data/master.key.next").exists());

    let server = Server::start(&place, &[], &QUICK);
    assert_eq!(server.client.get_with(&token, "/api/v1/users/me").status, 401);
    assert_eq!(server.client.get_with(&sign_in(&server), "/api/v1/users/me").status, 200);
}

#[test]
fn a_master_key_that_was_given_is_changed_to_one_in_a_file() {
    const KEY: &str = "q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq80=";
    let place = Place::new();
    let given = [QUICK.as_slice(), &[("USHER__SECRETS__MASTER_KEY", KEY)]].concat();
    drop(Server::start(&place, &[], &given));
    let refused = place.run(&["keys", "reseal"], &given);
    assert!(refused.code == Some(2) && refused.stderr.contains("--new-key-file"), "{refused:?}");
    let same = place.write("same.key", KEY);
    let refused = place.run(&["keys", "reseal", "--new-key-file", &same], &given);
    assert!(refused.code == Some(2) && refused.stderr.contains("in use"), "{refused:?}");

    let said = done(place.run(&["keys", "reseal", "--new-key-file", "new.key"], &given));
    assert!(said.contains("USHER__SECRETS__MASTER_KEY_FILE=new.key"), "{said}");
    let refused = place.run(&["serve"], &given);
    assert!(refused.code == Some(78) && refused.stderr.contains("another master key"), "{refused:?}");
    let new = [QUICK.as_slice(), &[("USHER__SECRETS__MASTER_KEY_FILE", "new.key")]].concat();
    assert_eq!(Server::start(&place, &[], &new).client.login("admin", "admin").status, 200);
}

#[test]
fn a_change_of_the_master_key_that_was_interrupted_is_made_good_by_the_next() {
    let place = Place::new();
    drop(Server::start(&place, &[], &QUICK));
    let before = fs::read(place.path("data/master.key")).unwrap();
    done(place.run(&["keys", "reseal"], &QUICK));
    // As it was after the keys were sealed anew and before the file took its place.
    fs::rename(place.path("data/master.key"), place.path("data/master.key.next")).unwrap();
    fs::write(place.path("data/master.key"), before).unwrap();
    let refused = place.run(&["serve"], &QUICK);
    assert!(refused.code == Some(78) && refused.stderr.contains("another master key"), "{refused:?}");

    done(place.run(&["keys", "reseal"], &QUICK));
    assert_eq!(Server::start(&place, &[], &QUICK).client.login("admin", "admin").status, 200);
}
