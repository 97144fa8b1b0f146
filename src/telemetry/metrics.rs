//! Counters of the data path and of the files.
//! In: events. Out: sums, to `scrape`. A worker adds to slots of its own that were looked up when the snapshot was
//! published; the same labels keep their slots, so that a reload loses no count.

use super::counter::{Ending, Endings, Slot};
use super::{
    comparable::is_compared,
    goals::{self, Goals},
    journal::Journal,
};
use crate::{
    background::give_way,
    engine::{Decisions, Reason, Snapshot, Toggles, decision::Person, overrides, units::Second},
};
use arc_swap::ArcSwap;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
    time::Duration,
};

/// All counters of the process.
#[derive(Debug)]
pub struct Metrics {
    pub(super) workers: Box<[Arc<Counters>]>,
    pub(super) features: Mutex<Features>,
    pub(super) config: Mutex<Config>,
    pub(super) goals: Arc<Goals>,
    journal: Arc<Journal>,
}

/// One worker's counters. Cloned freely within a worker, and given to one only: its slots have one writer.
#[derive(Clone, Debug, Default)]
pub struct Worker {
    counters: Arc<Counters>,
    goals: Arc<Goals>,
    pub(super) journal: Arc<Journal>,
}

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
    /// by index of the answer: `metrics: off`
    quiet: Arc<[bool]>,
    /// by file, then by source
    people: Arc<[Box<[Arc<Slot>]>]>,
}

/// One variant of one feature.
#[derive(Debug, Default)]
pub(super) struct Arm {
    /// by reason
    pub(super) evaluations: [Slot; REASONS.len()],
    /// for features that have, or had, more than one live outcome
    pub(super) requests: OnceLock<Box<Endings>>,
    /// requests whose answer used the feature
    pub(super) exposures: Slot,
    /// by the number of the goal; most features never see one
    pub(super) goals: OnceLock<Box<[Slot; goals::NAMES + 1]>>,
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

/// One variant of one feature, in all workers.
#[derive(Debug)]
pub(super) struct Variant {
    /// whether its outcomes are shown
    pub(super) is_compared: bool,
    pub(super) workers: Box<[Arc<Arm>]>,
}

/// Slots by their labels, one a worker.
#[derive(Debug, Default)]
pub(super) struct Features {
    /// by feature and variant
    pub(super) arms: BTreeMap<Key, Variant>,
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
    /// For so many workers, which write nothing down.
    pub fn new(workers: usize) -> Arc<Metrics> {
        Metrics::with(workers, Journal::default())
    }

    /// For so many workers, which write down what `journal` is for.
    pub fn with(workers: usize, journal: Journal) -> Arc<Metrics> {
        Arc::new(Metrics {
            workers: (0..workers).map(|_| Arc::default()).collect(),
            features: Mutex::default(),
            config: Mutex::default(),
            goals: Arc::default(),
            journal: Arc::new(journal),
        })
    }

    /// The handles, one a worker.
    pub fn workers(&self) -> impl Iterator<Item = Worker> {
        self.workers.iter().map(|counters| Worker {
            counters: counters.clone(),
            goals: self.goals.clone(),
            journal: self.journal.clone(),
        })
    }

