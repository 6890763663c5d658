//! What lists of the activity log go by: for each filter an index that has the entries of one value in
//! the order of the list, down to the id. Many entries can be of one moment, and none of them is sorted
//! for a page. The list of all is that of both outcomes. What is asked for of an action and an outcome
//! together is looked for in the index of one of them, which knows the other.

use async_trait::async_trait;
use sea_orm_migration::{
    MigrationName, MigrationTrait, SchemaManager,
    sea_orm::DbErr,
    sea_query::{Index, IndexCreateStatement},
};

use crate::columns::index;

pub(crate) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m20261121_000007_activity_lists"
    }
}

#[async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        replace(manager, &replaced(), indexes().into()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        replace(manager, &indexes(), replaced().into()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn indexes() -> [IndexCreateStatement; 4] {
    [
        of("activity_log_subject_order_index", &["subject_id", "occurred_at", "id"]),
        of("activity_log_actor_order_index", &["actor_id", "occurred_at", "id"]),
        of("activity_log_action_order_index", &["action", "occurred_at", "id", "outcome"]),
        of("activity_log_outcome_order_index", &["outcome", "occurred_at", "id", "action"]),
    ]
}

/// The indexes that the new ones make useless.
fn replaced() -> [IndexCreateStatement; 4] {
    [
        of("activity_log_subject_id_index", &["subject_id", "occurred_at"]),
        of("activity_log_actor_id_index", &["actor_id", "occurred_at"]),
        of("activity_log_action_index", &["action", "occurred_at"]),
        of("activity_log_occurred_at_index", &["occurred_at"]),
    ]
}

fn of(name: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    index(name, "activity_log", columns)
}

async fn replace(
    manager: &SchemaManager<'_>,
    old: &[IndexCreateStatement],
    new: Vec<IndexCreateStatement>,
) -> Result<(), DbErr> {
    for index in old {
        let name = index.get_index_spec().get_name().unwrap_or_default();
        manager.drop_index(Index::drop().name(name).to_owned()).await?;
    }
    for index in new {
        manager.create_index(index).await?;
    }
    Ok(())
}
