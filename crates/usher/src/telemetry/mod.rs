//! Logs: on standard error, text for people, JSON for machines, always in UTC; and traces, where somebody wants them.

pub(crate) mod traces;

use std::{
    fmt::{self, Debug, Write},
    io::{self, IsTerminal},
    panic,
};

use tracing::Subscriber;
use tracing_subscriber::{
    Layer, Registry,
    field::MakeExt,
    filter::{LevelFilter, Targets},
    fmt::{MakeWriter, format},
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

pub use self::traces::{Traces, TracesError};
use crate::config::{LogFormat, LogLevel, Telemetry};

/// Starts logging for the whole process, and traces where they are wanted; those are to be stopped in the end. Later
/// calls change nothing.
///
/// # Errors
/// [`TracesError`].
pub fn start(settings: &Telemetry) -> Result<Option<Traces>, TracesError> {
    let traces = settings.otlp_endpoint.as_ref().map(Traces::start).transpose()?;
    let logs = subscriber(settings, io::stderr().is_terminal(), io::stderr);
    if logs.with(traces.as_ref().map(Traces::layer)).try_init().is_ok() {
        panic::set_hook(Box::new(|panic| {
            // The message of a panic may hold what a client sent, so only the place is told.
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(place, "a defect stopped a task");
        }));
    }
    Ok(traces)
}

/// What takes the messages and writes them, a line each.
pub fn subscriber<W>(
    settings: &Telemetry,
    terminal: bool,
    writer: W,
) -> impl Subscriber + for<'span> LookupSpan<'span> + Send + Sync + use<W>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let text = match settings.log_format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => terminal,
    };
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    let layer: Box<dyn Layer<Registry> + Send + Sync> = if text {
        let fields = format::debug_fn(|writer, field, value| write_field(writer, field.name(), value)).delimited(" ");
        layer.with_ansi(terminal).fmt_fields(fields).boxed()
    } else {
        layer.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
    };
    tracing_subscriber::registry().with(layer.with_filter(filter(settings.log_level)))
}

/// Our own messages at the level that was asked for. Other crates say nothing below `info`, where they
/// might repeat what was sent, and the database driver never repeats statements.
fn filter(level: LogLevel) -> Targets {
    let own = match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    Targets::new()
        .with_default(own.min(LevelFilter::INFO))
        .with_target("usher", own)
        .with_target("actix_server", own.min(LevelFilter::WARN))
        .with_target("sea_orm_migration", own.min(LevelFilter::WARN))
        .with_target("sqlx", own.min(LevelFilter::WARN))
        .with_target("sqlx::query", LevelFilter::OFF)
}

/// A field, with what could break out of its line or steer a terminal escaped.
fn write_field(writer: &mut format::Writer<'_>, name: &str, value: &dyn Debug) -> fmt::Result {
    let mut escaped = Escaping(writer);
    if name == "message" { write!(escaped, "{value:?}") } else { write!(escaped, "{name}={value:?}") }
}

struct Escaping<'a, W>(&'a mut W);

impl<W: Write> Write for Escaping<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
                write!(self.0, "{}", c.escape_unicode())?;
            } else {
                self.0.write_char(c)?;
            }
        }
        Ok(())
    }
}
