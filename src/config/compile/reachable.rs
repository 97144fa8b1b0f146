//! Rules that can never be reached, as far as that can be proved from the text.
//! In: the conditions of a feature's rules. Out: whether an earlier one holds whenever a later one does.

use crate::config::tree::{Entry, Kind, Node};

/// Whether `earlier` holds whenever `later` does. May say no where the answer is yes, never the reverse.
pub(super) fn implies(later: &Node<'_>, earlier: &Node<'_>) -> bool {
    // what takes long to prove is not proved: a file is checked in milliseconds
    later.size() * earlier.size() <= MOST_WORK && proves(later, earlier)
}

/// How many comparisons one pair of conditions is worth.
const MOST_WORK: usize = 10_000;

fn proves(later: &Node<'_>, earlier: &Node<'_>) -> bool {
    if later.same(earlier) {
        return true;
    }
    match (&later.kind, &earlier.kind) {
        (Kind::List(items), _) if !items.is_empty() => {
            items.iter().all(|item| proves(item, earlier))
        }
        (_, Kind::List(items)) => items.iter().any(|item| proves(later, item)),
        (Kind::Map(later), Kind::Map(earlier)) => earlier
            .iter()
            .all(|wanted| later.iter().any(|given| entry_implies(given, wanted))),
        (Kind::Map(later), Kind::Text(..)) => {
            later
                .iter()
                .any(|given| match (&*given.key, &given.value.kind) {
                    ("all", Kind::List(items)) => items.iter().any(|item| proves(item, earlier)),
                    _ => false,
                })
        }
        _ => false,
    }
}

fn entry_implies(given: &Entry<'_>, wanted: &Entry<'_>) -> bool {
    if given.key != wanted.key {
        return false;
    }
    if given.value.same(&wanted.value) {
        return true;
    }
    match &*given.key {
        "not" | "any" | "all" | "now" => false,
        _ => match (values(&given.value), values(&wanted.value)) {
            (Some(few), Some(many)) => few
                .iter()
                .all(|value| many.iter().any(|other| value.same(other))),
            _ => false,
        },
    }
}

/// A value or a list of values.
fn values<'n, 't>(node: &'n Node<'t>) -> Option<&'n [Node<'t>]> {
    match &node.kind {
        Kind::Text(..) => Some(std::slice::from_ref(node)),
        Kind::List(items) => Some(items),
        _ => None,
    }
}

/// Whether two conditions can never hold together: both ask for an attribute, and for different values of it.
pub(super) fn are_apart(one: &Node<'_>, other: &Node<'_>) -> bool {
    if one.size() * other.size() > MOST_WORK {
        return false;
    }
    let (Kind::Map(one), Kind::Map(other)) = (&one.kind, &other.kind) else {
        return false;
    };
    let is_attribute = |entry: &&Entry<'_>| !matches!(&*entry.key, "not" | "any" | "all" | "now");
    one.iter().filter(is_attribute).any(|a| {
        other.iter().any(
            |b| match (a.key == b.key, values(&a.value), values(&b.value)) {
                (true, Some(few), Some(many)) => !few
                    .iter()
                    .any(|value| many.iter().any(|other| value.same(other))),
                _ => false,
            },
        )
    })
}
