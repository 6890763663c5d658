//! The first administrator, and his first password.

use actix_web::rt::System;
use usher_domain::{Timestamp, UserChanges, UserScope, UserStatus, Username};
use usher_storage::{ConnectSettings, SeaOrmBackend, UserQueries, UsersStorageBackend};

use crate::support::{MASTER_KEY, PASSWORD, Place, Server};

/// Any free port, reachable from the network.
const PUBLIC: (&str, &str) = ("USHER__HTTP__BIND", "0.0.0.0:0");
const LOOPBACK: (&str, &str) = ("USHER__HTTP__BIND", "127.0.0.1:0");
const CHEAP: (&str, &str) = ("USHER__PASSWORD__BCRYPT_COST", "10");

/// The password that a summary shows.
fn shown_password(server: &mut Server) -> String {
    let line = server.line("Password");
    line.split_whitespace().nth(1).unwrap().to_owned()
}

/// The server, asked at an address that this machine has.
fn local(server: &mut Server) {
    let port = server.client.address().rsplit(':').next().unwrap().to_owned();
    server.client = crate::support::Client::new(format!("127.0.0.1:{port}"));
}

fn is_random(password: &str) -> bool {
    password.len() == 24 && password.split('-').all(|group| group.len() == 4)
}

#[test]
fn on_a_machine_that_talks_to_itself_the_password_is_admin_and_must_be_changed() {
    let place = Place::new();
    let mut server = Server::start(&place, &[], &[LOOPBACK, CHEAP]);
    assert_eq!(shown_password(&mut server), "admin");
    let answer = server.client.login("admin", "admin");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["data"]["user"]["must_change_password"], true);
}

#[test]
fn where_the_network_can_reach_it_the_password_is_random_and_printed_once() {
    let place = Place::new();
    let variables = [PUBLIC, CHEAP];
    let mut server = Server::start(&place, &[], &variables);
    let password = shown_password(&mut server);
    assert!(is_random(&password), "{password}");
    local(&mut server);
    assert_eq!(server.client.login("admin", "admin").status, 401);
    let answer = server.client.login("admin", &password);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["data"]["user"]["must_change_password"], true);
    let ended = server.stop();
    assert!(ended.stdout.contains("Warning: passwords, tokens and cookies travel unencrypted"), "{}", ended.stdout);
    assert!(!ended.stderr.contains(&password), "it is not in the log");

    let mut server = Server::start(&place, &[], &variables);
    local(&mut server);
    assert_eq!(server.client.login("admin", &password).status, 200);
    let ended = server.stop();
    assert!(!ended.stdout.contains("Password") && !ended.stdout.contains(&password), "{}", ended.stdout);

    let mut other = Server::start(&Place::new(), &[], &variables);
    assert_ne!(shown_password(&mut other), password);
}

#[test]
fn behind_a_public_address_or_in_production_the_password_is_random_too() {
    let public_url = ("USHER__HTTP__PUBLIC_URL", "https://accounts.example.com");
    let mut server = Server::start(&Place::new(), &[], &[LOOPBACK, CHEAP, public_url]);
    assert!(is_random(&shown_password(&mut server)));

    let local_url = ("USHER__HTTP__PUBLIC_URL", "https://localhost");
    let key = MASTER_KEY;
    let production = [LOOPBACK, CHEAP, local_url, key, ("USHER__PROFILE", "production")];
    let mut server = Server::start(&Place::new(), &[], &production);
    assert!(is_random(&shown_password(&mut server)));
}

/// Proves: OP-02
#[test]
fn a_password_that_is_configured_is_taken_and_never_printed() {
    let place = Place::new();
    let file = place.write("password", "0123456\n");
    let variables = [
        LOOPBACK,
        CHEAP,
        ("USHER__BOOTSTRAP__ADMIN_PASSWORD_FILE", &file),
        ("USHER__BOOTSTRAP__ADMIN_USERNAME", "root"),
    ];
    let server = Server::start(&place, &[], &variables);
    assert_eq!(server.client.login("root", "0123456").status, 200);
    assert_eq!(server.client.login("admin", "admin").status, 401);
    let ended = server.stop();
    assert!(ended.stdout.contains("the one of bootstrap.admin_password"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("0123456") && !ended.stderr.contains("0123456"));
}

/// Proves: OP-09
#[test]
fn where_there_is_any_account_even_a_deleted_one_no_administrator_is_made() {
    let place = Place::new();
    let variables = [LOOPBACK, CHEAP];
    assert_eq!(place.run_with_input(&["users", "create", "ada"], &variables, PASSWORD).code, Some(0));
    let server = Server::start(&place, &[], &variables);
    assert_eq!(server.client.login("ada", PASSWORD).status, 200);
    assert_eq!(server.client.login("admin", "admin").status, 401);
    assert!(!server.stop().stdout.contains("Password"));

    let url = format!("sqlite://{}", place.path("data/usher.db").display());
    System::new().block_on(async {
        let backend = SeaOrmBackend::connect(ConnectSettings::new(url)).await.unwrap();
        let ada = backend.user_by_username(&Username::parse("ada").unwrap(), UserScope::Existing).await.unwrap();
        let since = Timestamp::from_micros(1_800_000_000_000_000);
        let status = UserStatus::Deleted { since, deactivated_since: None };
        let changes = UserChanges { status: Some(status), ..UserChanges::default() };
        let transaction = backend.begin().await.unwrap();
        assert!(transaction.user_update(ada.unwrap().user.id, None, &changes, since).await.unwrap());
        transaction.commit().await.unwrap();
        backend.close().await;
    });
    let server = Server::start(&place, &[], &variables);
    assert_eq!(server.client.login("ada", PASSWORD).status, 401);
    assert_eq!(server.client.login("admin", "admin").status, 401);
    assert!(!server.stop().stdout.contains("Password"));
}
