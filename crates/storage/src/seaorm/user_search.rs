//! Searches: accounts whose username, address or full name begins with a prefix.

use sea_orm::{
    ExprTrait, IntoSimpleExpr,
    sea_query::{
        Asterisk, CaseStatement, CommonTableExpression, Cond, Expr, Order, Query, SelectStatement, UnionType,
        WithClause,
    },
};
use usher_domain::{Direction, Match, SearchField, SearchPrefix, UserFilter, UserId};

use super::{
    entities::users::{self, Column},
    row::{Row, corrupt},
    user_lists::{List, account, ordered},
};
use crate::StorageResult;

/// The columns that tell what was found, and the order of a search.
const FOUND: [&str; 3] = ["field", "key", "id"];

/// The accounts that a search finds, after a place: their columns, and then those of [`FOUND`].
///
/// One field after the other adds to what was found so far. Once that is enough, the next begins at
/// null, which no key is greater than: its index is not looked into.
pub(super) fn select(filter: &UserFilter, prefix: &SearchPrefix, after: Option<&Match>, limit: u64) -> SelectStatement {
    let mut with = WithClause::new();
    let mut so_far = None;
    for &field in SearchField::ALL.iter().skip_while(|&&field| after.is_some_and(|after| field < after.field)) {
        let after = after.filter(|after| after.field == field && after.key.as_str() >= prefix.as_str());
        let begin = match (after, so_far) {
            (Some(_), _) => None,
            (None, Some(so_far)) => Some(unless_enough(so_far, limit, prefix)),
            (None, None) => Some(prefix.as_str().into()),
        };
        let mut found = matches(filter, prefix, field, begin).by_place(field, after).limit(limit).take();
        if let Some(so_far) = so_far {
            let more = Query::select().column(Asterisk).from_subquery(found, "more").take();
            found = Query::select().column(Asterisk).from(so_far).union(UnionType::All, more).take();
        }
        with.cte(CommonTableExpression::new().table_name(field.as_str()).columns(FOUND).query(found).to_owned());
        so_far = Some(field.as_str());
    }
    let mut query = Query::select()
        .columns(account())
        .from_as(SearchField::FullName.as_str(), "found")
        .inner_join(users::Entity, Column::Id.into_simple_expr().equals(("found", "id")))
        .limit(limit)
        .with_cte(with)
        .take();
    for column in FOUND {
        query.column(("found", column)).order_by(("found", column), Order::Asc);
    }
    query
}

/// What was found, from the columns of [`FOUND`].
pub(super) fn found(row: Row<'_>, id: UserId) -> StorageResult<Match> {
    let field = usize::try_from(row.get_at::<i32>(0, Column::Id)?).ok();
    let field = field.and_then(|field| SearchField::ALL.get(field)).ok_or_else(|| corrupt(Column::Id))?;
    Ok(Match { field: *field, key: row.get_at(1, Column::UsernameKey)?, id })
}

/// A row for each account that a search finds, up to that many in each field.
pub(super) fn all(filter: &UserFilter, prefix: &SearchPrefix, most: u64) -> SelectStatement {
    let rows = SearchField::ALL.iter().map(|&field| {
        let found = matches(filter, prefix, field, Some(prefix.as_str().into()));
        // Nothing of them is needed that their index does not have.
        let found = found.by_place(field, None).clear_selects().expr(Expr::val(1)).limit(most).take();
        Query::select().column(Asterisk).from_subquery(found, "found").take()
    });
    rows.reduce(|mut all, more| all.union(UnionType::All, more).take()).unwrap_or_default()
}

/// The prefix, if fewer than that many were found so far; else null.
fn unless_enough(so_far: &'static str, limit: u64, prefix: &SearchPrefix) -> Expr {
    let fewer = Expr::col(Asterisk).count().lt(limit);
    let begin = CaseStatement::new().case(fewer, prefix.as_str());
    Expr::SubQuery(None, Box::new(Query::select().expr(begin).from(so_far).take().into()))
}

/// What a search finds in one field and in none of those before.
struct Matches {
    query: SelectStatement,
    key: Expr,
    id: Expr,
}

fn matches(filter: &UserFilter, prefix: &SearchPrefix, field: SearchField, begin: Option<Expr>) -> Matches {
    let list = match field {
        SearchField::Username => List::indexed(filter),
        SearchField::Email | SearchField::FullName => List::unindexed(filter),
    };
    let List { mut query, username_key, id, .. } = list.created_unindexed(filter.created_after, filter.created_before);
    let email_key = Column::EmailKey.into_simple_expr();
    let (key, before) = match field {
        SearchField::Username => (username_key, vec![]),
        SearchField::Email => (email_key, vec![username_key]),
        SearchField::FullName => (Column::FullNameKey.into_simple_expr(), vec![username_key, email_key]),
    };
    query
        .and_where_option(begin.map(|begin| key.clone().gte(begin)))
        .and_where_option(prefix.end().map(|end| key.clone().lt(end)));
    for key in before {
        let after = prefix.end().map(|end| key.clone().gte(end));
        query.cond_where(Cond::any().add(key.clone().is_null()).add(key.lt(prefix.as_str())).add_option(after));
    }
    Matches { query, key, id }
}

impl Matches {
    /// The columns of [`FOUND`], in the order of a search, after a place. No two usernames are the
    /// same, nor two addresses.
    fn by_place(mut self, field: SearchField, after: Option<&Match>) -> SelectStatement {
        self.query
            .expr_as(Expr::val(field as i32), "field")
            .expr_as(self.key.clone(), "key")
            .expr_as(self.id.clone(), "id");
        let (place, after): (Vec<_>, Option<Vec<_>>) = match field {
            SearchField::Username | SearchField::Email => {
                (vec![self.key], after.map(|after| vec![after.key.as_str().into()]))
            }
            SearchField::FullName => {
                let after = after.map(|after| vec![after.key.as_str().into(), after.id.as_uuid().into()]);
                (vec![self.key, self.id], after)
            }
        };
        ordered(self.query, place, Direction::Ascending, after)
    }
}
