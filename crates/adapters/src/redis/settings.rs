use std::{fmt, time::Duration};

use redis::{Client, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, io::tcp::TcpSettings};

/// How to reach Redis, and how long to wait for it.
#[derive(Clone)]
pub struct RedisSettings {
    /// Where it is: `redis://user:password@host:port/database`, of which only the host is needed, or the
    /// same with `rediss://` for TLS; on Unix also `unix:///path?db=1&user=name&pass=password`. With TLS
    /// the certificate is checked against those that the system trusts.
    pub url: String,
    /// What the name of every key begins with (`usher:`), so that several can share a database.
    pub key_prefix: String,
    /// How long a call may take, connecting included (50 ms).
    pub timeout: Duration,
}

/// A URL that leads to no Redis. Which one is not told: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRedisUrl {
    /// Not of the form that [`RedisSettings::url`] tells.
    #[error("the URL of Redis must look like redis://[[user]:password@]host[:port][/database], with rediss:// for TLS")]
    Form,
    /// It asks for TLS with whoever answers.
    #[error("the URL of Redis must not end with #insecure: with TLS the server's certificate is always checked")]
    Insecure,
}

impl RedisSettings {
    /// The defaults.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), key_prefix: "usher:".to_owned(), timeout: Duration::from_millis(50) }
    }

    pub(super) fn client(&self) -> Result<Client, InvalidRedisUrl> {
        let invalid = |_| InvalidRedisUrl::Form;
        let info = self.url.as_str().into_connection_info().map_err(invalid)?;
        if let ConnectionAddr::TcpTls { insecure, .. } = info.addr() {
            if *insecure {
                return Err(InvalidRedisUrl::Insecure);
            }
            // For the whole process. Whoever was here before has decided.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let login = named(info.redis_settings().clone());
        let tcp = TcpSettings::default().set_nodelay(true);
        Client::open(info.set_redis_settings(login).set_tcp_settings(tcp)).map_err(invalid)
    }
}

/// `CLIENT LIST` shows whose connection it is.
fn named(login: RedisConnectionInfo) -> RedisConnectionInfo {
    login.set_lib_name("usher", env!("CARGO_PKG_VERSION"))
}

impl fmt::Debug for RedisSettings {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSettings")
            .field("url", &"[redacted]")
            .field("key_prefix", &self.key_prefix)
            .field("timeout", &self.timeout)
            .finish()
    }
}
