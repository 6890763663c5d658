//! Opening the database, for every command that needs it.

use usher_storage::{ConnectSettings, SeaOrmBackend, StorageError};

use crate::{config::Config, start_error::StartError};

/// Connects, and leaves the schema as it is.
pub(crate) async fn connect(config: &Config) -> Result<SeaOrmBackend, StartError> {
    let database = &config.database;
    let settings = ConnectSettings {
        url: database.url.expose().to_owned(),
        max_connections: database.max_connections,
        acquire_timeout: database.acquire_timeout,
        statement_timeout: database.statement_timeout,
    };
    SeaOrmBackend::connect(settings).await.map_err(|error| failed(config, error))
}

/// Connects, and brings the schema up to date or refuses one that is not.
pub(crate) async fn open(config: &Config) -> Result<SeaOrmBackend, StartError> {
    let backend = connect(config).await?;
    match missing_steps(&backend).await.map_err(|error| failed(config, error))? {
        0 => {}
        steps if config.database.migrate_on_start => {
            backend.migrate().await.map_err(|error| failed(config, error))?;
            tracing::info!(steps, "the schema was brought up to date");
        }
        missing => return Err(StartError::SchemaBehind(missing)),
    }
    Ok(backend)
}

/// How many steps the schema lacks.
pub(crate) async fn missing_steps(backend: &SeaOrmBackend) -> Result<usize, StorageError> {
    let steps = backend.migration_state().await?;
    Ok(steps.iter().filter(|step| !step.applied).count())
}

/// An error of the database, with its address but without what is secret in it.
pub(crate) fn failed(config: &Config, source: StorageError) -> StartError {
    StartError::Database { url: config.database.url.to_string(), source }
}
