use super::{CommandError, say_json};
use crate::{
    config::{Config, EffectiveValue, Sources},
    console,
};

pub(super) fn show(json: bool, sources: &Sources) -> Result<(), CommandError> {
    let effective = Config::explain(sources)?;
    if json {
        return say_json(&effective);
    }
    for EffectiveValue { key, value, origin } in &effective.0 {
        let value = value.as_deref().unwrap_or("(not set)");
        console::say(&format!("{key:<30} {value:<40} {origin}"));
    }
    Ok(())
}
