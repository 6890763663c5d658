//! What values must be, and what each profile insists on.

use usher::config::{Profile, SAMPLE_MASTER_KEY};

use crate::support::{Place, load, only_fault};

/// What profile production is content with.
const PRODUCTION: [(&str, &str); 3] = [
    ("profile", "production"),
    ("http.public_url", "https://accounts.example.com"),
    ("secrets.master_key", "q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq80="),
];

fn refused(key: &str, value: &str) {
    let line = only_fault(&[(key, value)]);
    assert!(line.starts_with(&format!("{key}: ")), "{value}: {line}");
}

fn accepted(key: &str, value: &str) {
    load(&[(key, value)]).unwrap_or_else(|faults| panic!("{value}: {faults}"));
}

fn production_with(settings: &[(&str, &str)]) -> String {
    let changed = |key: &str| settings.iter().any(|(name, _)| *name == key || *name == format!("{key}_file"));
    let base = PRODUCTION.iter().filter(|(key, _)| !changed(key));
    let all: Vec<_> = base.chain(settings).copied().filter(|(_, value)| !value.is_empty()).collect();
    load(&all).map_or_else(|faults| faults.to_string(), |_| String::new())
}

/// Proves: JW-09
#[test]
fn access_tokens_live_for_an_hour_at_most() {
    assert_eq!(load(&[]).unwrap().tokens.access_ttl.as_secs(), 15 * 60);
    accepted("auth.access_ttl", "60m");
    for value in ["3601", "61m", "2h", "1d", "0", "0s"] {
        refused("auth.access_ttl", value);
    }
}

/// Proves: PW-10
#[test]
fn a_cheap_bcrypt_is_for_tests_only_and_an_extreme_one_for_nobody() {
    for cost in ["4", "9"] {
        refused("password.bcrypt_cost", cost);
        load(&[("profile", "test"), ("password.bcrypt_cost", cost)]).unwrap();
    }
    for cost in ["10", "12", "15"] {
        accepted("password.bcrypt_cost", cost);
    }
    for cost in ["3", "16", "31"] {
        for profile in ["test", "development"] {
            let line = only_fault(&[("profile", profile), ("password.bcrypt_cost", cost)]);
            assert!(line.starts_with("password.bcrypt_cost: "), "{line}");
        }
    }
    assert!(production_with(&[("password.bcrypt_cost", "9")]).starts_with("password.bcrypt_cost: 9 is too cheap"));
}

#[test]
fn lifetimes_are_not_zero_and_the_idle_one_is_not_the_longer() {
    for key in ["auth.refresh_idle_ttl", "auth.refresh_absolute_ttl", "http.request_timeout", "http.drain_timeout"] {
        refused(key, "0");
    }
    refused("auth.refresh_idle_ttl", "31d");
    accepted("auth.refresh_idle_ttl", "30d");
    let line = only_fault(&[("auth.refresh_absolute_ttl", "1d")]);
    assert!(line.contains("14d is more than auth.refresh_absolute_ttl, which is 1d"), "{line}");
    for value in ["15 minutes", "1.5h", "-1", "m", "1w", "99999999999999999999s", "18446744073709551615d"] {
        refused("auth.refresh_idle_ttl", value);
    }
}

#[test]
fn a_base_path_begins_with_a_slash_and_does_not_end_with_one() {
    for path in ["", "/api/v1", "/v1", "/a-b_c.d/e"] {
        accepted("http.base_path", path);
    }
    for path in ["/", "api", "/api/", "//api", "/a//b", "/a b", "/a/../b", "/{id}", "/a?b", "/ä", "/a%20"] {
        refused("http.base_path", path);
    }
}

