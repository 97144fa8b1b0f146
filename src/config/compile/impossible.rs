//! Values that a request can never have: a path without a slash, a host with a port, `"US, CA"` as one value.
//! In: a source and what is asked of it. Out: a warning for each; a context of OFREP may have them all the same.

use super::compiler::Compiler;
use crate::config::{
    phrases::quote,
    tree::{Kind, Node, Position},
};
use crate::engine::{
    attributes::{Attribute, AttributeIndex, USER},
    source::{Source, as_browsers_send},
};
use std::net::IpAddr;

/// How a text is looked for.
#[derive(Clone, Copy, PartialEq)]
enum How {
    Whole,
    Prefix,
    Suffix,
    Inside,
    Pattern,
}

impl<'t> Compiler<'t, '_> {
    /// Warnings for values that a request can never have.
    pub(super) fn impossible(&mut self, index: AttributeIndex, node: &'t Node<'t>) {
        let mut texts = Vec::new();
        looked_for(node, How::Whole, &mut texts);
        for (text, at, how) in texts {
            let attribute = &self.attributes.list[usize::from(index)];
            if let Some((message, hint)) = odd(attribute, index, text, how) {
                self.problems.warn(at, message, hint);
            }
        }
    }
}

/// Every text below a value, a list or operators.
fn looked_for<'n>(node: &'n Node<'_>, how: How, texts: &mut Vec<(&'n str, Position, How)>) {
    match &node.kind {
        Kind::Text(..) => texts.extend(node.text().map(|text| (text, node.at, how))),
        Kind::List(items) => items.iter().for_each(|item| looked_for(item, how, texts)),
        Kind::Map(entries) => {
            for entry in entries {
                let how = match &*entry.key {
                    "not" => How::Whole,
                    "prefix" => How::Prefix,
                    "suffix" => How::Suffix,
                    "contains" => How::Inside,
                    "matches" => How::Pattern,
                    _ => continue,
                };
                looked_for(&entry.value, how, texts);
            }
        }
        Kind::Refused => {}
    }
}

/// What is odd about it, and what to write instead.
fn odd(
    attribute: &Attribute,
    index: AttributeIndex,
    text: &str,
    how: How,
) -> Option<(String, String)> {
    let never = |hint: String| {
        let message = format!("no request has the value {} here", quote(text));
        Some((message, hint))
    };
    let begins = text.starts_with(char::is_whitespace) && matches!(how, How::Whole | How::Prefix);
    let ends = text.ends_with(char::is_whitespace) && matches!(how, How::Whole | How::Suffix);
    if text.contains(|sign: char| sign.is_control() && sign != '\t') {
        return never(
            "it has a control character: a backslash stands for itself between single quotes"
                .to_owned(),
        );
    }
    if begins || ends {
        return never("blanks at an end are compared too: leave them out".to_owned());
    }
    if index == USER && how == How::Whole {
        if text.contains('*') {
            return never(star(text));
        }
        if text.contains(char::is_whitespace) {
            return never("an id has no blank: a list of ids is `[ann, bo]`".to_owned());
        }
    }
    if let (How::Whole, None, Some(list)) = (how, &attribute.split, as_list(text)) {
        let message = format!("{} is one value, not several", quote(text));
        return Some((message, format!("write a list: `[{list}]`")));
    }
    let may_be_list = |source: &Source| matches!(source, Source::Jwt(_));
    if let Some(by) = attribute.split.as_deref()
        && text.contains(by)
        && how != How::Pattern
        && !attribute.sources.iter().any(may_be_list)
    {
        return never(format!("it is divided at {}: write a list", quote(by)));
    }
    let is_decoded = attribute.normal.percent;
    let whys = attribute.sources.iter().map(|source| match source {
        Source::Path => unmet_path(text, how, is_decoded),
        source => unmet(source, text, how),
    });
    if let Some(why) = whys.collect::<Option<Vec<_>>>()?.into_iter().next() {
        return never(why);
    }
    None
}

/// Why this source never has it.
fn unmet(source: &Source, text: &str, how: How) -> Option<String> {
    let has_blank = text.contains(char::is_whitespace);
    let why = match source {
        _ if how == How::Pattern => return None,
        Source::Host if how == How::Whole && text.contains('*') => return Some(star(text)),
        Source::Host if text.bytes().any(|byte| byte.is_ascii_uppercase()) => {
            "the host is in lower case"
        }
        Source::Host if text.contains('/') => "a host has no `/`: ask for the `path`",
        Source::Host if text.contains(':') && !text.contains('[') => {
            "the host does not include the port"
        }
        Source::Host if has_blank => "a host has no blank",
        Source::Host if !text.is_ascii() => "browsers send a host in ASCII: write it as `xn--…`",
        Source::Ip if how == How::Whole => match text.parse::<IpAddr>() {
            Ok(ip) if ip.to_canonical().to_string() == text => return None,
            Ok(ip) => return Some(format!("it is compared as `{}`", ip.to_canonical())),
            Err(_) if text.contains('/') => "for a network write `ip: {within: …}`",
            Err(_) => "an address belongs here, such as `10.0.0.1`, not a name",
        },
        Source::Method if text.bytes().any(|byte| byte.is_ascii_lowercase()) => {
            "methods are in upper case"
        }
        Source::Cookie(_) if text.contains(';') => "a cookie ends at `;`",
        _ => return None,
    };
    Some(why.to_owned())
}

fn unmet_path(text: &str, how: How, is_decoded: bool) -> Option<String> {
    if !text.is_ascii() && !is_decoded {
        return Some(match how {
            How::Pattern => "browsers percent-encode it: write `%C3%A9` for `é`".to_owned(),
            _ => format!(
                "browsers send {}, and so it is compared",
                quote(&as_browsers_send(text))
            ),
        });
    }
    let why = match how {
        How::Pattern => return None,
        // what is asked of the server itself has this path
        _ if text == "*" => return None,
        How::Whole | How::Prefix if !text.starts_with('/') => "a path begins with `/`",
        _ if text.contains('?') => "the path does not include the query: use `query.NAME`",
        _ if text.contains('#') => "browsers keep what follows `#` to themselves",
        How::Whole if text.contains('*') => return Some(star(text)),
        _ if text.contains(char::is_whitespace) && !is_decoded => "a blank is sent as `%20`",
        _ => return None,
    };
    Some(why.to_owned())
}

/// What to write instead of a pattern of shells.
fn star(text: &str) -> String {
    let inside = text.trim_matches('*');
    match (text.starts_with('*'), text.ends_with('*')) {
        _ if inside.contains('*') || inside.is_empty() => {
            "`*` stands for itself: use `matches`, or `present: true` for any value".to_owned()
        }
        (true, true) => format!("`*` stands for itself: write `{{contains: {inside}}}`"),
        (true, false) => format!("`*` stands for itself: write `{{suffix: {inside}}}`"),
        (false, true) => format!("`*` stands for itself: write `{{prefix: {inside}}}`"),
        (false, false) => "`*` stands for itself: use `matches`".to_owned(),
    }
}

/// `US, CA` for `US,CA`: words with a sign between them that divides lists.
fn as_list(text: &str) -> Option<String> {
    let by = [',', ';', '|'].into_iter().find(|by| text.contains(*by))?;
    let words: Vec<&str> = text.split(by).map(str::trim).collect();
    let is_word = |word: &&str| {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
        word.chars().all(plain) && word.contains(char::is_alphabetic)
    };
    words.iter().all(is_word).then(|| words.join(", "))
}
