//! Sessions.

use async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, sea_orm::DbErr, sea_query::Table};

use crate::columns::{Columns, index, primary_key, user_reference};

pub(crate) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m20261121_000002_sessions"
    }
}

#[async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = Columns::of(manager)?;
        let table = Table::create()
            .table("sessions")
            .col(column.uuid("id").not_null())
            .col(column.uuid("user_id").not_null())
            .col(column.number("generation").not_null())
            .col(column.time("rotated_at").not_null())
            .col(column.time("created_at").not_null())
            .col(column.time("last_used_at").not_null())
            .col(column.time("idle_expires_at").not_null())
            .col(column.time("expires_at").not_null())
            .col(column.time("revoked_at"))
            .col(column.key("revoke_reason", 50))
            .col(column.text("ip"))
            .col(column.text("user_agent"))
            .col(column.text("amr").not_null())
            .primary_key(&mut primary_key("sessions_pkey", &["id"]))
            .foreign_key(&mut user_reference("sessions_user_id_reference", "sessions"))
            .take();
        manager.create_table(table).await?;
        manager.create_index(index("sessions_user_id_index", "sessions", &["user_id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("sessions").take()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
