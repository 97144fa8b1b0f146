//! A minimal HTTP client: one request on one connection, with a timeout. For probes, `burgee reload` and the like, never for
//! traffic. In: an address and a request. Out: the response, whole.

use bytes::Bytes;
use http::{Response, header, request};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// addresses, tried in order
    Tcp(Vec<SocketAddr>),
    /// a host name and a port, for the resolver: a Service's, in `helm test`
    Name(String),
    /// a socket in the file system
    Unix(PathBuf),
}

/// A longer body is an error.
const MAX_BODY: usize = 4 << 20;

/// Sends the request and reads the whole response.
pub async fn send(
    address: &Address,
    request: request::Builder,
    timeout: Duration,
) -> io::Result<Response<Bytes>> {
    let exchange = async {
        match address {
            Address::Tcp(at) => {
                let stream = TcpStream::connect(&at[..]).await?;
                let host = stream.peer_addr()?.to_string();
                send_on(stream, request.header(header::HOST, host)).await
            }
            Address::Name(at) => {
                let stream = TcpStream::connect(at.as_str()).await?;
                send_on(stream, request.header(header::HOST, at)).await
            }
            Address::Unix(at) => {
                let stream = UnixStream::connect(at).await?;
                send_on(stream, request.header(header::HOST, "localhost")).await
            }
        }
    };
    let timed_out = |_| io::Error::new(io::ErrorKind::TimedOut, "no response in time");
    tokio::time::timeout(timeout, exchange)
        .await
        .map_err(timed_out)?
}

/// For the query of a URL: everything but the unreserved characters of RFC 3986.
pub fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Whether it takes a connection.
pub async fn connect(address: &Address, timeout: Duration) -> io::Result<()> {
    let connected = async {
        match address {
            Address::Tcp(at) => TcpStream::connect(&at[..]).await.map(drop),
            Address::Name(at) => TcpStream::connect(at.as_str()).await.map(drop),
            Address::Unix(at) => UnixStream::connect(at).await.map(drop),
        }
    };
    let timed_out = |_| io::Error::new(io::ErrorKind::TimedOut, "no connection in time");
    tokio::time::timeout(timeout, connected)
        .await
        .map_err(timed_out)?
}

async fn send_on(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: request::Builder,
) -> io::Result<Response<Bytes>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    let driver = tokio::spawn(connection);
    let request = request
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(io::Error::other)?;
    let (head, body) = sender
        .send_request(request)
        .await
        .map_err(io::Error::other)?
        .into_parts();
    let body = Limited::new(body, MAX_BODY)
        .collect()
        .await
        .map_err(io::Error::other)?;
    driver.abort();
    Ok(Response::from_parts(head, body.to_bytes()))
}

/// An `http://` URL: where to connect, and the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// the host and the port
    pub address: Address,
    /// with the query
    pub path: String,
}

impl FromStr for Url {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let help = "write `http://127.0.0.1:3525/health`: a host, a port and a path";
        let rest = text.strip_prefix("http://").ok_or(help)?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let address = address(host).or_else(|| address(&format!("{host}:80")));
        let path = if path.is_empty() { "/" } else { path };
        Ok(Url {
            address: address.ok_or(help)?,
            path: path.into(),
        })
    }
}

/// `localhost` is known without the resolver, which an empty image may not have.
fn address(host: &str) -> Option<Address> {
    if let Ok(at) = host.parse() {
        return Some(Address::Tcp(vec![at]));
    }
    let (name, port) = host.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    let labels = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    match name {
        "localhost" => Some(Address::Tcp(vec![(Ipv4Addr::LOCALHOST, port).into()])),
        "" => None,
        _ if name.chars().all(labels) => Some(Address::Name(host.into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_a_name_or_what_to_write() {
        let check = |text: &str, expected: Option<Address>| {
            assert_eq!(
                text.parse::<Url>().ok().map(|url| url.address),
                expected,
                "{text}"
            );
        };
        let tcp = |at: &str| Some(Address::Tcp(vec![at.parse().unwrap()]));
        check("http://127.0.0.1:3525/health", tcp("127.0.0.1:3525"));
        check("http://[::1]:3525", tcp("[::1]:3525"));
        check("http://[::1]/", tcp("[::1]:80"));
        check("http://localhost:3525/", tcp("127.0.0.1:3525"));
        check("http://localhost/", tcp("127.0.0.1:80"));
        check(
            "http://shop.team.svc/",
            Some(Address::Name("shop.team.svc:80".into())),
        );
        check(
            "http://shop:8080/a:b",
            Some(Address::Name("shop:8080".into())),
        );
        for bad in [
            "shop",
            "https://shop",
            "http://",
            "http://:80",
            "http://sh op/",
            "http://shop:http/",
        ] {
            check(bad, None);
        }
    }
}
