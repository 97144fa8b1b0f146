//! Names: what they may be made of, and the headers that they make.
//! In: the user's words. Out: a name, or the sentence that says what is wrong with it.

use http::HeaderName;

/// What a kind of name may be made of, for a sentence.
pub(super) const FEATURE: &str =
    "begin with a letter, then letters, digits and single `-` or `_` between them; at most 64";
pub(super) const VARIANT: &str =
    "begin with a letter or digit, then letters, digits, `.`, `_` and `-`; at most 64";
pub(super) const SALT: &str = "use letters, digits, `.`, `_` and `-`; at most 128";

/// `[A-Za-z][A-Za-z0-9]*([_-][A-Za-z0-9]+)*`, at most 64
pub(super) fn is_feature(name: &str) -> bool {
    let parts_are_full = || {
        name.split(['_', '-'])
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()))
    };
    name.len() <= 64 && name.starts_with(|c: char| c.is_ascii_alphabetic()) && parts_are_full()
}

/// `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`
pub(crate) fn is_variant(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.as_bytes()[0].is_ascii_alphanumeric()
        && name.bytes().all(is_word)
}

/// Namespaces, segments and attributes: as a variant, beginning with a letter.
pub(crate) fn is_name(name: &str) -> bool {
    is_variant(name) && name.as_bytes()[0].is_ascii_alphabetic()
}

/// `[A-Za-z0-9._-]{1,128}`
pub(super) fn is_salt(salt: &str) -> bool {
    (1..=128).contains(&salt.len()) && salt.bytes().all(is_word)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

/// A token of RFC 9110, which field names and cookie names are.
pub(super) fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// A field name, if it is one.
pub(super) fn header(name: &str) -> Option<HeaderName> {
    HeaderName::from_bytes(name.as_bytes())
        .ok()
        .filter(|_| name.len() <= 256)
}

/// `special_g1_feature` is `Special-G1-Feature`.
pub(super) fn in_header(feature: &str) -> String {
    // also for a name that has been refused, which may begin with any character
    let capital = |part: &str| {
        let mut letters = part.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    feature
        .split(['_', '-'])
        .map(capital)
        .collect::<Vec<_>>()
        .join("-")
}

/// YAML 1.1 tools rewrite `on` and `off`: the booleans mean the same wherever a variant is expected.
pub(super) fn as_variant(text: &str) -> &str {
    match text {
        "true" | "True" | "TRUE" => "on",
        "false" | "False" | "FALSE" => "off",
        other => other,
    }
}

/// `true`, `false`, `on` or `off`
pub(super) fn as_boolean(text: &str) -> Option<bool> {
    match as_variant(text) {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}
