//! Counters of the data path and of the files.
//! In: events. Out: sums, to `scrape`. A worker adds to slots of its own that were looked up when the snapshot was
//! published; the same labels keep their slots, so that a reload loses no count.

use super::count::{Ending, Endings, Slot};
use crate::engine::{
    Decisions, Feature, Reason, Snapshot, Status, Toggles,
    evaluate::{Outcome, Person, Serve},
    forced,
    schedule::Rollout,
    units::{Second, Share},
};
use arc_swap::ArcSwap;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

/// All counters of the process.
#[derive(Debug)]
pub struct Metrics {
    pub(super) workers: Box<[Arc<Counters>]>,
    pub(super) features: Mutex<Features>,
    pub(super) config: Mutex<Config>,
}

/// One worker's counters. Cloned freely within a worker, and given to one only: its slots have one writer.
#[derive(Clone, Debug, Default)]
pub struct Worker(Arc<Counters>);

/// What one worker counts without knowing the file.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) requests: Endings,
    pub(super) forged: Slot,
    pub(super) opened: Slot,
    pub(super) closed: Slot,
    // rare events; nobody else holds these locks but a scrape
    pub(super) upstream_failures: Mutex<BTreeMap<&'static str, u64>>,
    pub(super) refused: Mutex<BTreeMap<&'static str, u64>>,
    pub(super) overrides: Mutex<BTreeMap<&'static str, u64>>,
    layouts: ArcSwap<Vec<Layout>>,
}

/// Where the counts of one snapshot go, for one worker.
#[derive(Clone, Debug)]
struct Layout {
    // weak: it keeps the address from being used again, and says when no request is left that needs this layout
    snapshot: Weak<Snapshot>,
    /// by index of the answer: where the feature's arms begin
    first: Arc<[u32]>,
    arms: Arc<[Arc<Arm>]>,
    /// by file, then by source
    people: Arc<[Box<[Arc<Slot>]>]>,
}

/// One variant of one feature.
#[derive(Debug, Default)]
pub(super) struct Arm {
    /// by reason
    pub(super) evaluations: [Slot; REASONS.len()],
    /// for features with more than one live outcome
    pub(super) requests: Option<Box<Endings>>,
}

/// The reasons in the order of their slots.
pub(super) const REASONS: [Reason; 6] = [
    Reason::Static,
    Reason::Default,
    Reason::TargetingMatch,
    Reason::Split,
    Reason::Disabled,
    Reason::Error,
];

/// A feature and one of its variants, as labels.
pub(super) type Key = (Box<str>, Box<str>);

/// Slots by their labels, one a worker.
#[derive(Debug, Default)]
pub(super) struct Features {
    /// by feature and variant
    pub(super) arms: BTreeMap<Key, Box<[Arc<Arm>]>>,
    /// by source
    pub(super) people: BTreeMap<String, Box<[Arc<Slot>]>>,
}

/// What became of the files.
#[derive(Debug, Default)]
pub(super) struct Config {
    pub(super) revision: Option<Box<str>>,
    pub(super) last_good: bool,
    pub(super) last_success: Option<Second>,
    pub(super) reloads: BTreeMap<(&'static str, &'static str), u64>,
}

/// A poisoned lock guards a counter, and a counter is never worth a request.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Metrics {
    /// For so many workers.
    pub fn new(workers: usize) -> Arc<Metrics> {
        Arc::new(Metrics {
            workers: (0..workers).map(|_| Arc::default()).collect(),
            features: Mutex::default(),
            config: Mutex::default(),
        })
    }

    /// The handles, one a worker.
    pub fn workers(&self) -> impl Iterator<Item = Worker> {
        self.workers.iter().cloned().map(Worker)
    }

    /// Client connections that are open now.
    pub fn connections(&self) -> u64 {
        let count = |worker: &Arc<Counters>| {
            let closed = worker.closed.get(); // first, so that the difference is never negative
            worker.opened.get().saturating_sub(closed)
        };
        self.workers.iter().map(count).sum()
    }

    /// Makes the slots of a snapshot, before it is published. Features that are gone lose theirs.
    pub fn prepare(&self, snapshot: &Arc<Snapshot>) {
        let mut slots = lock(&self.features);
        let old = std::mem::take(&mut slots.arms);
        let mut keys = Vec::new();
        let mut first = Vec::new();
        for (_, toggles, feature) in snapshot.features() {
            first.push(keys.len() as u32);
            for index in 0..feature.variants.len() as u8 {
                let key = (feature.key.clone(), feature.variant(index).name.clone());
                let arms = self.arms(
                    old.get(&key).map(|arms| &**arms),
                    compared(toggles, feature, index),
                );
                slots.arms.insert(key.clone(), arms);
                keys.push(key);
            }
        }
        let first: Arc<[u32]> = first.into();
        for (number, worker) in self.workers.iter().enumerate() {
            let layout = Layout {
                snapshot: Arc::downgrade(snapshot),
                first: first.clone(),
                arms: keys
                    .iter()
                    .map(|key| slots.arms[key][number].clone())
                    .collect(),
                people: self.people_slots(snapshot, &mut slots.people, number),
            };
            let layouts = worker.layouts.load();
            let alive = layouts.iter().filter(|old| old.snapshot.strong_count() > 0);
            worker.layouts.store(Arc::new(
                std::iter::once(layout).chain(alive.cloned()).collect(),
            ));
        }
        lock(&self.config).revision = Some(snapshot.revision.clone());
    }

    fn arms(&self, old: Option<&[Arc<Arm>]>, compared: bool) -> Box<[Arc<Arm>]> {
        match old {
            Some(arms) if arms.iter().all(|arm| arm.requests.is_some() == compared) => arms.into(),
            old => (0..self.workers.len())
                .map(|worker| {
                    let arm = Arm {
                        requests: compared.then(Box::default),
                        ..Arm::default()
                    };
                    // the evaluations go on; between a request under the old file and this one a few may be lost
                    for (slot, was) in arm
                        .evaluations
                        .iter()
                        .zip(old.iter().flat_map(|old| &old[worker].evaluations))
                    {
                        slot.add(was.get());
                    }
                    Arc::new(arm)
                })
                .collect(),
        }
    }

    fn people_slots(
        &self,
        snapshot: &Snapshot,
        slots: &mut BTreeMap<String, Box<[Arc<Slot>]>>,
        worker: usize,
    ) -> Arc<[Box<[Arc<Slot>]>]> {
        let mut slot = |label: String| {
            let fresh = || (0..self.workers.len()).map(|_| Arc::default()).collect();
            slots.entry(label).or_insert_with(fresh)[worker].clone()
        };
        let of_file = |toggles: &Toggles| {
            let user = &toggles.attributes[usize::from(crate::engine::attributes::USER)];
            let sources = user.sources.iter().map(ToString::to_string);
            let labels = ["none".into(), "conflict".into()]
                .into_iter()
                .chain(sources);
            labels.chain(["new".into()]).map(&mut slot).collect()
        };
        snapshot.files.iter().map(of_file).collect()
    }

    /// An attempt to read the files has ended.
    pub fn reloaded(&self, trigger: &'static str, good: bool, at: Second) {
        let mut config = lock(&self.config);
        let result = if good { "success" } else { "failure" };
        *config.reloads.entry((trigger, result)).or_default() += 1;
        config.last_good = good;
        if good {
            config.last_success = Some(at);
        }
    }
}

