use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs},
    time::Duration,
};

use url::Url;

use super::CommandError;
use crate::{cli::Health, config::Config, console};

const PATIENCE: Duration = Duration::from_secs(5);

/// Asks `/health/ready` over plain HTTP, without a shell or another program: for containers.
pub(super) fn health(
    health: &Health,
    config: impl FnOnce() -> Result<Config, CommandError>,
) -> Result<(), CommandError> {
    let (host, address) = match &health.url {
        Some(url) => address_of(url)?,
        None => {
            let address = reachable(config()?.http.bind);
            (address.to_string(), address)
        }
    };
    match status(&host, address) {
        Ok(200) => {
            console::say("ready");
            Ok(())
        }
        Ok(status) => Err(CommandError::Failed(format!("http://{host} is not ready: it answers {status}"))),
        Err(error) => Err(CommandError::Failed(format!("http://{host} does not answer: {error}"))),
    }
}

fn address_of(text: &str) -> Result<(String, SocketAddr), CommandError> {
    let usage = || CommandError::Usage(format!("{text:?} cannot be asked: write --url http://host:port"));
    let url = Url::parse(text).ok().filter(|url| url.scheme() == "http").ok_or_else(usage)?;
    let host = url.host_str().ok_or_else(usage)?;
    let port = url.port().unwrap_or(80);
    let address = (host.trim_matches(['[', ']']), port).to_socket_addrs().ok().and_then(|mut found| found.next());
    let unknown = || CommandError::Failed(format!("{host} is not known on this machine"));
    Ok((format!("{host}:{port}"), address.ok_or_else(unknown)?))
}

/// A server that listens on all addresses can be asked on its own.
fn reachable(bind: SocketAddr) -> SocketAddr {
    let ip = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other,
    };
    SocketAddr::new(ip, bind.port())
}

fn status(host: &str, address: SocketAddr) -> io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /health/ready HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    // "HTTP/1.1 200"
    let mut line = [0; 12];
    stream.read_exact(&mut line)?;
    let status = line.strip_prefix(b"HTTP/1.1 ").and_then(|digits| str::from_utf8(digits).ok()?.parse().ok());
    status.ok_or_else(|| io::Error::other("that is not HTTP"))
}
