//! Every byte in every place where a byte can sit: it arrives as it was sent, or the request is refused.

use crate::raw::{App, Burgee, Client, text};

/// For each byte: what was sent around it reaches the application (`true`), or is refused and reaches nobody.
fn sweep(
    request: impl Fn(u8) -> Vec<u8>,
    arrives: impl Fn(u8) -> bool,
    seen: impl Fn(u8) -> String,
) {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    for byte in 0..=255 {
        let answer = burgee.answer(request(byte));
        if arrives(byte) {
            assert_eq!(answer.status(), 200, "{byte:#x}: {}", answer.head);
            let head = app.request().head;
            let seen = seen(byte);
            assert!(head.contains(&seen), "{byte:#x}: {seen:?} in {head:?}");
        } else {
            assert_eq!(answer.status(), 400, "{byte:#x}: {}", answer.head);
            assert!(app.heard_nothing(), "{byte:#x}");
        }
    }
}

fn around(before: &str, byte: u8, after: &str) -> Vec<u8> {
    [before.as_bytes(), &[byte], after.as_bytes()].concat()
}

const TOKEN: &[u8] = b"!#$%&'*+-.^_`|~";

#[test]
fn every_byte_in_a_name() {
    sweep(
        |byte| around("GET / HTTP/1.1\r\nHost: a\r\nX-A", byte, "B: 1\r\n\r\n"),
        |byte| byte.is_ascii_alphanumeric() || TOKEN.contains(&byte) || byte == b':',
        |byte| match byte {
            b':' => "\r\nx-a: B: 1\r\n".into(),
            byte => format!("\r\nx-a{}b: 1\r\n", char::from(byte.to_ascii_lowercase())),
        },
    );
}

#[test]
fn every_byte_in_a_value() {
    sweep(
        |byte| around("GET / HTTP/1.1\r\nHost: a\r\nX: a", byte, "b\r\n\r\n"),
        |byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f),
        |byte| format!("\r\nx: a{}b\r\n", char::from(byte)),
    );
}

#[test]
fn every_byte_in_a_host() {
    sweep(
        |byte| around("GET / HTTP/1.1\r\nHost: a", byte, "8\r\n\r\n"),
        |byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:".contains(&byte),
        |byte| format!("\r\nhost: a{}8\r\n", char::from(byte)),
    );
}

#[test]
fn every_byte_in_a_path() {
    // what no URI may hold is refused; `#` begins what is no part of a target, and is cut off;
    // a byte above 127 alone is no UTF-8, and refused
    sweep(
        |byte| around("GET /a", byte, "b HTTP/1.1\r\nHost: a\r\n\r\n"),
        |byte| byte.is_ascii_graphic() && !b"<>`".contains(&byte),
        |byte| match byte {
            b'#' => "GET /a HTTP/1.1\r\n".into(),
            byte => format!("GET /a{}b HTTP/1.1\r\n", char::from(byte)),
        },
    );
}

#[test]
fn every_byte_in_a_query() {
    sweep(
        |byte| around("GET /?a", byte, "b HTTP/1.1\r\nHost: a\r\n\r\n"),
        |byte| byte.is_ascii_graphic() && !b"\"<>".contains(&byte),
        |byte| match byte {
            b'#' => "GET /?a HTTP/1.1\r\n".into(),
            byte => format!("GET /?a{}b HTTP/1.1\r\n", char::from(byte)),
        },
    );
}

#[test]
fn every_byte_in_a_method() {
    sweep(
        |byte| around("GE", byte, "T / HTTP/1.1\r\nHost: a\r\n\r\n"),
        |byte| byte.is_ascii_alphanumeric() || TOKEN.contains(&byte),
        |byte| format!("GE{}T / HTTP/1.1\r\n", char::from(byte)),
    );
}

