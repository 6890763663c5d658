//! How values are written: numbers, spans of time, sizes, lists.

use std::time::Duration;

use config::ValueKind;

/// What is wrong with a value, and how to write it instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) problem: String,
    pub(super) remedy: String,
}

impl Complaint {
    pub(super) fn new(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { problem: problem.into(), remedy: remedy.into() }
    }
}

/// The text of a value, as far as it is one.
pub(super) fn text(value: &ValueKind) -> Option<String> {
    match value {
        ValueKind::String(text) => Some(text.clone()),
        ValueKind::Nil
        | ValueKind::Boolean(_)
        | ValueKind::I64(_)
        | ValueKind::I128(_)
        | ValueKind::U64(_)
        | ValueKind::U128(_)
        | ValueKind::Float(_)
        | ValueKind::Table(_)
        | ValueKind::Array(_) => None,
    }
}

/// A whole number, or text that is one.
pub(super) fn integer(value: &ValueKind) -> Option<i64> {
    match value {
        ValueKind::I64(number) => Some(*number),
        ValueKind::U64(number) => i64::try_from(*number).ok(),
        _ => text(value)?.parse().ok(),
    }
}

/// `true` or `false`, and nothing that merely means it.
pub(super) fn boolean(value: &ValueKind) -> Option<bool> {
    match value {
        ValueKind::Boolean(answer) => Some(*answer),
        _ => text(value)?.parse().ok(),
    }
}

/// Seconds, or a number with `ms`, `s`, `m`, `h` or `d` behind it.
pub(super) fn duration(value: &ValueKind) -> Option<Duration> {
    const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    match integer(value) {
        Some(seconds) => u64::try_from(seconds).ok().map(Duration::from_secs),
        None => with_unit(&text(value)?, &UNITS).map(Duration::from_millis),
    }
}

/// Bytes, or a number with `B`, `KiB` or `MiB` behind it.
pub(super) fn size(value: &ValueKind) -> Option<u64> {
    const UNITS: [(&str, u64); 3] = [("B", 1), ("KiB", 1024), ("MiB", 1024 * 1024)];
    match integer(value) {
        Some(bytes) => u64::try_from(bytes).ok(),
        None => with_unit(&text(value)?, &UNITS),
    }
}

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// An array of texts, or texts separated by commas; white space around them does not count.
pub(super) fn list(value: &ValueKind) -> Option<Vec<String>> {
    match value {
        ValueKind::Array(items) => items.iter().map(|item| text(&item.kind)).collect(),
        _ => Some(text(value)?.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()),
    }
}

/// A span of time as [`duration`] reads it, in the largest unit that fits.
pub(super) fn show_duration(duration: Duration) -> String {
    const UNITS: [(&str, u128); 4] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
    let millis = duration.as_millis();
    match UNITS.iter().find(|(_, factor)| millis >= *factor && millis.is_multiple_of(*factor)) {
        Some((unit, factor)) => format!("{}{unit}", millis / factor),
        None if millis == 0 => "0s".to_owned(),
        None => format!("{millis}ms"),
    }
}

/// A number of bytes as [`size`] reads it.
pub(super) fn show_size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 2] = [("MiB", 1024 * 1024), ("KiB", 1024)];
    match UNITS.iter().find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor)) {
        Some((unit, factor)) => format!("{}{unit}", bytes / factor),
        None => format!("{bytes}B"),
    }
}

/// A value as it may be shown in a message, in quotes where it is text.
pub(super) fn show(value: &ValueKind) -> String {
    match value {
        ValueKind::String(text) => format!("{text:?}"),
        ValueKind::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| show(&item.kind)).collect();
            format!("[{}]", items.join(", "))
        }
        ValueKind::Table(_) => "a table".to_owned(),
        other => other.to_string(),
    }
}
