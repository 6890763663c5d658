//! Cases of [`ActivityQueries`](crate::ActivityQueries) and [`ActivityWrites`](crate::ActivityWrites).

use usher_domain::{Action, ActivityEntry, ActivityFilter, ActivityId, ActivityPlace, Outcome, PageSize};

use super::{
    Backend, cases,
    sample::{Samples, at, commit},
};

cases!(activity, __activity_cases, {
    /// Every field of an entry comes back as it was, and it may name accounts that do not exist.
    pub async fn a_full_entry_comes_back_as_it_was_given(backend: Backend) {
        let entry = appended(&backend, Samples::default().full_entry()).await;
        assert_eq!(latest(&backend, &ActivityFilter::default()).await, [entry]);
    }

    /// What can be left out stays out; every action is known.
    pub async fn every_action_comes_back(backend: Backend) {
        let samples = Samples::default();
        let mut entries = Vec::new();
        for &action in Action::ALL {
            entries.push(appended(&backend, samples.entry(action, at(1))).await);
        }
        entries.reverse();
        assert_eq!(latest(&backend, &ActivityFilter::default()).await, entries);
    }

    /// As many as are given are added, each as it was given.
    pub async fn many_entries_are_added_at_once(backend: Backend) {
        let samples = Samples::default();
        let mut entries: Vec<_> = (1..=2_500).map(|second| samples.entry(Action::AuthLogin, at(second))).collect();
        entries.push(ActivityEntry { occurred_at: at(2_501), ..samples.full_entry() });
        for entries in [&entries[..], &[]] {
            commit(&backend, async |transaction| transaction.activity_append_all(entries).await).await.unwrap();
        }
        assert_eq!(backend.activity_count(&ActivityFilter::default(), u64::MAX >> 1).await.unwrap(), 2_501);
        entries.reverse();
        assert_eq!(latest(&backend, &ActivityFilter::default()).await, entries[..100]);
    }

    /// Of several actions an entry is listed once, in the order of the list, on each page and in the count.
    pub async fn several_actions_are_one_list(backend: Backend) {
        use Action::{AuthLogin, AuthLogout, RoleCreated, UserUpdated};
        let samples = Samples::default();
        let mut all = Vec::new();
        for (action, second) in
            [(AuthLogin, 1), (AuthLogout, 2), (UserUpdated, 2), (AuthLogin, 2), (AuthLogout, 3), (AuthLogin, 4)]
        {
            all.push(appended(&backend, samples.entry(action, at(second))).await);
        }
        all.retain(|entry| entry.action != UserUpdated);
        all.sort_by_key(|entry| std::cmp::Reverse(entry.place()));
        let actions = vec![AuthLogin, RoleCreated, AuthLogout, AuthLogin];
        let filter = ActivityFilter { actions, ..ActivityFilter::default() };
        assert_eq!(latest(&backend, &filter).await, all);
        assert_eq!(backend.activity_count(&filter, 100).await.unwrap(), 5);
        let size = PageSize::new(2).unwrap();
        let page = backend.activity_page(&filter, Some(all[1].place()), size).await.unwrap();
        assert_eq!((page.items.as_slice(), page.next), (&all[2..4], Some(all[3].place())));
    }

    /// The newest come first, those of one moment by id; and no more than were asked for.
    pub async fn the_newest_come_first(backend: Backend) {
        let samples = Samples::default();
        let old = appended(&backend, samples.entry(Action::AuthLogin, at(2))).await;
        let newest = appended(&backend, samples.entry(Action::AuthLogin, at(3))).await;
        let oldest = appended(&backend, samples.entry(Action::AuthLogin, at(1))).await;
        let same_moment = appended(&backend, samples.entry(Action::AuthLogin, at(2))).await;
        let all = [newest, same_moment, old, oldest];
        assert_eq!(latest(&backend, &ActivityFilter::default()).await, all);
        for size in 1..all.len() {
            let page = PageSize::new(size.try_into().unwrap()).unwrap();
            let found = backend.activity_latest(&ActivityFilter::default(), page).await.unwrap();
            assert_eq!(Some(&*found), all.get(..size));
        }
    }

    /// A page begins behind a place, whether the entry of it is there or not.
    pub async fn a_page_begins_behind_a_place(backend: Backend) {
        let samples = Samples::default();
        let mut all = Vec::new();
        for second in [4, 4, 4, 3, 2, 1] {
            all.push(appended(&backend, samples.entry(Action::AuthLogin, at(second))).await);
        }
        all.sort_by_key(|entry| std::cmp::Reverse(entry.place()));
        let page = async |before, size: usize| {
            let size = PageSize::new(size.try_into().unwrap()).unwrap();
            backend.activity_page(&ActivityFilter::default(), before, size).await.unwrap().items
        };
        for (n, entry) in all.iter().enumerate() {
            assert_eq!(page(Some(entry.place()), 2).await, all[n + 1..].iter().take(2).cloned().collect::<Vec<_>>());
        }
        let between = ActivityPlace { occurred_at: at(3), ..all[5].place() };
        assert_eq!(page(Some(between), 1).await, all[3..4]);
        let filter = ActivityFilter { to: Some(at(4)), ..ActivityFilter::default() };
        let size = PageSize::new(1).unwrap();
        assert_eq!(backend.activity_page(&filter, Some(all[3].place()), size).await.unwrap().items, all[4..5]);
    }

    /// The pages of a list follow each other without gap or overlap, and the last says that it is the last.
    pub async fn pages_follow_each_other_to_the_end(backend: Backend) {
        let samples = Samples::default();
        for second in [1, 2, 2, 2, 3, 4] {
            appended(&backend, samples.entry(Action::AuthLogin, at(second))).await;
        }
        let all = latest(&backend, &ActivityFilter::default()).await;
        for size in 1..=7 {
            let size = PageSize::new(size).unwrap();
            let (mut walked, mut before) = (Vec::new(), None);
            loop {
                let page = backend.activity_page(&ActivityFilter::default(), before, size).await.unwrap();
                walked.extend(page.items);
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
            assert_eq!(walked, all, "{size:?}");
        }
    }

    /// Entries are counted with every filter, and not beyond what is asked for.
    pub async fn entries_are_counted_up_to_a_limit(backend: Backend) {
        let samples = Samples::default();
        for second in 1..=3 {
            appended(&backend, samples.entry(Action::AuthLogin, at(second))).await;
        }
        appended(&backend, samples.entry(Action::AuthLogout, at(4))).await;
        let count = async |filter: ActivityFilter, most| backend.activity_count(&filter, most).await.unwrap();
        assert_eq!(count(ActivityFilter::default(), 100).await, 4);
        assert_eq!(count(ActivityFilter::default(), 4).await, 4);
        assert_eq!(count(ActivityFilter::default(), 3).await, 3);
        let logins = ActivityFilter { actions: vec![Action::AuthLogin], ..ActivityFilter::default() };
        assert_eq!(count(logins, 100).await, 3);
        assert_eq!(count(ActivityFilter { from: Some(at(5)), ..ActivityFilter::default() }, 100).await, 0);
    }

    /// What is old enough is removed, the earliest first and so many at a time; the rest stays as it is.
    ///
    /// Proves: OP-06
    pub async fn old_entries_are_removed_the_earliest_first(backend: Backend) {
        let samples = Samples::default();
        for second in [3, 1, 2, 4] {
            appended(&backend, samples.entry(Action::AuthLogin, at(second))).await;
        }
        let all = latest(&backend, &ActivityFilter::default()).await;
        let remove = async |moment, most| {
            commit(&backend, async |transaction| transaction.activity_delete_before(moment, most).await).await.unwrap()
        };
        assert_eq!(remove(at(1), 9).await, 0);
        assert_eq!(remove(at(4), 0).await, 0);
        assert_eq!(latest(&backend, &ActivityFilter::default()).await, all);
        assert_eq!(remove(at(4), 2).await, 2);
        assert_eq!(latest(&backend, &ActivityFilter::default()).await, all[..2]);
        assert_eq!(remove(at(4), u64::MAX).await, 1);
        assert_eq!(latest(&backend, &ActivityFilter::default()).await, all[..1]);
    }

    /// Each filter lets through what it names, and together they must all hold.
    pub async fn filters_let_through_what_they_name(backend: Backend) {
        let samples = Samples::default();
        let (ada, bob) = (samples.user_id(), samples.user_id());
        let mut ids = Vec::new();
        for (actor, subject, action, outcome, second) in [
            (Some(ada), Some(ada), Action::AuthLogin, Outcome::Success, 1),
            (None, Some(ada), Action::AuthLogin, Outcome::Failure, 2),
            (Some(bob), Some(ada), Action::UserUpdated, Outcome::Success, 3),
            (Some(ada), Some(bob), Action::UserDeleted, Outcome::Success, 4),
            (None, None, Action::KeyRotated, Outcome::Success, 5),
        ] {
            let entry = ActivityEntry { actor, subject, outcome, ..samples.entry(action, at(second)) };
            ids.push(appended(&backend, entry).await.id);
        }
        let everything = ActivityFilter::default();
        for (filter, expected) in [
            (everything.clone(), vec![4, 3, 2, 1, 0]),
            (ActivityFilter { subject: Some(ada), ..everything.clone() }, vec![2, 1, 0]),
            (ActivityFilter { actor: Some(ada), ..everything.clone() }, vec![3, 0]),
            (ActivityFilter { actor: Some(ada), subject: Some(ada), ..everything.clone() }, vec![0]),
            (ActivityFilter { actions: vec![Action::AuthLogin], ..everything.clone() }, vec![1, 0]),
            (
                ActivityFilter { actions: vec![Action::UserDeleted, Action::UserUpdated], ..everything.clone() },
                vec![3, 2],
            ),
            (ActivityFilter { actions: vec![Action::RoleCreated], ..everything.clone() }, vec![]),
            (ActivityFilter { outcome: Some(Outcome::Failure), ..everything.clone() }, vec![1]),
            (ActivityFilter { from: Some(at(3)), ..everything.clone() }, vec![4, 3, 2]),
            (ActivityFilter { to: Some(at(3)), ..everything.clone() }, vec![1, 0]),
            (ActivityFilter { from: Some(at(2)), to: Some(at(4)), ..everything.clone() }, vec![2, 1]),
            (
                ActivityFilter { subject: Some(ada), outcome: Some(Outcome::Success), from: Some(at(2)), ..everything },
                vec![2],
            ),
        ] {
            let found: Vec<ActivityId> = latest(&backend, &filter).await.iter().map(|entry| entry.id).collect();
            let expected: Vec<ActivityId> =
                expected.into_iter().filter_map(|index: usize| ids.get(index).copied()).collect();
            assert_eq!(found, expected, "{filter:?}");
        }
    }
});

async fn appended(backend: &Backend, entry: ActivityEntry) -> ActivityEntry {
    commit(backend, async |transaction| transaction.activity_append(&entry).await).await.unwrap();
    entry
}

async fn latest(backend: &Backend, filter: &ActivityFilter) -> Vec<ActivityEntry> {
    backend.activity_latest(filter, PageSize::MAX).await.unwrap()
}
