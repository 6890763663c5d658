//! Lists of accounts: filtered, ordered, cut into pages. Each page begins after a place in an index,
//! so that none costs more than the first.

use std::collections::HashMap;

use sea_orm::{
    ColumnTrait, ConnectionTrait, ExprTrait, IntoSimpleExpr, Iterable, QueryResult,
    prelude::Uuid,
    sea_query::{Asterisk, Expr, Order, Query, SelectStatement},
};
use usher_domain::{
    Direction, Page, PageSize, RoleName, SearchPrefix, StatusFilter, Timestamp, User, UserFilter, UserId, UserOrder,
};

use super::{
    entities::{roles, user_roles, users},
    error::failed,
    row::Row,
    user_search,
    users::{add_role, read},
};
use crate::StorageResult;

/// A page, in two queries.
pub(super) async fn page(
    db: &impl ConnectionTrait,
    filter: &UserFilter,
    order: &UserOrder,
    size: PageSize,
) -> StorageResult<Page<User, UserOrder>> {
    // One more than the page holds tells whether there is a next one.
    let rows = db.query_all(&select(filter, order, size.get() as u64 + 1)).await.map_err(failed)?;
    let here = rows.get(..size.get()).unwrap_or(&rows);
    let mut users = here.iter().map(|row| Ok(read(Row::new(row, 0))?.user)).collect::<StorageResult<Vec<_>>>()?;
    let next = match (here.last(), users.last()) {
        (Some(row), Some(user)) if here.len() < rows.len() => Some(next(order, user, row)?),
        _ => None,
    };
    add_roles(db, &mut users).await?;
    Ok(Page { items: users, next })
}

/// How many there are, counted up to `most`.
pub(super) async fn count(
    db: &impl ConnectionTrait,
    filter: &UserFilter,
    prefix: Option<&SearchPrefix>,
    most: u64,
) -> StorageResult<u64> {
    // In an order, so that it is counted along an index and not all over the table.
    let mut list = match prefix {
        None => List::indexed(filter)
            .created(filter.created_after, filter.created_before)
            .by_created_at(Direction::Ascending, None)
            .expr(Expr::val(1))
            .take(),
        Some(prefix) => user_search::all(filter, prefix, most),
    };
    let query = Query::select().expr(Expr::col(Asterisk).count()).from_subquery(list.limit(most).take(), "list").take();
    let row = db.query_one(&query).await.map_err(failed)?;
    let count = row.map_or(Ok(0), |row| row.try_get_by_index::<i64>(0)).map_err(failed)?;
    Ok(count.try_into().unwrap_or(0))
}

/// Some of the accounts that were softly deleted before a moment, the earliest first.
pub(super) async fn deleted_before(
    db: &impl ConnectionTrait,
    moment: Timestamp,
    size: PageSize,
) -> StorageResult<Vec<UserId>> {
    use users::Column::{DeletedAt, Id};
    let query = Query::select()
        .column(Id)
        .from(users::Entity)
        .and_where(DeletedAt.lt(moment.as_micros()))
        .order_by(DeletedAt, Order::Asc)
        .order_by(Id, Order::Asc)
        .limit(size.get() as u64)
        .take();
    let rows = db.query_all(&query).await.map_err(failed)?;
    rows.iter().map(|row| Ok(UserId::from_uuid(Row::new(row, 0).get_at(0, Id)?))).collect()
}

pub(super) fn select(filter: &UserFilter, order: &UserOrder, limit: u64) -> SelectStatement {
    let UserFilter { created_after, created_before, .. } = *filter;
    let list = List::indexed(filter);
    let list = match order {
        // A moment to begin at is a place, too: the one before all accounts of that moment.
        UserOrder::CreatedAt { direction: Direction::Ascending, after } => {
            let begin = (*after).max(created_after.map(before_all_of));
            list.created(None, created_before).by_created_at(Direction::Ascending, begin)
        }
        UserOrder::CreatedAt { direction: Direction::Descending, after } => {
            let begin = [*after, created_before.map(before_all_of)].into_iter().flatten().min();
            list.created(created_after, None).by_created_at(Direction::Descending, begin)
        }
        UserOrder::Username { direction, after } => {
            list.created_unindexed(created_after, created_before).by_username(*direction, after.as_deref())
        }
        UserOrder::Matching { prefix, after } => return user_search::select(filter, prefix, after.as_ref(), limit),
    };
    { list }.columns(account()).limit(limit).take()
}

