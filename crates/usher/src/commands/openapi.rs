use super::CommandError;
use crate::{config::Config, console};

pub(super) fn openapi(config: &Config) -> Result<(), CommandError> {
    let document = usher_api::openapi(&config.http.base_path).to_pretty_json();
    console::say(&document.map_err(|error| CommandError::Failed(error.to_string()))?);
    Ok(())
}
