//! Every secret can stand in a file of its own.

use usher::config::{Config, Sources, keys};

use crate::support::{Place, variables};

/// Each secret, and a value that will do.
const SECRETS: [(&str, &str); 6] = [
    ("bootstrap.admin_password", "one of his own"),
    ("database.url", "postgres://usher:hunter2@db.example/usher"),
    ("mail.smtp.password", "one of its own"),
    ("redis.url", "redis://:hunter2@db.example"),
    ("secrets.master_key", "q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq80="),
    ("secrets.pepper", "a pepper that is long enough to count as one"),
];

/// With what the values need besides.
fn sources(key: &str) -> Sources {
    match key {
        "mail.smtp.password" => variables(&[("USHER__MAIL__SMTP__USERNAME", "usher")]),
        "secrets.master_key" => variables(&[("USHER__DATABASE__URL", SECRETS[1].1)]),
        "database.url" => variables(&[("USHER__SECRETS__MASTER_KEY", SECRETS[4].1)]),
        _ => Sources::default(),
    }
}

fn variable(key: &str) -> String {
    format!("{}_FILE", keys::Key::find(key).unwrap().variable())
}

fn only_fault(sources: &Sources) -> String {
    let faults = Config::load(sources).unwrap_err();
    assert_eq!(faults.0.len(), 1, "{faults}");
    faults.to_string()
}

#[test]
fn these_are_all_secrets() {
    let mut all: Vec<_> = keys::ALL.iter().filter(|key| key.is_secret()).map(|key| key.name).collect();
    all.sort_unstable();
    assert_eq!(all, SECRETS.map(|(key, _)| key));
}

/// Proves: OP-02
#[test]
fn a_file_is_as_good_as_the_value_in_it_with_a_newline_behind_or_without() {
    let place = Place::new();
    for (key, value) in SECRETS {
        let given =
            Config::load(&sources(key).with_variable(&keys::Key::find(key).unwrap().variable(), value)).unwrap();
        for newline in ["", "\n", "\r\n"] {
            let file = place.write("secret", &format!("{value}{newline}"));
            let toml = format!("{key}_file = {file:?}\n");
            let in_toml = sources(key).with_file(place.write("usher.toml", &toml));
            for sources in [sources(key).with_variable(&variable(key), &file), in_toml] {
                let read = Config::load(&sources).unwrap();
                assert_eq!(read.database.url.expose(), given.database.url.expose());
                assert_eq!(
                    read.redis.as_ref().map(|it| it.url.expose()),
                    given.redis.as_ref().map(|it| it.url.expose())
                );
                assert_eq!(read.master_key, given.master_key);
                let password = |config: &Config| config.bootstrap.password.as_ref().map(|it| it.as_typed().to_owned());
                assert_eq!(password(&read), password(&given));
                let shown = Config::explain(&sources).unwrap().0;
                let shown = shown.iter().find(|value| value.key == key).unwrap();
                assert!(shown.origin.starts_with(&format!("file {file} named by ")), "{shown:?}");
                assert!(!shown.value.as_ref().unwrap().contains("hunter2"), "{shown:?}");
            }
        }
    }
}

/// Proves: OP-02
#[test]
fn a_file_that_is_missing_empty_or_no_text_is_a_fault_of_its_own() {
    let place = Place::new();
    let missing = place.path("missing").display().to_string();
    let folder = place.path("").display().to_string();
    let binary = place.path("binary");
    std::fs::write(&binary, [0xff, 0xfe]).unwrap();
    let binary = binary.display().to_string();
    for (key, _) in SECRETS {
        let mut faulty =
            vec![(missing.as_str(), "cannot be read"), (&folder, "cannot be read"), (&binary, "it is not text")];
        let empty: Vec<_> =
            ["", "\n", "\r\n"].iter().enumerate().map(|(n, text)| place.write(&format!("empty-{n}"), text)).collect();
        faulty.extend(empty.iter().map(|file| (file.as_str(), "is empty")));
        for (file, problem) in faulty {
            let line = only_fault(&sources(key).with_variable(&variable(key), file));
            assert!(line.starts_with(&format!("{key}_file: {file:?} ")) && line.contains(problem), "{line}");
        }
    }
}

#[test]
fn what_is_no_secret_has_no_file() {
    let place = Place::new();
    let file = place.write("value", "1");
    for key in keys::ALL.iter().filter(|key| !key.is_secret()) {
        let line = only_fault(&Sources::default().with_variable(&format!("{}_FILE", key.variable()), &file));
        assert!(line.starts_with(&format!("{}_file: there is no such key", key.name)), "{line}");
    }
}