/// The place before all accounts of a moment: no id is as low.
fn before_all_of(moment: Timestamp) -> (Timestamp, UserId) {
    (moment, UserId::from_uuid(Uuid::nil()))
}

/// The place after the last account of a page.
fn next(order: &UserOrder, user: &User, row: &QueryResult) -> StorageResult<UserOrder> {
    Ok(match order {
        UserOrder::CreatedAt { direction, .. } => {
            UserOrder::CreatedAt { direction: *direction, after: Some((user.created_at, user.id)) }
        }
        UserOrder::Username { direction, .. } => {
            UserOrder::Username { direction: *direction, after: Some(user.username.key()) }
        }
        UserOrder::Matching { prefix, .. } => {
            let after = user_search::found(Row::new(row, users::Column::iter().len()), user.id)?;
            UserOrder::Matching { prefix: prefix.clone(), after: Some(after) }
        }
    })
}

/// All columns of an account.
pub(super) fn account() -> impl Iterator<Item = (users::Entity, users::Column)> {
    users::Column::iter().map(|column| (users::Entity, column))
}

/// Orders a query by a place, and lets it begin after one.
pub(super) fn ordered(
    mut query: SelectStatement,
    place: Vec<Expr>,
    direction: Direction,
    after: Option<Vec<Expr>>,
) -> SelectStatement {
    let order = match direction {
        Direction::Ascending => Order::Asc,
        Direction::Descending => Order::Desc,
    };
    for column in &place {
        query.order_by_expr(column.clone(), order.clone());
    }
    if let Some(after) = after {
        let (here, after) = (Expr::tuple(place), Expr::tuple(after));
        query.and_where(match direction {
            Direction::Ascending => here.gt(after),
            Direction::Descending => here.lt(after),
        });
    }
    query
}

/// The accounts that a filter lets through, and columns to order them by.
pub(super) struct List {
    pub(super) query: SelectStatement,
    pub(super) id: Expr,
    pub(super) username_key: Expr,
    created_at: Expr,
}

impl List {
    /// To be ordered by creation or username: role and status are looked for where an index has them
    /// together with that order.
    pub(super) fn indexed(filter: &UserFilter) -> Self {
        let mut list = filter.role.as_ref().map_or_else(Self::everybody, Self::holders);
        list.query.and_where(match filter.status {
            None => users::Column::DeletedAt.is_null(),
            Some(status) => Expr::col((users::Entity, "status")).eq(status.as_str()),
        });
        list.named(filter)
    }

    /// To be ordered by anything else: the index of that order is the one to take, whatever the role
    /// and the status, and these are looked for where they tempt nobody to take another.
    pub(super) fn unindexed(filter: &UserFilter) -> Self {
        use users::Column::{DeactivatedAt, DeletedAt};
        let mut list = Self::everybody();
        list.query
            .and_where(match filter.status {
                None | Some(StatusFilter::Active | StatusFilter::Deactivated) => DeletedAt.is_null(),
                Some(StatusFilter::Deleted) => DeletedAt.is_not_null(),
            })
            .and_where_option(match filter.status {
                None | Some(StatusFilter::Deleted) => None,
                Some(StatusFilter::Active) => Some(DeactivatedAt.is_null()),
                Some(StatusFilter::Deactivated) => Some(DeactivatedAt.is_not_null()),
            })
            .and_where_option(filter.role.as_ref().map(holds));
        list.named(filter)
    }

    /// Those of the names and ids that the filter asks for, which are few.
    fn named(mut self, filter: &UserFilter) -> Self {
        use users::Column::{EmailKey, ExternalId, Id, UsernameKey};
        let UserFilter { username, email, external_id, ids, .. } = filter;
        self.query
            .and_where_option(username.as_ref().map(|name| UsernameKey.eq(name.key())))
            .and_where_option(email.as_ref().map(|email| EmailKey.eq(email.key())))
            .and_where_option(external_id.as_ref().map(|id| ExternalId.eq(id.to_string())))
            .and_where_option(ids.as_ref().map(|ids| Id.is_in(ids.iter().map(UserId::as_uuid))));
        self
    }