impl Worker {
    /// A request has been answered (the head was sent). `status` is what the client saw.
    pub fn request(&self, status: u16, took: Duration, snapshot: &Snapshot, decisions: &Decisions) {
        let ending = Ending::new(status, took);
        self.0.requests.add(ending);
        if decisions.forged > 0 {
            self.0.forged.add(decisions.forged as u64);
        }
        for result in decisions.overrides.iter().flatten() {
            count(&self.0.overrides, forced::Outcome::as_str(*result));
        }
        let layouts = self.0.layouts.load();
        let Some(layout) = layouts
            .iter()
            .find(|layout| std::ptr::eq(layout.snapshot.as_ptr(), snapshot))
        else {
            return;
        };
        for (slots, person) in layout.people.iter().zip(&decisions.people) {
            let slot = match person {
                Person::Unknown => 0,
                Person::Conflict => 1,
                Person::Source(source) => 2 + usize::from(*source),
                Person::Context => continue,
            };
            slots[slot].add(1);
        }
        for (answer, first) in decisions.answers.iter().zip(&*layout.first) {
            let Some(decision) = answer else { continue };
            let arm = &layout.arms[*first as usize + usize::from(decision.variant)];
            arm.evaluations[decision.reason as usize].add(1);
            if let Some(requests) = &arm.requests {
                requests.add(ending);
            }
        }
    }

    /// The application could not be asked: a token of RFC 9209, as in `Proxy-Status`.
    pub fn upstream_failure(&self, error: &'static str) {
        count(&self.0.upstream_failures, error);
    }

    /// A limit refused something.
    pub fn refused(&self, limit: &'static str) {
        count(&self.0.refused, limit);
    }

    /// A client connection opened.
    pub fn connection_opened(&self) {
        self.0.opened.add(1);
    }

    /// A client connection closed.
    pub fn connection_closed(&self) {
        self.0.closed.add(1);
    }
}

fn count(counts: &Mutex<BTreeMap<&'static str, u64>>, label: &'static str) {
    *lock(counts).entry(label).or_default() += 1;
}

/// Whether this variant is one of several that the feature can give now: only then is there something to compare.
fn compared(toggles: &Toggles, feature: &Feature, variant: u8) -> bool {
    let live = live(toggles, feature);
    feature.metrics && live.len() > 1 && live.contains(&variant)
}

/// The variants that requests can get, overrides apart.
fn live(toggles: &Toggles, feature: &Feature) -> Vec<u8> {
    let mut live = Vec::new();
    match feature.status {
        Status::Draft | Status::Archived => return live,
        _ if toggles.paused || feature.status == Status::Paused => return vec![feature.default],
        _ => {}
    }
    if feature.when.is_some() || feature.last.is_none() {
        live.push(feature.default);
    }
    for outcome in feature
        .rules
        .iter()
        .map(|rule| &rule.outcome)
        .chain(&feature.last)
    {
        outcome_live(outcome, feature.default, &mut live);
    }
    live.sort_unstable();
    live.dedup();
    live
}

fn outcome_live(outcome: &Outcome, default: u8, live: &mut Vec<u8>) {
    let share = match outcome.rollout {
        Rollout::Fixed(share) => Some(share),
        _ => None,
    };
    if share != Some(Share::EVERYBODY) {
        live.push(default);
    }
    if share == Some(Share::NOBODY) {
        return;
    }
    match &outcome.serve {
        Serve::One(variant) => live.push(*variant),
        Serve::Split(arms) => live.extend(arms.iter().map(|arm| arm.variant)),
        Serve::Buckets(ranges) => {
            live.push(default); // in a gap; full cover is rare and costs only an empty series
            live.extend(ranges.iter().map(|(_, _, variant)| *variant));
        }
    }
}
