//! The command line, from outside.

use std::net::TcpListener;

use serde_json::Value;

use crate::support::{PASSWORD, Place, QUICK, Server};

#[test]
fn wrong_usage_ends_with_2_and_help_with_0() {
    let place = Place::new();
    for arguments in [
        &["serve", "--no-such-flag"][..],
        &["frobnicate"],
        &["migrate"],
        &["migrate", "down"],
        &["migrate", "down", "--steps", "0"],
        &["users", "create"],
        &["users", "show"],
        &["users", "set-password"],
        &["users", "activate"],
        &["users", "deactivate"],
        &["users", "roles"],
        &["keys"],
        &["dev", "seed"],
        &["health", "--url", "https://127.0.0.1"],
    ] {
        let ended = place.run(arguments, &[]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(!ended.stderr.is_empty());
    }
    let version = place.run(&["--version"], &[]);
    assert_eq!((version.code, version.stdout.trim()), (Some(0), concat!("usher ", env!("CARGO_PKG_VERSION"))));
}

/// Proves: OP-02
#[test]
fn help_is_complete_and_holds_no_secret() {
    let place = Place::new();
    place.write(".env", "USHER__SECRETS__PEPPER='hunter2 in a file, long enough for a pepper'\n");
    let secrets =
        [("USHER__BOOTSTRAP__ADMIN_PASSWORD", "hunter2"), ("USHER__DATABASE__URL", "postgres://u:hunter2@h/d")];
    for (arguments, expected) in [
        (
            &["--help"][..],
            &[
                "serve",
                "migrate",
                "users",
                "keys",
                "dev",
                "backup",
                "openapi",
                "config",
                "health",
                "--config",
                "Examples:",
                "78",
            ][..],
        ),
        (&["migrate", "--help"], &["up", "status", "down"]),
        (&["migrate", "down", "--help"], &["--steps"]),
        (
            &["users", "create", "--help"],
            &["--email", "--role", "--full-name", "--json", "standard input", "Examples:"],
        ),
        (&["users", "--help"], &["create", "list", "show", "set-password", "activate", "deactivate", "roles"]),
        (&["users", "list", "--help"], &["--q", "--status", "--role", "--sort", "--limit", "--json", "Examples:"]),
        (&["users", "show", "--help"], &["--json", "USER is a username, an e-mail address or an id"]),
        (&["users", "set-password", "--help"], &["--json", "standard input", "Examples:"]),
        (&["users", "activate", "--help"], &["--reason", "--json"]),
        (&["users", "deactivate", "--help"], &["--reason", "--json"]),
        (&["users", "roles", "--help"], &["--set", "--add", "--remove", "--json", "Examples:"]),
        (&["keys", "--help"], &["list", "rotate", "reseal"]),
        (&["keys", "rotate", "--help"], &["--now", "auth.key_rotation"]),
        (&["keys", "reseal", "--help"], &["--new-key-file", "all sessions end"]),
        (&["dev", "seed", "--help"], &["--users", "production", "password", "Examples:"]),
        (&["backup", "--help"], &["The master key is not in it", "To restore", "pg_dump"]),
        (&["config", "--help"], &["check", "show", "sample"]),
        (&["health", "--help"], &["--url"]),
    ] {
        let help = place.run(arguments, &secrets);
        assert_eq!(help.code, Some(0));
        for text in expected {
            assert!(help.stdout.contains(text), "{arguments:?} says nothing of {text}");
        }
        assert!(!help.stdout.contains("hunter2"));
    }
}

#[test]
fn an_account_made_on_the_command_line_can_sign_in() {
    let place = Place::new();
    let server = Server::start(&place, &[], &QUICK);
    let made = place.run_with_input(
        &[
            "users",
            "create",
            "Ada",
            "--email",
            "ada@example.org",
            "--full-name",
            "Ada Lovelace",
            "--role",
            "admin",
            "--no-must-change-password",
            "--json",
        ],
        &QUICK,
        &format!("{PASSWORD}\n"),
    );
    assert_eq!(made.code, Some(0), "{made:?}");
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    assert_eq!(
        (&made["username"], &made["email"], &made["full_name"]),
        (&"Ada".into(), &"ada@example.org".into(), &"Ada Lovelace".into())
    );
    assert_eq!((&made["roles"], &made["must_change_password"]), (&serde_json::json!(["admin"]), &false.into()));

    let answer = server.client.login("ada@example.org", PASSWORD);
    assert_eq!(answer.status, 200, "{answer:?}");
    let user = &answer.json()["data"]["user"];
    assert_eq!(
        (&user["id"], &user["is_admin"], &user["must_change_password"]),
        (&made["id"], &true.into(), &false.into())
    );

    let made = place.run_with_input(&["users", "create", "bob"], &QUICK, &format!("{PASSWORD}\r\n"));
    assert!(made.stdout.starts_with("created bob with id "), "{made:?}");
    let user = &server.client.login("bob", PASSWORD).json()["data"]["user"];
    assert_eq!((&user["roles"], &user["must_change_password"]), (&serde_json::json!(["user"]), &true.into()));
}

/// Proves: PW-01
#[test]
fn an_account_that_is_not_right_is_refused_with_all_faults() {
    let place = Place::new();
    let refused = place.run_with_input(&["users", "create", "a", "--email", "nowhere"], &QUICK, "short\n");
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""));
    for field in ["username: ", "email: ", "password: "] {
        assert!(refused.stderr.lines().any(|line| line.starts_with(field)), "{refused:?}");
    }
    assert!(!refused.stderr.contains("short\n"), "{refused:?}");

    let refused =
        place.run_with_input(&["users", "create", "ada", "--role", "nobody"], &QUICK, &format!("{PASSWORD}\n"));
    assert!(
        refused.code == Some(1) && refused.stderr.contains("roles.0: names a role that does not exist"),
        "{refused:?}"
    );
    let refused = place.run_with_input(&["users", "create", "ada"], &QUICK, "");
    assert!(refused.code == Some(2) && refused.stderr.contains("no password was given"), "{refused:?}");

    assert_eq!(place.run_with_input(&["users", "create", "ada"], &QUICK, PASSWORD).code, Some(0));
    let refused = place.run_with_input(&["users", "create", "ADA"], &QUICK, PASSWORD);
    assert!(refused.code == Some(1) && refused.stderr.contains("the username is taken"), "{refused:?}");
}

