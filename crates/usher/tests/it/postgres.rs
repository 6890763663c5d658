//! Several processes on one PostgreSQL.

use std::thread;

use actix_web::rt::System;
use usher_storage::{SigningKeyStore, contract::TestDatabase};

use crate::support::{MASTER_KEY, Place, QUICK, Server};

/// Proves: OP-08
#[test]
fn two_first_starts_at_once_make_one_schema_one_administrator_and_one_set_of_keys() {
    let Some(database) = System::new().block_on(TestDatabase::postgres()) else { return };
    let shared = [("USHER__DATABASE__URL", database.url()), MASTER_KEY];
    let variables = [QUICK.as_slice(), &shared].concat();
    let place = Place::new();
    let servers: Vec<Server> = thread::scope(|scope| {
        let starts: Vec<_> = (0..2).map(|_| scope.spawn(|| Server::start(&place, &[], &variables))).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });

    let mut key_sets: Vec<_> = servers.iter().map(|it| it.client.get("/.well-known/jwks.json").body).collect();
    key_sets.dedup();
    assert_eq!(key_sets.len(), 1, "{key_sets:?}");
    for server in &servers {
        assert_eq!(server.client.get("/health/ready").status, 200);
        assert_eq!(server.client.login("admin", "admin").status, 200);
    }
    let ended: Vec<_> = servers.into_iter().map(Server::stop).collect();
    let made = ended.iter().filter(|it| it.stdout.contains("there is an administrator now")).count();
    assert_eq!(made, 1, "{ended:?}");

    System::new().block_on(async {
        let backend = database.backend().await;
        assert!(backend.migration_state().await.unwrap().iter().all(|step| step.applied));
        assert_eq!(backend.signing_keys().await.unwrap().len(), 1);
        backend.close().await;
    });
}

/// Proves: OP-02
#[test]
fn a_password_of_the_database_is_shown_nowhere() {
    let Some(database) = System::new().block_on(TestDatabase::postgres()) else { return };
    let url = database.url().replacen("postgres@", "postgres:hunter2@", 1);
    let shared = [("USHER__DATABASE__URL", url.as_str()), MASTER_KEY, ("USHER__TELEMETRY__LOG_LEVEL", "trace")];
    let server = Server::start(&Place::new(), &[], &[QUICK.as_slice(), &shared].concat());
    assert_eq!(server.client.login("admin", "admin").status, 200);
    let ended = server.stop();
    assert!(ended.stdout.contains("Database   postgres://"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("hunter2") && !ended.stderr.contains("hunter2"), "{ended:?}");
}
