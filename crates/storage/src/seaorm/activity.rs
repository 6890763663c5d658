use std::str::FromStr;

use async_trait::async_trait;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, Iterable, QueryFilter,
    sea_query::{Asterisk, Expr, Order, Query, SelectStatement},
};
use usher_domain::{
    Action, ActivityEntry, ActivityFilter, ActivityId, ActivityPlace, Details, Outcome, Page, PageSize, RequestId,
    Timestamp, UserId,
};

use super::{
    OpenTransaction, SeaOrmBackend, Source,
    entities::activity_log::{self, Column},
    error::failed,
    removal::delete_first,
    row::{Row, to_json},
};
use crate::{ActivityQueries, ActivityWrites, StorageResult};

#[async_trait]
impl<S: Source> ActivityQueries for SeaOrmBackend<S> {
    async fn activity_page(
        &self,
        filter: &ActivityFilter,
        before: Option<ActivityPlace>,
        size: PageSize,
    ) -> StorageResult<Page<ActivityEntry, ActivityPlace>> {
        let mut query = select(filter);
        if let Some(ActivityPlace { occurred_at, id }) = before {
            let here = Expr::tuple([Expr::col(Column::OccurredAt), Expr::col(Column::Id)]);
            query.and_where(here.lt(Expr::tuple([occurred_at.as_micros().into(), id.as_uuid().into()])));
        }
        let query = query
            .order_by(Column::OccurredAt, Order::Desc)
            .order_by(Column::Id, Order::Desc)
            .limit(size.get() as u64 + 1)
            .take();
        Ok(Page::cut(self.source.read_all(&query, read).await?, size, ActivityEntry::place))
    }

    async fn activity_count(&self, filter: &ActivityFilter, most: u64) -> StorageResult<u64> {
        // In an order, so that it is counted along an index and not all over the table.
        let mut list = select(filter).clear_selects().expr(Expr::val(1)).take();
        let list = list.order_by(Column::OccurredAt, Order::Desc).limit(most).take();
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
        let old = Column::OccurredAt.lt(moment.as_micros());
        self.source.run(self.change(&delete_first(Column::Id, Column::OccurredAt, old, most))).await
    }
}

pub(super) async fn append(db: &impl ConnectionTrait, entry: &ActivityEntry) -> StorageResult<()> {
    activity_log::Entity::insert(new_row(entry)?).exec_without_returning(db).await.map_err(failed)?;
    Ok(())
}

fn select(filter: &ActivityFilter) -> SelectStatement {
    let ActivityFilter { subject, actor, actions, outcome, from, to } = filter;
    let mut query = Query::select().columns(Column::iter()).from(activity_log::Entity).take();
    if let Some(subject) = subject {
        query.and_where(Column::SubjectId.eq(subject.as_uuid()));
    }
    if let Some(actor) = actor {
        query.and_where(Column::ActorId.eq(actor.as_uuid()));
    }
    if !actions.is_empty() {
        query.and_where(Column::Action.is_in(actions.iter().map(|action| action.as_str())));
    }
    if let Some(outcome) = outcome {
        query.and_where(Column::Outcome.eq(outcome.as_str()));
    }
    if let Some(from) = from {
        query.and_where(Column::OccurredAt.gte(from.as_micros()));
    }
    if let Some(to) = to {
        query.and_where(Column::OccurredAt.lt(to.as_micros()));
    }
    query
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
