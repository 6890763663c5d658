use std::cmp::Reverse;

use async_trait::async_trait;
use usher_domain::{ActivityEntry, ActivityFilter, ActivityPlace, Details, Page, PageSize, Timestamp, UserId};

use super::{MemoryBackend, Open, View, least};
use crate::{ActivityQueries, ActivityWrites, StorageResult};

#[async_trait]
impl<V: View> ActivityQueries for MemoryBackend<V> {
    async fn activity_page(
        &self,
        filter: &ActivityFilter,
        before: Option<ActivityPlace>,
        size: PageSize,
    ) -> StorageResult<Page<ActivityEntry, ActivityPlace>> {
        let is_before = |entry: &ActivityEntry| before.is_none_or(|place| entry.place() < place);
        let passes = |entry: &&ActivityEntry| passes(filter, entry) && is_before(entry);
        let mut entries: Vec<_> = self.view.read(|state| state.activity.iter().filter(passes).cloned().collect())?;
        entries.sort_by_key(|entry| Reverse(entry.place()));
        Ok(Page::cut(entries, size, ActivityEntry::place))
    }

    async fn activity_count(&self, filter: &ActivityFilter, most: u64) -> StorageResult<u64> {
        let counted = |count: usize| most.min(u64::try_from(count).unwrap_or(u64::MAX));
        self.view.read(|state| counted(state.activity.iter().filter(|entry| passes(filter, entry)).count()))
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

    async fn activity_delete_before(&self, moment: Timestamp, most: u64) -> StorageResult<u64> {
        self.view.write(|state| {
            let old = state.activity.iter().map(ActivityEntry::place).filter(|place| place.occurred_at < moment);
            let old = least(old, most);
            state.activity.retain(|entry| !old.contains(&entry.place()));
            Ok(old.len() as u64)
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
