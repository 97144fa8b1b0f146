//! Questions to a node of another system's file.
//! None is inlined: importers are made of them, and size counts more than speed here.
//! In: a node. Out: what stands below a key, and what a scalar means in JSON.

use crate::config::{Entry, Kind, Node};
use serde_json::{Map, Number, Value};

/// What stands below a key; none for null.
#[inline(never)]
pub(crate) fn get<'n, 't>(node: &'n Node<'t>, key: &str) -> Option<&'n Node<'t>> {
    node.below(key).filter(|value| !value.is_null())
}

/// The first of these keys.
#[inline(never)]
pub(crate) fn first<'n, 't>(node: &'n Node<'t>, keys: &[&str]) -> Option<&'n Node<'t>> {
    keys.iter().find_map(|key| get(node, key))
}

#[inline(never)]
pub(crate) fn entries<'n, 't>(node: &'n Node<'t>) -> &'n [Entry<'t>] {
    match &node.kind {
        Kind::Map(entries) => entries,
        _ => &[],
    }
}

#[inline(never)]
pub(crate) fn items<'n, 't>(node: Option<&'n Node<'t>>) -> &'n [Node<'t>] {
    match node.map(|node| &node.kind) {
        Some(Kind::List(items)) => items,
        _ => &[],
    }
}

#[inline(never)]
pub(crate) fn is_map(node: &Node<'_>) -> bool {
    matches!(node.kind, Kind::Map(_))
}

#[inline(never)]
pub(crate) fn is_list(node: &Node<'_>) -> bool {
    matches!(node.kind, Kind::List(_))
}

/// The characters of a scalar below a key.
#[inline(never)]
pub(crate) fn text<'n>(node: &'n Node<'_>, key: &str) -> Option<&'n str> {
    get(node, key)?.text()
}

#[inline(never)]
pub(crate) fn texts(node: Option<&Node<'_>>) -> Vec<String> {
    let texts = items(node).iter().filter_map(Node::text);
    texts.map(str::to_owned).collect()
}

/// `true` or `false`, without quotes.
#[inline(never)]
pub(crate) fn boolean(node: &Node<'_>) -> Option<bool> {
    match &node.kind {
        Kind::Text(text, true) => match &**text {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

#[inline(never)]
pub(crate) fn is_true(node: &Node<'_>, key: &str) -> bool {
    get(node, key).and_then(boolean) == Some(true)
}

/// A number, without quotes.
#[inline(never)]
pub(crate) fn number(node: &Node<'_>) -> Option<f64> {
    match &node.kind {
        Kind::Text(text, true) => {
            let begins = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
            text.parse()
                .ok()
                .filter(|number: &f64| begins && number.is_finite())
        }
        _ => None,
    }
}

/// The only entry of a map: an operator and its operand.
#[inline(never)]
pub(crate) fn only<'n, 't>(node: &'n Node<'t>) -> Option<(&'n str, &'n Node<'t>)> {
    match entries(node) {
        [one] => Some((&one.key, &one.value)),
        _ => None,
    }
}

/// As a value of JSON: what YAML 1.2's core schema and JSON agree on.
#[inline(never)]
pub(crate) fn json(node: &Node<'_>) -> Value {
    match &node.kind {
        Kind::List(items) => Value::Array(items.iter().map(json).collect()),
        Kind::Map(entries) => {
            let entries = entries
                .iter()
                .map(|entry| (entry.key.to_string(), json(&entry.value)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        _ if node.is_null() => Value::Null,
        Kind::Text(text, plain) => {
            let parsed = || match number(node) {
                Some(_) => text.parse::<Number>().ok().map(Value::Number),
                None => boolean(node).map(Value::Bool),
            };
            let typed = plain.then(parsed).flatten();
            typed.unwrap_or_else(|| Value::from(text.to_string()))
        }
        Kind::Refused => Value::Null,
    }
}
