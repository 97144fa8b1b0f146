//! What the data path may be told: where the application is, and every limit and timeout with its default.
//! In: the command line's words. Out: values that are proved, shared by all workers.

use super::{budget::Budget, keepalive::TcpKeepalive, name::Name};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Everything that `burgee run` may tell the data path. A timeout of zero is none.
#[derive(Debug)]
pub struct Settings {
    /// where the application is
    pub upstream: Upstream,
    /// which HTTP the application is spoken to in
    pub protocol: Protocol,
    /// where burgee itself responds to `GET` and `HEAD`; `None` leaves all paths to the application
    pub health_path: Option<Box<str>>,
    /// how many hops before us write X-Forwarded-For truthfully
    pub trusted_hops: usize,
    /// whether we add ourselves to X-Forwarded-For, -Proto and Forwarded
    pub forwarded: Forwarded,
    /// send field names as they came, not in lower case
    pub preserve_header_case: bool,
    /// echo the assigned headers on responses
    pub debug_response: bool,
    /// from the first byte of a connection, or of a request, to the end of its head
    pub head_timeout: Duration,
    /// between two requests of a connection
    pub idle_timeout: Duration,
    /// so long after a response, an HTTP/1.1 connection keeps what it needs to read a request, and then only its socket
    pub park_after: Duration,
    /// to connect to the application
    pub connect_timeout: Duration,
    /// from the end of a request to the head of its response
    pub response_timeout: Duration,
    /// how long an unused connection to the application is kept; below what applications close after
    pub upstream_idle_timeout: Duration,
    /// how long an expected `100 Continue` is waited for before the body is sent all the same; zero: not at all
    pub continue_timeout: Duration,
    /// how a peer that has vanished is noticed, on both sides
    pub tcp_keepalive: TcpKeepalive,
    /// bytes of a request's head
    pub max_head: usize,
    /// fields of a request's head
    pub max_fields: usize,
    /// open client connections, all workers together
    pub max_connections: usize,
    /// open connections to the application, all workers together
    pub max_upstream_connections: usize,
    /// concurrent streams of an HTTP/2 connection
    pub h2_max_streams: u32,
    /// bytes of an HTTP/2 request's header list
    pub h2_max_header_list: u32,
    /// the memory that clients may take, all workers together
    pub budget: Arc<Budget>,
    /// connections that are open now; none at first
    pub open: Open,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            upstream: Upstream::Tcp {
                addresses: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))],
                authority: "127.0.0.1:8080".into(),
            },
            protocol: Protocol::Auto,
            health_path: Some("/health".into()),
            trusted_hops: 0,
            forwarded: Forwarded::Keep,
            preserve_header_case: false,
            debug_response: false,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            park_after: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(60),
            upstream_idle_timeout: Duration::from_secs(4),
            continue_timeout: Duration::from_secs(1),
            tcp_keepalive: TcpKeepalive::default(),
            max_head: 64 * 1024,
            max_fields: 100,
            max_connections: 10_000,
            max_upstream_connections: 1024,
            h2_max_streams: 100,
            h2_max_header_list: 32 * 1024,
            budget: Arc::default(),
            open: Open::default(),
        }
    }
}

/// Where the application is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// `http://HOST:PORT`
    Tcp {
        /// tried in this order
        addresses: Vec<SocketAddr>,
        /// what an HTTP/1.0 request without a Host is given
        authority: Box<str>,
    },
    /// `http://NAME:PORT`
    Named {
        /// what has to be resolved
        name: Arc<Name>,
        /// what an HTTP/1.0 request without a Host is given
        authority: Box<str>,
    },
    /// `unix:/PATH`
    Unix(PathBuf),
}

impl Upstream {
    /// The ports that it has connections to.
    pub fn ports(&self) -> Vec<u16> {
        match self {
            Upstream::Tcp { addresses, .. } => addresses.iter().map(SocketAddr::port).collect(),
            Upstream::Named { name, .. } => vec![name.port],
            Upstream::Unix(_) => Vec::new(),
        }
    }

    /// Another number where a name has other addresses.
    pub fn generation(&self) -> u64 {
        match self {
            Upstream::Named { name, .. } => name.generation(),
            Upstream::Tcp { .. } | Upstream::Unix(_) => 0,
        }
    }

    /// Whether connections to this address are of no more use: its name has others.
    pub fn has_left(&self, address: Option<SocketAddr>) -> bool {
        match (self, address) {
            (Upstream::Named { name, .. }, Some(address)) => !name.has(&address),
            _ => false,
        }
    }

