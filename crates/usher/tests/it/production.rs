//! What profile production refuses: all of it at once, a line each, with exit code 78.

use std::fs;

use usher::config::{SAMPLE_MASTER_KEY, keys};

use crate::support::{Finished, MASTER_KEY, Place};

/// What it is content with.
const GOOD: [(&str, &str); 3] =
    [("USHER__PROFILE", "production"), ("USHER__HTTP__PUBLIC_URL", "https://accounts.example.com"), MASTER_KEY];

fn check(place: &Place, variables: &[(&str, &str)]) -> Finished {
    let good = GOOD
        .iter()
        .filter(|(name, _)| !variables.iter().any(|(other, _)| other.strip_suffix("_FILE").unwrap_or(other) == *name));
    let all: Vec<_> = good.chain(variables).copied().filter(|(_, value)| !value.is_empty()).collect();
    place.run(&["config", "check"], &all)
}

/// The one line that it says.
fn refused(place: &Place, variables: &[(&str, &str)]) -> String {
    let checked = check(place, variables);
    assert_eq!((checked.code, checked.stdout.as_str()), (Some(78), ""), "{variables:?}: {checked:?}");
    assert_eq!(checked.stderr.lines().count(), 1, "{checked:?}");
    checked.stderr
}

fn accepted(place: &Place, variables: &[(&str, &str)]) {
    let checked = check(place, variables);
    assert_eq!(checked.code, Some(0), "{variables:?}: {checked:?}");
}

/// Proves: OP-01
#[test]
fn everything_that_is_unsafe_is_told_at_once_and_nothing_starts() {
    let place = Place::new();
    let pepper = place.write("pepper", "32 characters or more, better random ones");
    let unsafe_settings = [
        ("USHER__PROFILE", "production"),
        ("USHER__HTTP__PUBLIC_URL", "http://accounts.example.com"),
        ("USHER__SECRETS__MASTER_KEY", SAMPLE_MASTER_KEY),
        ("USHER__SECRETS__PEPPER_FILE", &pepper),
        ("USHER__BOOTSTRAP__ADMIN_PASSWORD", "admin"),
        ("USHER__PASSWORD__BCRYPT_COST", "9"),
        ("USHER__TELEMETRY__LOG_LEVEL", "debug"),
        ("USHER__DATABASE__URL", "postgres://usher:hunter2@db.example/usher?sslmode=require"),
    ];
    world_readable(&pepper);
    for arguments in [&["config", "check"][..], &["serve"], &["migrate", "up"], &["users", "list"]] {
        let refused = place.run(arguments, &unsafe_settings);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(78), ""), "{arguments:?}: {refused:?}");
        let keys: Vec<_> = refused.stderr.lines().map(|line| line.split(": ").next().unwrap()).collect();
        let mut expected = vec![
            "bootstrap.admin_password",
            "database.url",
            "http.public_url",
            "password.bcrypt_cost",
            "secrets.master_key",
            "secrets.pepper",
            "secrets.pepper",
            "telemetry.log_level",
        ];
        if !cfg!(unix) {
            // Who can read a file is not known there.
            expected.remove(5);
        }
        assert_eq!(keys, expected, "{}", refused.stderr);
        assert!(!refused.stderr.contains("hunter2") && !refused.stderr.contains(SAMPLE_MASTER_KEY), "{refused:?}");
    }
    assert!(!place.path("data").exists(), "nothing was made");
    accepted(&place, &[]);
}

/// Proves: OP-01
#[test]
fn a_key_must_be_given_and_be_ones_own() {
    let place = Place::new();
    for (key, expected) in [
        ("", "secrets.master_key: is missing"),
        (SAMPLE_MASTER_KEY, "secrets.master_key: is the one that the documentation shows"),
        ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "secrets.master_key: is one byte, repeated"),
        ("q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=", "secrets.master_key: is one byte, repeated"),
    ] {
        let line = refused(&place, &[("USHER__SECRETS__MASTER_KEY", key)]);
        assert!(line.starts_with(expected), "{line}");
    }
}

/// Proves: OP-01
#[test]
fn no_sample_of_the_documentation_is_taken_for_a_secret() {
    let mail = [
        ("USHER__MAIL__TRANSPORT", "smtp"),
        ("USHER__MAIL__FROM", "no-reply@example.com"),
        ("USHER__MAIL__SMTP__URL", "smtp://mail.example.com"),
        ("USHER__MAIL__SMTP__USERNAME", "usher"),
        ("USHER__MAIL__SMTP__PASSWORD", "one of its own"),
    ];
    let place = Place::new();
    accepted(&place, &mail);
    let secrets: Vec<_> = keys::ALL.iter().filter(|key| key.kind == keys::Kind::Secret).collect();
    assert!(secrets.len() >= 4);
    for key in secrets {
        let keys::Fallback::Nothing(_, sample) = key.default else { panic!("{} has a default", key.name) };
        let variable = key.variable();
        let settings = mail.iter().filter(|(name, _)| *name != variable).copied();
        let line = refused(&place, &settings.chain([(variable.as_str(), sample)]).collect::<Vec<_>>());
        assert!(line.starts_with(&format!("{}: is the one that the documentation shows", key.name)), "{line}");
    }
}

