use std::{
    future::{Ready, ready},
    net::{IpAddr, SocketAddr},
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{ACCEPT_LANGUAGE, FORWARDED, HeaderMap, HeaderName, USER_AGENT, X_FORWARDED_FOR, X_FORWARDED_HOST},
};
use ipnet::IpNet;
use usher_domain::ClientInfo;

use crate::{error::ApiError, request::RequestContext, state::state_of};

const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Where the request came from.
#[derive(Debug)]
pub(crate) struct Client(pub ClientInfo);

impl FromRequest for Client {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(client_info(request).map(Self))
    }
}

pub(crate) fn client_info(request: &HttpRequest) -> Result<ClientInfo, ApiError> {
    let headers = request.headers();
    let trusted = &state_of(request)?.settings.trusted_proxies;
    let ip = request.peer_addr().map(|peer| client_ip(peer.ip(), headers, trusted));
    let user_agent = headers.get(USER_AGENT).map(|text| String::from_utf8_lossy(text.as_bytes()));
    let forwarded = [FORWARDED, X_FORWARDED_FOR, X_FORWARDED_HOST, X_REAL_IP];
    let forwarded = forwarded.iter().any(|name| headers.contains_key(name));
    let id = RequestContext::of(request).map(|context| context.id);
    let languages = headers.get(ACCEPT_LANGUAGE).and_then(|text| text.to_str().ok());
    Ok(ClientInfo::new(ip, user_agent.as_deref(), id).forwarded(forwarded).accepting(languages))
}

/// The address that the nearest untrusted hop has. Proxies append the address that they were called
/// from, so the list is read from its end, for as long as it was trusted hops that wrote it.
fn client_ip(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |ip: IpAddr| trusted.iter().any(|network| network.contains(&ip));
    let nearest_untrusted = |hops: Vec<Option<IpAddr>>| {
        let mut nearest = peer;
        for hop in hops.into_iter().rev() {
            match hop {
                Some(ip) if is_trusted(nearest) => nearest = ip,
                Some(_) | None => break,
            }
        }
        nearest
    };
    let named_by = |name, read: fn(&str) -> Option<IpAddr>| {
        headers.contains_key(&name).then(|| nearest_untrusted(hops(headers, &name, read)))
    };
    match (named_by(X_FORWARDED_FOR, read_address), named_by(FORWARDED, read_forwarded)) {
        (Some(one), Some(other)) if one != other => peer, // The proxy writes one, the client wrote the other.
        (Some(ip), _) | (None, Some(ip)) => ip,
        (None, None) => peer,
    }
}

/// The hops that the lines of a header list, in order; none for one that is not an address.
fn hops(headers: &HeaderMap, name: &HeaderName, read: fn(&str) -> Option<IpAddr>) -> Vec<Option<IpAddr>> {
    headers
        .get_all(name)
        .flat_map(|line| line.to_str().unwrap_or_default().split(',').map(|hop| read(hop.trim())).collect::<Vec<_>>())
        .collect()
}

/// The `for` of an element of `Forwarded` (RFC 7239, 4).
fn read_forwarded(element: &str) -> Option<IpAddr> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        if name.eq_ignore_ascii_case("for") { read_address(value.trim_matches('"')) } else { None }
    })
}

/// An address, with or without a port, an IPv6 one with or without brackets.
fn read_address(text: &str) -> Option<IpAddr> {
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    text.parse().ok().or_else(bracketed).or_else(with_port).map(|ip: IpAddr| ip.to_canonical())
}
