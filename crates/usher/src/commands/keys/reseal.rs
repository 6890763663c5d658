use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use usher_domain::Actor;
use usher_service::{Environment, MasterKey, Revocations, SessionsManager, TokenError};
use usher_storage::SeaOrmBackend;

use super::{CommandError, issuer};
use crate::{
    config::Config,
    console,
    master_key::FoundKey,
    private_file,
    serve_lock::ServeLock,
    start_error::{StartError, chain},
};

/// Each step can be taken again: a run that was interrupted is made good by the next one.
pub(super) async fn reseal(
    config: &Config,
    backend: &Arc<SeaOrmBackend>,
    new_key_file: Option<&Path>,
) -> Result<(), CommandError> {
    let _lock = config.database.url.file().map(ServeLock::take).transpose()?;
    let old = FoundKey::find(config, backend).await?.key;
    let place = Place::of_new_key(config, new_key_file)?;
    let new = FoundKey::read_or_make(place.file())?;
    if new == old {
        let file = place.file().display();
        return Err(CommandError::Usage(format!("{file} holds the master key that is in use: name another file")));
    }
    replace_keys(config, backend, &old, &new).await?;
    let ended = end_sessions(backend).await?;
    place.put_into_use()?;
    console::say(&format!("the master key is changed; sessions ended: {ended}"));
    if let Place::Named(file) = &place {
        console::say(&format!(
            "start the servers with the new one: USHER__SECRETS__MASTER_KEY_FILE={}",
            file.display()
        ));
    }
    Ok(())
}

/// Where the new key is.
enum Place {
    /// Where somebody wants it.
    Named(PathBuf),
    /// Beside the key that usher made, until it takes its place.
    Beside { file: PathBuf, old: PathBuf },
}

impl Place {
    fn of_new_key(config: &Config, named: Option<&Path>) -> Result<Self, CommandError> {
        let own = config.database.url.master_key_file().filter(|_| config.master_key.is_none());
        match (named, own) {
            (Some(file), _) => Ok(Self::Named(file.to_owned())),
            (None, Some(old)) => Ok(Self::Beside { file: private_file::beside(&old, ".next"), old }),
            (None, None) => Err(CommandError::Usage(
                "the master key is one that you gave: say with --new-key-file where the new one is to be".to_owned(),
            )),
        }
    }

    fn file(&self) -> &Path {
        match self {
            Self::Named(file) | Self::Beside { file, .. } => file,
        }
    }

    fn put_into_use(&self) -> Result<(), StartError> {
        match self {
            Self::Named(_) => Ok(()),
            Self::Beside { file, old } => {
                fs::rename(file, old).map_err(|source| StartError::File { path: old.clone(), source })
            }
        }
    }
}

async fn replace_keys(
    config: &Config,
    backend: &Arc<SeaOrmBackend>,
    old: &MasterKey,
    new: &MasterKey,
) -> Result<(), StartError> {
    let resealed = match issuer(config, backend, old).await {
        Ok(issuer) => issuer.reseal_keys(new).await,
        // An earlier run came as far as this.
        Err(TokenError::WrongMasterKey) => issuer(config, backend, new).await.map(drop),
        Err(error) => Err(error),
    };
    resealed.map_err(|error| StartError::of_tokens(config, error))
}

async fn end_sessions(backend: &Arc<SeaOrmBackend>) -> Result<u64, CommandError> {
    let environment = Environment::system();
    let sessions = SessionsManager::new(backend.clone(), Revocations::in_process(&environment), environment);
    let ended = sessions.end_everybodys(&Actor::system()).await;
    ended.map_err(|error| CommandError::Failed(format!("the sessions could not be ended: {}", chain(&error))))
}
