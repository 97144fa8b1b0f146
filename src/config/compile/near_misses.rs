//! Names in conditions that are not known: a near miss is named before any catch-all, and no hint turns an audience round.
//! In: a name, and what the file knows. Out: what to write instead.

use crate::config::{
    hints::{operator, place_of},
    phrases::{did_you_mean, nearest, quote},
};

/// What is known of a file, for hints on the names of conditions.
pub(super) struct Known<'k> {
    pub(super) segments: &'k [&'k str],
    pub(super) features: &'k [&'k str],
    /// declared attributes, and what is built in
    pub(super) attributes: &'k [&'k str],
}

/// A condition that asks for something unknown, by the name that stands before the colon.
pub(super) fn for_attribute(name: &str, known: &Known<'_>) -> String {
    if let Some(hint) = near(name, known) {
        return hint;
    }
    if known.segments.contains(&name) {
        return format!("write the segment alone or in a list: `when: {name}`, `all: [{name}, …]`");
    }
    if known.features.contains(&name) {
        return format!("test a feature as `feature.{name}`");
    }
    if let Some(hint) = operator(name) {
        return format!("{hint}, below an attribute: `country: {{…}}`");
    }
    if let Some(near) = nearest(name, known.attributes.iter().copied()) {
        return format!("did you mean {}?", quote(near));
    }
    let plain = quote(name);
    let plain = plain.trim_matches('`');
    if name.contains('.') {
        return "sources are `header.NAME`, `cookie.NAME`, `query.NAME`, `jwt.CLAIM` and `env.VAR`; a feature is `feature.NAME`".to_owned();
    }
    // header names have dashes; what is declared by one would be a header of that name
    if is_header_like(name) {
        return format!("did you mean `header.{}`?", plain.to_ascii_lowercase());
    }
    format!(
        "declare it: `attributes: {{{plain}: header.x-{}}}`",
        plain.to_ascii_lowercase()
    )
}

/// A condition that is one word, and no segment.
pub(super) fn for_segment(name: &str, is_listed: bool, known: &Known<'_>) -> String {
    if let Some(hint) = for_word(name, known) {
        return hint;
    }
    let plain = quote(name);
    let plain = plain.trim_matches('`');
    match known.segments {
        _ if is_listed => {
            format!("words in a list are segments; ids of users are `{{user: [{plain}, …]}}`")
        }
        [] => format!(
            "declare it below `segments`, or write `{{attribute: value}}`; the id of a user is `{{user: {plain}}}`"
        ),
        segments => format!(
            "{}; the id of a user is `{{user: {plain}}}`",
            did_you_mean(name, segments.iter().copied())
        ),
    }
}

/// The same where it is no user's id either, and something near is known.
pub(super) fn for_word(name: &str, known: &Known<'_>) -> Option<String> {
    if let Some(hint) = near(name, known).or_else(|| sentence(name)) {
        return Some(hint);
    }
    if known.features.contains(&name) {
        return Some(format!("test a feature as `{{feature.{name}: on}}`"));
    }
    if known.attributes.contains(&name) || name.contains('.') && !name.contains('@') {
        let plain = quote(name);
        let plain = plain.trim_matches('`');
        return Some(format!("an attribute needs a value: `{{{plain}: …}}`"));
    }
    let near = nearest(name, known.segments.iter().copied())?;
    Some(format!("did you mean {}?", quote(near)))
}

/// A condition as other languages write it: everybody, nobody, or words with signs between them.
fn sentence(text: &str) -> Option<String> {
    match &*text.to_ascii_lowercase() {
        "everyone" | "everybody" | "all" | "any" | "always" | "true" | "on" | "*" => {
            return Some("leave it out: without a condition it is everybody".to_owned());
        }
        "nobody" | "noone" | "none" | "never" | "false" | "off" => {
            return Some("for nobody write `serve: off`".to_owned());
        }
        _ => {}
    }
    let list = |by: &str| {
        let words: Vec<&str> = text.split(by).map(str::trim).collect();
        let one = |word: &&str| !word.is_empty() && !word.contains(char::is_whitespace);
        (words.len() > 1 && words.iter().all(one)).then(|| words.join(", "))
    };
    let all = [" and ", " AND ", "&&", "&"].into_iter().find_map(list);
    let any = [" or ", " OR ", "||", "|", ","].into_iter().find_map(list);
    if text.contains('=') || text.contains(['<', '>']) {
        return Some("write the attribute and its value: `{country: US}`".to_owned());
    }
    all.map(|words| format!("write `{{all: [{words}]}}`"))
        .or_else(|| any.map(|words| format!("write a list: `[{words}]`")))
}

