//! What lists cost: how many statements, by which indexes, and how many rows they look at.

use std::sync::{Arc, Mutex};

use sea_orm::{ConnectionTrait, QueryResult, Statement, prelude::Uuid};
use usher_domain::{
    Direction, Match, PageSize, RoleName, SearchField, SearchPrefix, StatusFilter, Timestamp, UserFilter, UserId,
    UserOrder,
};

use super::{Engine, SeaOrmBackend};
use crate::{UserQueries, UsersStorageBackend, contract::TestDatabase};

/// Enough that PostgreSQL would not rather read whole tables.
const USERS: i64 = 20_000;

/// What all steps of a plan together may look at, for a page of fifty.
const FEW_ROWS: f64 = 2_500.0;

/// Who is deactivated, and who is deleted: few and few, most and few, few and most.
const SKEWS: [[&str; 2]; 3] =
    [["n % 1000 = 1", "n % 1000 = 2"], ["n % 1000 <> 1", "n % 1000 = 2"], ["n % 1000 = 1", "n % 10 <> 2"]];

#[tokio::test]
async fn a_page_is_two_statements() {
    for database in databases().await {
        let mut backend = populated(&database, 200, SKEWS[0]).await;
        let statements = record(&mut backend);
        for (filter, _) in filters() {
            for order in first_pages().into_iter().chain(deep_pages()).chain(searches()) {
                let page = backend.user_page(&filter, &order, size()).await.unwrap();
                let expected = if page.items.is_empty() { 1 } else { 2 };
                assert_eq!(take(&statements).len(), expected, "{filter:?} {order:?}");
            }
        }
    }
}

#[tokio::test]
async fn each_filter_has_an_index_in_each_order_at_any_depth() {
    for skew in SKEWS {
        for database in databases().await {
            let mut backend = populated(&database, USERS, skew).await;
            let statements = record(&mut backend);
            for (filter, few) in filters() {
                for order in first_pages().into_iter().chain(deep_pages()) {
                    backend.user_page(&filter, &order, size()).await.unwrap();
                    let plan = Plan::of(&backend, take(&statements).remove(0)).await;
                    plan.assert_cheap();
                    assert!(few || !plan.has("USE TEMP B-TREE"), "sorts: {plan:#?}");
                    assert!(first_pages().contains(&order) || !plan.has("SCAN "), "begins at the start: {plan:#?}");
                }
                backend.user_count(&filter, None, 50).await.unwrap();
                Plan::of(&backend, take(&statements).remove(0)).await.assert_cheap();
            }
        }
    }
}

#[tokio::test]
async fn the_roles_of_a_page_are_looked_up() {
    for database in databases().await {
        let mut backend = populated(&database, USERS, SKEWS[0]).await;
        let statements = record(&mut backend);
        backend.user_page(&UserFilter::default(), &UserOrder::default(), size()).await.unwrap();
        let plan = Plan::of(&backend, take(&statements).remove(1)).await;
        plan.assert_cheap();
        assert!(!plan.has("SCAN "), "{plan:#?}");
    }
}

#[tokio::test]
async fn a_search_looks_no_further_than_it_must() {
    for database in databases().await {
        let mut backend = populated(&database, USERS, SKEWS[0]).await;
        let statements = record(&mut backend);
        for role in [None, Some(RoleName::USER)] {
            for status in [None, Some(StatusFilter::Active)] {
                let filter = UserFilter { role: role.clone(), status, ..UserFilter::default() };
                for order in searches() {
                    backend.user_page(&filter, &order, size()).await.unwrap();
                    Plan::of(&backend, take(&statements).remove(0)).await.assert_cheap();
                }
                for text in ["us", "user00100", "ann", "nobody"] {
                    let prefix = SearchPrefix::parse(text).unwrap();
                    backend.user_count(&filter, Some(&prefix), 50).await.unwrap();
                    Plan::of(&backend, take(&statements).remove(0)).await.assert_cheap();
                }
            }
        }
    }
}

#[tokio::test]
async fn purging_looks_up_what_is_due_and_what_to_blank() {
    for database in databases().await {
        let mut backend = populated(&database, USERS, SKEWS[2]).await;
        let statements = record(&mut backend);
        backend.user_deleted_before(moment(USERS), size()).await.unwrap();
        Plan::of(&backend, take(&statements).remove(0)).await.assert_cheap();

        let transaction = backend.begin().await.unwrap();
        transaction.activity_blank(id(7)).await.unwrap();
        transaction.commit().await.unwrap();
        let blank = take(&statements).into_iter().find(|statement| statement.sql.starts_with("UPDATE")).unwrap();
        Plan::of(&backend, blank).await.assert_cheap();
    }
}