#[test]
fn every_byte_in_a_version() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    for byte in 0..=255_u8 {
        let status = burgee
            .answer(around("GET / HTTP/1.", byte, "\r\nHost: a\r\n\r\n"))
            .status();
        let known = matches!(byte, b'0' | b'1');
        assert_eq!(status, if known { 200 } else { 400 }, "{byte:#x}");
        assert_eq!(app.heard_nothing(), !known, "{byte:#x}");
    }
}

#[test]
fn every_byte_in_a_chunk_size() {
    // one chunk of ten bytes: only `a` and `A` say so, and `;` after `a` begins an extension
    for place in ["", "a"] {
        for byte in 0..=255_u8 {
            let app = App::script(|client, tell| {
                let all = client.until_complete();
                if is_complete(&all) {
                    client.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                }
                let _ = tell.send(crate::raw::Message::of(all));
            });
            let burgee = Burgee::before(&app);
            let mut client = burgee.connect();
            client.send("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
            client.send(around(place, byte, "\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n"));
            // whatever else the size says, there is no line end after so many bytes
            client.send("x".repeat(300));
            let back = client.rest();
            let valid = match place {
                "" => matches!(byte, b'a' | b'A'),
                _ => matches!(byte, b';' | b' ' | b'\t'),
            };
            assert_eq!(
                back.contains("200 OK"),
                valid,
                "{place:?} {byte:#x}: {back}"
            );
            let at_app = app.request().head;
            assert_eq!(is_complete(&at_app), valid, "{place:?} {byte:#x}: {at_app}");
        }
    }
}

/// Whether a chunked message ends as it should.
fn is_complete(message: &str) -> bool {
    let Some((_, mut rest)) = message.split_once("\r\n\r\n") else {
        return false;
    };
    loop {
        let Some((size, data)) = rest.split_once("\r\n") else {
            return false;
        };
        let Ok(size) = usize::from_str_radix(size, 16) else {
            return false;
        };
        match data.get(size..).and_then(|data| data.strip_prefix("\r\n")) {
            Some("") if size == 0 => return true,
            Some(more) if size > 0 => rest = more,
            _ => return false,
        }
    }
}

#[test]
fn every_byte_in_a_length() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    for byte in 0..=255_u8 {
        let mut client = burgee.connect();
        client.send(around(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ",
            byte,
            "1\r\n\r\n",
        ));
        client.send("x".repeat(91));
        let status = client.message().status();
        // white space around a value is no part of it
        let valid = byte.is_ascii_digit() || matches!(byte, b' ' | b'\t');
        assert_eq!(status, if valid { 200 } else { 400 }, "{byte:#x}");
        assert_eq!(app.heard_nothing(), !valid, "{byte:#x}");
    }
}

#[test]
fn every_byte_in_an_answer() {
    for byte in 0..=255_u8 {
        for (before, after, valid) in [
            ("X: a", "b", byte == b'\t' || (byte >= b' ' && byte != 0x7f)),
            (
                "X-A",
                "B: 1",
                byte.is_ascii_alphanumeric() || TOKEN.contains(&byte) || byte == b':',
            ),
        ] {
            let line = around(before, byte, after);
            let answer = [
                b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
                &line[..],
                b"\r\n\r\n",
            ]
            .concat();
            let app = App::script(move |client, _| {
                client.message();
                client.send(&answer);
            });
            let back = Burgee::before(&app).answer("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            assert_eq!(
                back.status(),
                if valid { 200 } else { 502 },
                "{before}{byte:#x}: {}",
                back.head
            );
            if valid && before == "X: a" {
                assert!(
                    back.head.contains(&text(&around("x: a", byte, "b\r\n"))),
                    "{}",
                    back.head
                );
            }
        }
    }
}

impl Client {
    /// Everything up to the end of a chunked message, or to the end.
    fn until_complete(&mut self) -> String {
        let mut all = String::new();
        while self.has_more() {
            all.push_str(&text(&self.exactly(1)));
            if all.ends_with("0\r\n\r\n") && is_complete(&all) {
                break;
            }
        }
        all
    }
}