    /// What was to be written down is written, or its reader is stuck.
    pub fn flush(&self) {
        self.journal.flush();
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
        let mut old = std::mem::take(&mut slots.arms);
        let mut keys = Vec::new();
        let mut first = Vec::new();
        for (_, toggles, feature) in snapshot.features() {
            first.push(keys.len() as u32);
            give_way();
            for index in 0..feature.variants.len() as u8 {
                let key = (feature.key.clone(), feature.variant(index).name.clone());
                let is_compared = is_compared(toggles, feature, index);
                let arms = old.remove(&key).map(|variant| variant.workers);
                let workers = arms.unwrap_or_else(|| self.each(Arc::default));
                if is_compared {
                    workers.iter().for_each(|arm| {
                        arm.requests.get_or_init(Box::default);
                    });
                }
                let variant = Variant {
                    is_compared,
                    workers,
                };
                slots.arms.insert(key.clone(), variant);
                keys.push(key);
            }
        }
        let first: Arc<[u32]> = first.into();
        let quiet: Arc<[bool]> = snapshot
            .features()
            .map(|(_, _, feature)| !feature.metrics)
            .collect();
        for (number, worker) in self.workers.iter().enumerate() {
            let layout = Layout {
                snapshot: Arc::downgrade(snapshot),
                first: first.clone(),
                quiet: quiet.clone(),
                arms: keys
                    .iter()
                    .map(|key| slots.arms[key].workers[number].clone())
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

    fn each<T>(&self, fresh: impl Fn() -> T) -> Box<[T]> {
        self.workers.iter().map(|_| fresh()).collect()
    }

    fn people_slots(
        &self,
        snapshot: &Snapshot,
        slots: &mut BTreeMap<String, Box<[Arc<Slot>]>>,
        worker: usize,
    ) -> Arc<[Box<[Arc<Slot>]>]> {
        let mut slot = |label: String| {
            let slots = slots.entry(label);
            slots.or_insert_with(|| self.each(Arc::default))[worker].clone()
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

impl Layout {
    fn arm(&self, answer: usize, decisions: &Decisions) -> Option<&Arm> {
        let decision = (*decisions.answers.get(answer)?)?;
        let first = *self.first.get(answer)?;
        Some(&self.arms[first as usize + usize::from(decision.variant)])
    }
}

impl Worker {
    /// Whether [`super::Answered`] needs to know what was asked.
    pub fn wants_requests(&self) -> bool {
        self.journal.wants_requests()
    }

    /// Whether decisions have to remember who asked.
    pub fn wants_users(&self) -> bool {
        self.journal.wants_users()
    }

    /// A request has been answered (the head was sent). `status` is what the client saw.
    #[inline(never)] // a profile shows what all metrics cost
    pub(super) fn answered(
        &self,
        status: u16,
        took: Duration,
        snapshot: &Snapshot,
        decisions: &Decisions,
    ) {
        let ending = Ending::new(status, took);
        self.counters.requests.add(ending);
        if decisions.forged > 0 {
            self.counters.forged.add(decisions.forged as u64);
        }
        for result in decisions.overrides.iter().flatten() {
            count(
                &self.counters.overrides,
                overrides::Outcome::as_str(*result),
            );
        }
        let layouts = self.counters.layouts.load();
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
            if let Some(requests) = arm.requests.get() {
                requests.add(ending);
            }
        }
    }

    /// The answer used these features, by index of their answers, and reached these goals. Each counts once.
    pub(super) fn exposed(
        &self,
        snapshot: &Snapshot,
        decisions: &Decisions,
        used: &[usize],
        goals: &[&str],
    ) {
        let layouts = self.counters.layouts.load();
        let Some(layout) = layouts
            .iter()
            .find(|layout| std::ptr::eq(layout.snapshot.as_ptr(), snapshot))
        else {
            return;
        };
        let arms = (0..decisions.answers.len()).filter(|answer| !layout.quiet[*answer]);
        let mut goals: Vec<usize> = goals.iter().map(|goal| self.goals.number(goal)).collect();
        goals.sort_unstable();
        goals.dedup();
        for answer in arms {
            let Some(arm) = layout.arm(answer, decisions) else {
                continue;
            };
            let is_used = used.contains(&answer);
            if is_used {
                arm.exposures.add(1);
            }
            // a goal is reached after the page that used the feature: it counts for every arm that is compared
            if is_used || arm.requests.get().is_some() {
                for goal in &goals {
                    arm.goals.get_or_init(Box::default)[*goal].add(1);
                }
            }
        }
    }

    /// The application could not be asked: a token of RFC 9209, as in `Proxy-Status`.
    pub fn upstream_failure(&self, error: &'static str) {
        count(&self.counters.upstream_failures, error);
    }

    /// A limit refused something.
    pub fn refused(&self, limit: &'static str) {
        count(&self.counters.refused, limit);
    }

    /// A client connection opened.
    pub fn connection_opened(&self) {
        self.counters.opened.add(1);
    }

    /// A client connection closed.
    pub fn connection_closed(&self) {
        self.counters.closed.add(1);
    }
}

fn count(counts: &Mutex<BTreeMap<&'static str, u64>>, label: &'static str) {
    *lock(counts).entry(label).or_default() += 1;
}
