//! The stops file: what somebody has stopped or holds, and nothing else. It is compiled apart from the toggles, so that a
//! stop works while they are broken.
//! In: its tree. Out: [`Stops`]; every problem is told.

use super::{instants::instant, names};
use crate::config::{
    collector::Collector,
    file,
    map::entries,
    phrases::quote,
    tree::{Entry, Node, Position},
};
use crate::engine::stops::{EVERY, Stop, StopKind, Stops};

/// How long a reason and a name may be, in characters.
pub const LONGEST: usize = 200;

/// How many stops a file may have: every feature of as many files as a directory can have would not fit into 1 MiB.
const MOST: usize = 10_000;

/// What the file says, under this revision. Where a problem was found, it is not to be used.
pub(in crate::config) fn stops(
    root: &Node<'_>,
    revision: &str,
    problems: &mut Collector,
) -> Option<Stops> {
    let file = file::Stops::read(root, problems)?;
    let hint = "write `version: 1`: it names the contract that the file is written for";
    match file.version {
        None => problems.error(root.at, "`version` is missing", hint),
        Some(entry) if entry.value.text() == Some("1") => {}
        Some(entry) => expected(&entry.value, "the version `1`", hint, problems),
    }
    let named = file.stops.filter(|entry| !entry.value.is_null());
    let named = match named {
        Some(entry) => entries(&entry.value, "`stops`", problems)?,
        None => &[],
    };
    if named.len() > MOST {
        let message = format!("more than {MOST} stops");
        problems.error(root.at, message, "`\"*\"` stops every feature");
    }
    let mut list: Vec<_> = named
        .iter()
        .filter_map(|entry| stop(entry, problems))
        .collect();
    list.sort_by(|a, b| a.name.cmp(&b.name));
    Some(Stops {
        revision: revision.into(),
        list: list.into(),
    })
}

fn stop(entry: &Entry<'_>, problems: &mut Collector) -> Option<Stop> {
    let name = &*entry.key;
    if !is_stoppable(name) {
        let hint = "write a feature as `checkout-button`, as `shop.checkout-button` where it is in the namespace `shop`, or `\"*\"` for every feature";
        let message = format!("{} is no name of a feature", quote(name));
        problems.error(entry.key_at, message, hint);
    }
    // `checkout-button:` alone is a stop too: at night nobody looks up what else to write
    let (mut since, mut hold, mut why, mut by) = (None, None, None, None);
    if !entry.value.is_null() {
        let map = file::Stop::read(&entry.value, problems)?;
        since = map.since.map(|entry| instant(&entry.value, problems));
        hold = map.hold.map(|entry| instant(&entry.value, problems));
        why = map.why.and_then(|entry| words(entry, problems));
        by = map.by.and_then(|entry| words(entry, problems));
    }
    if since.is_some() && hold.is_some() {
        let hint = "keep `since` to stop it, or `hold` to have its clock stand still";
        problems.error(entry.key_at, "`since` and `hold` exclude each other", hint);
    }
    Some(Stop {
        name: name.into(),
        kind: match hold {
            Some(_) => StopKind::Hold,
            None => StopKind::Stop,
        },
        at: hold.or(since).flatten(),
        why,
        by,
        line: entry.key_at.line,
    })
}

/// Whether this can be the name of a feature, with or without its namespace.
pub fn is_stoppable(name: &str) -> bool {
    let (space, feature) = match name.rsplit_once('.') {
        Some((space, feature)) => (Some(space), feature),
        None => (None, name),
    };
    name == EVERY || space.is_none_or(names::is_name) && names::is_feature(feature)
}

/// Whether a reason or a name can be kept: one line, nothing that hides or turns round what stands beside it.
pub fn is_printable(text: &str) -> bool {
    let hides = |character| matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    text.chars().count() <= LONGEST && !text.chars().any(|one| one.is_control() || hides(one))
}

fn words(entry: &Entry<'_>, problems: &mut Collector) -> Option<Box<str>> {
    match entry.value.text() {
        Some(text) if is_printable(text) => return Some(text.into()),
        Some(_) => problems.error(
            entry.value.at,
            format!(
                "{} is not one line of at most {LONGEST} printable characters",
                quote(&entry.key)
            ),
            "write a short sentence",
        ),
        None => expected(&entry.value, "a text", "", problems),
    }
    None
}

fn expected(node: &Node<'_>, what: &str, hint: &str, problems: &mut Collector) {
    if !node.is_refused() {
        problems.error(
            node.at,
            format!("expected {what}, found {}", node.what()),
            hint,
        );
    }
}

/// A warning for each stop whose feature is not in the toggles in force: they may be older or newer.
pub(in crate::config) fn unknown<'s>(
    stops: impl Iterator<Item = &'s Stop>,
    problems: &mut Collector,
) {
    for stop in stops {
        let at = Position {
            line: stop.line,
            column: 1,
            id: 0,
            file: 0,
        };
        let message = format!(
            "{} is no feature of the toggles in force",
            quote(&stop.name)
        );
        problems.warn(
            at,
            message,
            "if it is spelled right, these are older or newer toggles",
        );
    }
}
