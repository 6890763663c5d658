//! A copy of SQLite while a server writes, and a server that goes on from it.

use std::{
    fs,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use serde_json::{Value, json};

use crate::support::{Answer, Client, MASTER_KEY, PASSWORD, Place, QUICK, Server};

/// Which names the issuer of tokens. By itself it would change with the port.
const PUBLIC_URL: (&str, &str) = ("USHER__HTTP__PUBLIC_URL", "http://127.0.0.1:8080");

fn start(place: &Place) -> Server {
    Server::start(place, &[], &[QUICK.as_slice(), &[PUBLIC_URL]].concat())
}

fn sign_up(client: &Client, name: &str) -> Answer {
    let body = json!({"username": name, "password": PASSWORD, "token_delivery": "body"});
    client.post("/api/v1/auth/signup", &body)
}

fn refresh(server: &Server, tokens: &Value) -> Answer {
    server.client.post("/api/v1/auth/refresh", &json!({ "refresh_token": tokens["refresh_token"] }))
}

/// As docs/operations.md says.
fn restore(backup: &Place, place: &Place) {
    fs::create_dir(place.path("data")).unwrap();
    fs::copy(backup.path("usher-1.db"), place.path("data/usher.db")).unwrap();
    fs::copy(backup.path("data/master.key"), place.path("data/master.key")).unwrap();
}

/// What was answered before the copy was begun is in it: accounts, their sessions, their entries.
#[test]
fn a_server_goes_on_from_a_copy_that_was_made_while_another_wrote() {
    let place = Place::new();
    let server = start(&place);
    let (signed_up, stop) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let before = thread::scope(|scope| {
        for writer in 0..4 {
            let (client, signed_up, stop) = (&server.client, &signed_up, &stop);
            scope.spawn(move || {
                for n in 0.. {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let answer = sign_up(client, &format!("user-{writer}-{n}"));
                    assert_eq!(answer.status, 201, "{answer:?}");
                    signed_up.lock().unwrap().push(answer.json()["data"].clone());
                }
            });
        }
        server.client.until("people have signed up", || signed_up.lock().unwrap().len() >= 50);
        let before = signed_up.lock().unwrap().clone();
        let made = place.run(&["backup", "usher-1.db"], &QUICK);
        let after = signed_up.lock().unwrap().len();
        stop.store(true, Ordering::SeqCst);
        assert_eq!((made.code, made.stderr.as_str()), (Some(0), ""), "{made:?}");
        assert!(made.stdout.contains("the master key is not in it: keep a copy of data/master.key"), "{made:?}");
        assert!(after > before.len(), "nobody signed up while it was made");
        before
    });
    server.stop();

    let elsewhere = Place::new();
    restore(&place, &elsewhere);
    let server = start(&elsewhere);
    assert_eq!(server.client.login("admin", "admin").status, 200);
    for account in &before {
        let renewed = refresh(&server, &account["tokens"]);
        assert_eq!(renewed.status, 200, "{account}: {renewed:?}");
        let token = renewed.json()["data"]["access_token"].as_str().unwrap().to_owned();
        let entries = server.client.get_with(&token, "/api/v1/users/me/activity").json();
        let actions: Vec<_> =
            entries["data"]["items"].as_array().unwrap().iter().map(|it| it["action"].clone()).collect();
        assert!(actions.contains(&json!("user.signed_up")), "{account}: {entries}");
    }
    let username = before[0]["user"]["username"].as_str().unwrap();
    assert_eq!(server.client.login(username, PASSWORD).status, 200);
}

/// In the place of what a server that was killed has left behind.
#[test]
fn what_was_done_after_the_copy_is_undone_by_it() {
    let place = Place::new();
    let server = start(&place);
    let before = sign_up(&server.client, "before").json()["data"]["tokens"].clone();
    assert_eq!(place.run(&["backup", "usher-1.db"], &QUICK).code, Some(0));
    let renewed = refresh(&server, &before).json()["data"].clone();
    assert_eq!(sign_up(&server.client, "after").status, 201);
    drop(server);

    for old in ["usher.db", "usher.db-wal", "usher.db-shm"] {
        fs::remove_file(place.path("data").join(old)).unwrap();
    }
    fs::copy(place.path("usher-1.db"), place.path("data/usher.db")).unwrap();
    let server = start(&place);
    assert_eq!(server.client.login("after", PASSWORD).status, 401);
    assert_eq!(refresh(&server, &renewed).json()["error"]["code"], "REFRESH_TOKEN_INVALID");
    assert_eq!(refresh(&server, &before).status, 200, "and the session is still alive");
}

/// With another key nothing that was sealed with the old one opens.
#[test]
fn a_copy_without_its_master_key_is_refused() {
    let place = Place::new();
    start(&place).stop();
    assert_eq!(place.run(&["backup", "usher-1.db"], &QUICK).code, Some(0));
    let elsewhere = Place::new();
    restore(&place, &elsewhere);
    fs::remove_file(elsewhere.path("data/master.key")).unwrap();
    let refused = elsewhere.run(&["serve"], &QUICK);
    assert_eq!(refused.code, Some(78), "{refused:?}");
    assert!(refused.stderr.contains("data/master.key is missing"), "{refused:?}");
}

#[test]
fn what_cannot_be_copied_is_refused_in_one_line() {
    let place = Place::new();
    let missing = place.run(&["backup", "usher-1.db"], &QUICK);
    assert_eq!(missing.code, Some(1));
    assert_eq!(missing.stderr, "usher: there is no database at data/usher.db\n");
    assert!(!place.path("data").exists() && !place.path("usher-1.db").exists());

    start(&place).stop();
    fs::write(place.path("usher-1.db"), "mine").unwrap();
    let there = place.run(&["backup", "usher-1.db"], &QUICK);
    assert_eq!(there.code, Some(1));
    assert_eq!(there.stderr, "usher: usher-1.db is there already: name a file that is not\n");
    assert_eq!(fs::read_to_string(place.path("usher-1.db")).unwrap(), "mine");

    let nowhere = place.run(&["backup", "nowhere/usher-1.db"], &QUICK);
    assert_eq!(nowhere.code, Some(1));
    assert!(nowhere.stderr.starts_with("usher: nowhere/usher-1.db cannot be written: "), "{nowhere:?}");

    let postgres = ("USHER__DATABASE__URL", "postgres://usher@db.example/usher");
    let refused = place.run(&["backup", "usher-2.db"], &[MASTER_KEY, postgres]);
    assert_eq!(refused.code, Some(2));
    assert_eq!(refused.stderr, "usher: PostgreSQL is backed up with its own tool: pg_dump\n");
    let memory = place.run(&["backup", "usher-2.db"], &[("USHER__DATABASE__URL", "sqlite::memory:")]);
    assert_eq!((memory.code, memory.stderr.lines().count()), (Some(2), 1), "{memory:?}");
    assert!(!place.path("usher-2.db").exists());
}

#[cfg(unix)]
#[test]
fn a_copy_is_for_its_owners_eyes_only() {
    let place = Place::new();
    start(&place).stop();
    assert_eq!(place.run(&["backup", "usher-1.db"], &QUICK).code, Some(0));
    assert_eq!(crate::support::mode(&place.path("usher-1.db")), 0o600);
}
