//! Ids for visitors: a random one in a cookie, set and taken away on document navigations only.
//! In: random bits from outside and the request's headers. Out: an id, and the lines that set and delete its cookie.

use http::{HeaderMap, HeaderValue, header};

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
    /// Whether this request opens a document, so that parallel first requests of a page do not get ids of their own. A frame
    /// in a page of another site does not count: no browser keeps a `SameSite=Lax` cookie there.
    pub fn is_navigation(headers: &HeaderMap) -> bool {
        match headers.get("sec-fetch-mode") {
            Some(mode) => {
                let is_frame = |headers: &HeaderMap| {
                    let dest = headers.get("sec-fetch-dest");
                    dest.is_some_and(|dest| dest != "document")
                };
                mode == "navigate" && (!is_frame(headers) || is_same_site(headers))
            }
            None => headers.get_all(header::ACCEPT).iter().any(|accept| {
                accept.to_str().is_ok_and(|accept| {
                    let names = |range: &str| {
                        let mut parts = range.split(';').map(str::trim);
                        let range = parts.next().unwrap_or_default();
                        range.eq_ignore_ascii_case("text/html") && !parts.any(is_refusal)
                    };
                    accept.split(',').any(names)
                })
            }),
        }
    }

    /// The `Set-Cookie` value that keeps this id.
    pub fn set_cookie(&self, id: &VisitorId, secure: bool) -> Option<HeaderValue> {
        self.line(id.as_str(), self.max_age, secure)
    }

    /// The `Set-Cookie` value that deletes it: only the same path and domain name the same cookie.
    pub fn delete_cookie(&self, secure: bool) -> Option<HeaderValue> {
        self.line("", 0, secure)
    }

    fn line(&self, value: &str, max_age: u64, secure: bool) -> Option<HeaderValue> {
        let cookie = &self.cookie;
        let secure = if secure { "; Secure" } else { "" };
        let domain = self.domain.as_ref();
        let domain = domain.map_or(String::new(), |domain| format!("; Domain={domain}"));
        let line = format!(
            "{cookie}={value}; Path=/{domain}; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}"
        );
        HeaderValue::from_str(&line).ok()
    }
}

/// `q=0`: not acceptable (RFC 9110, 12.4.2).
fn is_refusal(parameter: &str) -> bool {
    let (name, weight) = parameter.split_once('=').unwrap_or_default();
    name.trim_end().eq_ignore_ascii_case("q") && weight.trim().parse() == Ok(0.0_f32)
}

/// Whether no other site led here. A `SameSite=Strict` cookie, which consent may be kept in, does not come from another site;
/// a browser that does not say where it comes from proves nothing.
pub fn is_same_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site");
    site.is_some_and(|site| site == "same-origin" || site == "same-site" || site == "none")
}

/// Whether a browser loads a page ahead of time, which may never be shown. Several at once would each bring an id, and the last
/// would replace those that the pages before were made for.
pub fn is_speculative(headers: &HeaderMap) -> bool {
    let names = |name: &str| headers.get_all(name).iter();
    names("sec-purpose")
        .chain(names("purpose"))
        .any(|line| line.as_bytes().starts_with(b"prefetch"))
}
