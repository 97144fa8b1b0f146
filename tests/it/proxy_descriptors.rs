//! A process without a free descriptor: it waits for one, and neither spins nor ends.

use crate::{
    raw::{App, Client, PATIENCE},
    support::Toggles,
};
use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Ended when it goes out of scope.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// User and system time of the process, in clock ticks (proc(5)).
    fn ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        let after_name = stat.rsplit_once(") ").unwrap().1;
        let fields: Vec<u64> = after_name
            .split(' ')
            .skip(11)
            .take(2)
            .map(|field| field.parse().unwrap())
            .collect();
        fields.iter().sum()
    }
}

#[test]
fn without_a_free_descriptor_clients_wait_and_nothing_spins() {
    let app = App::ok();
    let toggles = Toggles::new("version: 1\nfeatures: {a: on}\n");
    let command = format!(
        "ulimit -n 48; exec '{}' run --toggles '{}' --upstream http://{} --listen 127.0.0.1:0 \
         --admin-listen 127.0.0.1:0 --api-listen none --workers 1 --log-format json",
        env!("CARGO_BIN_EXE_burgee"),
        toggles.path().display(),
        app.address
    );
    let child = Command::new("sh")
        .args(["-c", &command])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn();
    let mut process = Process(child.unwrap());
    let mut lines = BufReader::new(process.0.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let listens = lines.find(|line| line.contains("burgee listens")).unwrap();
    let address: SocketAddr = listens
        .split("\"listen\":\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    // more than there are descriptors: the kernel takes them, the process cannot
    let mut clients: Vec<Client> = (0..60).map(|_| Client::connect(address)).collect();
    assert!(lines.any(|line| line.contains("cannot accept connections")));
    let before = process.ticks();
    let until = Instant::now() + Duration::from_millis(500);
    while Instant::now() < until {
        std::thread::park_timeout(until - Instant::now());
    }
    // a spinning process would have used most of the half second, which is 50 ticks
    assert!(
        process.ticks() - before < 15,
        "{}",
        process.ticks() - before
    );
    // who has a connection is served as soon as there is a descriptor for the application, who waits is served in turn
    drop(clients.drain(..30));
    let mut last = clients.pop().unwrap();
    last.socket.set_read_timeout(Some(PATIENCE)).unwrap();
    last.send(GET);
    assert_eq!(last.message().status(), 200);
}
