//! Counts who would switch variant: the users of a file, or made-up ones where a condition makes it depend on the request.
//! In: two snapshots and their changes, a request, users. Out: per feature how many switch from which variant to which, and who.

use super::part::Part;
use crate::cli::{ids, request::DescribedRequest};
use crate::engine::{
    Decisions, Feature, Snapshot,
    attributes::Found,
    diff::{
        Change,
        lots::{NO_ANSWER, baseline},
        reach::Reach,
    },
    request::EvaluationContext,
    units::Second,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io,
    path::Path,
};

/// The counts of one feature.
#[derive(Debug, Default)]
pub struct FeatureCount {
    /// how many users were counted
    pub users: u64,
    /// from, to: how many switch
    switches: BTreeMap<(String, String), u64>,
    /// how many get a variant other than the default, before and after
    reached: [u64; 2],
    /// who switches: id, from, to; only for a file of users
    pub who: Vec<(String, String, String)>,
    /// at later instants at which a feature changes by itself: how many switch
    later: BTreeMap<Second, u64>,
    /// attributes that its conditions ask for, and that no user has
    pub unknown: BTreeSet<String>,
}

/// Counts over the users of a file, one per line, and keeps who switches.
pub fn over_file(
    sides: [&Snapshot; 2],
    changes: &[Change<'_>],
    request: &DescribedRequest,
    file: &Path,
) -> io::Result<Vec<FeatureCount>> {
    let mut counter = Counter::new(sides, changes, request, true);
    let dates = changes.iter().flat_map(|change| &change.dates);
    let dates: BTreeSet<Second> = dates.copied().collect();
    let (mut users, mut known) = (0, BTreeSet::new());
    ids::each(file, true, |user| {
        users += 1;
        for name in user
            .attributes
            .keys()
            .filter(|name| !known.contains(*name))
            .collect::<Vec<_>>()
        {
            known.insert(name.clone());
        }
        counter.add(user);
        dates.iter().for_each(|at| counter.add_later(user, *at));
        Ok(())
    })?;
    if users == 0 {
        return Err(io::Error::other(format!(
            "{}: no users to count",
            file.display()
        )));
    }
    let mut counts = counter.counts;
    for (change, counted) in changes.iter().zip(&mut counts) {
        counted.unknown = unknown(change, request, &known);
    }
    Ok(counts)
}

/// Counts over made-up ids.
pub fn over_sample(
    sides: [&Snapshot; 2],
    changes: &[Change<'_>],
    request: &DescribedRequest,
    sample: u64,
) -> Vec<FeatureCount> {
    let mut counter = Counter::new(sides, changes, request, false);
    for number in 0..sample {
        counter.add(&EvaluationContext {
            user: Some(format!("user-{number}")),
            ..EvaluationContext::default()
        });
    }
    counter.counts
}

/// A feature with its index in the decisions; none where it is not served.
type Side<'a> = Option<(usize, &'a Feature)>;

struct Counter<'a> {
    snapshots: [&'a Snapshot; 2],
    decisions: [Decisions; 2],
    request: &'a DescribedRequest,
    pairs: Vec<[Side<'a>; 2]>,
    counts: Vec<FeatureCount>,
    keep: bool,
}

impl<'a> Counter<'a> {
    fn new(
        snapshots: [&'a Snapshot; 2],
        changes: &[Change<'a>],
        request: &'a DescribedRequest,
        keep: bool,
    ) -> Counter<'a> {
        let places = snapshots.map(|snapshot| {
            let features = snapshot.features();
            let place = features.map(|(index, _, feature)| (&*feature.key, index));
            place.collect::<HashMap<_, _>>()
        });
        let pair = |change: &Change<'a>| {
            let place = |side: usize| {
                let (_, feature) = change.sides[side]?;
                Some((*places[side].get(&*feature.key)?, feature))
            };
            [place(0), place(1)]
        };
        Counter {
            snapshots,
            decisions: Default::default(),
            request,
            pairs: changes.iter().map(pair).collect(),
            counts: changes.iter().map(|_| FeatureCount::default()).collect(),
            keep,
        }
    }

    fn decide(&mut self, user: &EvaluationContext, at: Second) {
        for (snapshot, decisions) in self.snapshots.iter().zip(&mut self.decisions) {
            snapshot.decide(self.request.input(Some(user)), at, None, decisions);
        }
    }

    fn add(&mut self, user: &EvaluationContext) {
        self.decide(user, self.request.now);
        for (pair, counted) in self.pairs.iter().zip(&mut self.counts) {
            counted.users += 1;
            let [from, to] = variants(pair, &self.decisions);
            for (side, name) in [from, to].into_iter().enumerate() {
                let default =
                    pair[side].map(|(_, feature)| &*feature.variant(feature.default).name);
                let reached = default.is_some_and(|default| name != default && name != NO_ANSWER);
                counted.reached[side] += u64::from(reached);
            }
            if from == to {
                continue;
            }
            let (from, to) = (from.to_owned(), to.to_owned());
            if self.keep {
                let id = user.user.clone().unwrap_or_default();
                counted.who.push((id, from.clone(), to.clone()));
            }
            *counted.switches.entry((from, to)).or_default() += 1;
        }
    }

    fn add_later(&mut self, user: &EvaluationContext, at: Second) {
        self.decide(user, at);
        for (pair, counted) in self.pairs.iter().zip(&mut self.counts) {
            let [from, to] = variants(pair, &self.decisions);
            *counted.later.entry(at).or_default() += u64::from(from != to);
        }
    }
}

/// What this user gets before and after.
fn variants<'a>(pair: &[Side<'a>; 2], decisions: &[Decisions; 2]) -> [&'a str; 2] {
    // whoever gets nothing of a feature that is there on one side only gets nothing new, and loses nothing
    let nothing = match pair {
        [Some((_, only)), None] | [None, Some((_, only))] => baseline(only),
        _ => NO_ANSWER,
    };
    [0, 1].map(|side| {
        let given = pair[side].and_then(|(index, feature)| {
            let decision = decisions[side].by_feature[index]?;
            Some(&*feature.variant(decision.variant).name)
        });
        given.unwrap_or(nothing)
    })
}

