//! WebSockets (RFC 6455), with messages as short as ours are. In: bytes that came. Out: frames.

use crate::wire;
use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
};

/// The example of RFC 6455, 1.3; whoever is between us may compare it with the answer's.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub const SWITCHED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
pub const MESSAGE: usize = 64;
const BINARY: u8 = 0x82;
const MASKED: u8 = 0x80;

/// What a client sends: masked, as it must be.
pub fn request(user: u64) -> Vec<u8> {
    let mask = (user as u32 * 2_654_435_761).to_be_bytes();
    let mut frame = vec![BINARY, MASKED | MESSAGE as u8];
    frame.extend(mask);
    frame.extend((0..MESSAGE).map(|at| b'm' ^ mask[at % 4]));
    frame
}

/// What a server sends; a head that is echoed has more than 125 bytes.
pub fn answer(message: &[u8]) -> Vec<u8> {
    let mut frame = match u8::try_from(message.len()) {
        Ok(length) if length < 126 => vec![BINARY, length],
        _ => {
            let [.., high, low] = message.len().to_be_bytes();
            vec![BINARY, 126, high, low]
        }
    };
    frame.extend(message);
    frame
}

pub fn is_answer(bytes: &[u8]) -> bool {
    bytes.starts_with(&[BINARY, MESSAGE as u8])
}

/// The first message of these bytes, and how many of them it took.
pub fn message(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (head, rest) = bytes.split_at_checked(6)?;
    let payload = rest.get(..usize::from(head[1] & !MASKED))?;
    let plain = payload.iter().zip(head[2..].iter().cycle());
    Some((
        plain.map(|(byte, mask)| byte ^ mask).collect(),
        6 + payload.len(),
    ))
}

/// The request that begins it.
pub fn upgrade(plain: &[u8]) -> Vec<u8> {
    let mut head = plain.strip_suffix(b"\r\n").unwrap_or(plain).to_vec();
    head.extend_from_slice(
        format!("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n").as_bytes(),
    );
    head
}

/// Asks for it and waits until it is there; the other side says nothing more before we do.
pub fn begin(socket: &mut TcpStream, upgrade: &[u8]) -> io::Result<()> {
    socket.write_all(upgrade)?;
    let mut head = Vec::new();
    while wire::head(&head).is_none() {
        let mut some = [0; 1024];
        let read = socket.read(&mut some)?;
        if read == 0 {
            break;
        }
        head.extend_from_slice(&some[..read]);
    }
    if head.starts_with(b"HTTP/1.1 101") {
        return Ok(());
    }
    Err(io::Error::other(
        String::from_utf8_lossy(&head).into_owned(),
    ))
}
