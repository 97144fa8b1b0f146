//! Ids for visitors without one: a random cookie, set on document navigations only.
//! In: random bits from outside and the request's headers. Out: an id, and the cookie that keeps it.

use http::{HeaderMap, HeaderValue, header};

/// `anonymous: {cookie: visitor, max-age: 365d}`
#[derive(Clone, Debug)]
pub struct VisitorCookie {
    /// the cookie's name
    pub cookie: Box<str>,
    /// in seconds
    pub max_age: u64,
}

/// Where 128 random bits come from; the engine has no randomness of its own.
pub type RandomBits<'a> = &'a dyn Fn() -> u128;

/// 128 random bits as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VisitorId([u8; 32]);

impl VisitorId {
    /// The id of these bits.
    pub fn new(bits: u128) -> VisitorId {
        let mut digits = [0; 32];
        for (place, digit) in digits.iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(bits >> (124 - 4 * place) & 15) as usize];
        }
        VisitorId(digits)
    }

    /// Whether these bytes could be an id of burgee.
    pub fn is_valid(bytes: &[u8]) -> bool {
        bytes.len() == 32
            && bytes
                .iter()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }

    /// 32 lower-case hexadecimal digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl VisitorCookie {
    /// Whether this request opens a document, so that parallel first requests of a page do not get ids of their own.
    pub fn is_navigation(headers: &HeaderMap) -> bool {
        match headers.get("sec-fetch-mode") {
            Some(mode) => mode == "navigate",
            None => headers.get_all(header::ACCEPT).iter().any(|accept| {
                accept.to_str().is_ok_and(|accept| {
                    let names = |range: &str| {
                        range
                            .split(';')
                            .next()
                            .unwrap_or_default()
                            .trim()
                            .eq_ignore_ascii_case("text/html")
                    };
                    accept.split(',').any(names)
                })
            }),
        }
    }

    /// The `Set-Cookie` value that keeps this id.
    pub fn set_cookie(&self, id: &VisitorId, secure: bool) -> Option<HeaderValue> {
        let secure = if secure { "; Secure" } else { "" };
        let line = format!(
            "{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
            self.cookie,
            id.as_str(),
            self.max_age
        );
        HeaderValue::from_str(&line).ok()
    }
}
