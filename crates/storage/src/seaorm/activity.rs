use std::{collections::BTreeSet, str::FromStr};

use async_trait::async_trait;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, Iterable, QueryFilter, Value,
    prelude::Uuid,
    sea_query::{Asterisk, Expr, Order, Query, SelectStatement, UnionType},
};
use usher_domain::{
    Action, ActivityEntry, ActivityFilter, ActivityId, ActivityPlace, Details, Outcome, Page, PageSize, RequestId,
    Timestamp, UserId,
};

use super::{
    OpenTransaction, SeaOrmBackend, Source,
    entities::activity_log::{self, Column},
    error::failed,
    removal::limit,
    row::{Row, to_json},
};
use crate::{ActivityQueries, ActivityWrites, StorageResult};

/// At ten values a row this is within what an engine takes in one statement: SQLite 32,766, PostgreSQL 65,535.
const ROWS_OF_AN_INSERT: usize = 1_000;

#[async_trait]
impl<S: Source> ActivityQueries for SeaOrmBackend<S> {
    async fn activity_page(
        &self,
        filter: &ActivityFilter,
        before: Option<ActivityPlace>,
        size: PageSize,
    ) -> StorageResult<Page<ActivityEntry, ActivityPlace>> {
        // One more than the page holds tells whether there is a next one.
        let (order, most) = (&Order::Desc, size.get() as u64 + 1);
        let query = merged(lists(filter, before, (order, most), &Column::iter().collect::<Vec<_>>()), order, most);
        Ok(Page::cut(self.source.read_all(&query, read).await?, size, ActivityEntry::place))
    }

    async fn activity_count(&self, filter: &ActivityFilter, most: u64) -> StorageResult<u64> {
        // In an order, so that it is counted along an index and not all over the table.
        let lists = lists(filter, None, (&Order::Desc, most), &[Column::Id]);
        let list = all(lists).limit(limit(most)).take();
        let query = Query::select().expr(Expr::col(Asterisk).count()).from_subquery(list, "list").take();
        let count = async {
            let row = self.source.connection().query_one(&query).await.map_err(failed)?;
            let count = row.map(|row| row.try_get_by_index::<i64>(0)).transpose().map_err(failed)?;
            Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
        };
        self.source.run(count).await
    }
}

#[async_trait]
impl ActivityWrites for SeaOrmBackend<OpenTransaction> {
    async fn activity_append(&self, entry: &ActivityEntry) -> StorageResult<()> {
        self.source.run(append(self.source.connection(), entry)).await
    }

    async fn activity_append_all(&self, entries: &[ActivityEntry]) -> StorageResult<()> {
        for entries in entries.chunks(ROWS_OF_AN_INSERT) {
            let rows = entries.iter().map(new_row).collect::<StorageResult<Vec<_>>>()?;
            let insert = activity_log::Entity::insert_many(rows).exec_without_returning(self.source.connection());
            self.source.run(async { Box::pin(insert).await.map(drop).map_err(failed) }).await?;
        }
        Ok(())
    }

    async fn activity_blank(&self, user: UserId) -> StorageResult<()> {
        let his = Condition::any().add(Column::ActorId.eq(user.as_uuid())).add(Column::SubjectId.eq(user.as_uuid()));
        let blank = activity_log::Entity::update_many().filter(his).set(activity_log::ActiveModel {
            ip: Set(None),
            user_agent: Set(None),
            details: Set(to_json(&Details::default())?),
            ..Default::default()
        });
        self.source
            .run(async {
                blank.exec(self.source.connection()).await.map_err(failed)?;
                Ok(())
            })
            .await
    }

    async fn activity_delete_before(&self, moment: Timestamp, most: u64) -> StorageResult<u64> {
        let old = ActivityFilter { to: Some(moment), ..ActivityFilter::default() };
        let lists = lists(&old, None, (&Order::Asc, most), &[Column::Id, Column::OccurredAt]);
        let oldest = Query::select().column(Column::Id).from_subquery(merged(lists, &Order::Asc, most), "old").take();
        let delete = Query::delete().from_table(activity_log::Entity).and_where(Column::Id.in_subquery(oldest)).take();
        self.source.run(self.change(&delete)).await
    }
}

pub(super) async fn append(db: &impl ConnectionTrait, entry: &ActivityEntry) -> StorageResult<()> {
    activity_log::Entity::insert(new_row(entry)?).exec_without_returning(db).await.map_err(failed)?;
    Ok(())
}

