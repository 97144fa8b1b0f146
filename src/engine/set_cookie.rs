//! The one way in which burgee writes a cookie: for all paths, not for scripts, not from other sites.
//! In: a name, a value, and what else it says. Out: a `Set-Cookie` value.

use http::HeaderValue;

const SECURE: &str = "; Secure";

/// A `Set-Cookie` value but for `Secure`, which only the request tells.
#[derive(Debug)]
pub struct SetCookie(String);

impl SetCookie {
    /// Without a `domain` it is this host's alone; without `max_age`, in seconds, it ends with the session.
    pub fn new(name: &str, value: &str, domain: Option<&str>, max_age: Option<u64>) -> SetCookie {
        let domain = domain.map_or(String::new(), |domain| format!("; Domain={domain}"));
        let max_age = max_age.map_or(String::new(), |seconds| format!("; Max-Age={seconds}"));
        SetCookie(format!(
            "{name}={value}; Path=/{domain}{max_age}; HttpOnly; SameSite=Lax"
        ))
    }

    /// As it is sent.
    pub fn line(&self, is_https: bool) -> Option<HeaderValue> {
        let secure = if is_https { SECURE } else { "" };
        HeaderValue::from_str(&format!("{}{secure}", self.0)).ok()
    }

    /// Of its longest line.
    pub fn length(&self) -> usize {
        self.0.len() + SECURE.len()
    }
}
