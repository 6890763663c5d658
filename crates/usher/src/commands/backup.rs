use std::path::Path;

use usher_storage::BackupError;

use super::CommandError;
use crate::{
    config::{Config, DatabaseEngine},
    console, database,
    start_error::{StartError, chain},
};

pub(super) async fn backup(file: &Path, config: &Config) -> Result<(), CommandError> {
    let original = match config.database.url.engine() {
        DatabaseEngine::SqliteFile(original) => original,
        DatabaseEngine::SqliteMemory => {
            return Err(CommandError::Usage("a database in memory is gone with its process".to_owned()));
        }
        DatabaseEngine::Postgres(_) => {
            return Err(CommandError::Usage("PostgreSQL is backed up with its own tool: pg_dump".to_owned()));
        }
    };
    // Connecting would make one.
    if !original.exists() {
        return Err(CommandError::Failed(format!("there is no database at {}", original.display())));
    }
    let backend = database::connect(config).await?;
    let done = backend.backup(file).await;
    backend.close().await;
    done.map_err(|error| failed(config, error))?;
    console::say(&format!("{} is copied to {}", config.database.url, file.display()));
    let key = config.database.url.master_key_file().filter(|_| config.master_key.is_none());
    console::say(&match key {
        Some(key) => format!("the master key is not in it: keep a copy of {}, elsewhere", key.display()),
        None => "the master key is not in it: keep a copy of that, elsewhere".to_owned(),
    });
    Ok(())
}

fn failed(config: &Config, error: BackupError) -> CommandError {
    match error {
        BackupError::File { path, source } => CommandError::Start(StartError::File { path, source }),
        BackupError::Storage(error) => CommandError::Start(database::failed(config, error)),
        BackupError::Exists(_) => CommandError::Failed(format!("{error}: name a file that is not")),
        BackupError::NotSqlite | BackupError::Damaged(_) => CommandError::Failed(chain(&error)),
    }
}
