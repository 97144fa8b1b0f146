//! `burgee health`: an exec probe for an image that has no shell and no curl.
//! In: a URL. Out: the response; exits 0 on a 200.

use super::output;
use crate::{
    exit,
    flags::values,
    http::client::{self, Address, Url},
};
use clap::Args;
use http::{Request, StatusCode};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    process::ExitCode,
    time::Duration,
};

/// Check health; exits 0 on HTTP 200
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: burgee health http://127.0.0.1:3525/ready")]
pub struct HealthArgs {
    /// URL to check [default: `/health` on the admin port]
    #[arg(value_name = "URL")]
    url: Option<Url>,
    /// Admin address of the running process
    #[arg(long, env = "BURGEE_ADMIN_LISTEN", value_name = "ADDR", value_parser = values::address, default_value = "[::]:3525")]
    admin_listen: SocketAddr,
    /// How long to wait for the response
    #[arg(long, env = "BURGEE_TIMEOUT", value_name = "DURATION", value_parser = values::duration, default_value = "2s")]
    timeout: Duration,
}

/// Checks, and prints the response.
pub fn main(args: HealthArgs) -> ExitCode {
    let own = || Url {
        address: Address::Tcp(vec![here(args.admin_listen)]),
        path: "/health".into(),
    };
    let url = args.url.clone().unwrap_or_else(own);
    output::block_on(async move {
        let request = Request::builder().uri(&url.path);
        let response = client::send(&url.address, request, args.timeout).await;
        let response =
            response.map_err(|error| io::Error::other(format!("no response: {error}")))?;
        output::say(String::from_utf8_lossy(response.body()).trim_end());
        Ok(if response.status() == StatusCode::OK {
            ExitCode::SUCCESS
        } else {
            exit::PROBLEMS.into()
        })
    })
}

/// The loopback address of a listener on all addresses; IPv4 on a host without IPv6.
pub(super) fn here(listen: SocketAddr) -> SocketAddr {
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