#[tokio::test]
async fn the_holders_of_a_role_are_looked_up() {
    for database in databases().await {
        let mut backend = populated(&database, USERS, SKEWS[0]).await;
        let statements = record(&mut backend);
        let transaction = backend.begin().await.unwrap();
        let holders = transaction.role_holders_for_update(&RoleName::ADMIN, 50).await.unwrap();
        transaction.role_delete(&RoleName::ADMIN, moment(USERS)).await.unwrap();
        drop(transaction);
        assert_eq!(holders.len(), 20);
        let about_them = |statement: &Statement| ["users", "user_roles"].iter().any(|t| statement.sql.contains(t));
        let asked: Vec<_> = take(&statements).into_iter().filter(about_them).collect();
        assert_eq!(asked.len(), 4, "{asked:#?}");
        for statement in asked {
            Plan::of(&backend, statement).await.assert_cheap();
        }
    }
}

fn size() -> PageSize {
    PageSize::new(50).unwrap()
}

fn id(n: i64) -> UserId {
    UserId::from_uuid(Uuid::from_u128(n.try_into().unwrap()))
}

/// When the account of that number was made: three in a microsecond.
fn moment(n: i64) -> Timestamp {
    Timestamp::from_micros(n / 3)
}

/// Every filter, and whether few accounts pass it.
fn filters() -> Vec<(UserFilter, bool)> {
    let none = UserFilter::default;
    let ids = Some((1..=100).map(id).collect());
    let role = |role| UserFilter { role: Some(role), ..none() };
    let status = |status| UserFilter { status: Some(status), ..none() };
    let created = |after: Option<i64>, before: Option<i64>| UserFilter {
        created_after: after.map(moment),
        created_before: before.map(moment),
        ..none()
    };
    vec![
        (none(), false),
        (UserFilter { username: "user0007919".parse().ok(), ..none() }, true),
        (UserFilter { email: "user0007919@example.org".parse().ok(), ..none() }, true),
        (UserFilter { external_id: "x-7".parse().ok(), ..none() }, true),
        (UserFilter { ids, ..none() }, true),
        (role(RoleName::USER), false),
        (role(RoleName::ADMIN), false),
        (status(StatusFilter::Active), false),
        (status(StatusFilter::Deactivated), false),
        (status(StatusFilter::Deleted), false),
        (created(Some(100), None), false),
        (created(None, Some(USERS - 100)), false),
        (created(Some(USERS / 4), Some(USERS / 4 * 3)), false),
    ]
}

fn first_pages() -> Vec<UserOrder> {
    let by_creation = |direction| UserOrder::CreatedAt { direction, after: None };
    let by_username = |direction| UserOrder::Username { direction, after: None };
    [Direction::Ascending, Direction::Descending].into_iter().flat_map(|d| [by_creation(d), by_username(d)]).collect()
}

fn deep_pages() -> Vec<UserOrder> {
    let by_creation = |direction| UserOrder::CreatedAt { direction, after: Some((moment(USERS / 2), id(USERS / 2))) };
    let by_username = |direction| UserOrder::Username { direction, after: Some("user0010000".to_owned()) };
    [Direction::Ascending, Direction::Descending].into_iter().flat_map(|d| [by_creation(d), by_username(d)]).collect()
}

/// Searches that find everybody, several or nobody, from the beginning and from within.
fn searches() -> Vec<UserOrder> {
    let search = |text: &str, after| UserOrder::Matching { prefix: SearchPrefix::parse(text).unwrap(), after };
    let after = |field, key: &str| Some(Match { field, key: key.to_owned(), id: id(USERS / 2) });
    vec![
        search("us", None),
        search("us", after(SearchField::Username, "user0010000")),
        search("user00100", None),
        search("ann", None),
        search("ann", after(SearchField::FullName, "ann b")),
        search("nobody", None),
    ]
}

pub(super) async fn databases() -> Vec<TestDatabase> {
    [Some(TestDatabase::sqlite()), TestDatabase::postgres().await].into_iter().flatten().collect()
}

