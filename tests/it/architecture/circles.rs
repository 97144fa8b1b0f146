//! Circles. In: who uses whom. Out: each knot of files that use one another, and its shortest way round.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub(super) type Arrows<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// One way round for each knot: the first file is also where it ends.
pub(super) fn circles<'a>(arrows: &Arrows<'a>) -> Vec<Vec<&'a str>> {
    let mut left = in_circles(arrows);
    let mut found = Vec::new();
    while let Some(file) = left.first().copied() {
        let reached = reached(arrows, file);
        let knot: Vec<_> = left
            .iter()
            .filter(|one| reached.contains(*one) && self::reached(arrows, one).contains(file))
            .copied()
            .collect();
        found.extend(
            knot.iter()
                .filter_map(|file| way(arrows, file, file))
                .min_by_key(Vec::len),
        );
        left.retain(|file| !knot.contains(file));
    }
    found
}

/// Those that lead to themselves.
fn in_circles<'a>(arrows: &Arrows<'a>) -> BTreeSet<&'a str> {
    arrows
        .keys()
        .filter(|file| reached(arrows, file).contains(*file))
        .copied()
        .collect()
}

fn reached<'a>(arrows: &Arrows<'a>, from: &'a str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut ahead = vec![from];
    while let Some(file) = ahead.pop() {
        ahead.extend(
            arrows
                .get(file)
                .into_iter()
                .flatten()
                .filter(|next| reached.insert(**next)),
        );
    }
    reached
}

/// The shortest way of at least one arrow.
fn way<'a>(arrows: &Arrows<'a>, from: &'a str, to: &str) -> Option<Vec<&'a str>> {
    let mut ways = VecDeque::from([vec![from]]);
    let mut reached = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in arrows.get(way.last()?).into_iter().flatten() {
            if reached.insert(*next) {
                let way = [&way[..], &[*next]].concat();
                if *next == to {
                    return Some(way);
                }
                ways.push_back(way);
            }
        }
    }
    None
}

#[test]
fn a_circle_is_found_once_by_its_shortest_way() {
    let check = |text: &'static str, expected: &str| {
        let mut arrows = Arrows::new();
        for (from, to) in text.split(' ').filter_map(|arrow| arrow.split_once('>')) {
            arrows.entry(from).or_default().insert(to);
        }
        let found: Vec<_> = circles(&arrows).iter().map(|way| way.join(">")).collect();
        assert_eq!(found.join(" "), expected, "{text}");
    };
    check("a>b b>c a>c", "");
    check("a>b b>a", "a>b>a");
    check("a>b b>c c>a c>b d>a", "b>c>b");
    check("a>b b>a c>d d>c b>c", "a>b>a c>d>c");
}
