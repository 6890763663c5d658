//! Cases of lists of accounts: [`user_page`](crate::UserQueries::user_page),
//! [`user_count`](crate::UserQueries::user_count) and
//! [`user_deleted_before`](crate::UserQueries::user_deleted_before).

use std::{borrow::Borrow, fmt::Debug, str::FromStr};

use usher_domain::{
    Direction, EmailAddress, FullName, Match, NewUser, PageSize, Role, RoleName, SearchField, SearchPrefix,
    StatusFilter, Timestamp, User, UserChanges, UserFilter, UserId, UserOrder, UserStatus,
};

use super::{
    Backend, cases,
    sample::{Samples, at, commit, inserted, role, stored},
};

cases!(user_lists, __user_lists_cases, {
    /// Whatever the filter and the order, pages of any size make up the list: the accounts that the
    /// filter lets through, as they are, in order, nobody twice.
    pub async fn pages_of_any_size_make_up_the_list(backend: Backend) {
        let everybody = populate(&backend).await;
        for filter in filters(&everybody) {
            let listed: Vec<&User> = everybody.iter().filter(|user| passes(&filter, user)).collect();
            for (order, expected) in orders(&listed) {
                for size in [1, 2, 3, 100] {
                    let walked = walk(&backend, &filter, &order, size).await;
                    assert_eq!(names(&walked), names(&expected), "{filter:?} {order:?} by {size}");
                    assert!(walked.iter().eq(expected.iter().copied()), "{filter:?} {order:?} by {size}");
                }
            }
        }
    }

    /// What is counted is what is listed, up to the limit.
    pub async fn a_count_tells_how_long_the_list_is(backend: Backend) {
        let everybody = populate(&backend).await;
        for filter in filters(&everybody) {
            let listed: Vec<&User> = everybody.iter().filter(|user| passes(&filter, user)).collect();
            for prefix in PREFIXES.iter().map(|text| Some(prefix(text))).chain([None]) {
                let found = |user: &&&User| prefix.as_ref().is_none_or(|prefix| found(user, prefix).is_some());
                let length = listed.iter().filter(found).count() as u64;
                for most in [0, 1, length, length + 1, 10_000] {
                    let counted = backend.user_count(&filter, prefix.as_ref(), most).await.unwrap();
                    assert_eq!(counted, length.min(most), "{filter:?} {prefix:?} up to {most}");
                }
            }
        }
    }

    /// A search finds usernames first, then addresses, then full names, whatever their case, and
    /// whoever was found is not found again.
    pub async fn a_search_goes_by_username_then_address_then_full_name(backend: Backend) {
        let samples = Samples::default();
        for (username, email, full_name) in [
            ("zoe", None, Some("JOhn Smith")),
            ("zed", None, Some("Johanna Smith")),
            ("john.b", Some("john.b@example.org"), Some("John Baker")),
            ("JOHN.A", Some("x@example.org"), Some("John Adams")),
            ("yan", Some("Johnny@example.org"), Some("John Young")),
            ("xan", Some("johann@example.org"), None),
            ("ajohn", Some("a.john@example.org"), Some("Ann John")),
        ] {
            let (email, full_name) = (email.map(parse), full_name.map(parse));
            inserted(&backend, NewUser { email, full_name, ..samples.user(username) }).await;
        }
        assert_eq!(searched(&backend, "joh").await, ["JOHN.A", "john.b", "xan", "yan", "zed", "zoe"]);
        assert_eq!(searched(&backend, "JOHN").await, ["JOHN.A", "john.b", "yan", "zoe"]);
    }

    /// What has a meaning in SQL or in patterns stands for itself in a search, and letters beyond
    /// ASCII are found in either case.
    ///
    /// Proves: AZ-09, ID-04
    pub async fn a_search_takes_every_character_literally(backend: Backend) {
        let samples = Samples::default();
        for (username, email, full_name) in [
            ("al_bert", "al_bert@example.org", "Älfred Ångström"),
            ("alxbert", "al*bert@example.org", "Alfred O'Brien"),
            ("al-bert", "al'bert@example.org", "李 Alfred"),
        ] {
            let (email, full_name) = (Some(parse(email)), Some(parse(full_name)));
            inserted(&backend, NewUser { email, full_name, ..samples.user(username) }).await;
        }
        for (text, found) in [
            ("al_", ["al_bert"].as_slice()),
            ("al%", &[]),
            ("al'", &["al-bert"]),
            ("al\\", &[]),
            ("al\"", &[]),
            ("al*", &["alxbert"]),
            ("__", &[]),
            ("%%", &[]),
            ("'; DROP TABLE users --", &[]),
            ("äl", &["al_bert"]),
            ("ÄLFRED Å", &["al_bert"]),
            ("李 ", &["al-bert"]),
            ("alfred o'b", &["alxbert"]),
            ("al\u{10ffff}", &[]),
            ("\u{10ffff}\u{10ffff}", &[]),
        ] {
            assert_eq!(searched(&backend, text).await, found, "{text}");
            let counted = backend.user_count(&UserFilter::default(), Some(&prefix(text)), 10).await.unwrap();
            assert_eq!(counted, found.len() as u64, "{text}");
        }
    }

    /// A full name may be as long as the domain lets it be, and its key longer still: one letter can
    /// stand for eighteen.
    pub async fn the_longest_full_name_is_found(backend: Backend) {
        let samples = Samples::default();
        for (username, letters) in [("one", ["\u{fdfa}"].as_slice()), ("three", &["\u{fdfa}", "\u{fdf2}", "\u{fdfb}"])]
        {
            let full_name: String = letters.iter().cycle().take(100).copied().collect();
            inserted(&backend, NewUser { full_name: Some(parse(&full_name)), ..samples.user(username) }).await;
            assert_eq!(searched(&backend, &letters.repeat(3).concat()).await, [username]);
        }
    }

    /// A list goes on where it was, although the last user of the page is gone and others have come.
    pub async fn a_place_outlives_its_user(backend: Backend) {
        let samples = Samples::default();
        let users = ["ada", "bob", "cyd", "dan"].map(|name| samples.user(name));
        for user in &users {
            inserted(&backend, user.clone()).await;
        }
        let size = PageSize::new(2).unwrap();
        for order in [oldest_first(), UserOrder::Username { direction: Direction::Ascending, after: None }] {
            let first = backend.user_page(&UserFilter::default(), &order, size).await.unwrap();
            assert_eq!(names(&first.items), ["ada", "bob"]);
            let [_, bob, ..] = &users;
            commit(&backend, async |transaction| transaction.user_purge(bob.id).await).await.unwrap();
            let before = NewUser { created_at: Timestamp::UNIX_EPOCH, ..samples.user("aaron") };
            inserted(&backend, before.clone()).await;
            let second = backend.user_page(&UserFilter::default(), &first.next.unwrap(), size).await.unwrap();
            assert_eq!(names(&second.items), ["cyd", "dan"]);
            assert_eq!(second.next, None);
            commit(&backend, async |transaction| transaction.user_purge(before.id).await).await.unwrap();
            inserted(&backend, bob.clone()).await;
        }
    }

    /// A place that lies outside of what the filter lets through widens nothing.
    pub async fn a_place_outside_of_the_list_widens_nothing(backend: Backend) {
        let samples = Samples::default();
        for (second, name) in [(1, "ada"), (2, "bob"), (3, "bobby")] {
            inserted(&backend, NewUser { created_at: at(second), ..samples.user(name) }).await;
        }
        let id = samples.user_id();
        let filter = UserFilter { created_after: Some(at(2)), created_before: Some(at(3)), ..UserFilter::default() };
        for after in [at(0), at(9)] {
            for direction in [Direction::Ascending, Direction::Descending] {
                let outside_behind = (after < at(2)) == (direction == Direction::Ascending);
                let order = UserOrder::CreatedAt { direction, after: Some((after, id)) };
                let expected: &[&str] = if outside_behind { &["bob"] } else { &[] };
                assert_eq!(names(&walk(&backend, &filter, &order, 10).await), expected, "{order:?}");
            }
        }
        let before = Match { field: SearchField::Username, key: "ada".to_owned(), id };
        let order = UserOrder::Matching { prefix: prefix("bob"), after: Some(before) };
        assert_eq!(names(&walk(&backend, &UserFilter::default(), &order, 10).await), ["bob", "bobby"]);
    }

    /// The holders of a role stand where they belong after a change of name or of roles.
    pub async fn a_list_of_holders_follows_changes(backend: Backend) {
        let samples = Samples::default();
        let [ada, bob, cyd] = [("ada", 3), ("bob", 2), ("cyd", 1)].map(|(name, second)| NewUser {
            roles: vec![RoleName::USER, RoleName::ADMIN],
            created_at: at(second),
            ..samples.user(name)
        });
        for user in [&ada, &bob, &cyd] {
            inserted(&backend, user.clone()).await;
        }
        let renamed = UserChanges { username: Some(parse("Zoe")), ..UserChanges::default() };
        commit(&backend, async |transaction| {
            assert!(transaction.user_update(ada.id, None, &renamed, at(9)).await?);
            assert!(transaction.user_set_roles(bob.id, &[RoleName::USER], at(9)).await?);
            assert!(transaction.user_set_roles(bob.id, &[RoleName::ADMIN], at(9)).await?);
            transaction.user_set_roles(cyd.id, &[RoleName::USER], at(9)).await
        })
        .await
        .unwrap();
        let by_username = UserOrder::Username { direction: Direction::Ascending, after: None };
        for (role, by_creation, by_name) in
            [(RoleName::ADMIN, ["bob", "Zoe"], ["bob", "Zoe"]), (RoleName::USER, ["cyd", "Zoe"], ["cyd", "Zoe"])]
        {
            let filter = UserFilter { role: Some(role), ..UserFilter::default() };
            assert_eq!(names(&walk(&backend, &filter, &oldest_first(), 1).await), by_creation);
            assert_eq!(names(&walk(&backend, &filter, &by_username, 1).await), by_name);
        }
    }

    /// A transaction lists what it has written, and nobody else does.
    pub async fn a_transaction_lists_its_own_writes(backend: Backend) {
        let transaction = backend.begin().await.unwrap();
        transaction.user_insert(&Samples::default().user("ada")).await.unwrap();
        let (everybody, order) = (UserFilter::default(), UserOrder::default());
        let page = transaction.user_page(&everybody, &order, PageSize::MAX).await.unwrap();
        assert_eq!(names(&page.items), ["ada"]);
        assert_eq!(transaction.user_count(&everybody, None, 9).await.unwrap(), 1);
        drop(transaction);
        assert_eq!(backend.user_count(&everybody, None, 9).await.unwrap(), 0);
    }

    /// Those who were softly deleted before a moment come in the order of their deletion, and no more
    /// of them than asked for.
    pub async fn the_longest_deleted_come_first(backend: Backend) {
        let samples = Samples::default();
        let mut ids = Vec::new();
        for (name, deleted) in [("ada", 5), ("bob", 3), ("cyd", 7), ("dan", 3), ("eve", 0)] {
            let id = inserted(&backend, samples.user(name)).await.id;
            ids.push(id);
            if deleted > 0 {
                set_status(&backend, id, UserStatus::Deleted { since: at(deleted), deactivated_since: None }).await;
            } else {
                set_status(&backend, id, UserStatus::Deactivated { since: at(1) }).await;
            }
        }
        let [ada, bob, cyd, dan, _eve] = *ids else { panic!("{ids:?}") };
        let size = |size| PageSize::new(size).unwrap();
        for (moment, most, expected) in [
            (at(8), 100, [bob, dan, ada, cyd].as_slice()),
            (at(7), 100, &[bob, dan, ada]),
            (at(8), 3, &[bob, dan, ada]),
            (at(8), 1, &[bob]),
            (at(3), 100, &[]),
        ] {
            assert_eq!(backend.user_deleted_before(moment, size(most)).await.unwrap(), expected);
        }
    }
});

