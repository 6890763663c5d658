//! What lists of the activity log cost: by which index, without sorting, and how many rows they look at.

use sea_orm::{ConnectionTrait, Statement, prelude::Uuid};
use usher_domain::{Action, ActivityFilter, ActivityId, ActivityPlace, Outcome, PageSize, Timestamp, UserId};

use super::{
    Engine, SeaOrmBackend,
    list_tests::{Plan, databases, record, take},
};
use crate::{ActivityQueries, UsersStorageBackend, contract::TestDatabase};

/// Enough that PostgreSQL would not rather read the whole table.
const ENTRIES: i64 = 20_000;

/// Half of them are about one user.
const USER: &str = "CASE WHEN n % 2 = 0 THEN 1 ELSE n END";

/// So many are of one moment.
const OF_A_MOMENT: i64 = 400;

#[tokio::test]
async fn each_filter_has_an_index_in_the_order_of_the_list_at_any_depth() {
    for database in databases().await {
        let mut backend = populated(&database).await;
        let statements = record(&mut backend);
        for (filter, index) in filters() {
            for before in [None, Some(place(ENTRIES / 2)), Some(place(ENTRIES / 50))] {
                backend.activity_page(&filter, before, PageSize::new(50).unwrap()).await.unwrap();
                assert_in_order(&backend, take(&statements).remove(0), index).await;
            }
            backend.activity_count(&filter, 50).await.unwrap();
            assert_in_order(&backend, take(&statements).remove(0), index).await;
        }
    }
}

/// Neither needs the entries themselves.
#[tokio::test]
async fn an_action_and_an_outcome_are_looked_for_in_the_index_of_one() {
    for database in databases().await {
        let mut backend = populated(&database).await;
        let statements = record(&mut backend);
        for action in [Action::AuthLogin, Action::AuthLogout, Action::KeyRotated] {
            let outcome = Some(Outcome::Failure);
            let filter = ActivityFilter { actions: vec![action], outcome, ..ActivityFilter::default() };
            backend.activity_count(&filter, 50).await.unwrap();
            let plan = Plan::of(&backend, take(&statements).remove(0)).await;
            let is_covered = plan.has("USING COVERING INDEX") || plan.has("Index Only Scan");
            assert!(is_covered && !plan.has("Filter: "), "{plan:#?}");
        }
    }
}

#[tokio::test]
async fn what_is_too_old_is_looked_up() {
    for database in databases().await {
        let mut backend = populated(&database).await;
        let statements = record(&mut backend);
        let transaction = backend.begin().await.unwrap();
        transaction.activity_delete_before(moment(ENTRIES), 50).await.unwrap();
        drop(transaction);
        let delete = take(&statements).into_iter().find(|statement| statement.sql.starts_with("DELETE")).unwrap();
        assert_in_order(&backend, delete, "outcome").await;
    }
}

async fn assert_in_order(backend: &SeaOrmBackend, statement: Statement, index: &str) {
    let plan = Plan::of(backend, statement).await;
    plan.assert_cheap();
    assert!(plan.has(&format!("{index}_order_index")), "another index than that of {index}: {plan:#?}");
    // What is merged are the first entries of several lists.
    let is_merged = plan.has("MERGE (UNION ALL)") || plan.has("Append");
    assert!(is_merged || !plan.has("TEMP B-TREE") && !plan.has("Sort (actual"), "sorts: {plan:#?}");
}

/// Every filter, and some together, with the index that it should take.
fn filters() -> Vec<(ActivityFilter, &'static str)> {
    let none = ActivityFilter::default;
    let user = |n: i64| Some(UserId::from_uuid(uuid(n)));
    let actions = |actions: &[Action]| ActivityFilter { actions: actions.to_vec(), ..none() };
    let outcome = |outcome| ActivityFilter { outcome: Some(outcome), ..none() };
    let from = |filter| ActivityFilter { from: Some(moment(ENTRIES / 4)), ..filter };
    let to = |filter| ActivityFilter { to: Some(moment(ENTRIES / 4 * 3)), ..filter };
    let [often, rare, never] = [Action::AuthLogin, Action::KeyRotated, Action::RoleDeleted];
    let failed_logins = ActivityFilter { outcome: Some(Outcome::Failure), ..actions(&[often]) };
    let failed_rarely = ActivityFilter { outcome: Some(Outcome::Failure), ..actions(&[rare, Action::AuthLogout]) };
    let mut filters =
        vec![(none(), "outcome"), (from(none()), "outcome"), (to(none()), "outcome"), (to(from(none())), "outcome")];
    for n in [1, ENTRIES / 2 + 1, 0] {
        filters.push((ActivityFilter { subject: user(n), ..none() }, "subject"));
        filters.push((ActivityFilter { actor: user(n), ..none() }, "actor"));
    }
    for some in [&[often][..], &[rare], &[never], &[often, rare], &[often, never], &[rare, never], Action::ALL] {
        filters.push((actions(some), "action"));
    }
    filters.extend([
        (outcome(Outcome::Success), "outcome"),
        (outcome(Outcome::Failure), "outcome"),
        (from(outcome(Outcome::Failure)), "outcome"),
        (to(actions(&[often, rare])), "action"),
        // Few actions fail, and most that do are logins.
        (failed_logins, ""),
        (failed_rarely, "action"),
        (ActivityFilter { subject: user(ENTRIES / 2 + 1), ..outcome(Outcome::Success) }, "subject"),
        (ActivityFilter { subject: user(ENTRIES / 2 + 1), ..actions(&[often, rare]) }, "subject"),
    ]);
    filters
}

fn place(n: i64) -> ActivityPlace {
    ActivityPlace { occurred_at: moment(n), id: ActivityId::from_uuid(uuid(n)) }
}

/// When the entry of that number was made.
fn moment(n: i64) -> Timestamp {
    Timestamp::from_micros(n / OF_A_MOMENT)
}

fn uuid(n: i64) -> Uuid {
    Uuid::from_u128(n.try_into().unwrap())
}

/// A backend with entries. Most are logins, which often fail.
async fn populated(database: &TestDatabase) -> SeaOrmBackend {
    let backend = database.backend().await;
    let (numbers, [entry, user], analyze) = match backend.engine() {
        Engine::Sqlite => (
            format!(
                "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {ENTRIES}) SELECT n FROM s"
            ),
            ["n", USER].map(|n| format!("unhex(printf('%032x', {n}))")),
            "SELECT 1",
        ),
        Engine::Postgres => (
            format!("SELECT generate_series(1::bigint, {ENTRIES}) AS n"),
            ["n", USER].map(|n| format!("lpad(to_hex({n}), 32, '0')::uuid")),
            "VACUUM ANALYZE",
        ),
    };
    let insert = format!(
        "INSERT INTO activity_log (id, occurred_at, actor_id, subject_id, action, outcome, details)
         SELECT {entry}, n / {OF_A_MOMENT}, {user}, {user},
                CASE WHEN n % 2000 = 7 THEN 'key.rotated' WHEN n % 5 = 0 THEN 'auth.logout' ELSE 'auth.login' END,
                CASE WHEN n % 10 = 3 THEN 'failure' ELSE 'success' END, '{{}}' FROM ({numbers}) AS numbers"
    );
    for sql in [insert.as_str(), analyze] {
        backend.source.writer.execute_unprepared(sql).await.unwrap();
    }
    backend
}
