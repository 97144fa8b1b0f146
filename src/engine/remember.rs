//! A signed override that a browser is to remember until it ends, in a session cookie that is set on document navigations only.
//! In: the override of a request and what became of it. Out: the cookies that the response sets.

use super::{
    model::OverridePolicy,
    navigation,
    override_choice::{Choice, FURTHEST_END, FoundOverride},
    overrides::{OverrideResult, ValidOverride},
    request::Input,
    set_cookie::SetCookie,
    source::Source,
    units::Second,
};
use http::HeaderValue;

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

/// What a valid override forces.
#[derive(Clone, Copy, Debug)]
pub struct Forced {
    /// a feature got its variant
    pub has_effect: bool,
    /// the file has a feature and a variant that it names
    pub is_known: bool,
}

/// Keeps, clears or leaves the cookie; says what became of the override in the end.
pub fn remember(
    policy: &OverridePolicy,
    choice: &Choice<'_>,
    forced: Forced,
    (input, now): (Input<'_>, Second),
    cookies: &mut Option<OverrideCookies>,
) -> OverrideResult {
    let name = policy.remember.as_deref();
    let is_page = matches!(input, Input::Http(http) if navigation::opens_page(http.headers));
    let name_of_a_page = name.filter(|_| is_page);
    let Some((found, value)) = &choice.valid else {
        let ours = |source| policy.remembers_in(source);
        let mut refused = choice.refused.iter();
        let is_over = refused.any(|(found, why)| ours(found.source) && was_ours(found, *why));
        if let (Some(name), true) = (name_of_a_page, is_over) {
            set(cookies, cleared(name));
        }
        let mut refused = choice.refused.iter();
        return refused
            .next()
            .map_or(OverrideResult::NoEffect, |(_, why)| *why);
    };
    let by_cookie = matches!(found.source, Some(Source::Cookie(_)));
    if by_cookie {
        cookies.get_or_insert_default();
    }
    if let (true, Some(_)) = (value.is_empty(), name) {
        if let Some(name) = name_of_a_page {
            set(cookies, cleared(name));
        }
        return OverrideResult::Cleared;
    }
    let result = match forced.has_effect {
        true => OverrideResult::Applied,
        false => OverrideResult::NoEffect,
    };
    // the API is asked what a link would do
    let is_asked = is_page || found.source.is_none();
    let Some(name) = name.filter(|_| is_asked && forced.is_known && !by_cookie) else {
        return result;
    };
    match kept(name, value, now) {
        Some(cookie) if is_page => set(cookies, cookie),
        None if forced.has_effect => return OverrideResult::NotRemembered,
        _ => {}
    }
    result
}

fn set(cookies: &mut Option<OverrideCookies>, cookie: SetCookie) {
    cookies.get_or_insert_default().cookies.push(cookie);
}

/// What is no signed override at all may be a cookie of the application; one that was cut off has lost the end of its signature.
fn was_ours(found: &FoundOverride<'_>, why: OverrideResult) -> bool {
    match why {
        OverrideResult::Expired | OverrideResult::BadSignature | OverrideResult::TooLong => true,
        OverrideResult::Malformed => {
            let text = found.text.as_deref().unwrap_or_default();
            memchr::memmem::find(text, b", sig=:").is_some()
        }
        _ => false,
    }
}

/// Whether a page that brings it would be remembered.
pub fn is_kept(policy: &OverridePolicy, value: &ValidOverride, now: Second) -> bool {
    let name = policy.remember.as_deref();
    name.is_none_or(|name| value.is_empty() || kept(name, value, now).is_some())
}

fn cleared(name: &str) -> SetCookie {
    SetCookie::new(name, "", None, Some(0))
}

/// None where it ends too late, or is too long.
fn kept(name: &str, value: &ValidOverride, now: Second) -> Option<SetCookie> {
    if !value.ends_within(FURTHEST_END, now) {
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
