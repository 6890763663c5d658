use super::CommandError;
use crate::{config::Config, console, summary::summary, telemetry, wiring::Application};

pub(super) async fn serve(config: Config) -> Result<(), CommandError> {
    telemetry::start(config.telemetry);
    let application = Application::build(config).await?;
    console::say(&summary(&application));
    Ok(application.run_until_stopped().await?)
}