fn steps(place: &Place) -> Vec<(String, bool)> {
    let status = place.run(&["migrate", "status", "--json"], &[]);
    assert_eq!(status.code, Some(0), "{status:?}");
    let steps: Value = serde_json::from_str(&status.stdout).unwrap();
    let step = |step: &Value| (step["name"].as_str().unwrap().to_owned(), step["applied"].as_bool().unwrap());
    steps.as_array().unwrap().iter().map(step).collect()
}

#[test]
fn migrations_go_up_and_down() {
    let place = Place::new();
    let all = steps(&place);
    assert!(all.len() > 1 && all.iter().all(|(_, applied)| !applied), "{all:?}");

    let up = place.run(&["migrate", "up"], &[]);
    assert_eq!((up.code, up.stdout.as_str()), (Some(0), "the schema is up to date\n"));
    assert!(steps(&place).iter().all(|(_, applied)| *applied));
    assert_eq!(place.run(&["migrate", "up"], &[]).code, Some(0), "it can be said twice");

    let down = place.run(&["migrate", "down", "--steps", "1"], &[]);
    assert_eq!(down.code, Some(0), "{down:?}");
    let (last, _) = all.last().unwrap();
    assert!(down.stdout.ends_with(&format!("pending  {last}\n")) && down.stdout.starts_with("applied "), "{down:?}");
    let pending: Vec<_> = steps(&place).into_iter().filter(|(_, applied)| !applied).map(|(name, _)| name).collect();
    assert_eq!(pending, [last.as_str()]);
}

#[test]
fn a_schema_that_is_behind_is_refused_where_it_is_not_to_be_changed() {
    let place = Place::new();
    let variables = [QUICK.as_slice(), &[("USHER__DATABASE__MIGRATE_ON_START", "false")]].concat();
    let refused = place.run(&["serve"], &variables);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("run `usher migrate up`"), "{refused:?}");
    assert!(steps(&place).iter().all(|(_, applied)| !applied), "nothing was changed");

    place.run(&["migrate", "up"], &[]);
    assert_eq!(Server::start(&place, &[], &variables).client.get("/health/ready").status, 200);
}

#[test]
fn the_openapi_document_carries_the_base_path() {
    let place = Place::new();
    let printed = place.run(&["openapi"], &[("USHER__HTTP__BASE_PATH", "/accounts")]);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let document: Value = serde_json::from_str(&printed.stdout).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["paths"]["/accounts/auth/login"]["post"].is_object());
}

#[test]
fn health_says_whether_a_server_is_ready() {
    let place = Place::new();
    let server = Server::start(&place, &[], &QUICK);
    let healthy = place.run(&["health", "--url", &server.client.url()], &[]);
    assert_eq!((healthy.code, healthy.stdout.as_str()), (Some(0), "ready\n"), "{healthy:?}");
    let healthy = place.run(&["health", "--bind", server.client.address()], &[]);
    assert_eq!(healthy.code, Some(0), "{healthy:?}");

    let silent = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let unhealthy = place.run(&["health", "--url", &format!("http://{silent}")], &[]);
    assert_eq!(unhealthy.code, Some(1));
    assert!(unhealthy.stderr.contains("does not answer"), "{unhealthy:?}");
}
