//! A signed override that a browser is to remember until it ends, in a session cookie that is set on document navigations only.
//! In: the override of a request and what became of it. Out: the cookies that the response sets.

use super::{
    model::OverridePolicy,
    navigation,
    overrides::{FoundOverride, OverrideResult, ValidOverride},
    request::Input,
    set_cookie::SetCookie,
    source::Source,
    units::Second,
};
use http::HeaderValue;

/// How far ahead the end of an override may be that is remembered: 30 days, in seconds.
pub const LONGEST: u64 = 30 * 86_400;

/// Browsers drop longer cookies (RFC 6265, 6.1).
const LONGEST_COOKIE: usize = 4_096;

/// What a response has to say because an override came by cookie, or is to be kept in one. Whoever writes it keeps the response
/// from shared caches: they do not look at cookies.
#[derive(Debug, Default)]
pub struct OverrideCookies {
    cookies: Vec<SetCookie>,
}

impl OverrideCookies {
    /// The `Set-Cookie` values.
    pub fn set_cookies(&self, is_https: bool) -> impl Iterator<Item = HeaderValue> {
        let cookies = self.cookies.iter();
        cookies.filter_map(move |cookie| cookie.line(is_https))
    }
}

/// Keeps, clears or leaves the cookie; says what became of the override in the end.
#[cold]
#[inline(never)]
pub fn remember(
    policy: &OverridePolicy,
    found: &FoundOverride<'_>,
    read: &Result<ValidOverride, OverrideResult>,
    (input, now): (Input<'_>, Second),
    cookies: &mut Option<OverrideCookies>,
) -> OverrideResult {
    let by_cookie = matches!(found.source, Some(Source::Cookie(_)));
    if by_cookie && read.is_ok() {
        cookies.get_or_insert_default();
    }
    let result = match read {
        Ok(_) => OverrideResult::Applied,
        Err(refused) => *refused,
    };
    let (Some(name), Input::Http(http)) = (&policy.remember, input) else {
        return result;
    };
    if !navigation::opens_page(http.headers) {
        return result;
    }
    let is_ours = matches!(found.source, Some(Source::Cookie(cookie)) if cookie == name);
    let cookie = match read {
        Ok(value) if value.is_empty() => Some(cleared(name)),
        Ok(value) if !by_cookie => match kept(name, value, now) {
            None => return OverrideResult::NotRemembered,
            kept => kept,
        },
        // what is no signed override at all may be a cookie of the application
        Err(OverrideResult::Expired | OverrideResult::BadSignature) if is_ours => {
            Some(cleared(name))
        }
        _ => None,
    };
    if let Some(cookie) = cookie {
        cookies.get_or_insert_default().cookies.push(cookie);
    }
    result
}

fn cleared(name: &str) -> SetCookie {
    SetCookie::new(name, "", None, Some(0))
}

/// None where it ends too late, or is too long.
fn kept(name: &str, value: &ValidOverride, now: Second) -> Option<SetCookie> {
    let latest = now.0.saturating_add_unsigned(LONGEST);
    if value.until().is_none_or(|until| until.0 > latest) {
        return None;
    }
    session_cookie(name, &value.canonical()?)
}

/// The cookie that keeps this text; none where browsers would not.
pub fn session_cookie(name: &str, text: &str) -> Option<SetCookie> {
    let cookie = SetCookie::new(name, &octets(text), None, None);
    (cookie.length() <= LONGEST_COOKIE).then_some(cookie)
}

/// What a cookie cannot have is percent-encoded (RFC 6265, 4.1.1), and the percent sign.
fn octets(text: &str) -> String {
    let mut octets = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'"' | b'%' | b',' | b';' | b'\\' => octets.push_str(&format!("%{byte:02X}")),
            b'!'..=b'~' => octets.push(char::from(byte)),
            _ => octets.push_str(&format!("%{byte:02X}")),
        }
    }
    octets
}
