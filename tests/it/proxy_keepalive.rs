//! Ends that vanish: probed on both sides, while who only pauses is left alone. `tests/e2e/bad-days` cuts the cable.

use crate::raw::{App, Burgee, eventually};
use burgee::proxy::TcpKeepalive;
use std::{
    fs,
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

const HEALTH: &str = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// What the kernel says of the timer of the connection between these ports: `02` is that of keepalive; and in how many
/// hundredths of a second it is due.
fn timer(own: u16, other: u16) -> Option<(String, u64)> {
    let table = fs::read_to_string("/proc/self/net/tcp").unwrap();
    let ends = format!("0100007F:{own:04X} 0100007F:{other:04X} 01 ");
    let (_, rest) = table.lines().find_map(|line| line.split_once(&ends))?;
    let (kind, when) = rest.split(' ').nth(1)?.split_once(':')?;
    Some((kind.into(), u64::from_str_radix(when, 16).ok()?))
}

#[test]
fn silent_connections_are_probed_on_both_sides() {
    for (time, expected) in [(60, "02"), (0, "00")] {
        // the address of our end, as the application sees it
        let app = App::script(|client, tell| {
            client.message();
            let peer = client.socket.peer_addr().unwrap().to_string();
            let _ = tell.send(crate::raw::Message::of(peer));
            client.has_more();
        });
        let burgee = Burgee::with(&app, |settings| {
            settings.tcp_keepalive.time = Duration::from_secs(time);
        });
        // what connects before the worker runs has what its listener had before
        assert_eq!(burgee.answer(HEALTH).status(), 200);
        let mut client = burgee.connect();
        client.send(GET);
        let upstream: SocketAddr = app.request().head.parse().unwrap();
        let client = client.socket.local_addr().unwrap();
        for (own, other) in [
            (burgee.address.port(), client.port()),
            (upstream.port(), app.address.port()),
        ] {
            // until the last byte is acknowledged, its own timer runs
            eventually("the timer is that of keepalive, or none", || {
                timer(own, other).is_some_and(|(kind, when)| kind == expected && when <= 6_000)
            });
        }
    }
}

/// Longer than a dead peer is waited for; the application's bytes fill every buffer in between.
#[test]
fn a_reader_that_only_pauses_is_not_ended() {
    const LEN: usize = 32 << 20;
    let app = App::script(|client, _| {
        client.message();
        client.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {LEN}\r\n\r\n"));
        client.send(vec![b'x'; LEN]);
        client.has_more();
    });
    let burgee = Burgee::with(&app, |settings| {
        settings.tcp_keepalive = TcpKeepalive {
            time: Duration::from_secs(1),
            interval: Duration::from_secs(1),
            probes: 1,
        };
    });
    let mut client = burgee.connect();
    client.send(GET);
    let until = Instant::now() + Duration::from_secs(5);
    while Instant::now() < until {
        thread::park_timeout(until - Instant::now());
    }
    assert_eq!(client.message().body.len(), LEN);
}
