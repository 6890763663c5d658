use serde::Serialize;
use usher_domain::{SigningKeyRecord, Timestamp};
use usher_storage::{SeaOrmBackend, SigningKeyStore};

use super::CommandError;
use crate::{commands::say_json, config::Config, console, database};

#[derive(Serialize)]
struct Key<'a> {
    kid: &'a str,
    algorithm: &'static str,
    state: &'static str,
    created_at: Timestamp,
    activates_at: Timestamp,
    retires_at: Option<Timestamp>,
}

impl<'a> From<&'a SigningKeyRecord> for Key<'a> {
    fn from(record: &'a SigningKeyRecord) -> Self {
        Self {
            kid: &record.kid,
            algorithm: record.algorithm.as_str(),
            state: record.state.as_str(),
            created_at: record.created_at,
            activates_at: record.activates_at,
            retires_at: record.retires_at,
        }
    }
}

pub(super) async fn list(config: &Config, backend: &SeaOrmBackend, json: bool) -> Result<(), CommandError> {
    let records = backend.signing_keys().await.map_err(|error| database::failed(config, error))?;
    let keys: Vec<_> = records.iter().map(Key::from).collect();
    if json {
        return say_json(&keys);
    }
    for key in keys {
        let since = match key.retires_at {
            Some(end) => format!("good until {end}"),
            None => format!("signs from {}", key.activates_at),
        };
        console::say(&format!("{:<8}  {:<5}  {}  {since}", key.state, key.algorithm, key.kid));
    }
    Ok(())
}
