use std::{net::IpAddr, str::FromStr};

use sea_orm::sqlx::postgres::{PgConnectOptions, PgSslMode};

/// Who can read or change what travels to a PostgreSQL server and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostgresTransport {
    /// It stays on this machine.
    Local,
    /// Nobody: TLS, with a certificate that was checked and is of that host (`sslmode=verify-full`).
    Verified,
    /// Whoever is in between: there is no TLS, because somebody said so (`sslmode=disable`).
    Plain,
    /// Whoever is in between and cares to: TLS only if the server offers it, or with whoever answers. That is what
    /// `require`, `verify-ca`, `allow` and `prefer` amount to; `prefer` holds where nothing is said.
    Unverified,
}

impl PostgresTransport {
    /// As the driver understands the URL. None where it does not: it is not the address of a PostgreSQL server.
    #[must_use]
    pub fn of_url(url: &str) -> Option<Self> {
        let options = PgConnectOptions::from_str(url).ok()?;
        if options.get_socket().is_some() || is_this_machine(options.get_host()) {
            return Some(Self::Local);
        }
        Some(match options.get_ssl_mode() {
            PgSslMode::VerifyFull => Self::Verified,
            PgSslMode::Disable => Self::Plain,
            PgSslMode::Allow | PgSslMode::Prefer | PgSslMode::Require | PgSslMode::VerifyCa => Self::Unverified,
        })
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host.starts_with('/') || host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