/// A backend with that many accounts, all of them users and one in a thousand an administrator.
async fn populated(database: &TestDatabase, users: i64, [deactivated, deleted]: [&str; 2]) -> SeaOrmBackend {
    let backend = database.backend().await;
    let (numbers, id, digits, analyze) = match backend.engine() {
        Engine::Sqlite => (
            format!(
                "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {users}) SELECT n FROM s"
            ),
            "unhex(printf('%032x', n))",
            format!("printf('%07d', n * 7919 % {users})"),
            "SELECT 1",
        ),
        Engine::Postgres => (
            format!("SELECT generate_series(1::bigint, {users}) AS n"),
            "lpad(to_hex(n), 32, '0')::uuid",
            format!("lpad((n * 7919 % {users})::text, 7, '0')"),
            "VACUUM ANALYZE",
        ),
    };
    let letters = ('0'..='9')
        .zip('a'..)
        .fold(digits.clone(), |text, (digit, letter)| format!("replace({text}, '{digit}', '{letter}')"));
    let insert_users = format!(
        "INSERT INTO users (id, username, username_key, email, email_key, full_name, full_name_key, external_id, metadata,
                            deactivated_at, deleted_at, must_change_password, token_epoch, version, created_at, updated_at)
         SELECT {id}, 'User' || {digits}, 'user' || {digits}, 'user' || {digits} || '@example.org',
                'user' || {digits} || '@example.org', 'Ann ' || {letters}, 'ann ' || {letters}, 'x-' || n, '{{}}',
                CASE WHEN {deactivated} THEN n END, CASE WHEN {deleted} THEN n END, FALSE, 0, 1, n / 3, n
           FROM ({numbers}) AS numbers"
    );
    let insert_roles = "INSERT INTO user_roles (user_id, role_name, created_at, username_key)
         SELECT users.id, name, users.created_at, username_key FROM users JOIN roles
             ON name = 'user' OR users.updated_at % 1000 = 2";
    let insert_activity = format!(
        "INSERT INTO activity_log (id, occurred_at, actor_id, subject_id, action, outcome, details)
         SELECT {id}, n, {id}, {id}, 'auth.login', 'success', '{{}}' FROM ({numbers}) AS numbers"
    );
    for sql in [&insert_users, insert_roles, &insert_activity, analyze] {
        backend.source.writer.execute_unprepared(sql).await.unwrap();
    }
    backend
}

pub(super) type Statements = Arc<Mutex<Vec<Statement>>>;

/// What the backend says to the database from now on, but for our own questions.
pub(super) fn record(backend: &mut SeaOrmBackend) -> Statements {
    let statements = Statements::default();
    for pool in [&mut backend.source.reader, &mut backend.source.writer] {
        let said = Arc::clone(&statements);
        pool.set_metric_callback(move |info| {
            if !info.statement.sql.starts_with("EXPLAIN") {
                said.lock().unwrap().push(info.statement.clone());
            }
        });
    }
    statements
}

pub(super) fn take(statements: &Statements) -> Vec<Statement> {
    std::mem::take(&mut *statements.lock().unwrap())
}

/// The steps of a plan.
#[derive(Debug)]
pub(super) struct Plan {
    engine: Engine,
    #[expect(dead_code, reason = "shown when a test fails")]
    sql: String,
    steps: Vec<String>,
}

impl Plan {
    pub(super) async fn of(backend: &SeaOrmBackend, statement: Statement) -> Self {
        let engine = backend.engine();
        let (explain, column) = match engine {
            Engine::Sqlite => ("EXPLAIN QUERY PLAN", 3),
            Engine::Postgres => ("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)", 0),
        };
        let Statement { sql, values, db_backend } = statement;
        let values = values.map_or_else(Vec::new, |values| values.0);
        let explained = Statement::from_sql_and_values(db_backend, format!("{explain} {sql}"), values);
        let rows = backend.source.reader.query_all_raw(explained).await.unwrap();
        let step = |row: &QueryResult| row.try_get_by_index(column).unwrap();
        Self { engine, sql, steps: rows.iter().map(step).collect() }
    }

    pub(super) fn has(&self, text: &str) -> bool {
        self.steps.iter().any(|step| step.contains(text))
    }

    pub(super) fn assert_cheap(&self) {
        assert!(!self.steps.is_empty());
        match self.engine {
            Engine::Sqlite => {
                for table in ["users", "user_roles", "activity_log"] {
                    let scans = |step: &String| step.starts_with(&format!("SCAN {table}"));
                    let in_order = |step: &String| step.contains(" USING INDEX users_existing_");
                    assert!(!self.steps.iter().any(|step| scans(step) && !in_order(step)), "scans {table}: {self:#?}");
                }
            }
            Engine::Postgres => {
                let rows: f64 = self.steps.iter().map(|step| rows_of(step)).sum();
                assert!(rows <= FEW_ROWS, "looks at {rows} rows: {self:#?}");
            }
        }
    }
}

/// The rows that a step of a plan of PostgreSQL has looked at.
fn rows_of(step: &str) -> f64 {
    let number = |label: &str| {
        let (_, rest) = step.split_once(label)?;
        rest.split(|c: char| !c.is_ascii_digit() && c != '.').next()?.parse::<f64>().ok()
    };
    let removed = ["Filter: ", "Recheck: "].iter().filter_map(|by| number(&format!("Rows Removed by {by}")));
    number("rows=").unwrap_or(0.0) * number("loops=").unwrap_or(0.0) + removed.sum::<f64>()
}
