//! Ids for visitors: a random one in a cookie.
//! In: random bits from outside. Out: an id, and the lines that set and delete its cookie.

use super::set_cookie::SetCookie;
use http::HeaderValue;

/// `anonymous: {cookie: visitor, max-age: 365d, domain: example.com}`
#[derive(Clone, Debug)]
pub struct VisitorCookie {
    /// the cookie's name
    pub cookie: Box<str>,
    /// in seconds
    pub max_age: u64,
    /// the host whose subdomains get it too; without one it is this host's alone
    pub domain: Option<Box<str>>,
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
    /// The `Set-Cookie` value that keeps this id.
    pub fn set_cookie(&self, id: &VisitorId, is_https: bool) -> Option<HeaderValue> {
        self.line(id.as_str(), self.max_age, is_https)
    }

    /// The `Set-Cookie` value that deletes it: only the same path and domain name the same cookie.
    pub fn delete_cookie(&self, is_https: bool) -> Option<HeaderValue> {
        self.line("", 0, is_https)
    }

    fn line(&self, value: &str, max_age: u64, is_https: bool) -> Option<HeaderValue> {
        let domain = self.domain.as_deref();
        SetCookie::new(&self.cookie, value, domain, Some(max_age)).line(is_https)
    }
}
