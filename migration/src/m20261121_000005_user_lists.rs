//! What lists of accounts go by: a status to index, who holds a role in the orders that lists come
//! in, and an index for each filter in each order.

use async_trait::async_trait;
use sea_orm_migration::{
    MigrationName, MigrationTrait, SchemaManager,
    sea_orm::DbErr,
    sea_query::{
        CaseStatement, ColumnDef, ConditionalStatement, Expr, ExprTrait, Index, IndexCreateStatement, Query, Table,
    },
};

use crate::columns::{Columns, Engine, index};

pub(crate) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m20261121_000005_user_lists"
    }
}

#[async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = Columns::of(manager)?;
        add_column(manager, "users", status(manager)?).await?;
        // The defaults are for the version before, which does not know these columns.
        add_column(manager, "user_roles", column.time("created_at").not_null().default(0).take()).await?;
        add_column(manager, "user_roles", column.key("username_key", 50).not_null().default("").take()).await?;
        fill_user_roles(manager).await?;

        for replaced in replaced() {
            drop_index(manager, &replaced).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for index in indexes() {
            drop_index(manager, &index).await?;
        }
        for replaced in replaced() {
            manager.create_index(replaced).await?;
        }
        for (table, column) in [("user_roles", "username_key"), ("user_roles", "created_at"), ("users", "status")] {
            manager.alter_table(Table::alter().table(table).drop_column(column).take()).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// What of an account is decided by its moments of deactivation and deletion. SQLite cannot add a
/// generated column that is stored, PostgreSQL 15 has no other.
fn status(manager: &SchemaManager<'_>) -> Result<ColumnDef, DbErr> {
    let stored = match Engine::of(manager)? {
        Engine::Postgres => true,
        Engine::Sqlite => false,
    };
    let status = CaseStatement::new()
        .case(Expr::col("deleted_at").is_not_null(), Expr::cust("'deleted'"))
        .case(Expr::col("deactivated_at").is_not_null(), Expr::cust("'deactivated'"))
        .finally(Expr::cust("'active'"));
    Ok(Columns::of(manager)?.key("status", 50).generated(status, stored).take())
}

fn indexes() -> [IndexCreateStatement; 9] {
    let existing = Expr::col("deleted_at").is_null();
    let there = |column: &'static str| Expr::col(column).is_not_null();
    let users = |name, columns: &[_]| index(name, "users", columns);
    let user_roles = |name, columns: &[_]| index(name, "user_roles", columns);
    [
        users("users_existing_created_at_index", &["created_at", "id"]).and_where(existing.clone()).take(),
        users("users_existing_username_key_index", &["username_key", "created_at"]).and_where(existing.clone()).take(),
        users("users_status_created_at_index", &["status", "created_at", "id"]),
        users("users_status_username_key_index", &["status", "username_key", "created_at"]),
        // What a search looks at later tells what it has found before.
        users("users_existing_email_key_index", &["email_key", "username_key"]).and_where(existing).take(),
        users("users_full_name_key_index", &["full_name_key", "id", "username_key", "email_key"])
            .and_where(there("full_name_key"))
            .take(),
        users("users_deleted_at_index", &["deleted_at", "id"]).and_where(there("deleted_at")).take(),
        user_roles("user_roles_created_at_index", &["role_name", "created_at", "user_id"]),
        user_roles("user_roles_username_key_index", &["role_name", "username_key", "created_at", "user_id"]),
    ]
}

/// The indexes that the new ones make useless.
fn replaced() -> [IndexCreateStatement; 2] {
    [
        index("users_created_at_id_index", "users", &["created_at", "id"]),
        index("user_roles_role_name_index", "user_roles", &["role_name"]),
    ]
}

async fn add_column(manager: &SchemaManager<'_>, table: &'static str, column: ColumnDef) -> Result<(), DbErr> {
    manager.alter_table(Table::alter().table(table).add_column(column).take()).await
}

async fn drop_index(manager: &SchemaManager<'_>, index: &IndexCreateStatement) -> Result<(), DbErr> {
    let name = index.get_index_spec().get_name().unwrap_or_default();
    manager.drop_index(Index::drop().name(name).to_owned()).await
}

/// Copies what the holders' accounts say.
async fn fill_user_roles(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let of_the_account = |column: &'static str| {
        let account = Expr::col(("users", "id")).equals(("user_roles", "user_id"));
        let query = Query::select().column(column).from("users").and_where(account).take();
        Expr::SubQuery(None, Box::new(query.into()))
    };
    let fill = Query::update()
        .table("user_roles")
        .value("created_at", of_the_account("created_at"))
        .value("username_key", of_the_account("username_key"))
        .take();
    manager.execute(fill).await
}
