//! Where values come from, and which one wins.

use std::time::Duration;

use usher::config::{Config, Sources};

use crate::support::{Place, load, variables};

fn origin_of(sources: &Sources, key: &str) -> (Option<String>, String) {
    let effective = Config::explain(sources).unwrap().0;
    let found = effective.into_iter().find(|value| value.key == key).unwrap();
    (found.value, found.origin)
}

#[test]
fn without_anything_the_defaults_hold() {
    let config = load(&[]).unwrap();
    assert_eq!(config.http.bind.to_string(), "127.0.0.1:8080");
    assert_eq!(config.http.public_url.to_string(), "http://127.0.0.1:8080");
    assert_eq!(config.tokens.issuer, "http://127.0.0.1:8080");
    assert_eq!(config.tokens.access_ttl, Duration::from_secs(15 * 60));
    assert_eq!(config.auth.refresh_idle_ttl, Duration::from_secs(14 * 24 * 60 * 60));
    assert_eq!(config.http.body_limit, 64 * 1024);
    assert_eq!(config.database.url.expose(), "sqlite://data/usher.db");
    assert_eq!(config.http.workers, std::thread::available_parallelism().unwrap().get());
    assert!(config.master_key.is_none() && config.bootstrap.password.is_none());
    let tokens = (config.tokens.algorithm, config.http.docs, config.database.migrate_on_start);
    assert_eq!(tokens, (usher_domain::SigningAlgorithm::EdDsa, true, true));
}

#[test]
fn each_layer_wins_over_the_one_before() {
    let place = Place::new();
    let file = place.write("usher.toml", "[http]\nbind = '127.0.0.1:1'\nworkers = 1\ndocs = false\n");

    let sources = Sources::default().with_file(&file);
    assert_eq!(origin_of(&sources, "http.bind").0.unwrap(), "127.0.0.1:1");
    assert!(origin_of(&sources, "http.bind").1.ends_with("usher.toml"));

    let sources = sources.with_variable("USHER__HTTP__BIND", "127.0.0.1:2").with_variable("USHER__HTTP__WORKERS", "2");
    let from_environment = (Some("127.0.0.1:2".to_owned()), "environment variable USHER__HTTP__BIND".to_owned());
    assert_eq!(origin_of(&sources, "http.bind"), from_environment);

    let sources = sources.with("http.bind", "127.0.0.1:3", "flag --bind");
    assert_eq!(origin_of(&sources, "http.bind"), (Some("127.0.0.1:3".to_owned()), "flag --bind".to_owned()));

    let config = Config::load(&sources).unwrap();
    assert_eq!((config.http.bind.port(), config.http.workers, config.http.docs), (3, 2, false));
    assert_eq!(origin_of(&sources, "http.keep_alive"), (Some("15s".to_owned()), "default".to_owned()));
}

#[test]
fn the_binary_reads_file_dotenv_environment_and_flags() {
    let place = Place::new();
    place.write("usher.toml", "[http]\nbind = '127.0.0.1:1'\n[auth]\naudience = 'file'\nissuer = 'file'\n");
    place.write(".env", "# a comment\nUSHER__AUTH__ISSUER='dotenv'\nUSHER__HTTP__DOCS=false\nOTHER=ignored\n");
    let shown = place.run(
        &["config", "show", "--json", "--bind", "127.0.0.1:3"],
        &[("USHER__HTTP__DOCS", "true"), ("USHER__PASSWORD__REQUIRE", "upper, digit")],
    );
    assert_eq!(shown.code, Some(0), "{shown:?}");
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    let of = |key: &str| {
        let found = shown.as_array().unwrap().iter().find(|entry| entry["key"] == key).unwrap();
        (found["value"].as_str().unwrap().to_owned(), found["origin"].as_str().unwrap().to_owned())
    };
    let pair = |value: &str, origin: &str| (value.to_owned(), origin.to_owned());
    assert_eq!(of("http.bind"), pair("127.0.0.1:3", "flag --bind"));
    assert_eq!(of("auth.audience"), pair("file", "usher.toml"));
    assert_eq!(of("auth.issuer"), pair("dotenv", "USHER__AUTH__ISSUER in .env"));
    assert_eq!(of("http.docs"), pair("true", "environment variable USHER__HTTP__DOCS"));
    assert_eq!(of("password.require"), pair("upper,digit", "environment variable USHER__PASSWORD__REQUIRE"));
    assert_eq!(of("auth.access_ttl"), pair("15m", "default"));
}

#[test]
fn another_file_can_be_named_and_must_then_be_there() {
    let place = Place::new();
    place.write("usher.toml", "[auth]\naudience = 'here'\n");
    place.write("other.toml", "[auth]\naudience = 'other'\n");
    let shown = place.run(&["--config", "other.toml", "config", "show"], &[]);
    assert!(shown.stdout.lines().any(|line| line.contains("other") && line.contains("auth.audience")), "{shown:?}");
    let missing = place.run(&["config", "check", "--config", "nowhere.toml"], &[]);
    assert_eq!(missing.code, Some(78));
    assert!(missing.stderr.starts_with("nowhere.toml: cannot be read"), "{missing:?}");
}

