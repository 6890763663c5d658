use std::{fmt, net::SocketAddr};

use url::{Host, Url};

/// Where people reach usher: an origin, that is scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    https: bool,
    host: Host,
    port: Option<u16>,
}

impl PublicUrl {
    /// Reads `http://host` or `https://host`, with or without a port; `None` where there is more to it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let bare = matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none();
        let host = url.host().filter(|_| bare)?.to_owned();
        Some(Self { https: url.scheme() == "https", host, port: url.port() })
    }

    /// The plain http address of something that listens here.
    #[must_use]
    pub fn of_address(address: SocketAddr) -> Self {
        let host = match address {
            SocketAddr::V4(address) => Host::Ipv4(*address.ip()),
            SocketAddr::V6(address) => Host::Ipv6(*address.ip()),
        };
        Self { https: false, host, port: Some(address.port()).filter(|port| *port != 80) }
    }

    /// Whether connections to it are encrypted.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Whether only this machine can reach it.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
        }
    }

    /// The domain that mail from here is from, unless somebody says otherwise.
    pub(super) fn mail_domain(&self) -> String {
        match &self.host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(_) | Host::Ipv6(_) => "localhost".to_owned(),
        }
    }

    /// The same with another port in place of port 0, which stands for one that is not known yet.
    #[must_use]
    pub(super) fn with_actual_port(mut self, port: u16) -> Self {
        if self.port == Some(0) {
            self.port = Some(port);
        }
        self
    }
}

impl fmt::Display for PublicUrl {
    /// Without a slash at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}
