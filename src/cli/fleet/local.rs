//! One machine: the stops file in a directory, and the burgee that reads it.
//! In: a directory. Out: its stops, written in one step; what the process on this machine says, where there is one.

use super::{pods::Answer, stops_text};
use crate::{
    config::{self, Problems},
    engine::stops::Stops,
    http::client::{self, Address},
};
use http::Request;
use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// Where burgee's admin port is on this machine.
const ADMIN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 3525);

/// The stops file of a directory.
pub(super) fn file(directory: &Path) -> PathBuf {
    directory.join(config::STOPS)
}

/// What is stopped there.
pub(super) fn read(directory: &Path) -> Result<Stops, Problems> {
    let file = file(directory);
    match config::stops(&file)? {
        None => Ok(Stops::default()),
        Some(text) => {
            let text = String::from_utf8_lossy(&text.bytes).into_owned();
            stops_text::read(&file.display().to_string(), Some(&text))
        }
    }
}

/// The new file takes the place of the old one: nobody reads half of it.
pub(super) fn write(directory: &Path, text: &str) -> io::Result<()> {
    let next = directory.join(".stops.next");
    fs::write(&next, text)?;
    fs::rename(&next, file(directory))
}

/// What the process on this machine has; none where nothing answers.
pub(super) async fn ask() -> Option<Answer> {
    let request = Request::builder().uri("/ready");
    let response = client::send(&Address::Tcp(vec![ADMIN]), request, Duration::from_secs(2)).await;
    let response = response.ok()?;
    Some(Answer::read(&String::from_utf8_lossy(response.body())))
}
