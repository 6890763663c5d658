//! The documented sample file, made from the table of keys.

use super::{
    forms::{show_duration, show_size},
    keys::{self, Fallback, Key, Kind},
};

const HEAD: &str = "\
# The configuration of usher: every key, what it is for, and what holds where it is not set.
#
# Read from `usher.toml` in the working directory, or from `--config FILE`. Each key can be set in the
# environment, too, where USHER__HTTP__BIND is http.bind, lists are separated by commas, and `.env` is
# read as well. The environment wins over this file, and the command line over both.
#
# Spans of time are seconds, or a number with ms, s, m, h or d behind it; sizes are bytes, or a number
# with KiB or MiB behind it. A secret can also be given as the name of a file that holds it, with _file
# behind the key: the value itself then stands neither here nor in the environment.
";

/// The sample file: all keys, commented out, with their defaults.
#[must_use]
pub fn sample() -> String {
    let mut text = HEAD.to_owned();
    let mut section = None;
    for key in keys::ALL {
        let (own_section, name) = key.split();
        if own_section != section {
            section = own_section;
            text.push_str(&own_section.map(|section| format!("\n[{section}]\n")).unwrap_or_default());
        }
        text.push('\n');
        for line in key.doc {
            text.push_str(&format!("#{line}\n"));
        }
        if let Some(bounds) = bounds(key.kind) {
            text.push_str(&format!("# {bounds}\n"));
        }
        text.push_str(&example(key, name));
    }
    text
}

fn bounds(kind: Kind) -> Option<String> {
    match kind {
        Kind::Choice(words) => Some(format!("One of: {}.", words.join(", "))),
        Kind::Integer(min, max) => Some(format!("From {min} to {max}.")),
        Kind::Duration(min, max) => {
            let millis = std::time::Duration::from_millis;
            Some(format!("From {} to {}.", show_duration(millis(min)), show_duration(millis(max))))
        }
        Kind::Size(min, max) => Some(format!("From {} to {}.", show_size(min), show_size(max))),
        Kind::Text | Kind::Boolean | Kind::List | Kind::Secret | Kind::DatabaseUrl | Kind::RedisUrl => None,
    }
}

fn example(key: &Key, name: &str) -> String {
    let (what, value) = match key.default {
        Fallback::Is(value) => (None, value),
        Fallback::Follows(what, value) | Fallback::Nothing(what, value) => (Some(what), value),
    };
    let mut text = what.map(|what| format!("# Without it: {what}.\n")).unwrap_or_default();
    text.push_str(&format!("# {name} = {}\n", literal(key.kind, value)));
    if key.is_secret() {
        text.push_str(&format!("# {name}_file = \"/run/secrets/{name}\"\n"));
    }
    text
}

/// A value as TOML writes it.
fn literal(kind: Kind, text: &str) -> String {
    match kind {
        Kind::Integer(..) | Kind::Boolean => text.to_owned(),
        Kind::List => {
            let items: Vec<_> =
                text.split(',').filter(|item| !item.is_empty()).map(|item| format!("{item:?}")).collect();
            format!("[{}]", items.join(", "))
        }
        Kind::Text
        | Kind::Choice(_)
        | Kind::Duration(..)
        | Kind::Size(..)
        | Kind::Secret
        | Kind::DatabaseUrl
        | Kind::RedisUrl => {
            format!("{text:?}")
        }
    }
}
