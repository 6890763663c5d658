//! The documented sample is made from the table of keys, and is true.

use std::fs;

use usher::config::{Config, Sources, keys, sample};

use crate::support::Place;

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/usher.sample.toml");

#[test]
fn the_committed_sample_is_up_to_date() {
    let committed = fs::read_to_string(COMMITTED).unwrap();
    assert_eq!(committed, sample(), "write it anew: cargo run -- config sample > docs/usher.sample.toml");
    assert_eq!(Place::new().run(&["config", "sample"], &[]).stdout, committed);
}

#[test]
fn the_sample_as_it_is_changes_nothing() {
    let place = Place::new();
    let file = place.write("usher.toml", &sample());
    let effective = Config::explain(&Sources::default().with_file(file)).unwrap();
    assert!(effective.0.iter().all(|value| value.origin == "default"));
    assert_eq!(effective.0.len(), keys::ALL.len());
}

/// What can be set stands in the sample in a form that is taken, and no further keys are.
#[test]
fn every_key_of_the_sample_is_taken_once_it_is_uncommented() {
    let is_setting = |line: &&str| line.starts_with("# ") && line.contains(" = ") && !line.contains("_file = ");
    let text = sample();
    let uncommented: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with('[') || is_setting(line))
        .map(|line| line.trim_start_matches("# "))
        .collect();
    let place = Place::new();
    fs::create_dir(place.path("templates")).unwrap();
    let templates = format!("templates_dir = {:?}", place.path("templates"));
    let settings = uncommented.join("\n").replace("templates_dir = \"templates\"", &templates);
    let file = place.write("usher.toml", &settings);
    let effective = Config::explain(&Sources::default().with_file(file)).unwrap();
    let defaults: Vec<_> = effective.0.iter().filter(|it| it.origin == "default").map(|it| it.key).collect();
    assert!(defaults.is_empty(), "not in the sample: {defaults:?}");
}

#[test]
fn every_key_is_explained_and_can_be_set_in_the_environment() {
    for key in keys::ALL {
        assert!(key.doc.iter().all(|line| line.starts_with(' ') && line.len() > 10), "{}", key.name);
        assert_eq!(keys::Key::find(key.name).map(|found| found.name), Some(key.name));
        assert!(key.variable().starts_with("USHER__") && key.variable() == key.variable().to_ascii_uppercase());
    }
}
