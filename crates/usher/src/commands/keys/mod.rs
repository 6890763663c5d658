mod list;
mod reseal;
mod rotate;

use std::sync::Arc;

use usher_service::{Environment, MasterKey, TokenError, TokenIssuer};
use usher_storage::SeaOrmBackend;

use super::CommandError;
use crate::{cli::Keys, config::Config, database};

pub(super) async fn keys(command: &Keys, config: &Config) -> Result<(), CommandError> {
    let backend = Arc::new(database::open(config).await?);
    let done = match command {
        Keys::List { json } => list::list(config, &backend, *json).await,
        Keys::Rotate { now } => rotate::rotate(config, &backend, *now).await,
        Keys::Reseal { new_key_file } => reseal::reseal(config, &backend, new_key_file.as_deref()).await,
    };
    backend.close().await;
    done
}

async fn issuer(
    config: &Config,
    backend: &Arc<SeaOrmBackend>,
    master_key: &MasterKey,
) -> Result<TokenIssuer, TokenError> {
    TokenIssuer::open(backend.clone(), master_key, config.tokens.clone(), Environment::system()).await
}
