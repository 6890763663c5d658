//! A server from its start to its end.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    thread,
};

use actix_web::rt::System;
use usher::Application;
use usher_domain::SigningKeyRecord;
use usher_storage::{ConnectSettings, SeaOrmBackend, SigningKeyStore};

use crate::support::{MASTER_KEY, Place, QUICK, Server, load};

fn signing_keys(place: &Place) -> Vec<SigningKeyRecord> {
    System::new().block_on(async {
        let url = format!("sqlite://{}", place.path("data/usher.db").display());
        SeaOrmBackend::connect(ConnectSettings::new(url)).await.unwrap().signing_keys().await.unwrap()
    })
}

#[test]
fn the_summary_says_what_a_person_needs() {
    let place = Place::new();
    let server = Server::start(&place, &[], &QUICK);
    let url = server.client.url();
    let ended = server.stop();
    for expected in [
        concat!("usher ", env!("CARGO_PKG_VERSION"), " listens on http://127.0.0.1:").to_owned(),
        format!("{url}/api/v1\n"),
        format!("{url}/docs\n"),
        "sqlite://data/usher.db\n".to_owned(),
        "made now, in data/master.key".to_owned(),
        format!("curl {url}/api/v1/auth/login"),
    ] {
        assert!(ended.stdout.contains(&expected), "{expected} is missing in {}", ended.stdout);
    }
    let again = Server::start(&place, &[], &QUICK).stop();
    assert!(!again.stdout.contains("Password") && !again.stdout.contains("made now"), "{}", again.stdout);
}

#[test]
fn a_port_that_the_system_chose_is_the_one_that_tokens_name() {
    let settings = [
        ("profile", "test"),
        ("http.bind", "127.0.0.1:0"),
        ("password.bcrypt_cost", "4"),
        ("database.url", "sqlite::memory:"),
    ];
    let application = System::new().block_on(Application::build(load(&settings).unwrap())).unwrap();
    assert_ne!(application.port(), 0);
    let url = format!("http://{}", application.address());
    let config = application.config();
    assert_eq!((config.http.public_url.to_string(), config.tokens.issuer.as_str()), (url.clone(), url.as_str()));
}

#[cfg(unix)]
#[test]
fn sigterm_ends_with_0() {
    let server = Server::start(&Place::new(), &["serve"], &QUICK);
    assert_eq!(server.client.get("/health/live").status, 200);
    assert_eq!(server.stop().status.code(), Some(0));
}

#[cfg(unix)]
#[test]
fn a_request_in_flight_is_answered_before_the_end() {
    let place = Place::new();
    let mut server = Server::start(&place, &[], &[QUICK.as_slice(), &[("USHER__HTTP__DRAIN_DELAY", "2s")]].concat());
    let body = r#"{"identifier": "admin", "password": "admin"}"#;
    let mut stream = TcpStream::connect(server.client.address()).unwrap();
    let head = format!(
        "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Expect: 100-continue\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    answer.read_line(&mut line).unwrap();
    assert_eq!(line, "HTTP/1.1 100 Continue\r\n", "the server waits for the body");

    server.terminate();
    while server.client.get("/health/ready").status != 503 {}
    while TcpStream::connect(server.client.address()).is_ok() {}
    stream.write_all(body.as_bytes()).unwrap();
    let mut rest = String::new();
    answer.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("HTTP/1.1 200 OK") && rest.contains("access_token"), "{rest}");
    assert_eq!(server.wait().status.code(), Some(0));
}

#[cfg(unix)]
#[test]
fn whoever_asks_twice_does_not_wait() {
    let settings = [QUICK.as_slice(), &[("USHER__HTTP__DRAIN_DELAY", "10m")]].concat();
    let mut server = Server::start(&Place::new(), &[], &settings);
    server.terminate();
    while server.client.get("/health/ready").status != 503 {}
    server.terminate();
    let ended = server.wait();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.contains("asked to stop a second time: stopped at once"), "{ended:?}");
}

#[test]
fn a_second_server_on_one_file_is_refused() {
    let place = Place::new();
    let first = Server::start(&place, &[], &QUICK);
    let second = place.run(&["serve"], &QUICK);
    assert_eq!((second.code, second.stdout.as_str()), (Some(1), ""));
    assert_eq!(second.stderr.lines().count(), 1, "{second:?}");
    assert!(second.stderr.contains("another usher serves this database"), "{second:?}");
    assert_eq!(first.client.get("/health/ready").status, 200);
    first.stop();
    Server::start(&place, &[], &QUICK);
}