/// What is searched for: finds several, one or none, by any of the fields.
const PREFIXES: [&str; 6] = ["an", "ANN", "bo", "bob.", "än", "none"];

/// Accounts of every kind, several to a moment, their ids in another order than anything else.
async fn populate(backend: &Backend) -> Vec<User> {
    let samples = Samples::default();
    let rare = Role { name: role("rare"), built_in: false, ..Role::built_in(at(0))[1].clone() };
    commit(backend, async |transaction| transaction.role_insert(&rare).await).await.unwrap();
    let mut everybody = Vec::new();
    for n in 0..26_u64 {
        let name = ["Ann", "bob.", "aNNa-", "cy_", "BOB"][n as usize % 5];
        let full_name = [None, Some("Ann Bo"), Some("Änne Å"), Some("Bob O'Ann"), Some("ann bo")][n as usize % 5 % 4];
        let mut roles = vec![RoleName::USER];
        roles.truncate(usize::from(n % 9 != 4));
        roles.extend((n % 8 == 3).then(|| role("rare")));
        let user = NewUser {
            email: (n % 3 != 0).then(|| parse(&format!("{}{n}@Example.org", ["Bob", "an-", "d"][n as usize % 3]))),
            full_name: full_name.map(parse),
            external_id: (n % 4 == 1).then(|| parse(&format!("x-{n}"))),
            roles,
            created_at: at(n * 7 % 26 / 4),
            ..samples.user(&format!("{name}{:02}", n * 11 % 26))
        };
        let id = inserted(backend, user).await.id;
        let deactivated_since = (n % 5 == 1).then(|| at(50));
        match (n % 6 == 2, deactivated_since) {
            (true, deactivated_since) => {
                set_status(backend, id, UserStatus::Deleted { since: at(60), deactivated_since }).await;
            }
            (false, Some(since)) => set_status(backend, id, UserStatus::Deactivated { since }).await,
            (false, None) => {}
        }
        everybody.push(stored(backend, id).await.user);
    }
    everybody.reverse();
    everybody
}

