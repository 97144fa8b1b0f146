//! The two ends of a benchmark: the clients before a proxy, and the application behind it.
//! In: `application [SOCKET]`, `grpc-application`, or `clients PORT [--connections N] [--seconds S | --requests N] [--rate N]
//! [--busy N] [--path /] [--post BYTES] [--websocket] [--again] [--hold]`; with `--streams N` HTTP/2, and `[--grpc]`. Out: the
//! application's port, or one line of JSON; with `--hold` the connections stay open until standard input ends. Each is one thread,
//! cheap enough not to be what is measured: around epoll, and for HTTP/2 with h2.

mod answering;
mod application;
mod asked;
mod clients;
mod exchange;
mod grpc;
mod h2;
mod report;
mod schedule;
mod websocket;
mod wire;

use asked::option;
use std::{env, io};

fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("application") => application::serve(words.get(1).map(String::as_str)),
        Some("grpc-application") => grpc::serve(),
        Some("clients") => {
            let asked = asked::read(&words);
            match option(&words, "--streams") {
                Some(streams) => h2::run(&asked, streams),
                None => clients::run(&asked),
            }
        }
        _ => panic!("application, grpc-application or clients?"),
    }
}
