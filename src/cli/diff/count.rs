//! Counts who would switch variant, where a condition makes it depend on the request.
//! In: two snapshots, a request, user ids. Out: per feature how many switch from which variant to which, and who.

use crate::cli::{ids, request::DescribedRequest};
use crate::engine::{Decisions, Feature, Snapshot};
use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::Path,
};

/// The counts of one feature.
#[derive(Debug, Default)]
pub struct FeatureCount {
    /// how many ids were counted
    pub users: u64,
    /// from, to: how many switch
    switches: BTreeMap<(String, String), u64>,
    /// how many get a variant other than the default, before and after
    reached: [u64; 2],
    /// who switches: id, from, to; only for a file of ids
    pub who: Vec<(String, String, String)>,
}

/// By the feature's key.
pub type CountsByFeature = HashMap<String, FeatureCount>;

/// A feature of both snapshots: in the old one and in the new one, with its index in the decisions of each.
type Pair<'a> = [(usize, &'a Feature); 2];

/// Stands for the variant where a feature has none (a draft, or a file whose condition does not hold).
const NO_VARIANT: &str = "(no answer)";

/// Counts over the ids of a file, one per line, and keeps who switches.
pub fn over_file(
    old: &Snapshot,
    new: &Snapshot,
    request: &DescribedRequest,
    file: &Path,
) -> io::Result<CountsByFeature> {
    let mut counter = Counter::new(old, new, request, true);
    ids::each(file, true, |id| {
        counter.add(id);
        Ok(())
    })?;
    Ok(counter.counts())
}

/// Counts over made-up ids.
pub fn over_sample(
    old: &Snapshot,
    new: &Snapshot,
    request: &DescribedRequest,
    sample: u64,
) -> CountsByFeature {
    let mut counter = Counter::new(old, new, request, false);
    for number in 0..sample {
        counter.add(&format!("user-{number}"));
    }
    counter.counts()
}

struct Counter<'a> {
    sides: [(&'a Snapshot, Decisions); 2],
    request: &'a DescribedRequest,
    pairs: Vec<(Pair<'a>, FeatureCount)>,
    keep: bool,
}

impl<'a> Counter<'a> {
    fn new(
        old: &'a Snapshot,
        new: &'a Snapshot,
        request: &'a DescribedRequest,
        keep: bool,
    ) -> Counter<'a> {
        let place: HashMap<&str, (usize, &Feature)> = old
            .features()
            .map(|(index, _, feature)| (&*feature.key, (index, feature)))
            .collect();
        let both = new
            .features()
            .filter_map(|(index, _, feature)| Some([*place.get(&*feature.key)?, (index, feature)]));
        let pairs = both.map(|pair| (pair, FeatureCount::default())).collect();
        Counter {
            sides: [(old, Decisions::default()), (new, Decisions::default())],
            request,
            pairs,
            keep,
        }
    }

    fn add(&mut self, id: &str) {
        for (snapshot, decisions) in &mut self.sides {
            snapshot.decide(
                self.request.input(Some(id)),
                self.request.now,
                None,
                decisions,
            );
        }
        for (pair, counted) in &mut self.pairs {
            counted.users += 1;
            let mut names = [NO_VARIANT; 2];
            for (side, (index, feature)) in pair.iter().enumerate() {
                if let Some(decision) = self.sides[side].1.by_feature[*index] {
                    names[side] = &feature.variant(decision.variant).name;
                    counted.reached[side] += u64::from(decision.variant != feature.default);
                }
            }
            let [from, to] = names;
            if from != to {
                *counted
                    .switches
                    .entry((from.to_owned(), to.to_owned()))
                    .or_default() += 1;
                if self.keep {
                    counted
                        .who
                        .push((id.to_owned(), from.to_owned(), to.to_owned()));
                }
            }
        }
    }

    fn counts(self) -> CountsByFeature {
        self.pairs
            .into_iter()
            .map(|([_, (_, feature)], counted)| (feature.key.to_string(), counted))
            .collect()
    }
}

impl FeatureCount {
    /// The share of users that switches variant.
    pub fn switched(&self) -> f64 {
        self.switches.values().sum::<u64>() as f64 / self.users.max(1) as f64
    }

    /// The share of users that gets a variant other than the default, before and after.
    pub fn reached(&self) -> [f64; 2] {
        self.reached
            .map(|count| count as f64 / self.users.max(1) as f64)
    }

    /// From, to, share of users.
    pub fn flows(&self) -> Vec<(String, String, f64)> {
        let share = |count: u64| count as f64 / self.users.max(1) as f64;
        self.switches
            .iter()
            .map(|((from, to), count)| (from.clone(), to.clone(), share(*count)))
            .collect()
    }
}
