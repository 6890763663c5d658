use std::fmt;

use url::Url;

/// Where Redis is. It may hold a password: `Debug` and `Display` leave that out.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    text: String,
    shown: String,
}

impl RedisUrl {
    /// Reads `redis://...` or, with TLS, `rediss://...`; `None` for anything else. A fragment would ask
    /// for TLS with whoever answers.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_one = |url: &Url| matches!(url.scheme(), "redis" | "rediss") && url.fragment().is_none();
        let url = Url::parse(text).ok().filter(is_one)?;
        let host = url.host_str().filter(|host| !host.is_empty())?;
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let shown = format!("{}://{host}{port}{}", url.scheme(), url.path());
        Some(Self { text: text.to_owned(), shown })
    }

    /// The whole of it, to connect with.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({})", self.shown)
    }
}