/// Proves: OP-08
#[test]
fn of_two_first_starts_at_once_on_one_file_one_serves_and_the_other_says_why_not() {
    let place = Place::new();
    let (served, refused): (Vec<_>, Vec<_>) = thread::scope(|scope| {
        let starts: Vec<_> = (0..2).map(|_| scope.spawn(|| Server::try_to_start(&place, &[], &QUICK))).collect();
        starts.into_iter().map(|start| start.join().unwrap()).partition(Result::is_ok)
    });
    let (mut served, refused): (Vec<_>, Vec<_>) =
        (served.into_iter().flatten().collect(), refused.into_iter().filter_map(Result::err).collect());
    assert_eq!((served.len(), refused.len()), (1, 1), "{refused:?}");
    assert_eq!(refused[0].status.code(), Some(1), "{refused:?}");
    assert_eq!((refused[0].stdout.as_str(), refused[0].stderr.lines().count()), ("", 1), "{refused:?}");
    assert!(refused[0].stderr.contains("another usher serves this database"), "{refused:?}");
    let server = served.remove(0);
    assert_eq!(server.client.login("admin", "admin").status, 200);
    assert!(server.stop().stdout.contains("there is an administrator now"));
    assert_eq!(signing_keys(&place).len(), 1);
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = Place::new().run(&["serve", "--bind", &address], &[]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains(&format!("cannot listen on {address}")), "{refused:?}");
}

#[test]
fn a_database_that_is_not_there_is_named_without_its_password() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("postgres://usher:hunter2@{silent}/usher");
    let key = MASTER_KEY;
    let refused = Place::new().run(&["serve", "--bind", "127.0.0.1:0"], &[key, ("USHER__DATABASE__URL", &url)]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""));
    assert!(refused.stderr.contains(&format!("postgres://{silent}/usher cannot be used")), "{refused:?}");
    assert!(!refused.stderr.contains("hunter2"), "{refused:?}");
}

#[cfg(unix)]
#[test]
fn what_is_made_is_for_the_owner_only() {
    use crate::support::mode;
    let place = Place::new();
    Server::start(&place, &[], &QUICK).stop();
    for file in ["data/master.key", "data/usher.db", "data/usher.db.lock"] {
        assert_eq!(mode(&place.path(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&place.path("data")), 0o700);
    let key = fs::read_to_string(place.path("data/master.key")).unwrap();
    let key = usher_service::MasterKey::from_base64(&key).unwrap();
    assert!(!key.is_one_byte_repeated());
}

#[test]
fn another_master_key_is_refused_and_changes_nothing() {
    let place = Place::new();
    Server::start(&place, &[], &QUICK).stop();
    let before = signing_keys(&place);
    assert_eq!(before.len(), 1);
    let other = MASTER_KEY;
    let refused = place.run(&["serve"], &[QUICK.as_slice(), &[other]].concat());
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(78), ""));
    assert_eq!(refused.stderr.lines().count(), 1, "{refused:?}");
    assert!(refused.stderr.contains("sealed with another master key"), "{refused:?}");
    assert_eq!(signing_keys(&place), before);
    Server::start(&place, &[], &QUICK);
}

#[test]
fn a_lost_master_key_is_not_made_anew() {
    let place = Place::new();
    Server::start(&place, &[], &QUICK).stop();
    let before = signing_keys(&place);
    let key = fs::read(place.path("data/master.key")).unwrap();
    fs::remove_file(place.path("data/master.key")).unwrap();
    let refused = place.run(&["serve"], &QUICK);
    assert_eq!(refused.code, Some(78));
    assert!(refused.stderr.contains("data/master.key is missing"), "{refused:?}");
    assert!(!place.path("data/master.key").exists());

    fs::write(place.path("data/master.key"), "not a key").unwrap();
    let refused = place.run(&["serve"], &QUICK);
    assert_eq!(refused.code, Some(78));
    assert!(refused.stderr.contains("must be base64 of exactly 32 bytes"), "{refused:?}");

    fs::write(place.path("data/master.key"), key).unwrap();
    Server::start(&place, &[], &QUICK).stop();
    assert_eq!(signing_keys(&place), before);
}

/// Proves: IN-14
#[test]
fn documentation_can_be_switched_off_and_health_says_little() {
    let place = Place::new();
    let open = Server::start(&place, &[], &QUICK);
    assert_eq!(open.client.get("/openapi.json").status, 200);
    assert_ne!(open.client.get("/docs/").status, 404);
    open.stop();
    let shut = Server::start(&place, &[], &[QUICK.as_slice(), &[("USHER__HTTP__DOCS", "false")]].concat());
    for path in ["/docs", "/docs/", "/docs/index.html", "/openapi.json", "/metrics", "/debug"] {
        assert_eq!(shut.client.get(path).status, 404, "{path}");
    }
    for path in ["/health/live", "/health/ready"] {
        let answer = shut.client.get(path);
        assert_eq!(answer.status, 200);
        for telling in [env!("CARGO_PKG_VERSION"), "sqlite", "usher"] {
            assert!(!answer.body.contains(telling), "{path}: {answer:?}");
        }
    }
    assert!(!shut.stop().stdout.contains("/docs"));
}

#[test]
fn a_database_in_memory_needs_no_folder() {
    let place = Place::new();
    let memory = [("USHER__DATABASE__URL", "sqlite::memory:"), ("USHER__MAIL__TRANSPORT", "none")];
    let variables = [QUICK.as_slice(), &memory].concat();
    let server = Server::start(&place, &[], &variables);
    assert_eq!(server.client.login("admin", "admin").status, 200);
    assert!(!place.path("data").exists());
}