/// Every filter by itself, and some together.
fn filters(everybody: &[User]) -> Vec<UserFilter> {
    let none = UserFilter::default;
    let all = |keep: fn(&User) -> bool| everybody.iter().filter(|&user| keep(user)).collect::<Vec<_>>();
    let one = all(|user| user.email.is_some() && user.external_id.is_some() && user.is_active())[0].clone();
    let deleted = all(|user| user.status.as_str() == "deleted")[0].clone();
    let ids: Vec<_> = everybody.iter().step_by(2).map(|user| user.id).collect();
    let status = |status| UserFilter { status: Some(status), ..none() };
    let held = |name: &str| UserFilter { role: Some(role(name)), ..none() };
    let (username, email) = (one.username.to_string(), one.email.as_ref().unwrap().to_string());
    vec![
        none(),
        UserFilter { username: username.to_uppercase().parse().ok(), ..none() },
        UserFilter { email: email.to_uppercase().parse().ok(), ..none() },
        UserFilter { external_id: one.external_id.clone(), ..none() },
        UserFilter { ids: Some(ids.clone()), ..none() },
        UserFilter { ids: Some(Vec::new()), ..none() },
        held("user"),
        held("rare"),
        held("unknown"),
        status(StatusFilter::Active),
        status(StatusFilter::Deactivated),
        status(StatusFilter::Deleted),
        UserFilter { created_after: Some(at(3)), ..none() },
        UserFilter { created_before: Some(at(3)), ..none() },
        UserFilter { created_after: Some(at(2)), created_before: Some(at(5)), ..none() },
        UserFilter { username: Some(deleted.username.clone()), ..none() },
        UserFilter { username: Some(deleted.username.clone()), ..status(StatusFilter::Deleted) },
        UserFilter { role: Some(RoleName::USER), created_after: Some(at(1)), ..status(StatusFilter::Deactivated) },
        UserFilter { role: Some(RoleName::USER), ids: Some(ids), created_before: Some(at(5)), ..none() },
        UserFilter { role: Some(RoleName::USER), email: one.email, external_id: one.external_id, ..none() },
    ]
}

