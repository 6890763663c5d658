//! A disk that is full: what is there can be read, nothing breaks, and all goes on once there is room.

use actix_web::rt::System;
use rustix::process::{Resource, Rlimit, prlimit};
use serde_json::json;
use usher_storage::contract::ask;

use crate::support::{Answer, PASSWORD, Place, QUICK, Server, USHER};

/// The system refuses to write more than so many bytes of any file.
fn leave_room(server: &Server, bytes: Option<u64>) {
    prlimit(Some(server.process()), Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
}

#[test]
fn a_full_disk_puts_off_writes_and_nothing_else() {
    let place = Place::new();
    // Or else the first byte too many would end the process.
    let told_only = ["-c", "trap '' XFSZ; exec \"$0\"", USHER];
    // What was read a moment ago is no proof that it can be read.
    let uncached = [("USHER__AUTH__STATE_CACHE_TTL", "0s")];
    let server = Server::run(place.program("/bin/sh", &told_only, &[QUICK.as_slice(), &uncached].concat()));
    let client = &server.client;
    assert_eq!(client.sign_up("ada").status, 201);
    let login = json!({"identifier": "ada", "password": PASSWORD, "token_delivery": "body"});
    let login = || client.post("/api/v1/auth/login", &login);
    let [token, mut refresh_token] =
        ["access_token", "refresh_token"].map(|token| login().json()["data"][token].as_str().unwrap().to_owned());
    let me = "/api/v1/users/me";
    let refresh = |token: &str| client.post("/api/v1/auth/refresh", &json!({ "refresh_token": token }));
    let rename = |name: &str| client.try_to("PATCH", &token, me, Some(&json!({ "full_name": name }))).unwrap();
    let url = format!("sqlite://{}", place.path("data/usher.db").display());
    let name = || client.get_with(&token, me).json()["data"]["full_name"].clone();

    for (round, (before, after)) in [("Ada", "Ada King"), ("Ada King", "Ada Lovelace")].into_iter().enumerate() {
        assert_eq!(rename(before).status, 200);
        // None at all, and enough for a transaction to get stuck half-way.
        for room in [0, 4096, 100_000] {
            leave_room(&server, Some(room));
            let mut refused = 0;
            for n in 0..20 {
                let answers =
                    [rename("Nobody"), refresh(&refresh_token), login(), client.sign_up(&format!("u{round}x{n}"))];
                refused += answers.iter().filter(|answer| answer.asks_to_come_back()).count();
                let unknown: Vec<&Answer> = answers.iter().filter(|it| it.status >= 500 && it.status != 503).collect();
                assert!(unknown.is_empty(), "{unknown:?}");
                for path in [me, "/api/v1/users/me/sessions", "/health/live", "/health/ready"] {
                    let read = client.get_with(&token, path);
                    assert_eq!(read.status, 200, "{path}: {read:?}");
                }
            }
            assert!(room != 0 || refused == 80, "{refused} refused");
            leave_room(&server, None);
            let answer = refresh(&refresh_token);
            assert_eq!(answer.status, 200, "{answer:?}");
            refresh_token = answer.json()["data"]["refresh_token"].as_str().unwrap().to_owned();
        }
        assert_eq!(rename(after).status, 200);
        assert_eq!(name(), after);
        assert_eq!(client.sign_up(&format!("later{round}")).status, 201);
        // Over a connection of its own: what no other sees was not committed.
        let stored = "SELECT full_name FROM users WHERE username = 'ada'";
        assert_eq!(System::new().block_on(ask(&url, stored)), after);
    }
    drop(server.stop());
    assert_eq!(System::new().block_on(ask(&url, "PRAGMA integrity_check")), "ok");
}
