#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod columns;
mod m20261121_000001_accounts;
mod m20261121_000002_sessions;
mod m20261121_000003_activity_log;
mod m20261121_000004_signing_keys;
mod m20261121_000005_user_lists;
mod m20261121_000006_mail;
mod m20261121_000007_activity_lists;

use async_trait::async_trait;
use sea_orm_migration::{
    MigrationTrait, SchemaManager,
    sea_orm::{ConnectionTrait, DbErr, EntityTrait, QueryOrder},
    seaql_migrations,
};

pub use sea_orm_migration::MigratorTrait;

/// All steps, oldest first.
#[derive(Debug, Clone, Copy)]
pub struct Migrator;

#[async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_accounts::Step),
            Box::new(m20261121_000002_sessions::Step),
            Box::new(m20261121_000003_activity_log::Step),
            Box::new(m20261121_000004_signing_keys::Step),
            Box::new(m20261121_000005_user_lists::Step),
            Box::new(m20261121_000006_mail::Step),
            Box::new(m20261121_000007_activity_lists::Step),
        ]
    }

    /// The applied steps that this version knows. Those of a later version are passed over: the
    /// version before must run on the new schema.
    async fn get_migration_models<C: ConnectionTrait>(db: &C) -> Result<Vec<seaql_migrations::Model>, DbErr> {
        Self::install(db).await?;
        let known = Self::names();
        let mut applied = Self::applied(db).await?;
        applied.retain(|step| known.contains(&step.version));
        Ok(applied)
    }
}

impl Migrator {
    /// The names of all steps, oldest first.
    #[must_use]
    pub fn names() -> Vec<String> {
        Self::migrations().iter().map(|step| step.name().to_owned()).collect()
    }

    /// The names of the steps that a database has, oldest first, also those that only a later
    /// version knows. Changes nothing: a database without any step has none.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn applied_names<C>(db: &C) -> Result<Vec<String>, DbErr>
    where
        C: ConnectionTrait,
        for<'c> &'c C: sea_orm_migration::IntoSchemaManagerConnection<'c>,
    {
        if !SchemaManager::new(db).has_table("seaql_migrations").await? {
            return Ok(Vec::new());
        }
        Ok(Self::applied(db).await?.into_iter().map(|step| step.version).collect())
    }

    async fn applied<C: ConnectionTrait>(db: &C) -> Result<Vec<seaql_migrations::Model>, DbErr> {
        seaql_migrations::Entity::find().order_by_asc(seaql_migrations::Column::Version).all(db).await
    }
}
