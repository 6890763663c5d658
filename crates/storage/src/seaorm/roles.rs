use std::collections::BTreeSet;

use async_trait::async_trait;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, Iterable, QueryFilter, UpdateMany,
    prelude::Uuid,
    sea_query::{Expr, LockType, Order, Query, SelectStatement, SimpleExpr},
};
use usher_domain::{Permission, Role, RoleChanges, RoleDescription, RoleName, Timestamp, UserId, UserInDB, UserScope};

use super::{
    OpenTransaction, SeaOrmBackend, Source,
    entities::{roles, user_roles, users},
    error::failed,
    row::{Row, corrupt, to_json},
    users::{apply, change, count_active_holders, find_all, insert_roles},
};
use crate::{RoleQueries, RoleWrites, StorageResult};

#[async_trait]
impl<S: Source> RoleQueries for SeaOrmBackend<S> {
    async fn role_by_name(&self, name: &RoleName) -> StorageResult<Option<Role>> {
        let query = select().and_where(roles::Column::Name.eq(name.as_str())).take();
        self.source
            .run(async {
                let row = self.source.connection().query_one(&query).await.map_err(failed)?;
                row.map(|row| read(Row::new(&row, 0))).transpose()
            })
            .await
    }

    async fn role_all(&self) -> StorageResult<Vec<Role>> {
        let query = select().order_by(roles::Column::Name, Order::Asc).take();
        self.source.read_all(&query, read).await
    }
}

#[async_trait]
impl RoleWrites for SeaOrmBackend<OpenTransaction> {
    async fn role_insert(&self, role: &Role) -> StorageResult<()> {
        let row = roles::ActiveModel {
            name: Set(role.name.to_string()),
            description: Set(role.description.to_string()),
            permissions: Set(to_json(&role.granted)?),
            built_in: Set(role.built_in),
            version: Set(role.version),
            created_at: Set(role.created_at.as_micros()),
            updated_at: Set(role.updated_at.as_micros()),
        };
        let insert = roles::Entity::insert(row);
        self.source
            .run(async {
                insert.exec_without_returning(self.source.connection()).await.map_err(failed)?;
                Ok(())
            })
            .await
    }

    async fn role_update(&self, name: &RoleName, changes: &RoleChanges, now: Timestamp) -> StorageResult<bool> {
        use roles::Column;
        let mut row = roles::ActiveModel { updated_at: Set(now.as_micros()), ..Default::default() };
        if let Some(description) = &changes.description {
            row.description = Set(description.to_string());
        }
        if let Some(granted) = &changes.granted {
            row.permissions = Set(to_json(granted)?);
        }
        let update = roles::Entity::update_many()
            .set(row)
            .col_expr(Column::Version, Expr::col(Column::Version).add(1))
            .filter(Column::Name.eq(name.as_str()));
        self.source
            .run(async { Ok(update.exec(self.source.connection()).await.map_err(failed)?.rows_affected > 0) })
            .await
    }

    async fn role_delete(&self, name: &RoleName, now: Timestamp) -> StorageResult<bool> {
        let transaction = self.source.connection();
        let holders = with_other_roles(users::Entity::update_many(), now).filter(is_holder(name));
        let held = user_roles::Entity::delete_many().filter(user_roles::Column::RoleName.eq(name.as_str()));
        let role = roles::Entity::delete_many().filter(roles::Column::Name.eq(name.as_str()));
        self.source
            .run(async {
                holders.exec(transaction).await.map_err(failed)?;
                held.exec(transaction).await.map_err(failed)?;
                Ok(role.exec(transaction).await.map_err(failed)?.rows_affected > 0)
            })
            .await
    }

    async fn role_holders_for_update(&self, name: &RoleName, most: u64) -> StorageResult<Vec<UserInDB>> {
        let transaction = self.source.connection();
        let lock = Query::select()
            .column(users::Column::Id)
            .from(users::Entity)
            .and_where(is_holder(name))
            .order_by(users::Column::Id, Order::Asc)
            .limit(most)
            .lock(LockType::NoKeyUpdate)
            .take();
        self.source
            .run(async {
                let rows = transaction.query_all(&lock).await.map_err(failed)?;
                let ids = rows.iter().map(|row| row.try_get_by_index::<Uuid>(0)).collect::<Result<Vec<_>, _>>();
                find_all(transaction, ids.map_err(failed)?).await
            })
            .await
    }

    async fn role_lock(&self, name: &RoleName) -> StorageResult<bool> {
        let lock = Query::select()
            .column(roles::Column::Name)
            .from(roles::Entity)
            .and_where(roles::Column::Name.eq(name.as_str()))
            .lock(LockType::Update)
            .take();
        let locked = async { Ok(self.source.connection().query_one(&lock).await.map_err(failed)?.is_some()) };
        self.source.run(locked).await
    }

    async fn role_count_active_holders(&self, name: &RoleName) -> StorageResult<u64> {
        self.source.run(count_active_holders(self.source.connection(), name)).await
    }

    async fn user_set_roles(&self, id: UserId, roles: &[RoleName], now: Timestamp) -> StorageResult<bool> {
        let transaction = self.source.connection();
        let update = with_other_roles(change(UserScope::Existing, id), now);
        let before = user_roles::Entity::delete_many().filter(user_roles::Column::UserId.eq(id.as_uuid()));
        self.source
            .run(async {
                if !apply(transaction, update).await? {
                    return Ok(false);
                }
                before.exec(transaction).await.map_err(failed)?;
                insert_roles(transaction, id, roles).await?;
                Ok(true)
            })
            .await
    }
}

/// What follows from a change of somebody's roles.
fn with_other_roles(update: UpdateMany<users::Entity>, now: Timestamp) -> UpdateMany<users::Entity> {
    use users::Column;
    update
        .col_expr(Column::TokenEpoch, Expr::col(Column::TokenEpoch).add(1))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::UpdatedAt, now.as_micros().into())
}

fn is_holder(name: &RoleName) -> SimpleExpr {
    let holders = Query::select()
        .column(user_roles::Column::UserId)
        .from(user_roles::Entity)
        .and_where(user_roles::Column::RoleName.eq(name.as_str()))
        .take();
    users::Column::Id.in_subquery(holders)
}

fn select() -> SelectStatement {
    Query::select().columns(roles::Column::iter()).from(roles::Entity).take()
}

fn read(row: Row<'_>) -> StorageResult<Role> {
    use roles::Column;
    Ok(Role {
        name: row.parse(Column::Name, RoleName::parse)?,
        description: row.parse(Column::Description, RoleDescription::parse)?,
        granted: granted_from(&row.get::<String>(Column::Permissions)?)?,
        built_in: row.get(Column::BuiltIn)?,
        version: row.get(Column::Version)?,
        created_at: row.time(Column::CreatedAt)?,
        updated_at: row.time(Column::UpdatedAt)?,
    })
}

/// The permissions of a role, from a JSON array.
pub(super) fn granted_from(text: &str) -> StorageResult<BTreeSet<Permission>> {
    let corrupt = || corrupt(roles::Column::Permissions);
    let granted: Vec<&str> = serde_json::from_str(text).map_err(|_| corrupt())?;
    granted.iter().map(|permission| Permission::parse(permission).map_err(|_| corrupt())).collect()
}
