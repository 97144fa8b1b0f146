//! What the clients are asked to do. In: the words of the command line. Out: `Asked`.

use std::str::FromStr;

pub struct Asked {
    pub port: u16,
    pub connections: usize,
    pub seconds: f64,
    pub requests: u64,
    /// requests a second; without it as many as go
    pub rate: Option<f64>,
    /// at most so many connections wait for an answer at once
    pub busy: usize,
    pub path: String,
    pub post: usize,
    pub websocket: bool,
    /// HTTP/2's only
    pub grpc: bool,
    /// a request whose connection was closed before the answer began is sent again, as a browser does it
    pub again: bool,
    pub hold: bool,
}

pub fn read(words: &[String]) -> Asked {
    let has = |name: &str| words.iter().any(|word| word == name);
    Asked {
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

pub fn option<T: FromStr>(words: &[String], name: &str) -> Option<T> {
    let at = words.iter().position(|word| word == name)?;
    let value = words.get(at + 1).and_then(|value| value.parse().ok());
    assert!(value.is_some(), "{name} needs a value");
    value
}
