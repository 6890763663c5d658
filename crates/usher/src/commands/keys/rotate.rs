use std::sync::Arc;

use usher_domain::KeyState;
use usher_storage::{SeaOrmBackend, SigningKeyStore};

use super::{CommandError, issuer};
use crate::{config::Config, console, database, master_key::FoundKey, start_error::StartError};

pub(super) async fn rotate(config: &Config, backend: &Arc<SeaOrmBackend>, now: bool) -> Result<(), CommandError> {
    let failed = |error| StartError::of_tokens(config, error);
    let master_key = FoundKey::find(config, backend).await?.key;
    let issuer = issuer(config, backend, &master_key).await.map_err(failed)?;
    if now {
        issuer.replace_keys().await.map_err(failed)?;
        console::say("a new key signs, the old ones are dropped: servers follow within a minute");
        return Ok(());
    }
    issuer.rotate_keys().await.map_err(failed)?;
    let keys = backend.signing_keys().await.map_err(|error| database::failed(config, error))?;
    if let Some(next) = keys.iter().find(|key| key.state == KeyState::Next) {
        let (kid, when) = (&next.kid, next.activates_at);
        console::say(&format!("the next key is published: {kid} signs from {when} on, while a server runs"));
    }
    Ok(())
}
