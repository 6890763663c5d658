use super::CommandError;
use crate::{
    config::Config, console, start_error::StartError, stop_signal::StopSignal, summary::summary, telemetry,
    wiring::Application,
};

pub(super) async fn serve(config: Config) -> Result<(), CommandError> {
    let traces = telemetry::start(&config.telemetry).map_err(StartError::Traces)?;
    let application = Application::build(config).await?;
    // Whoever reads where it listens may ask it to stop at once.
    let stop = StopSignal::listen().map_err(StartError::Server)?;
    console::say(&summary(&application));
    let ended = application.run_until(stop).await;
    if let Some(traces) = traces {
        traces.stop().await;
    }
    Ok(ended?)
}
