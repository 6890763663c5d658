//! Accounts, roles, and who holds which.

use async_trait::async_trait;
use sea_orm_migration::{
    MigrationName, MigrationTrait, SchemaManager,
    sea_orm::DbErr,
    sea_query::{Expr, ForeignKey, Query, Table},
};

use crate::columns::{Columns, Engine, index, primary_key, unique, user_reference};

pub(crate) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m20261121_000001_accounts"
    }
}

#[async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        roles(manager).await?;
        users(manager).await?;
        user_roles(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["user_roles", "users", "roles"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

async fn roles(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let column = Columns::of(manager)?;
    let table = Table::create()
        .table("roles")
        .col(column.key("name", 50).not_null())
        .col(column.text("description").not_null())
        .col(column.text("permissions").not_null())
        .col(column.boolean("built_in").not_null())
        .col(column.number("version").not_null())
        .col(column.time("created_at").not_null())
        .col(column.time("updated_at").not_null())
        .primary_key(&mut primary_key("roles_pkey", &["name"]))
        .take();
    manager.create_table(table).await?;

    let now = match Engine::of(manager)? {
        Engine::Postgres => "CAST(EXTRACT(EPOCH FROM now()) * 1000000 AS bigint)",
        Engine::Sqlite => "unixepoch() * 1000000",
    };
    let built_in = [
        ("admin", "Every permission, also those added later."),
        ("user", "Nothing beyond one's own account until permissions are added."),
    ];
    let mut insert = Query::insert();
    insert.into_table("roles").columns([
        "name",
        "description",
        "permissions",
        "built_in",
        "version",
        "created_at",
        "updated_at",
    ]);
    for (name, description) in built_in {
        insert
            .values([
                name.into(),
                description.into(),
                "[]".into(),
                true.into(),
                1_i64.into(),
                Expr::cust(now),
                Expr::cust(now),
            ])
            .map_err(|error| DbErr::Migration(error.to_string()))?;
    }
    manager.execute(insert).await
}

async fn users(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let column = Columns::of(manager)?;
    let table = Table::create()
        .table("users")
        .col(column.uuid("id").not_null())
        .col(column.text("username").not_null())
        .col(column.key("username_key", 50).not_null())
        .col(column.text("email"))
        .col(column.key("email_key", 254))
        .col(column.time("email_verified_at"))
        .col(column.text("full_name"))
        .col(column.key("full_name_key", 2000))
        .col(column.key("external_id", 128))
        .col(column.text("metadata").not_null())
        .col(column.text("password_hash"))
        .col(column.time("deactivated_at"))
        .col(column.time("deleted_at"))
        .col(column.boolean("must_change_password").not_null())
        .col(column.number("token_epoch").not_null())
        .col(column.number("version").not_null())
        .col(column.time("last_login_at"))
        .col(column.time("created_at").not_null())
        .col(column.time("updated_at").not_null())
        .primary_key(&mut primary_key("users_pkey", &["id"]))
        .index(&mut unique("users_username_key_unique", "username_key"))
        .index(&mut unique("users_email_key_unique", "email_key"))
        .index(&mut unique("users_external_id_unique", "external_id"))
        .take();
    manager.create_table(table).await?;
    manager.create_index(index("users_created_at_id_index", "users", &["created_at", "id"])).await
}

async fn user_roles(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let column = Columns::of(manager)?;
    let mut role_reference = ForeignKey::create()
        .name("user_roles_role_name_reference")
        .from("user_roles", "role_name")
        .to("roles", "name")
        .take();
    let table = Table::create()
        .table("user_roles")
        .col(column.uuid("user_id").not_null())
        .col(column.key("role_name", 50).not_null())
        .primary_key(&mut primary_key("user_roles_pkey", &["user_id", "role_name"]))
        .foreign_key(&mut user_reference("user_roles_user_id_reference", "user_roles"))
        .foreign_key(&mut role_reference)
        .take();
    manager.create_table(table).await?;
    manager.create_index(index("user_roles_role_name_index", "user_roles", &["role_name"])).await
}
