//! Deletions by age, so many rows at a time: none holds others off for long.

use sea_orm::{
    ColumnTrait,
    sea_query::{DeleteStatement, Expr, Order, Query},
};

/// Deletes up to `most` of the rows that pass the filter, by their moment, the earliest first.
pub(super) fn delete_first<C: ColumnTrait>(id: C, moment: C, filter: Expr, most: u64) -> DeleteStatement {
    let first = Query::select()
        .column(id)
        .from(C::EntityName::default())
        .and_where(filter)
        .order_by(moment, Order::Asc)
        .order_by(id, Order::Asc)
        .limit(limit(most))
        .take();
    Query::delete().from_table(C::EntityName::default()).and_where(id.in_subquery(first)).take()
}

/// A limit that fits into the databases' numbers; beyond it SeaORM would panic.
pub(super) fn limit(most: u64) -> u64 {
    most.min(i64::MAX.unsigned_abs())
}
