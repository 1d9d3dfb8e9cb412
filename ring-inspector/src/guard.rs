//! The guard: it admits requests from this machine that no page of another site sent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::reply::{plain, protected};

/// The admitted requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guard {
    /// Hosts in addition to this machine's own names.
    pub(crate) hosts: Vec<String>,
    pub(crate) allows_any_peer: bool,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    UnknownPeer,
    OtherMachine,
    Proxy,
    Host,
    OtherSite,
}

impl Refusal {
    fn reason(self) -> &'static str {
        match self {
            Refusal::UnknownPeer => {
                "The peer address of the request is unknown. Serve the router with \
                 `into_make_service_with_connect_info::<SocketAddr>()`, or leave access control to the service by `allow_any_peer()`."
            }
            Refusal::OtherMachine => "The inspector answers this machine only.",
            Refusal::Proxy => {
                "The inspector answers this machine only, and a proxy passed this request on. \
                 `allow_any_peer()` leaves access control to the service."
            }
            Refusal::Host => {
                "The inspector answers at `localhost` and loopback addresses only, so that no other site can pose as it. \
                 `allow_host(..)` allows a name."
            }
            Refusal::OtherSite => {
                "The request came from a page of another site. Type the address of the inspector into the browser."
            }
        }
    }
}

impl Guard {
    fn check(
        &self,
        peer: Option<SocketAddr>,
        host: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<(), Refusal> {
        self.check_peer(peer, headers)?;
        let host = host.ok_or(Refusal::Host)?;
        if !self.is_allowed(host) {
            return Err(Refusal::Host);
        }
        if is_of_other_site(host, headers) {
            return Err(Refusal::OtherSite);
        }
        Ok(())
    }

    fn check_peer(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Result<(), Refusal> {
        const BY_PROXY: [HeaderName; 3] = [
            header::FORWARDED,
            HeaderName::from_static("x-forwarded-for"),
            HeaderName::from_static("x-real-ip"),
        ];
        if self.allows_any_peer {
            return Ok(());
        }
        let peer = peer.ok_or(Refusal::UnknownPeer)?;
        if !is_loopback(peer.ip()) {
            return Err(Refusal::OtherMachine);
        }
        if BY_PROXY.iter().any(|name| headers.contains_key(name)) {
            return Err(Refusal::Proxy);
        }
        Ok(())
    }

    fn is_allowed(&self, authority: &str) -> bool {
        let host = without_port(authority).to_ascii_lowercase();
        is_of_this_machine(&host) || self.hosts.contains(&host)
    }
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// Whether it is a name that always means this machine.
fn is_of_this_machine(host: &str) -> bool {
    if host == "localhost" || host.ends_with(".localhost") {
        return true;
    }
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match bracketed {
        Some(address) => address
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| is_loopback(address.into())),
        None => host
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback()),
    }
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Whether a page of another site sent the request. Browsers tell, and pages cannot forge it.
fn is_of_other_site(host: &str, headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let site = text(&HeaderName::from_static("sec-fetch-site"));
    if site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return true;
    }
    let origin = text(&header::ORIGIN);
    origin.is_some_and(|origin| {
        let own = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"));
        !own.is_some_and(|own| own.eq_ignore_ascii_case(host))
    })
}

/// The requested host; in HTTP/2 it is in the URI.
fn host(request: &Request) -> Option<&str> {
    let mut named = request.headers().get_all(header::HOST).iter();
    match (named.next(), named.next()) {
        (Some(host), None) => host.to_str().ok(),
        (None, None) => request.uri().authority().map(|authority| authority.as_str()),
        // With two of them, a proxy may have read the other one.
        _ => None,
    }
}

pub(crate) async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|ConnectInfo(peer)| *peer);
    match guard.check(peer, host(&request), request.headers()) {
        Ok(()) => protected(next.run(request).await),
        Err(refusal) => protected(plain(StatusCode::FORBIDDEN, format!("{}\n", refusal.reason()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_answered() {
        let guard = Guard {
            hosts: vec!["cache.example.com".into()],
            allows_any_peer: false,
        };
        for host in [
            "localhost",
            "localhost:9009",
            "LocalHost:1",
            "cache.localhost:80",
            "127.0.0.1",
            "127.1.2.3:9009",
            "[::1]:9009",
            "[::ffff:127.0.0.1]",
            "cache.example.com:443",
            "Cache.Example.Com",
        ] {
            assert!(guard.is_allowed(host), "{host}");
        }
        for host in [
            "",
            ":9009",
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "localhost:80@example.com",
            "evil.cache.example.com",
            "0.0.0.0:9009",
            "10.0.0.1",
            "[::2]",
            "[::1",
            "::1",
            "127.1",
            "2130706433",
            "localhost.",
        ] {
            assert!(!guard.is_allowed(host), "{host}");
        }
    }
}
