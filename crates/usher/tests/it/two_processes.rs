//! Two processes on one PostgreSQL, without Redis: what one of them changes, the other one knows.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use actix_web::rt::System;
use serde_json::{Value, json};
use usher_domain::{KeyState, Timestamp};
use usher_storage::{SigningKeyStore, contract::TestDatabase};

use crate::support::{Client, MASTER_KEY, PASSWORD, Place, QUICK, Server};

struct Pair {
    here: Server,
    there: Server,
    database: TestDatabase,
    place: Place,
}

impl Pair {
    /// Two servers; none where no PostgreSQL answers.
    fn start() -> Option<Self> {
        let database = System::new().block_on(TestDatabase::postgres())?;
        let place = Place::new();
        let variables = Self::variables(&database);
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let here = Server::start(&place, &[], &variables);
        let there = Server::start(&place, &[], &variables);
        Some(Self { here, there, database, place })
    }

    fn variables(database: &TestDatabase) -> Vec<(&'static str, String)> {
        let shared = [
            ("USHER__DATABASE__URL", database.url()),
            MASTER_KEY,
            ("USHER__HTTP__PUBLIC_URL", "http://127.0.0.1:8080"),
        ];
        QUICK.iter().chain(&shared).map(|(name, value)| (*name, (*value).to_owned())).collect()
    }

    /// The first administrator, his password changed.
    fn administrator(&self) -> String {
        let first = token(&self.here.client.login("admin", "admin").json());
        let change = json!({"current_password": "admin", "new_password": PASSWORD});
        token(&self.here.client.post_with(&first, "/api/v1/users/me/password", &change).json())
    }

    fn user(&self, admin: &str, name: &str) -> String {
        let body = json!({"username": name, "password": PASSWORD, "must_change_password": false});
        let made = self.here.client.post_with(admin, "/api/v1/users", &body);
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["data"]["id"].as_str().unwrap().to_owned()
    }
}

fn token(answer: &Value) -> String {
    answer["data"]["access_token"].as_str().unwrap().to_owned()
}

fn me(client: &Client, token: &str) -> u16 {
    client.get_with(token, "/api/v1/users/me").status
}

/// Figures, for whoever runs this with `--nocapture`.
#[expect(clippy::print_stdout, reason = "measured on the way")]
fn tell(figures: &str) {
    println!("{figures}");
}

/// Asks until the token is refused. No request that begins a second after the change is let through.
#[expect(clippy::disallowed_methods, reason = "the second is one of the real clock")]
fn refused_within_a_second(client: &Client, token: &str, what: &str) {
    let changed = Instant::now();
    loop {
        let asked = changed.elapsed();
        match me(client, token) {
            401 => break,
            200 => assert!(asked <= Duration::from_secs(1), "{what}: let through {asked:?} after the change"),
            other => panic!("{what}: {other}"),
        }
    }
    tell(&format!("{what}: in force on the other process after {:?}", changed.elapsed()));
}