/// Every order from its beginning, with what it makes of these accounts.
fn orders<'u>(listed: &[&'u User]) -> Vec<(UserOrder, Vec<&'u User>)> {
    let mut by_creation = listed.to_vec();
    by_creation.sort_by_key(|user| (user.created_at, user.id));
    let mut by_username = listed.to_vec();
    by_username.sort_by_key(|user| user.username.key());
    let reversed = |users: &[&'u User]| users.iter().rev().copied().collect();
    let descending = Direction::Descending;
    let mut orders = vec![
        (UserOrder::default(), reversed(&by_creation)),
        (UserOrder::Username { direction: descending, after: None }, reversed(&by_username)),
        (oldest_first(), by_creation),
        (UserOrder::Username { direction: Direction::Ascending, after: None }, by_username),
    ];
    for prefix in PREFIXES.map(prefix) {
        let mut matching = listed.to_vec();
        matching.retain(|user| found(user, &prefix).is_some());
        matching.sort_by_key(|user| found(user, &prefix));
        orders.push((UserOrder::Matching { prefix, after: None }, matching));
    }
    orders
}

/// Whether a filter lets an account through.
fn passes(filter: &UserFilter, user: &User) -> bool {
    let status = filter.status.map_or_else(|| vec!["active", "deactivated"], |status| vec![status.as_str()]);
    let key = |email: &EmailAddress| email.key();
    status.contains(&user.status.as_str())
        && filter.username.as_ref().is_none_or(|username| username.key() == user.username.key())
        && filter.email.as_ref().is_none_or(|email| user.email.as_ref().map(key) == Some(email.key()))
        && filter.external_id.as_ref().is_none_or(|id| user.external_id.as_ref() == Some(id))
        && filter.ids.as_ref().is_none_or(|ids| ids.contains(&user.id))
        && filter.role.as_ref().is_none_or(|role| user.roles.contains(role))
        && filter.created_after.is_none_or(|moment| user.created_at >= moment)
        && filter.created_before.is_none_or(|moment| user.created_at < moment)
}

/// Where a search finds an account.
fn found(user: &User, prefix: &SearchPrefix) -> Option<(usize, String, UserId)> {
    let keys = [
        Some(user.username.key()),
        user.email.as_ref().map(EmailAddress::key),
        user.full_name.as_ref().map(FullName::key),
    ];
    let begins = |key: &Option<String>| key.as_ref().is_some_and(|key| key.starts_with(prefix.as_str()));
    let field = keys.iter().position(begins)?;
    Some((field, keys[field].clone()?, user.id))
}

/// The whole list, page by page.
async fn walk(backend: &Backend, filter: &UserFilter, order: &UserOrder, size: u64) -> Vec<User> {
    let size = PageSize::new(size).unwrap();
    let mut walked = Vec::new();
    let mut next = Some(order.clone());
    while let Some(order) = next {
        let page = backend.user_page(filter, &order, size).await.unwrap();
        let full = page.items.len() == size.get();
        assert!(full || page.next.is_none(), "{} of {} and more to come", page.items.len(), size.get());
        walked.extend(page.items);
        next = page.next;
    }
    walked
}

async fn searched(backend: &Backend, text: &str) -> Vec<String> {
    let order = UserOrder::Matching { prefix: prefix(text), after: None };
    names(&walk(backend, &UserFilter::default(), &order, 1).await)
}

fn oldest_first() -> UserOrder {
    UserOrder::CreatedAt { direction: Direction::Ascending, after: None }
}

fn names<U: Borrow<User>>(users: &[U]) -> Vec<String> {
    users.iter().map(|user| user.borrow().username.to_string()).collect()
}

fn prefix(text: &str) -> SearchPrefix {
    SearchPrefix::parse(text).unwrap()
}

fn parse<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

async fn set_status(backend: &Backend, id: UserId, status: UserStatus) {
    let changes = UserChanges { status: Some(status), ..UserChanges::default() };
    let changed = commit(backend, async |transaction| transaction.user_update(id, None, &changes, at(99)).await);
    assert!(changed.await.unwrap());
}
