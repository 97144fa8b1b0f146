//! The two ends of a benchmark: the clients before a proxy, and the application behind it.
//! In: `application [SOCKET]`, `grpc-application`, or `clients PORT [--connections N] [--seconds S | --requests N] [--rate N]
//! [--busy N] [--path /] [--post BYTES] [--websocket] [--again] [--hold]`; with `--streams N` HTTP/2, and `[--grpc]`. Out: the
//! application's port, or one line of JSON; with `--hold` the connections stay open until standard input ends. Each is one thread,
//! cheap enough not to be what is measured: around epoll, and for HTTP/2 with h2.

mod application;
mod clients;
mod grpc;
mod h2;
mod report;
mod schedule;
mod websocket;
mod wire;

use std::{env, io, str::FromStr};

fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("application") => application::serve(words.get(1).map(String::as_str)),
        Some("grpc-application") => grpc::serve(),
        Some("clients") => {
            let asked = asked(&words);
            match option(&words, "--streams") {
                Some(streams) => h2::run(&asked, streams),
                None => clients::run(&asked),
            }
        }
        _ => panic!("application, grpc-application or clients?"),
    }
}

fn asked(words: &[String]) -> clients::Asked {
    let has = |name: &str| words.iter().any(|word| word == name);
    clients::Asked {
        port: words[1].parse().expect("a port"),
        connections: option(words, "--connections").unwrap_or(64),
        seconds: option(words, "--seconds").unwrap_or(f64::INFINITY),
        requests: option(words, "--requests").unwrap_or(u64::MAX),
        rate: option(words, "--rate"),
        busy: option(words, "--busy").unwrap_or(usize::MAX),
        path: option(words, "--path").unwrap_or_else(|| "/".into()),
        post: option(words, "--post").unwrap_or(0),
        websocket: has("--websocket"),
        grpc: has("--grpc"),
        again: has("--again"),
        hold: has("--hold"),
    }
}

fn option<T: FromStr>(words: &[String], name: &str) -> Option<T> {
    let at = words.iter().position(|word| word == name)?;
    let value = words.get(at + 1).and_then(|value| value.parse().ok());
    assert!(value.is_some(), "{name} needs a value");
    value
}
