//! Where a request comes from.

use std::{fmt, net::IpAddr};

use serde::{Serialize, Serializer};

use crate::{IdSource, Languages};

/// The id that follows a request through answer, log and activity entry: 1-64 of `[A-Za-z0-9._-]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// Takes an id of that form; `None` for any other.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        ((1..=64).contains(&text.len()) && text.bytes().all(allowed)).then(|| Self(text.to_owned()))
    }

    /// A new id from the given source.
    pub fn generate(ids: &dyn IdSource) -> Self {
        Self(ids.next_uuid().to_string())
    }

    /// The id itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Where a request came from, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientInfo {
    /// The client's address, behind trusted proxies too.
    pub ip: Option<IpAddr>,
    user_agent: Option<String>,
    /// The id of the request.
    pub request_id: Option<RequestId>,
    /// Whether a proxy, trusted or not, says that it passed the request on.
    pub forwarded: bool,
    accept_language: Option<String>,
}

impl ClientInfo {
    /// The most characters of a user agent that are kept.
    pub const USER_AGENT_LENGTH: usize = 256;

    /// The longest `Accept-Language` that is looked at.
    const ACCEPT_LANGUAGE_LENGTH: usize = 256;

    /// Puts the facts together. Of the user agent the first 256 characters are kept, without control
    /// characters.
    #[must_use]
    pub fn new(ip: Option<IpAddr>, user_agent: Option<&str>, request_id: Option<RequestId>) -> Self {
        let user_agent =
            user_agent.map(|text| text.chars().filter(|c| !c.is_control()).take(Self::USER_AGENT_LENGTH).collect());
        Self { ip, user_agent, request_id, ..Self::default() }
    }

    /// The same, with the `Accept-Language` of the request. Of one that is longer than 256 bytes nothing is
    /// kept.
    #[must_use]
    pub fn accepting(mut self, language: Option<&str>) -> Self {
        self.accept_language = language.filter(|text| text.len() <= Self::ACCEPT_LANGUAGE_LENGTH).map(str::to_owned);
        self
    }

    /// The languages that the client asks for.
    #[must_use]
    pub fn languages(&self) -> Languages {
        self.accept_language.as_deref().map(Languages::parse).unwrap_or_default()
    }

    /// The same, passed on by a proxy.
    #[must_use]
    pub fn forwarded(mut self, forwarded: bool) -> Self {
        self.forwarded = forwarded;
        self
    }

    /// What the client says it is.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }
}