    /// Those made at the first moment or later, and before the second: a range of an index.
    pub(super) fn created(mut self, after: Option<Timestamp>, before: Option<Timestamp>) -> Self {
        let created_at = || self.created_at.clone();
        self.query
            .and_where_option(after.map(|moment| created_at().gte(moment.as_micros())))
            .and_where_option(before.map(|moment| created_at().lt(moment.as_micros())));
        self
    }

    /// The same for another order. PostgreSQL, which knows how many there are in a range, turns the
    /// negations round and may still begin with it; SQLite, which does not, keeps to the order.
    pub(super) fn created_unindexed(mut self, after: Option<Timestamp>, before: Option<Timestamp>) -> Self {
        let created_at = || self.created_at.clone();
        self.query
            .and_where_option(after.map(|moment| created_at().lt(moment.as_micros()).not()))
            .and_where_option(before.map(|moment| created_at().gte(moment.as_micros()).not()));
        self
    }

    fn by_created_at(self, direction: Direction, after: Option<(Timestamp, UserId)>) -> SelectStatement {
        let after = after.map(|(moment, id)| vec![moment.as_micros().into(), id.as_uuid().into()]);
        ordered(self.query, vec![self.created_at, self.id], direction, after)
    }

    fn by_username(self, direction: Direction, after: Option<&str>) -> SelectStatement {
        ordered(self.query, vec![self.username_key], direction, after.map(|key| vec![key.into()]))
    }

    fn everybody() -> Self {
        use users::Column::{CreatedAt, Id, UsernameKey};
        Self {
            query: Query::select().from(users::Entity).take(),
            id: Id.into_simple_expr(),
            username_key: UsernameKey.into_simple_expr(),
            created_at: CreatedAt.into_simple_expr(),
        }
    }

    fn holders(role: &RoleName) -> Self {
        use user_roles::Column::{CreatedAt, RoleName, UserId, UsernameKey};
        let account = users::Column::Id.into_simple_expr().eq(UserId.into_simple_expr());
        Self {
            query: Query::select()
                .from(user_roles::Entity)
                .inner_join(users::Entity, account)
                .and_where(RoleName.eq(role.as_str()))
                .take(),
            id: UserId.into_simple_expr(),
            username_key: UsernameKey.into_simple_expr(),
            created_at: CreatedAt.into_simple_expr(),
        }
    }
}

/// That an account holds a role.
fn holds(role: &RoleName) -> Expr {
    use user_roles::Column::{RoleName, UserId};
    let row = Query::select()
        .expr(Expr::val(1))
        .from(user_roles::Entity)
        .and_where(UserId.into_simple_expr().eq(users::Column::Id.into_simple_expr()))
        .and_where(RoleName.eq(role.as_str()))
        .take();
    Expr::exists(row)
}

/// Adds to each account its roles and what they amount to.
async fn add_roles(db: &impl ConnectionTrait, users: &mut [User]) -> StorageResult<()> {
    use user_roles::Column::{RoleName, UserId as Holder};
    if users.is_empty() {
        return Ok(());
    }
    let role = roles::Column::Name.into_simple_expr().eq(RoleName.into_simple_expr());
    let query = Query::select()
        .columns([(roles::Entity, roles::Column::Name), (roles::Entity, roles::Column::Permissions)])
        .column((user_roles::Entity, Holder))
        .from(user_roles::Entity)
        .inner_join(roles::Entity, role)
        .and_where(Holder.is_in(users.iter().map(|user| user.id.as_uuid())))
        .order_by((roles::Entity, roles::Column::Name), Order::Asc)
        .take();
    let rows = db.query_all(&query).await.map_err(failed)?;
    let mut users: HashMap<_, _> = users.iter_mut().map(|user| (user.id, user)).collect();
    for row in &rows {
        let row = Row::new(row, 0);
        if let Some(user) = users.get_mut(&UserId::from_uuid(row.get_at(2, Holder)?)) {
            add_role(user, row)?;
        }
    }
    Ok(())
}
