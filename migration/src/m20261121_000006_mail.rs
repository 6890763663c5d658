//! One-time tokens, the mails that bring them, wishes for mails; and an index for sessions whose time is up.

use async_trait::async_trait;
use sea_orm_migration::{
    MigrationName, MigrationTrait, SchemaManager,
    sea_orm::DbErr,
    sea_query::{Index, Table},
};

use crate::columns::{Columns, index, primary_key, unique, user_reference};

pub(crate) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m20261121_000006_mail"
    }
}

#[async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        one_time_tokens(manager).await?;
        mail_requests(manager).await?;
        mail_queue(manager).await?;
        manager.create_index(index("sessions_expires_at_index", "sessions", &["expires_at", "id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("sessions_expires_at_index").to_owned()).await?;
        for table in ["mail_queue", "mail_requests", "one_time_tokens"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

async fn one_time_tokens(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let column = Columns::of(manager)?;
    let table = Table::create()
        .table("one_time_tokens")
        .col(column.uuid("id").not_null())
        .col(column.bytes("hash").not_null())
        .col(column.uuid("user_id"))
        .col(column.key("purpose", 50).not_null())
        .col(column.text("payload"))
        .col(column.time("expires_at").not_null())
        .col(column.time("created_at").not_null())
        .primary_key(&mut primary_key("one_time_tokens_pkey", &["id"]))
        .index(&mut unique("one_time_tokens_hash_unique", "hash"))
        .foreign_key(&mut user_reference("one_time_tokens_user_id_reference", "one_time_tokens"))
        .take();
    manager.create_table(table).await?;
    manager.create_index(index("one_time_tokens_user_id_index", "one_time_tokens", &["user_id", "purpose"])).await?;
    manager.create_index(index("one_time_tokens_expires_at_index", "one_time_tokens", &["expires_at", "id"])).await
}

async fn mail_requests(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let column = Columns::of(manager)?;
    let table = Table::create()
        .table("mail_requests")
        .col(column.uuid("id").not_null())
        .col(column.key("purpose", 50).not_null())
        .col(column.key("email_key", 254).not_null())
        .col(column.text("ip"))
        .col(column.text("request_id"))
        .col(column.text("languages").not_null())
        .col(column.time("created_at").not_null())
        .primary_key(&mut primary_key("mail_requests_pkey", &["id"]))
        .take();
    manager.create_table(table).await?;
    manager.create_index(index("mail_requests_created_at_index", "mail_requests", &["created_at", "id"])).await
}

/// A mail does not refer to its token, which may be used before the mail is gone.
async fn mail_queue(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let column = Columns::of(manager)?;
    let table = Table::create()
        .table("mail_queue")
        .col(column.uuid("id").not_null())
        .col(column.key("kind", 50).not_null())
        .col(column.text("recipient").not_null())
        .col(column.uuid("user_id"))
        .col(column.uuid("one_time_token_id"))
        .col(column.text("payload").not_null())
        .col(column.text("languages").not_null())
        .col(column.number("attempts").not_null())
        .col(column.time("not_before").not_null())
        .col(column.time("expires_at").not_null())
        .col(column.text("last_error"))
        .col(column.time("created_at").not_null())
        .primary_key(&mut primary_key("mail_queue_pkey", &["id"]))
        .foreign_key(&mut user_reference("mail_queue_user_id_reference", "mail_queue"))
        .take();
    manager.create_table(table).await?;
    manager.create_index(index("mail_queue_user_id_index", "mail_queue", &["user_id"])).await?;
    manager.create_index(index("mail_queue_not_before_index", "mail_queue", &["not_before", "id"])).await
}