/// What stands beside a word of ours, in a key or alone.
fn near(name: &str, known: &Known<'_>) -> Option<String> {
    if let Some(denied) = denied(name).filter(|_| operator(name).is_none()) {
        let is = |names: &[&str]| {
            names.contains(&denied) || nearest(denied, names.iter().copied()).is_some()
        };
        if is(known.segments) {
            let meant = nearest(denied, known.segments.iter().copied()).unwrap_or(denied);
            return Some(format!("write `{{not: {meant}}}`"));
        }
        if is(known.attributes) {
            let meant = nearest(denied, known.attributes.iter().copied()).unwrap_or(denied);
            return Some(format!("write `{{{meant}: {{not: …}}}}`"));
        }
        if name.starts_with('!') {
            return Some("write `not:` in front: `{not: staff}`".to_owned());
        }
    }
    let (place, rest) = name.split_once('.').unwrap_or((name, ""));
    let lower = place.to_ascii_lowercase();
    let as_source = |place: &str| {
        Some(format!(
            "did you mean {}?",
            quote(&format!("{place}.{rest}"))
        ))
    };
    match (&*lower, rest.is_empty()) {
        ("features" | "flag" | "flags" | "toggle" | "toggles", false) => {
            let meant = match known.features.contains(&rest) {
                true => rest,
                false => nearest(rest, known.features.iter().copied()).unwrap_or(rest),
            };
            Some(format!("test a feature as {}", quote(&format!("feature.{meant}: on"))))
        }
        ("segment" | "segments" | "audience" | "cohort", false) => Some(format!(
            "write the segment alone: `when: {rest}`, or in a list; its opposite is `{{not: {rest}}}`"
        )),
        _ if place_of(&lower).is_some_and(|known| known != place) && !rest.is_empty() => {
            as_source(place_of(&lower).unwrap_or_default())
        }
        ("user", false) => Some(format!(
            "the user is `user`; anything else about them is an attribute: `attributes: {{{rest}: header.x-{rest}}}`"
        )),
        ("time" | "date" | "datetime" | "timestamp" | "today" | "clock" | "weekday" | "hour", _) => {
            Some("the clock is `now: {from: 2026-03-01, until: 2026-03-15}`".to_owned())
        }
        ("user_id" | "userid" | "user-id" | "targetingkey" | "targeting_key" | "targeting-key" | "uid" | "userkey", true) => {
            Some("whoever asks is `user`".to_owned())
        }
        ("and" | "&&" | "allof" | "every", true) => {
            Some("write `all: [staff, {country: US}]`, or the entries below one another: every one has to hold".to_owned())
        }
        ("or" | "||" | "anyof" | "some" | "oneof", true) => {
            Some("write `any: [staff, {country: US}]`".to_owned())
        }
        ("nor" | "none" | "noneof" | "nand", true) => {
            Some("write `not: {any: [staff, {country: US}]}`".to_owned())
        }
        _ => None,
    }
}

/// The word behind a denial: `!staff`, `not-staff`.
fn denied(name: &str) -> Option<&str> {
    let signs = [
        "!", "-", "~", "not ", "not-", "not_", "not.", "non-", "non_", "no-", "no_",
    ];
    let rest = signs.iter().find_map(|sign| name.strip_prefix(sign))?;
    Some(rest.trim()).filter(|rest| !rest.is_empty())
}

/// `X-Country`, `x-country`, `Accept-Language`
fn is_header_like(name: &str) -> bool {
    let is_upper = |part: &str| part.starts_with(|c: char| c.is_ascii_uppercase());
    let dashed = name.contains('-') && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    dashed && (name.to_ascii_lowercase().starts_with("x-") || name.split('-').all(is_upper))
}
