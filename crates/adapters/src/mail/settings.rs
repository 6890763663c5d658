use std::{fmt, net::IpAddr, time::Duration};

use lettre::transport::smtp::{authentication::Credentials, client::TlsParameters};
use rustls::pki_types::ServerName;
use url::{Host, Url};
use usher_domain::PlainPassword;

use super::MailFrom;

/// How to reach the mail server, and whom mails are from.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// Where it is: `smtps://host` (port 465) speaks TLS from the first byte, `smtp://host` (port 587)
    /// begins it with STARTTLS and gives up where that is not offered. The certificate is checked against
    /// those that the system trusts. `smtp://host?tls=none` (port 25) is for a mail catcher or a relay on
    /// this machine or next to it.
    pub url: String,
    /// Who signs in there, if anybody does.
    pub login: Option<SmtpLogin>,
    /// Whom mails are from.
    pub from: MailFrom,
    /// How long sending a mail may take, from connecting to the server's word that it has it (30 s).
    pub timeout: Duration,
}

/// A user of a mail server.
#[derive(Clone)]
pub struct SmtpLogin {
    /// The name.
    pub username: String,
    /// The password.
    pub password: PlainPassword,
}

/// Settings that lead to no mail server. The URL is not told: somebody may have put a password there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSmtpSettings {
    /// Not of the form that [`SmtpSettings::url`] tells.
    #[error("the URL of the mail server must look like smtps://host[:port] or smtp://host[:port][?tls=none]")]
    Url,
    /// It holds a user or a password.
    #[error("the URL of the mail server must hold no user and no password: they have settings of their own")]
    LoginInUrl,
    /// The password would travel for everybody to read.
    #[error("without TLS nobody signs in at a mail server that is not on this machine")]
    LoginWithoutTls,
    /// TLS was asked for and cannot be had.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

impl SmtpSettings {
    /// The defaults.
    #[must_use]
    pub fn new(url: impl Into<String>, from: MailFrom) -> Self {
        Self { url: url.into(), login: None, from, timeout: Duration::from_secs(30) }
    }

    /// Whether they lead to a mail server. Nobody is asked there.
    ///
    /// # Errors
    /// [`InvalidSmtpSettings`].
    pub fn check(&self) -> Result<(), InvalidSmtpSettings> {
        self.server().map(drop)
    }

    /// Whether mails, and the links in them, travel to another machine for everybody in between to read.
    #[must_use]
    pub fn is_readable_on_its_way(&self) -> bool {
        self.server().is_ok_and(|server| matches!(server.security, Security::None) && !is_this_machine(&server.host))
    }

    pub(super) fn server(&self) -> Result<Server, InvalidSmtpSettings> {
        let url = Url::parse(&self.url).map_err(|_| InvalidSmtpSettings::Url)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidSmtpSettings::LoginInUrl);
        }
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(InvalidSmtpSettings::Url);
        }
        let host = match url.host().ok_or(InvalidSmtpSettings::Url)? {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        ServerName::try_from(host.as_str()).map_err(|_| InvalidSmtpSettings::Url)?;
        let tls = || TlsParameters::new(host.clone()).map_err(|error| InvalidSmtpSettings::Tls(error.to_string()));
        let (security, port) = match (url.scheme(), url.query()) {
            ("smtps", None) => (Security::Tls(tls()?), 465),
            ("smtp", None) => (Security::StartTls(tls()?), 587),
            ("smtp", Some("tls=none")) if self.login.is_some() && !is_this_machine(&host) => {
                return Err(InvalidSmtpSettings::LoginWithoutTls);
            }
            ("smtp", Some("tls=none")) => (Security::None, 25),
            _ => return Err(InvalidSmtpSettings::Url),
        };
        let credentials = self.login.as_ref().map(SmtpLogin::credentials);
        Ok(Server { host, port: url.port().unwrap_or(port), security, credentials })
    }
}

/// A mail server, as it was understood.
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) credentials: Option<Credentials>,
}

/// What keeps others from listening.
pub(super) enum Security {
    Tls(TlsParameters),
    StartTls(TlsParameters),
    None,
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

impl SmtpLogin {
    fn credentials(&self) -> Credentials {
        Credentials::new(self.username.clone(), self.password.as_typed().to_owned())
    }
}

impl fmt::Debug for SmtpLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmtpLogin([redacted])")
    }
}
