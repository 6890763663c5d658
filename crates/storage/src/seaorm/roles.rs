use std::collections::BTreeSet;

use async_trait::async_trait;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, Iterable, QueryFilter,
    sea_query::{Expr, LockType, Order, Query, SelectStatement},
};
use usher_domain::{Permission, Role, RoleName, Timestamp, UserId, UserScope};

use super::{
    OpenTransaction, SeaOrmBackend, Source,
    entities::{roles, user_roles},
    error::failed,
    row::{Row, corrupt, to_json},
    users::{apply, change, count_active_holders, insert_roles},
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
            description: Set(role.description.clone()),
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

    async fn role_lock(&self, name: &RoleName) -> StorageResult<bool> {
        let lock = Query::select()
            .column(roles::Column::Name)
            .from(roles::Entity)
            .and_where(roles::Column::Name.eq(name.as_str()))
            .lock(LockType::NoKeyUpdate)
            .take();
        let locked = async { Ok(self.source.connection().query_one(&lock).await.map_err(failed)?.is_some()) };
        self.source.run(locked).await
    }

    async fn role_count_active_holders(&self, name: &RoleName) -> StorageResult<u64> {
        self.source.run(count_active_holders(self.source.connection(), name)).await
    }

    async fn user_set_roles(&self, id: UserId, roles: &[RoleName], now: Timestamp) -> StorageResult<bool> {
        use super::entities::users::Column;
        let transaction = self.source.connection();
        let update = change(UserScope::Existing, id)
            .col_expr(Column::TokenEpoch, Expr::col(Column::TokenEpoch).add(1))
            .col_expr(Column::Version, Expr::col(Column::Version).add(1))
            .col_expr(Column::UpdatedAt, now.as_micros().into());
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

fn select() -> SelectStatement {
    Query::select().columns(roles::Column::iter()).from(roles::Entity).take()
}

fn read(row: Row<'_>) -> StorageResult<Role> {
    use roles::Column;
    Ok(Role {
        name: row.parse(Column::Name, RoleName::parse)?,
        description: row.get(Column::Description)?,
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
