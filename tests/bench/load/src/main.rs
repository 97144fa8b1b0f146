//! The two ends of a benchmark: the clients before a proxy, and the application behind it.
//! In: `application [SOCKET]`, or `clients PORT [--connections N] [--seconds S | --requests N] [--rate N] [--busy N] [--path /]
//! [--post BYTES] [--hold]`. Out: the application's port, or one line of JSON; with `--hold` the connections stay open until
//! standard input ends. Each is one thread around epoll, cheap enough not to be what is measured.

mod application;
mod clients;
mod schedule;
mod wire;

use std::{env, io, str::FromStr};

fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("application") => application::serve(words.get(1).map(String::as_str)),
        Some("clients") => clients::run(&clients::Asked {
            port: words[1].parse().expect("a port"),
            connections: option(&words, "--connections").unwrap_or(64),
            seconds: option(&words, "--seconds").unwrap_or(f64::INFINITY),
            requests: option(&words, "--requests").unwrap_or(u64::MAX),
            rate: option(&words, "--rate"),
            busy: option(&words, "--busy").unwrap_or(usize::MAX),
            path: option(&words, "--path").unwrap_or_else(|| "/".into()),
            post: option(&words, "--post").unwrap_or(0),
            hold: words.iter().any(|word| word == "--hold"),
        }),
        _ => panic!("application or clients?"),
    }
}

fn option<T: FromStr>(words: &[String], name: &str) -> Option<T> {
    let at = words.iter().position(|word| word == name)?;
    let value = words.get(at + 1).and_then(|value| value.parse().ok());
    assert!(value.is_some(), "{name} needs a value");
    value
}