/// What the conditions ask for, and neither the users nor the flags say.
fn unknown(
    change: &Change<'_>,
    request: &DescribedRequest,
    known: &BTreeSet<String>,
) -> BTreeSet<String> {
    let mut unknown = BTreeSet::new();
    for (toggles, feature) in change.sides.into_iter().flatten() {
        let asked = Reach::of(toggles, feature).attributes.into_iter();
        let asked = asked.map(|index| &toggles.attributes[usize::from(index)]);
        let is_absent = |found: Found<'_>| matches!(found, Found::Absent | Found::Conflict);
        let missing = asked.filter(|attribute| {
            !known.contains(&*attribute.name)
                && is_absent(attribute.find(request.input(None), false))
        });
        unknown.extend(missing.map(|attribute| attribute.name.to_string()));
    }
    unknown
}

impl FeatureCount {
    /// The share of users that switches variant.
    pub fn switched(&self) -> Part {
        Part::counted(self.switches.values().sum(), self.users)
    }

    /// The share that switches at a later instant, the greatest.
    pub fn later(&self) -> Option<(Second, Part)> {
        let greatest = self.later.iter().map(|(at, count)| (*count, *at)).max();
        greatest.map(|(count, at)| (at, Part::counted(count, self.users)))
    }

    /// The share of users that gets a variant other than the default, before and after.
    pub fn reached(&self) -> [Part; 2] {
        self.reached.map(|count| Part::counted(count, self.users))
    }

    /// From, to, share of users.
    pub fn flows(&self) -> Vec<(String, String, Part)> {
        let switches = self.switches.iter();
        let flow = |((from, to), count): (&(String, String), &u64)| {
            (from.clone(), to.clone(), Part::counted(*count, self.users))
        };
        switches.map(flow).collect()
    }
}
