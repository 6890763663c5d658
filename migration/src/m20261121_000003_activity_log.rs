//! The activity log. It refers to nobody: its entries outlive those whom they tell of.

use async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, sea_orm::DbErr, sea_query::Table};

use crate::columns::{Columns, index, primary_key};

pub(crate) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m20261121_000003_activity_log"
    }
}

#[async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = Columns::of(manager)?;
        let table = Table::create()
            .table("activity_log")
            .col(column.uuid("id").not_null())
            .col(column.time("occurred_at").not_null())
            .col(column.uuid("actor_id"))
            .col(column.uuid("subject_id"))
            .col(column.key("action", 50).not_null())
            .col(column.key("outcome", 50).not_null())
            .col(column.text("ip"))
            .col(column.text("user_agent"))
            .col(column.text("request_id"))
            .col(column.text("details").not_null())
            .primary_key(&mut primary_key("activity_log_pkey", &["id"]))
            .take();
        manager.create_table(table).await?;
        for (name, columns) in [
            ("activity_log_subject_id_index", ["subject_id", "occurred_at"].as_slice()),
            ("activity_log_actor_id_index", &["actor_id", "occurred_at"]),
            ("activity_log_action_index", &["action", "occurred_at"]),
            ("activity_log_occurred_at_index", &["occurred_at"]),
        ] {
            manager.create_index(index(name, "activity_log", columns)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("activity_log").take()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
