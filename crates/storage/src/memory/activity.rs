use std::cmp::Reverse;

use async_trait::async_trait;
use usher_domain::{ActivityEntry, ActivityFilter, ActivityPlace, Details, PageSize, UserId};

use super::{MemoryBackend, Open, View};
use crate::{ActivityQueries, ActivityWrites, StorageResult};

#[async_trait]
impl<V: View> ActivityQueries for MemoryBackend<V> {
    async fn activity_page(
        &self,
        filter: &ActivityFilter,
        before: Option<ActivityPlace>,
        size: PageSize,
    ) -> StorageResult<Vec<ActivityEntry>> {
        let is_before = |entry: &ActivityEntry| before.is_none_or(|place| entry.place() < place);
        let passes = |entry: &&ActivityEntry| passes(filter, entry) && is_before(entry);
        let mut entries: Vec<_> = self.view.read(|state| state.activity.iter().filter(passes).cloned().collect())?;
        entries.sort_by_key(|entry| Reverse(entry.place()));
        entries.truncate(size.get());
        Ok(entries)
    }
}

#[async_trait]
impl ActivityWrites for MemoryBackend<Open> {
    async fn activity_append(&self, entry: &ActivityEntry) -> StorageResult<()> {
        self.view.write(|state| {
            state.activity.push(entry.clone());
            Ok(())
        })
    }

    async fn activity_blank(&self, user: UserId) -> StorageResult<()> {
        self.view.write(|state| {
            let his = |entry: &&mut ActivityEntry| [entry.actor, entry.subject].contains(&Some(user));
            for entry in state.activity.iter_mut().filter(his) {
                (entry.ip, entry.user_agent, entry.details) = (None, None, Details::default());
            }
            Ok(())
        })
    }
}

fn passes(filter: &ActivityFilter, entry: &ActivityEntry) -> bool {
    let ActivityFilter { subject, actor, actions, outcome, from, to } = filter;
    (subject.is_none() || *subject == entry.subject)
        && (actor.is_none() || *actor == entry.actor)
        && (actions.is_empty() || actions.contains(&entry.action))
        && outcome.is_none_or(|outcome| outcome == entry.outcome)
        && from.is_none_or(|from| from <= entry.occurred_at)
        && to.is_none_or(|to| entry.occurred_at < to)
}
