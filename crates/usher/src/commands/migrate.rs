use serde::Serialize;
use usher_storage::{SeaOrmBackend, StorageError};

use super::{CommandError, say_json};
use crate::{cli::Migrate, config::Config, console, database};

pub(super) async fn migrate(command: &Migrate, config: &Config) -> Result<(), CommandError> {
    let backend = database::connect(config).await?;
    let failed = |error: StorageError| CommandError::from(database::failed(config, error));
    match command {
        Migrate::Up => {
            backend.migrate().await.map_err(failed)?;
            console::say("the schema is up to date");
        }
        Migrate::Down { steps } => {
            backend.migrate_down(*steps).await.map_err(failed)?;
            status(&backend, false).await.map_err(failed)??;
        }
        Migrate::Status { json } => status(&backend, *json).await.map_err(failed)??,
    }
    backend.close().await;
    Ok(())
}

#[derive(Serialize)]
struct Step {
    name: String,
    applied: bool,
}

async fn status(backend: &SeaOrmBackend, json: bool) -> Result<Result<(), CommandError>, StorageError> {
    let steps = backend.migration_state().await?;
    let steps: Vec<_> = steps.into_iter().map(|step| Step { name: step.name, applied: step.applied }).collect();
    if json {
        return Ok(say_json(&steps));
    }
    for step in &steps {
        console::say(&format!("{:<8} {}", if step.applied { "applied" } else { "pending" }, step.name));
    }
    Ok(Ok(()))
}