/// The entries that a filter lets through: for each value of what is looked up a list in that order, of so many at
/// most, before this place.
///
/// An index has the entries of one value in the order of a list, and none has all of them: no engine is tempted to walk
/// past everybody's entries in search of those few that are asked for. All entries are those of either outcome.
fn lists(
    filter: &ActivityFilter,
    before: Option<ActivityPlace>,
    (order, most): (&Order, u64),
    columns: &[Column],
) -> Vec<SelectStatement> {
    let mut wanted = wanted(filter);
    let every_outcome = || (Column::Outcome, Outcome::ALL.iter().map(|outcome| outcome.as_str().into()).collect());
    let (column, values) = wanted.next().unwrap_or_else(every_outcome);
    // Said such that SQLite takes no other index for it.
    let rest = wanted.fold(Condition::all(), |rest, (column, values)| rest.add(column.is_not_in(values).not()));
    // A moment to end at is a place, too: the one before all entries of that moment.
    let before = [before, filter.to.map(before_all_of)].into_iter().flatten().min();
    let list = |value: Value| {
        let entries = Query::select()
            .columns(columns.iter().copied())
            .from(activity_log::Entity)
            .and_where(column.eq(value))
            .cond_where(rest.clone())
            .and_where_option(filter.from.map(|from| Column::OccurredAt.gte(from.as_micros())))
            .and_where_option(before.map(is_before))
            .take();
        first(entries, order, most)
    };
    values.into_iter().map(list).collect()
}

/// The first of what is in several lists.
fn merged(lists: Vec<SelectStatement>, order: &Order, most: u64) -> SelectStatement {
    match <[SelectStatement; 1]>::try_from(lists) {
        Ok([list]) => list,
        Err(lists) => first(all(lists), order, most),
    }
}

fn first(mut entries: SelectStatement, order: &Order, most: u64) -> SelectStatement {
    let entries = entries.order_by(Column::OccurredAt, order.clone()).order_by(Column::Id, order.clone());
    entries.limit(limit(most)).take()
}

fn all(lists: Vec<SelectStatement>) -> SelectStatement {
    let rows = lists.into_iter().map(|list| Query::select().column(Asterisk).from_subquery(list, "list").take());
    rows.reduce(|mut all, more| all.union(UnionType::All, more).take()).unwrap_or_default()
}

/// The values that are asked for, each in its column: first those that the fewest entries have, as a rule.
fn wanted(filter: &ActivityFilter) -> impl Iterator<Item = (Column, Vec<Value>)> {
    let ActivityFilter { subject, actor, actions, outcome, from: _, to: _ } = filter;
    let actions: BTreeSet<_> = actions.iter().map(|action| action.as_str()).collect();
    let wanted = [
        (Column::SubjectId, subject.iter().map(|subject| subject.as_uuid().into()).collect::<Vec<_>>()),
        (Column::ActorId, actor.iter().map(|actor| actor.as_uuid().into()).collect()),
        (Column::Action, actions.into_iter().map(Value::from).collect()),
        (Column::Outcome, outcome.iter().map(|outcome| outcome.as_str().into()).collect()),
    ];
    wanted.into_iter().filter(|(_, values)| !values.is_empty())
}

fn is_before(ActivityPlace { occurred_at, id }: ActivityPlace) -> Expr {
    let here = Expr::tuple([Expr::col(Column::OccurredAt), Expr::col(Column::Id)]);
    here.lt(Expr::tuple([occurred_at.as_micros().into(), id.as_uuid().into()]))
}

/// The place before all entries of a moment: no id is as low.
fn before_all_of(moment: Timestamp) -> ActivityPlace {
    ActivityPlace { occurred_at: moment, id: ActivityId::from_uuid(Uuid::nil()) }
}

fn read(row: Row<'_>) -> StorageResult<ActivityEntry> {
    Ok(ActivityEntry {
        id: ActivityId::from_uuid(row.get(Column::Id)?),
        occurred_at: row.time(Column::OccurredAt)?,
        actor: row.get::<Option<_>>(Column::ActorId)?.map(UserId::from_uuid),
        subject: row.get::<Option<_>>(Column::SubjectId)?.map(UserId::from_uuid),
        action: row.parse(Column::Action, Action::from_str)?,
        outcome: row.parse(Column::Outcome, Outcome::from_str)?,
        ip: row.parse_optional(Column::Ip, str::parse)?,
        user_agent: row.get(Column::UserAgent)?,
        request_id: row.parse_optional(Column::RequestId, |text| RequestId::parse(text).ok_or(()))?,
        details: row.details(Column::Details)?,
    })
}

fn new_row(entry: &ActivityEntry) -> StorageResult<activity_log::ActiveModel> {
    Ok(activity_log::ActiveModel {
        id: Set(entry.id.as_uuid()),
        occurred_at: Set(entry.occurred_at.as_micros()),
        actor_id: Set(entry.actor.map(|actor| actor.as_uuid())),
        subject_id: Set(entry.subject.map(|subject| subject.as_uuid())),
        action: Set(entry.action.as_str().to_owned()),
        outcome: Set(entry.outcome.as_str().to_owned()),
        ip: Set(entry.ip.map(|ip| ip.to_string())),
        user_agent: Set(entry.user_agent.clone()),
        request_id: Set(entry.request_id.as_ref().map(ToString::to_string)),
        details: Set(to_json(&entry.details)?),
    })
}