#[test]
fn a_public_url_is_an_origin() {
    for (url, written) in [
        ("https://accounts.example.com", "https://accounts.example.com"),
        ("https://accounts.example.com/", "https://accounts.example.com"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("https://Accounts.Example.com:443", "https://accounts.example.com"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ] {
        let config = load(&[("http.public_url", url)]).unwrap();
        assert_eq!(
            (config.http.public_url.to_string(), config.tokens.issuer),
            (written.to_owned(), written.to_owned())
        );
    }
    for url in [
        "accounts.example.com",
        "ftp://a.example",
        "https://a.example/x",
        "https://a.example?x",
        "https://u@a.example",
        "https://a.example#x",
        "https://",
        "",
    ] {
        refused("http.public_url", url);
    }
}

/// Proves: CK-06
#[test]
fn cors_origins_are_written_exactly_as_browsers_do() {
    for origin in ["https://app.example.com", "http://localhost:3000", "https://app.example.com:8443"] {
        accepted("http.cors_origins", origin);
    }
    for origin in [
        "*",
        "null",
        "https://app.example.com/",
        "https://app.example.com:443",
        "https://App.example.com",
        "https://*.example.com/x",
        "app.example.com",
        "file:///x",
    ] {
        refused("http.cors_origins", origin);
    }
}

#[test]
fn trusted_proxies_are_networks() {
    for network in ["10.0.0.0/8", "192.0.2.7", "::1", "fd00::/8", "0.0.0.0/0"] {
        accepted("http.trusted_proxies", network);
    }
    for network in ["10.0.0.1/8", "10.0.0.0/33", "localhost", "10.0.0", "fd00::1/8"] {
        refused("http.trusted_proxies", network);
    }
}

#[test]
fn lists_and_words_hold_only_what_is_known() {
    for (key, bad, good) in [
        ("password.require", "upper,emoji", "upper,symbol"),
        ("registration.default_roles", "User", "user,editor"),
        ("registration.default_roles", "admin", ""),
        ("validation.full_name_pattern", "loose", "strict"),
        ("validation.username_pattern", "[a-z", "[a-z]+"),
        ("validation.username_max", "51", "20"),
        ("auth.algorithm", "HS256", "ES256"),
        ("auth.audience", " ", "other"),
        ("password.algorithm", "md5", "argon2id"),
        ("password.hash_nice", "-1", "0"),
        ("telemetry.log_level", "verbose", "debug"),
        ("telemetry.log_format", "xml", "json"),
        ("http.docs", "1", "false"),
        ("http.docs", "True", "true"),
        ("http.workers", "0", "512"),
        ("http.max_connections", "1.5", "1"),
        ("http.body_limit", "64KB", "1KiB"),
        ("http.body_limit", "17MiB", "16MiB"),
        ("database.url", "mysql://localhost/usher", "sqlite::memory:"),
        ("bootstrap.admin_username", "a", "root"),
        ("bootstrap.admin_password", "", "admin"),
        ("secrets.master_key", "c2hvcnQ=", "q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq80="),
        ("secrets.pepper", "too short", "one that is long enough to be a pepper"),
        ("password.min_length", "7", "15"),
        ("password.max_length", "1025", "25"),
    ] {
        refused(key, bad);
        accepted(key, good);
    }
    assert!(only_fault(&[("password.min_length", "30"), ("password.max_length", "25")]).contains("30 is more than"));
}

#[test]
fn profile_test_does_not_listen_beyond_this_machine() {
    assert!(only_fault(&[("profile", "test"), ("http.bind", "0.0.0.0:0")]).starts_with("http.bind: profile test"));
    for address in ["127.0.0.1:0", "[::1]:0"] {
        assert_eq!(load(&[("profile", "test"), ("http.bind", address)]).unwrap().profile, Profile::Test);
    }
}

#[test]
fn postgres_needs_a_master_key_that_is_given() {
    let url = ("database.url", "postgres://db.example/usher");
    let line = only_fault(&[url]);
    assert!(line.starts_with("secrets.master_key: is missing") && line.contains("openssl rand -base64 32"), "{line}");
    load(&[url, ("secrets.master_key", "q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq80=")]).unwrap();
}

#[test]
fn a_database_password_is_not_taken_from_the_command_line() {
    let place = Place::new();
    let key = ("USHER__SECRETS__MASTER_KEY", "q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq80=");
    for url in ["postgres://usher:hunter2@db.example/usher", "postgres://db.example/usher?password=hunter2"] {
        let checked = place.run(&["config", "check", "--database-url", url], &[key]);
        assert_eq!(checked.code, Some(78));
        assert!(checked.stderr.starts_with("database.url: holds a password"), "{checked:?}");
        assert!(!checked.stderr.contains("hunter2"));
        assert_eq!(place.run(&["config", "check"], &[key, ("USHER__DATABASE__URL", url)]).code, Some(0));
    }
    let checked = place.run(&["config", "check", "--database-url", "postgres://usher@db.example/usher"], &[key]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

#[test]
fn production_is_content_with_a_key_and_https() {
    assert_eq!(production_with(&[]), "");
}

#[test]
fn production_refuses_what_is_only_good_enough_for_development() {
    for (setting, expected) in [
        (("secrets.master_key", ""), "secrets.master_key: is missing"),
        (("secrets.master_key", SAMPLE_MASTER_KEY), "secrets.master_key: is the one that the documentation shows"),
        (
            ("secrets.master_key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            "secrets.master_key: is one byte, repeated",
        ),
        (("http.public_url", "http://accounts.example.com"), "http.public_url: profile production needs https"),
        (("http.public_url", ""), "http.public_url: profile production needs https"),
        (("bootstrap.admin_password", "admin"), "bootstrap.admin_password: profile production does not take \"admin\""),
    ] {
        let line = production_with(&[setting]);
        assert!(line.starts_with(expected) && line.lines().count() == 1, "{line}");
    }
    let all = [
        ("secrets.master_key", SAMPLE_MASTER_KEY),
        ("http.public_url", "http://x.example"),
        ("bootstrap.admin_password", "admin"),
        ("password.bcrypt_cost", "9"),
    ];
    assert_eq!(production_with(&all).lines().count(), 4);
}

#[test]
fn production_names_the_key_that_development_made() {
    let place = Place::new();
    let url = format!("sqlite://{}", place.path("usher.db").display());
    assert!(production_with(&[("secrets.master_key", ""), ("database.url", &url)]).contains("openssl"));
    let key = place.write("master.key", "any");
    let line = production_with(&[("secrets.master_key", ""), ("database.url", &url)]);
    assert!(line.ends_with(&format!("name {key} in USHER__SECRETS__MASTER_KEY_FILE")), "{line}");
}

#[test]
fn a_sqlite_address_names_a_file_as_it_is_or_memory() {
    for (url, file) in [
        ("sqlite://data/usher.db", Some("data/usher.db")),
        ("sqlite:///var/lib/usher/usher.db?mode=rwc", Some("/var/lib/usher/usher.db")),
        ("sqlite:usher.db", Some("usher.db")),
        ("sqlite::memory:", None),
        ("sqlite://:memory:", None),
        ("sqlite://x?mode=memory", None),
    ] {
        let config = load(&[("database.url", url)]).unwrap();
        assert_eq!(config.database.url.file().map(|path| path.to_str().unwrap()), file, "{url}");
    }
    for url in ["sqlite://", "sqlite:", "sqlite://my%20data/usher.db", "usher.db"] {
        refused("database.url", url);
    }
}

#[cfg(unix)]
#[test]
fn production_refuses_key_files_that_everybody_can_read() {
    use std::{fs, os::unix::fs::PermissionsExt};
    let place = Place::new();
    let path = place.write("key", "q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq80=\n");
    let set_mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    set_mode(0o644);
    let line = production_with(&[("secrets.master_key_file", &path)]);
    assert!(line.starts_with("secrets.master_key: everybody on this machine can read"), "{line}");
    assert!(line.ends_with(&format!("run `chmod o-rwx {path}`")), "{line}");
    set_mode(0o640);
    assert_eq!(production_with(&[("secrets.master_key_file", &path)]), "");
}

/// Every access token holds them, and is to stay below 8 KiB.
#[test]
fn what_every_token_holds_is_bounded() {
    for key in ["auth.issuer", "auth.audience"] {
        accepted(key, &"a".repeat(256));
        refused(key, &"a".repeat(257));
    }
    let roles = |count: usize| (0..count).map(|n| format!("role{n}")).collect::<Vec<_>>().join(",");
    accepted("registration.default_roles", &roles(25));
    refused("registration.default_roles", &roles(26));
}
