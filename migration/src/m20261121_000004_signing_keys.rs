//! The keys that access tokens are signed with, sealed.

use async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, sea_orm::DbErr, sea_query::Table};

use crate::columns::{Columns, primary_key};

pub(crate) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m20261121_000004_signing_keys"
    }
}

#[async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = Columns::of(manager)?;
        let table = Table::create()
            .table("signing_keys")
            .col(column.key("kid", 128).not_null())
            .col(column.key("algorithm", 50).not_null())
            .col(column.bytes("private_key").not_null())
            .col(column.text("public_jwk").not_null())
            .col(column.key("state", 50).not_null())
            .col(column.time("created_at").not_null())
            .col(column.time("activates_at").not_null())
            .col(column.time("retires_at"))
            .primary_key(&mut primary_key("signing_keys_pkey", &["kid"]))
            .take();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("signing_keys").take()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