    /// The host of a request that names none.
    pub fn authority(&self) -> &str {
        match self {
            Upstream::Tcp { authority, .. } | Upstream::Named { authority, .. } => authority,
            Upstream::Unix(_) => "localhost",
        }
    }
}

/// An address or `localhost` needs no resolver; any other name is looked up beside the traffic.
impl FromStr for Upstream {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return match path.starts_with('/') {
                true => Ok(Upstream::Unix(path.into())),
                false => Err(format!("`{text}`: write unix:/ABSOLUTE/PATH")),
            };
        }
        let shape = || format!("`{text}`: write http://HOST:PORT or unix:/PATH");
        let rest = text.strip_prefix("http://").ok_or_else(shape)?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match authority.rfind(':') {
            Some(colon) if !authority[colon..].contains(']') => {
                let port = authority[colon + 1..].parse().map_err(|_| shape())?;
                (&authority[..colon], port)
            }
            _ => (authority, 80),
        };
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let ips: Vec<IpAddr> = match (host, bare) {
            ("localhost", _) => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            (_, Some(v6)) => vec![v6.parse::<Ipv6Addr>().map_err(|_| shape())?.into()],
            (host, None) => match host.parse::<Ipv4Addr>() {
                Ok(v4) => vec![v4.into()],
                Err(_) => {
                    let wrong = || format!("`{text}`: the host must be an IP address or a name");
                    return Ok(Upstream::Named {
                        name: Arc::new(Name::new(host, port).ok_or_else(wrong)?),
                        authority: authority.into(),
                    });
                }
            },
        };
        Ok(Upstream::Tcp {
            addresses: ips.into_iter().map(|ip| (ip, port).into()).collect(),
            authority: authority.into(),
        })
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Upstream::Tcp { authority, .. } | Upstream::Named { authority, .. } => {
                write!(f, "http://{authority}")
            }
            Upstream::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Which HTTP the application is spoken to in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1, but gRPC that came by HTTP/2 goes on by HTTP/2
    #[default]
    Auto,
    /// HTTP/1.1
    H1,
    /// HTTP/2 in clear text, by prior knowledge
    H2,
    /// as the request came
    Mirror,
}

/// Whether we add ourselves to the forwarding fields. They are passed on either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forwarded {
    /// a sidecar is no hop that anybody wants to see
    #[default]
    Keep,
    /// the peer's address is appended
    Append,
}

/// Connections that are open, all workers together: counted when they open and close, not on every request.
#[derive(Debug, Default)]
pub struct Open {
    pub(super) clients: AtomicUsize,
    pub(super) upstream: AtomicUsize,
    pub(super) parked: AtomicUsize,
}

impl Open {
    /// Clients' connections of which only the socket is kept.
    pub fn parked(&self) -> usize {
        self.parked.load(Ordering::Relaxed)
    }

    /// The others.
    pub(super) fn awake(&self) -> usize {
        let clients = self.clients.load(Ordering::Relaxed);
        clients.saturating_sub(self.parked())
    }
}

/// Adds one unless that would exceed the limit.
pub(super) fn acquire(count: &AtomicUsize, limit: usize) -> bool {
    let one_more = |open: usize| (open < limit).then_some(open + 1);
    count
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
        .is_ok()
}

/// Takes one away.
pub(super) fn release(count: &AtomicUsize) {
    count.fetch_sub(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_an_address_or_a_name_or_a_socket() {
        let rows = [
            ("http://127.0.0.1:8080", Ok("http://127.0.0.1:8080")),
            ("http://127.0.0.1:8080/", Ok("http://127.0.0.1:8080")),
            ("http://[::1]:80", Ok("http://[::1]:80")),
            ("http://localhost:3000", Ok("http://localhost:3000")),
            ("http://10.0.0.1", Ok("http://10.0.0.1")),
            ("unix:/run/app.sock", Ok("unix:/run/app.sock")),
            ("unix:app.sock", Err(())),
            ("https://127.0.0.1:8080", Err(())),
            ("http://shop:8080", Ok("http://shop:8080")),
            (
                "http://host.docker.internal",
                Ok("http://host.docker.internal"),
            ),
            ("http://10.0.0.256:80", Err(())),
            ("http://mia@shop:80", Err(())),
            ("http://:80", Err(())),
            ("http://127.0.0.1:99999", Err(())),
            ("http://127.0.0.1:8080/path", Err(())),
            ("http://::1:80", Err(())),
        ];
        for (text, expected) in rows {
            let read = text.parse::<Upstream>();
            assert_eq!(
                read.map(|upstream| upstream.to_string()).map_err(|_| ()),
                expected.map(String::from),
                "{text}"
            );
        }
    }
}