#[test]
fn values_are_written_as_people_write_them() {
    let place = Place::new();
    let file = place.write(
        "usher.toml",
        "[http]\ncors_origins = ['https://a.example', 'https://b.example:8443']\nbody_limit = '1MiB'\nkeep_alive = 0\n\
         [auth]\naccess_ttl = '10m'\nrefresh_idle_ttl = 3600\nrefresh_absolute_ttl = '30d'\n\
         [database]\nacquire_timeout = '1500ms'\n[password]\nrequire = []\n",
    );
    let config = Config::load(&Sources::default().with_file(file)).unwrap();
    assert_eq!(config.http.cors_origins, ["https://a.example", "https://b.example:8443"]);
    assert_eq!((config.http.body_limit, config.http.keep_alive), (1024 * 1024, Duration::ZERO));
    assert_eq!(config.tokens.access_ttl, Duration::from_secs(600));
    assert_eq!(config.auth.refresh_idle_ttl, Duration::from_secs(3600));
    assert_eq!(config.auth.refresh_absolute_ttl, Duration::from_secs(30 * 24 * 3600));
    assert_eq!(config.database.acquire_timeout, Duration::from_millis(1500));

    let config = Config::load(&variables(&[
        ("USHER__HTTP__CORS_ORIGINS", "https://a.example, https://b.example:8443"),
        ("USHER__HTTP__BODY_LIMIT", "2048"),
        ("USHER__HTTP__TRUSTED_PROXIES", "10.0.0.0/8,192.0.2.1,2001:db8::/32"),
        ("USHER__HTTP__BASE_PATH", ""),
        ("USHER__HTTP__DOCS", "false"),
    ]));
    let http = config.unwrap().http;
    assert_eq!(http.cors_origins, ["https://a.example", "https://b.example:8443"]);
    assert_eq!((http.body_limit, http.base_path.as_str(), http.docs), (2048, "", false));
    let proxies: Vec<_> = http.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"]);
}

#[test]
fn a_password_of_digits_stays_the_text_that_it_is() {
    for password in ["0123456", "true", "1e3", "a,b", " leading and trailing "] {
        let config = Config::load(&variables(&[("USHER__BOOTSTRAP__ADMIN_PASSWORD", password)])).unwrap();
        assert_eq!(config.bootstrap.password.unwrap().as_typed(), password);
    }
}

/// Proves: OP-02
#[test]
fn every_secret_can_come_from_a_file_and_loses_one_newline() {
    let place = Place::new();
    let password = place.write("password", "two lines\n\n");
    let url = place.write("url", "postgres://usher:secret@db.example/usher\r\n");
    let key = place.write("key", "q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq80=\n");
    let pepper = place.write("pepper", "a pepper that is long enough to count as one");
    let sources = variables(&[
        ("USHER__BOOTSTRAP__ADMIN_PASSWORD_FILE", &password),
        ("USHER__DATABASE__URL_FILE", &url),
        ("USHER__SECRETS__MASTER_KEY_FILE", &key),
        ("USHER__SECRETS__PEPPER_FILE", &pepper),
    ]);
    let config = Config::load(&sources).unwrap();
    assert_eq!(config.bootstrap.password.as_ref().unwrap().as_typed(), "two lines\n");
    assert_eq!(config.database.url.expose(), "postgres://usher:secret@db.example/usher");
    let given = usher_service::MasterKey::from_base64("q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq80=").unwrap();
    assert_eq!(config.master_key, Some(given));
    assert!(config.passwords.pepper.is_some());
    let origin = format!("file {key} named by environment variable USHER__SECRETS__MASTER_KEY_FILE");
    assert_eq!(origin_of(&sources, "secrets.master_key"), (Some("[redacted]".to_owned()), origin));

    let file = place.write("usher.toml", &format!("[secrets]\npepper_file = {pepper:?}\n"));
    assert!(Config::load(&Sources::default().with_file(file)).unwrap().passwords.pepper.is_some());
}

/// Proves: OP-02
#[test]
fn no_secret_is_shown_anywhere() {
    let secrets = [
        ("USHER__DATABASE__URL", "postgres://usher:hunter2-db@db.example:5433/usher?password=hunter2-q&user=hunter2-u"),
        ("USHER__SECRETS__MASTER_KEY", "aHVudGVyMi1pcy1ub3QtYS1nb29kLW1hc3Rlci1rZXk="),
        ("USHER__SECRETS__PEPPER", "hunter2-pepper-that-is-long-enough"),
        ("USHER__BOOTSTRAP__ADMIN_PASSWORD", "hunter2-admin"),
    ];
    let sources = variables(&secrets);
    let shown = [
        format!("{:?}", Config::load(&sources).unwrap()),
        format!("{:?}", Config::explain(&sources).unwrap()),
        format!("{sources:?}"),
        Place::new().run(&["config", "show"], &secrets).stdout,
        Place::new().run(&["config", "show", "--json"], &secrets).stdout,
    ];
    for text in shown {
        assert!(!text.contains("hunter2") && !text.contains("aHVudGVy"), "{text}");
    }
    let text = Config::explain(&sources).unwrap().0;
    let url = text.iter().find(|value| value.key == "database.url").unwrap();
    assert_eq!(url.value.as_deref(), Some("postgres://db.example:5433/usher"));
}