/// Proves: JW-17, RT-13
#[test]
fn what_ends_access_on_one_process_is_in_force_on_the_other_within_a_second() {
    let Some(pair) = Pair::start() else { return };
    let (here, there) = (&pair.here.client, &pair.there.client);
    let admin = pair.administrator();
    type End<'a> = &'a dyn Fn(&str, &str) -> u16;
    let post = |token: &str, path: &str, body: &Value| here.post_with(token, path, body).status;
    let ends: [(&str, End<'_>); 6] = [
        ("logout", &|token, _| post(token, "/api/v1/auth/logout", &json!({}))),
        ("logout of all", &|token, _| post(token, "/api/v1/auth/logout", &json!({"scope": "all"}))),
        ("deactivation", &|_, id| post(&admin, &format!("/api/v1/users/{id}/deactivate"), &json!({}))),
        ("a password that is set", &|_, id| {
            post(&admin, &format!("/api/v1/users/{id}/password"), &json!({"new_password": "Another-7-horses"}))
        }),
        ("other roles", &|_, id| {
            here.put_with(&admin, &format!("/api/v1/users/{id}/roles"), &json!({"roles": []})).status
        }),
        ("deletion", &|_, id| here.delete_with(&admin, &format!("/api/v1/users/{id}")).status),
    ];
    for (n, (what, end)) in ends.into_iter().enumerate() {
        let name = format!("user{n}");
        let id = pair.user(&admin, &name);
        let token = token(&here.login(&name, PASSWORD).json());
        assert_eq!((me(here, &token), me(there, &token)), (200, 200), "{what}");
        assert_eq!(end(&token, &id), 200, "{what}");
        refused_within_a_second(there, &token, what);
        assert_eq!(me(here, &token), 401, "{what}: here at once");
    }
}

/// Proves: JW-12
#[test]
fn no_request_fails_while_keys_take_turns() {
    let Some(pair) = Pair::start() else { return };
    let clients = [&pair.here.client, &pair.there.client];
    let admin = pair.administrator();
    let (stop, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    for n in 0..4 {
        pair.user(&admin, &format!("user{n}"));
    }
    thread::scope(|scope| {
        let load: Vec<_> = (0..4)
            .map(|n| {
                let (stop, done) = (&stop, &done);
                scope.spawn(move || keep_asking(clients, &format!("user{n}"), stop, done))
            })
            .collect();
        rotate(&pair);
        let before = done.load(Ordering::SeqCst);
        clients[0].until("requests go on", || done.load(Ordering::SeqCst) > before + 400);
        stop.store(true, Ordering::SeqCst);
        for asked in load {
            asked.join().unwrap();
        }
    });
    tell(&format!("{} requests during a rotation, none failed", done.load(Ordering::SeqCst)));
}

/// Uses and renews a session at both processes by turns, each new token at once at the other one.
fn keep_asking(clients: [&Client; 2], name: &str, stop: &AtomicBool, done: &AtomicUsize) {
    let body = json!({"identifier": name, "password": PASSWORD, "token_delivery": "body"});
    let mut tokens = clients[0].post("/api/v1/auth/login", &body).json();
    for round in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let [one, other] = if round % 2 == 0 { clients } else { [clients[1], clients[0]] };
        let renewed = one.post("/api/v1/auth/refresh", &json!({"refresh_token": tokens["data"]["refresh_token"]}));
        assert_eq!(renewed.status, 200, "{name}, round {round}: {renewed:?}");
        tokens = renewed.json();
        for client in [other, one, other] {
            assert_eq!(me(client, &token(&tokens)), 200, "{name}, round {round}");
        }
        done.fetch_add(4, Ordering::SeqCst);
    }
}

/// Lets the next key sign, a quarter of an hour ahead of its time, as soon as both have published it.
fn rotate(pair: &Pair) {
    let clients = [&pair.here.client, &pair.there.client];
    let published = |client: &Client| {
        let keys = client.get("/.well-known/jwks.json").json();
        keys["keys"].as_array().unwrap().len()
    };
    let signed_by = |client: &Client| {
        let token = token(&client.login("admin", PASSWORD).json());
        token.split('.').next().unwrap().to_owned()
    };
    let first = signed_by(clients[0]);
    let variables = Pair::variables(&pair.database);
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(pair.place.run(&["keys", "rotate"], &variables).code, Some(0));
    clients[0].until("both publish the next key", || clients.iter().all(|client| published(client) == 2));
    assert!(clients.iter().all(|client| signed_by(client) == first), "the next key does not sign yet");
    System::new().block_on(async {
        let backend = pair.database.backend().await;
        let keys = backend.signing_keys().await.unwrap();
        let mut due = keys.clone();
        let next = due.iter_mut().find(|key| key.state == KeyState::Next).unwrap();
        next.activates_at = Timestamp::UNIX_EPOCH;
        assert!(backend.signing_keys_replace(&keys, &due, None).await.unwrap());
        backend.close().await;
    });
    clients[0].until("both sign with the next key", || clients.iter().all(|client| signed_by(client) != first));
    assert!(clients.iter().all(|client| published(client) == 2), "the old key still verifies");
}
