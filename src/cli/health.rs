//! `burgee health`: an exec probe for an image that has no shell and no curl.
//! In: an address. Out: the answer, and 0 if it was a 200.

use super::output;
use crate::{
    exit,
    flags::values,
    http::client::{self, Endpoint, Url},
};
use clap::Args;
use http::{Request, StatusCode};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    process::ExitCode,
    time::Duration,
};

/// Asks whether a process is well: 0 for a 200
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: burgee health http://127.0.0.1:3525/ready")]
pub struct HealthArgs {
    /// What to ask [default: /health of the admin port]
    #[arg(value_name = "URL")]
    url: Option<Url>,
    /// The admin port of the running process
    #[arg(long, env = "BURGEE_ADMIN_LISTEN", value_name = "ADDR", value_parser = values::address, default_value = "[::]:3525")]
    admin_listen: SocketAddr,
    /// How long to wait for the answer
    #[arg(long, env = "BURGEE_TIMEOUT", value_name = "DURATION", value_parser = values::duration, default_value = "2s")]
    timeout: Duration,
}

/// Asks, and prints the answer.
pub fn main(args: HealthArgs) -> ExitCode {
    let own = || Url {
        endpoint: Endpoint::Tcp(vec![here(args.admin_listen)]),
        path: "/health".into(),
    };
    let url = args.url.clone().unwrap_or_else(own);
    output::block_on(async move {
        let request = Request::builder().uri(&url.path);
        let answer = client::send(&url.endpoint, request, args.timeout).await;
        let answer = answer.map_err(|error| io::Error::other(format!("no answer: {error}")))?;
        output::say(String::from_utf8_lossy(answer.body()).trim_end());
        Ok(if answer.status() == StatusCode::OK {
            ExitCode::SUCCESS
        } else {
            exit::PROBLEMS.into()
        })
    })
}

/// How this host reaches what listens there. A dual-stack listener answers on IPv4, and on a host without it there is IPv6.
fn here(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() && has_ipv6() => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

fn has_ipv6() -> bool {
    std::net::UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}
