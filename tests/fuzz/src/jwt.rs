//! Any bearer token: a claim is text or absent; never a panic.
use burgee::engine::given::Given;
use burgee::engine::source::Source;
use http::{HeaderMap, HeaderValue, header};

/// Panics where the promise is broken.
pub fn ask(data: &[u8]) {
    let mut headers = HeaderMap::new();
    // half of the inputs are claims, written as a token would carry them
    let line = match data.split_first() {
        Some((first, claims)) if first % 2 == 0 => {
            use std::fmt::Write as _;
            let mut token = String::from("Bearer e30.");
            const ALPHABET: &[u8] =
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            for chunk in claims.chunks(3) {
                let bits = chunk
                    .iter()
                    .fold(0u32, |bits, byte| bits << 8 | u32::from(*byte))
                    << (8 * (3 - chunk.len()));
                for digit in 0..=chunk.len() {
                    let _ = write!(
                        token,
                        "{}",
                        char::from(ALPHABET[(bits >> (18 - 6 * digit) & 63) as usize])
                    );
                }
            }
            token.push_str(".sig");
            token.into_bytes()
        }
        _ => [b"Bearer ", data].concat(),
    };
    let Ok(value) = HeaderValue::from_bytes(&line) else {
        return;
    };
    headers.insert(header::AUTHORIZATION, value);
    let http = super::get(&headers);
    for claim in ["sub", "realm_access.roles", ""] {
        for split in [None, Some(",")] {
            let source = Source::Jwt(claim.into());
            match source.read(http, split) {
                Ok(Some(Given::Text(text))) => assert!(!text.trim_ascii().is_empty()),
                Ok(Some(Given::List(items))) => {
                    assert!(items.iter().all(|item| !item.trim_ascii().is_empty()));
                }
                Ok(Some(Given::Object) | None) | Err(_) => {}
            }
        }
    }
}
