//! Where the master key comes from: the configuration, or a file beside the SQLite database, which the
//! first start makes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use ring::rand::{self, SystemRandom};
use usher_service::MasterKey;
use usher_storage::{SeaOrmBackend, SigningKeyStore};

use crate::{
    config::{Config, DatabaseEngine},
    database, private_file,
    start_error::StartError,
};

/// The master key, and whether it was made just now.
pub(crate) struct FoundKey {
    pub(crate) key: MasterKey,
    /// The file of a key that this start made.
    pub(crate) made: Option<PathBuf>,
}

impl FoundKey {
    /// Finds the master key, or makes it where nothing was sealed with another one yet.
    pub(crate) async fn find(config: &Config, backend: &SeaOrmBackend) -> Result<Self, StartError> {
        if let Some(key) = &config.master_key {
            return Ok(Self { key: key.clone(), made: None });
        }
        match (config.database.url.master_key_file(), config.database.url.engine()) {
            (Some(path), _) => Self::in_file(&path, config, backend).await,
            // What is in memory needs a key for as long only.
            (None, DatabaseEngine::SqliteMemory) => Ok(Self { key: generate()?, made: None }),
            (None, DatabaseEngine::SqliteFile(_) | DatabaseEngine::Postgres(_)) => Err(StartError::MasterKeyNotGiven),
        }
    }

    /// Reads the file of a master key; makes one, and the file, if it is missing.
    pub(crate) fn read_or_make(path: &Path) -> Result<MasterKey, StartError> {
        if path.exists() { read(path) } else { make(path) }
    }

    async fn in_file(path: &Path, config: &Config, backend: &SeaOrmBackend) -> Result<Self, StartError> {
        if path.exists() {
            return read(path).map(|key| Self { key, made: None });
        }
        let keys = backend.signing_keys().await.map_err(|error| database::failed(config, error))?;
        if !keys.is_empty() {
            return Err(StartError::MasterKeyMissing(path.to_owned()));
        }
        make(path).map(|key| Self { key, made: Some(path.to_owned()) })
    }
}

fn make(path: &Path) -> Result<MasterKey, StartError> {
    let key = generate()?;
    let text = format!("{}\n", *key.to_base64());
    private_file::write(path, text.as_bytes()).map_err(|source| StartError::File { path: path.to_owned(), source })?;
    Ok(key)
}

fn read(path: &Path) -> Result<MasterKey, StartError> {
    let fault = |why: String| StartError::MasterKeyFile { path: path.to_owned(), why };
    let text = fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
    MasterKey::from_base64(&text).map_err(|error| fault(error.to_string()))
}

fn generate() -> Result<MasterKey, StartError> {
    let bytes = rand::generate(&SystemRandom::new()).map_err(|_| StartError::Randomness)?;
    Ok(MasterKey::from_bytes(bytes.expose()))
}
