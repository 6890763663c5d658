use config::ValueKind;
use serde::Serialize;

use super::{
    database_url::DatabaseUrl,
    forms,
    keys::{self, Kind},
    layers::{Setting, Settings},
    redis_url::RedisUrl,
};

const REDACTED: &str = "[redacted]";

/// The values in force, and where each came from; secrets are left out.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Effective(pub Vec<EffectiveValue>);

/// The value of one key.
#[derive(Debug, Clone, Serialize)]
pub struct EffectiveValue {
    /// The key.
    pub key: &'static str,
    /// Its value, as it would be written; none where there is none.
    pub value: Option<String>,
    /// Where it came from.
    pub origin: String,
}

impl Effective {
    pub(super) fn of(settings: &Settings) -> Self {
        let value = |key: &&'static keys::Key| {
            let setting = settings.get(key);
            EffectiveValue {
                key: key.name,
                value: setting.map(|setting| shown(key.kind, setting)),
                origin: setting.map_or_else(|| "default".to_owned(), |setting| setting.origin.clone()),
            }
        };
        Self(keys::ALL.iter().map(value).collect())
    }
}

fn shown(kind: Kind, setting: &Setting) -> String {
    match kind {
        Kind::Secret => REDACTED.to_owned(),
        Kind::DatabaseUrl => {
            let url = forms::text(&setting.value).and_then(|text| DatabaseUrl::parse(&text));
            url.map_or_else(|| REDACTED.to_owned(), |url| url.to_string())
        }
        Kind::RedisUrl => {
            let url = forms::text(&setting.value).and_then(|text| RedisUrl::parse(&text));
            url.map_or_else(|| REDACTED.to_owned(), |url| url.to_string())
        }
        Kind::List => forms::list(&setting.value).unwrap_or_default().join(","),
        Kind::Text | Kind::Choice(_) | Kind::Integer(..) | Kind::Boolean | Kind::Duration(..) | Kind::Size(..) => {
            match &setting.value {
                ValueKind::String(text) => text.clone(),
                other => other.to_string(),
            }
        }
    }
}
