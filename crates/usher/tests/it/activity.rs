//! The activity log, taken out.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Place, QUICK};

fn export(place: &Place, arguments: &[&str]) -> Vec<Value> {
    let exported = place.run(&[&["activity", "export"], arguments].concat(), &QUICK);
    assert_eq!((exported.code, exported.stderr.as_str()), (Some(0), ""), "{exported:?}");
    exported.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_log_is_written_out_a_line_an_entry_the_newest_first() {
    let place = Place::new();
    assert_eq!(export(&place, &[]), Vec::<Value>::new());
    assert_eq!(place.run(&["dev", "seed", "--users", "250"], &QUICK).code, Some(0));

    let all = export(&place, &[]);
    let moments: Vec<_> = all.iter().map(|entry| entry["occurred_at"].as_str().unwrap()).collect();
    assert!(moments.is_sorted_by(|newer, older| newer >= older));
    let ids: BTreeSet<_> = all.iter().map(|entry| entry["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), all.len(), "more than two pages, and each entry once");
    assert!(all.len() > 250);

    let made = export(&place, &["--action", "user.created"]);
    assert_eq!(made.len(), 250);
    let somebody = made[7]["subject_id"].as_str().unwrap();
    let about = export(&place, &["--subject", somebody, "--action", "user.created", "--outcome", "success"]);
    assert_eq!(about, [made[7].clone()]);
    let first = export(&place, &["--action", "system.bootstrapped"]);
    assert_eq!(first[0]["actor_id"], json!(null));
    let moment = made[7]["occurred_at"].as_str().unwrap();
    let (before, since) = (export(&place, &["--to", moment]), export(&place, &["--from", moment]));
    assert_eq!(before.len() + since.len(), all.len());
}

#[test]
fn what_cannot_be_asked_for_is_wrong_usage() {
    let place = Place::new();
    for (name, value) in
        [("--action", "user.flown"), ("--outcome", "maybe"), ("--from", "yesterday"), ("--actor", "ada")]
    {
        let refused = place.run(&["activity", "export", name, value], &QUICK);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{name}: {refused:?}");
        assert!(refused.stderr.contains(value), "{refused:?}");
    }
}
