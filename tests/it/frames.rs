//! HTTP/2 frames by hand: what no library would send, and libraries for what they do well.
//! In: fields and flags. Out: bytes, and the frames that come back.

use crate::raw::{Burgee, Client};

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// One frame (RFC 9113, 4.1).
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Fields as literals that are never indexed (RFC 7541, 6.2.3).
pub(crate) fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0x10);
        for text in [name, value] {
            length(&mut block, text.len());
            block.extend(crate::raw::bytes(text));
        }
    }
    block
}

fn length(block: &mut Vec<u8>, len: usize) {
    let Some(mut more) = len.checked_sub(127) else {
        return block.push(len as u8);
    };
    block.push(127);
    while more >= 128 {
        block.push((more % 128) as u8 | 128);
        more /= 128;
    }
    block.push(more as u8);
}

/// A plain GET with some more fields.
pub(crate) fn get(more: &[(&str, &str)]) -> Vec<u8> {
    let mut all = vec![
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "shop"),
    ];
    all.extend(more);
    fields(&all)
}

/// A client that has shaken hands.
pub(crate) fn connect(burgee: &Burgee) -> Client {
    let mut client = burgee.connect();
    client.send(PREFACE);
    client.send(frame(SETTINGS, 0, 0, &[]));
    client
}

/// A frame that came: kind, flags, stream, payload.
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// The next frame, or none where the connection has ended.
pub(crate) fn next(client: &mut Client) -> Option<Frame> {
    if !client.has_more() {
        return None;
    }
    let head = client.exactly(9);
    let len = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    Some(Frame {
        kind: head[3],
        flags: head[4],
        stream: u32::from_be_bytes([head[5], head[6], head[7], head[8]]),
        payload: client.exactly(len),
    })
}

/// The next frame of these kinds.
pub(crate) fn until(client: &mut Client, kinds: &[u8]) -> Option<Frame> {
    loop {
        let frame = next(client)?;
        if kinds.contains(&frame.kind) {
            return Some(frame);
        }
    }
}

/// The status of an answer, from its first field; hyper writes it first.
pub(crate) fn status(frame: &Frame) -> u16 {
    match frame.payload.first() {
        Some(0x88) => 200,
        Some(0x89) => 204,
        Some(0x8b) => 304,
        Some(0x8c) => 400,
        Some(0x8d) => 404,
        Some(0x8e) => 500,
        // a literal with an indexed name: its value is three digits, perhaps in Huffman's code
        _ => 0,
    }
}