/// Proves: OP-01
#[test]
fn debug_is_for_other_profiles() {
    let place = Place::new();
    for level in ["debug", "trace"] {
        let line = refused(&place, &[("USHER__TELEMETRY__LOG_LEVEL", level)]);
        assert!(line.starts_with("telemetry.log_level: profile production does not tell"), "{line}");
        let development = ("USHER__PROFILE", "development");
        accepted(&place, &[development, ("USHER__TELEMETRY__LOG_LEVEL", level)]);
    }
    accepted(&place, &[("USHER__TELEMETRY__LOG_LEVEL", "info")]);
}

/// Proves: OP-11
#[test]
fn a_postgres_elsewhere_is_one_that_proves_who_it_is() {
    let place = Place::new();
    let url = |rest: &str| format!("postgres://usher:hunter2@{rest}");
    for rest in [
        "db.example/usher",
        "db.example/usher?sslmode=allow",
        "db.example/usher?sslmode=prefer",
        "db.example/usher?sslmode=require",
        "db.example/usher?sslmode=verify-ca&sslrootcert=/ca.pem",
        "localhost/usher?host=db.example",
    ] {
        let line = refused(&place, &[("USHER__DATABASE__URL", &url(rest))]);
        assert!(line.starts_with("database.url: profile production needs to know whom it talks to"), "{line}");
        assert!(!line.contains("hunter2"), "{line}");
        accepted(&place, &[("USHER__PROFILE", "development"), ("USHER__DATABASE__URL", &url(rest))]);
    }
    for rest in [
        "db.example/usher?sslmode=verify-full",
        "db.example/usher?sslmode=verify-full&sslrootcert=/ca.pem",
        "db.example/usher?sslmode=disable",
        "localhost/usher",
        "%2Fvar%2Frun%2Fpostgresql/usher",
    ] {
        accepted(&place, &[("USHER__DATABASE__URL", &url(rest))]);
    }
    let line = refused(&place, &[("USHER__DATABASE__URL", &url("db.example/usher?sslmode=verify_full"))]);
    assert!(line.starts_with("database.url: is not the address of a database"), "{line}");
}

#[cfg(unix)]
fn world_readable(path: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
}

#[cfg(not(unix))]
fn world_readable(_path: &str) {}

#[cfg(unix)]
fn private(path: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o640)).unwrap();
}

/// Proves: OP-01
#[cfg(unix)]
#[test]
fn no_secret_stands_in_a_file_that_everybody_can_read() {
    let place = Place::new();
    let mail = [("USHER__MAIL__SMTP__USERNAME", "usher"), ("USHER__MAIL__SMTP__URL", "smtp://mail.example.com")];
    for (key, secret) in [
        ("secrets.master_key", MASTER_KEY.1),
        ("secrets.pepper", "a pepper that is long enough to count as one"),
        ("bootstrap.admin_password", "one of his own"),
        ("mail.smtp.password", "one of its own"),
        ("database.url", "postgres://usher:hunter2@localhost/usher"),
        ("redis.url", "redis://:hunter2@localhost"),
    ] {
        let file = place.write("secret", secret);
        let variable = format!("{}_FILE", keys::Key::find(key).unwrap().variable());
        let settings = [(variable.as_str(), file.as_str())];
        let with_mail = [mail.as_slice(), &settings].concat();
        let settings = if key == "mail.smtp.password" { &with_mail[..] } else { &settings };
        world_readable(&file);
        let line = refused(&place, settings);
        let expected = format!("{key}: everybody on this machine can read {file} ");
        assert!(line.starts_with(&expected) && line.ends_with(&format!("run `chmod o-rwx {file}`\n")), "{line}");
        assert!(!line.contains(secret) && !line.contains("hunter2"), "{line}");
        private(&file);
        accepted(&place, settings);
    }
    let file = place.write("secret", "postgres://usher@localhost/usher");
    world_readable(&file);
    accepted(&place, &[("USHER__DATABASE__URL_FILE", &file)]);
}

/// Proves: OP-01
#[cfg(unix)]
#[test]
fn no_secret_stands_in_a_configuration_that_everybody_can_read() {
    let place = Place::new();
    let key = MASTER_KEY.1;
    for (name, text) in [
        ("usher.toml", format!("[database]\nurl = 'sqlite://usher.db'\n[secrets]\nmaster_key = '{key}'\n")),
        (".env", format!("USHER__DATABASE__URL=sqlite://usher.db\nUSHER__SECRETS__MASTER_KEY={key}\n")),
    ] {
        let file = place.write(name, &text);
        world_readable(&file);
        let line = refused(&place, &[("USHER__SECRETS__MASTER_KEY", "")]);
        assert!(line.starts_with("secrets.master_key: everybody on this machine can read "), "{line}");
        assert!(line.ends_with(&format!("{name}`\n")), "{line}");
        accepted(&place, &[]);
        private(&file);
        accepted(&place, &[("USHER__SECRETS__MASTER_KEY", "")]);
        fs::remove_file(file).unwrap();
    }
}
