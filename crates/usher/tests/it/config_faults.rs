//! What is wrong is told: all of it, each in one line that says what to do.

use usher::config::{Config, Sources};

use crate::support::{Place, load, only_fault, variables};

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let place = Place::new();
    place.write(
        "usher.toml",
        "profile = 'staging'\n[http]\nbnid = '127.0.0.1:1'\nworkers = 0\ndocs = 'yes'\n[auth]\naccess_ttl = '2h'\n\
         [redis]\nurl = 'http://:hunter2@127.0.0.1'\n",
    );
    let checked = place.run(
        &["config", "check"],
        &[
            ("USHER__HTTP__BIND", "localhost"),
            ("USHER__HTTP__CORS_ORIGINS", "*,https://ok.example,https://x.example/"),
            ("USHER__PASSWORD__BCRYPT_COST", "four"),
            ("USHER__SECRETS__MASTER_KEY", "hunter2"),
            ("USHER__REGISTRATION__MODE", "shut"),
        ],
    );
    assert_eq!((checked.code, checked.stdout.as_str()), (Some(78), ""));
    let keys: Vec<_> = checked.stderr.lines().map(|line| line.split(": ").next().unwrap()).collect();
    let expected = [
        "auth.access_ttl",
        "http.bind",
        "http.bnid",
        "http.cors_origins",
        "http.cors_origins",
        "http.docs",
        "http.workers",
        "password.bcrypt_cost",
        "profile",
        "redis.url",
        "registration.mode",
        "secrets.master_key",
    ];
    assert_eq!(keys, expected, "{}", checked.stderr);
    assert!(!checked.stderr.contains("hunter2"));
}

#[test]
fn a_fault_says_what_where_and_what_to_do() {
    let faults = Config::load(&variables(&[("USHER__HTTP__BIND", "localhost:8080")])).unwrap_err();
    assert_eq!(
        faults.to_string(),
        "http.bind: \"localhost:8080\" is not an IP address and a port (from environment variable USHER__HTTP__BIND): \
         write for example 127.0.0.1:8080 or 0.0.0.0:8080"
    );
}

#[test]
fn a_good_configuration_is_called_good() {
    let checked = Place::new().run(&["config", "check"], &[]);
    assert_eq!((checked.code, checked.stdout.as_str()), (Some(0), "the configuration is good\n"));
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_name() {
    let place = Place::new();
    for (name, nearest) in [
        ("http.bnid", "http.bind"),
        ("HTTP.BIND", "http.bind"),
        ("auth.acess_ttl", "auth.access_ttl"),
        ("secrets.masterkey_file", "secrets.master_key_file"),
        ("database.uri", "database.url"),
    ] {
        let line = only_fault(&[(name, "x")]);
        assert_eq!(line, format!("{name}: there is no such key (from the test): did you mean {nearest}?"));
        let variable = format!("USHER__{}", name.to_ascii_uppercase().replace('.', "__"));
        if name != "HTTP.BIND" {
            let faults = Config::load(&variables(&[(&variable, "x")])).unwrap_err();
            assert!(faults.to_string().ends_with(&format!("did you mean {nearest}?")), "{faults}");
        }
    }
    assert!(only_fault(&[("zzz", "x")]).contains("`usher config sample` lists all keys"));
    for text in ["[nobody]\n", "http = 1\n", "[http.bind]\nport = 1\n", "[http]\nbind_file = 'x'\n"] {
        let file = place.write("usher.toml", text);
        let faults = Config::load(&Sources::default().with_file(&file)).unwrap_err();
        assert!(faults.0.iter().any(|fault| fault.problem == "there is no such key"), "{text}: {faults}");
    }
    load(&[]).unwrap();
    Config::load(&variables(&[("USHER_TEST_POSTGRES_URL", "x"), ("OTHER", "y")])).unwrap();
}

#[test]
fn a_secret_that_is_given_twice_is_refused() {
    let place = Place::new();
    let path = place.write("password", "one");
    let faults = Config::load(&variables(&[
        ("USHER__BOOTSTRAP__ADMIN_PASSWORD", "two"),
        ("USHER__BOOTSTRAP__ADMIN_PASSWORD_FILE", &path),
    ]));
    let line = faults.unwrap_err().to_string();
    assert!(line.starts_with("bootstrap.admin_password: is given twice, as a value and as a file"), "{line}");
}

#[test]
fn a_secret_file_that_cannot_be_read_is_refused() {
    let line = only_fault(&[("secrets.pepper_file", "/nowhere/pepper")]);
    assert!(line.starts_with("secrets.pepper_file: \"/nowhere/pepper\" cannot be read"), "{line}");
}

/// Proves: OP-02
#[test]
fn what_does_not_parse_is_not_repeated() {
    let place = Place::new();
    place.write("usher.toml", "[secrets]\npepper = hunter2\n");
    let checked = place.run(&["config", "check"], &[]);
    assert_eq!(checked.code, Some(78));
    assert!(checked.stderr.starts_with("usher.toml: is not TOML: TOML parse error at line 2"), "{checked:?}");
    assert!(!checked.stderr.contains("hunter2"), "{checked:?}");

    let place = Place::new();
    place.write(".env", "USHER__SECRETS__PEPPER='hunter2\n");
    let checked = place.run(&["config", "check", "--bind", "nowhere"], &[]);
    assert_eq!(checked.code, Some(78));
    assert!(checked.stderr.starts_with(".env: cannot be parsed"), "{checked:?}");
    assert!(checked.stderr.contains("\nhttp.bind: "), "the other faults are told all the same: {checked:?}");
    assert!(!checked.stderr.contains("hunter2"), "{checked:?}");
}
