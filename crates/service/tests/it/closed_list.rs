//! The closed list of what is written down: each action by every way that leads to it.

mod deeds;
mod world;

use std::{collections::BTreeSet, error::Error, time::Duration};

use usher_domain::{Action, ActivityEntry};

use self::{
    deeds::{Deed, Written, deeds},
    world::World,
};

/// All deeds, and what each leaves in the log.
fn all() -> impl Iterator<Item = (Deed, Vec<Written>)> {
    Action::ALL.iter().flat_map(|&action| {
        let deeds = deeds(action);
        for (deed, written) in &deeds {
            assert!(written.iter().any(|entry| entry.action == action), "{deed:?} is no {action}");
        }
        assert!(!deeds.is_empty(), "nothing writes {action}");
        deeds
    })
}

/// What was written since.
async fn written_since(world: &World, before: &[ActivityEntry]) -> Vec<ActivityEntry> {
    let mut log = world.post.log().await;
    log.retain(|entry| before.iter().all(|old| old.id != entry.id));
    log
}

/// Whether these are the entries that a deed is to leave: all of them, once, and no other.
async fn assert_written(world: &World, deed: Deed, entries: &[ActivityEntry], expected: &[Written]) {
    let mut facts: Vec<_> = entries.iter().map(world::facts).collect();
    let mut wanted = Vec::new();
    for entry in expected {
        wanted.push(world.facts_of(entry).await);
    }
    facts.sort();
    wanted.sort();
    assert_eq!(facts, wanted, "{deed:?}");
}

/// All that a deed asks of the database until it is done, each once. What is only read afterwards undoes nothing.
async fn asked_by(deed: Deed) -> BTreeSet<&'static str> {
    let world = World::ready_for(deed).await;
    world.post.backend.asked();
    world.perform(deed).await.unwrap();
    let mut asked = world.post.backend.asked();
    if let Some(last) = asked.iter().rposition(|what| *what == "commit") {
        asked.truncate(last + 1);
    }
    asked.into_iter().collect()
}

/// What the last of a chain of errors says.
fn cause(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => cause(source),
        None => error.to_string(),
    }
}

/// Proves: OP-05
#[tokio::test]
async fn every_action_of_the_closed_list_is_written_down_once_by_each_deed_that_it_names() {
    for (deed, expected) in all() {
        let world = World::ready_for(deed).await;
        let before = world.post.log().await;
        world.perform(deed).await.unwrap_or_else(|error| panic!("{deed:?}: {error:?}"));
        let entries = written_since(&world, &before).await;
        assert_written(&world, deed, &entries, &expected).await;
    }
}

/// Proves: OP-05
#[tokio::test]
async fn a_deed_that_fails_anywhere_leaves_no_entry_and_changes_nothing() {
    for (deed, expected) in all() {
        for what in asked_by(deed).await {
            let world = World::ready_for(deed).await;
            let before = (world.post.log().await, world.state().await);
            world.post.backend.fail_at(what);
            let failed = world.perform(deed).await;
            world.post.backend.heal();
            let Err(error) = failed else { panic!("{deed:?} at {what}: it was done") };
            assert_eq!(cause(&*error), "as the test wants it", "{deed:?} at {what}");
            assert_eq!((world.post.log().await, world.state().await), before, "{deed:?} at {what}");

            let done = world.perform(deed).await;
            done.unwrap_or_else(|error| panic!("{deed:?} after {what} is healed: {error:?}"));
            let entries = written_since(&world, &before.0).await;
            assert_written(&world, deed, &entries, &expected).await;
        }
    }
}

/// Proves: OP-05
#[tokio::test]
async fn whoever_is_turned_away_again_and_again_is_written_down_once_a_minute() {
    for (deed, expected) in [Action::AuthThrottled, Action::AuthAccessDenied].into_iter().flat_map(deeds) {
        let world = World::ready_for(deed).await;
        for _minute in 0..3 {
            let before = world.post.log().await;
            for _ in 0..5 {
                world.perform(deed).await.unwrap_or_else(|error| panic!("{deed:?}: {error:?}"));
            }
            let entries = written_since(&world, &before).await;
            assert_written(&world, deed, &entries, &expected).await;
            world.post.clock.advance(Duration::from_secs(60));
        }
    }
}
