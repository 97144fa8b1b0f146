//! All counters of the process: every worker's, and those of the files.
//! In: snapshots, whose slots are made before they are published, and reloads. Out: sums, to `scrape` and `totals`. The
//! same labels keep their slots, so that a reload loses no count.

use super::{
    arms::DrawnArm,
    counter::{Counter, RequestHistogram},
    goals::Goals,
    recorder::{FeatureSlots, Layout, NO_DRAW, Recorder, Run, WorkerCounters, lock},
    request_logs::RequestLogs,
    stages::{DrawKey, LONGEST_SETTLE, StageMetrics, Workers},
    variant::{FORCED, VariantCounters},
    verdict::Verdict,
};
use crate::{
    background::give_way,
    engine::{
        Feature, Snapshot, Toggles,
        attributes::{AttributeIndex, USER},
        stops::StopKind,
        units::Second,
    },
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, atomic::AtomicUsize},
    time::Duration,
};

/// All counters of the process.
#[derive(Debug)]
pub struct Metrics {
    pub(super) workers: Box<[Arc<WorkerCounters>]>,
    pub(super) features: Mutex<FeatureMetrics>,
    pub(super) config: Mutex<ReloadMetrics>,
    pub(super) goals: Arc<Goals>,
    logs: Arc<RequestLogs>,
    /// how long after its decision an answer may come
    settle: Duration,
    /// how many processes decide by themselves whether a variant does harm
    guard_pods: usize,
    /// how long the last text of `/metrics` was
    pub(super) scraped: AtomicUsize,
}

/// A feature and one of its variants, as labels.
pub(super) type VariantKey = (Box<str>, Box<str>);

/// Slots by their labels, one a worker.
#[derive(Debug, Default)]
pub(super) struct FeatureMetrics {
    /// by feature and variant
    pub(super) variants: BTreeMap<VariantKey, Workers<VariantCounters>>,
    /// of what draws give
    pub(super) histograms: BTreeMap<DrawKey, Workers<RequestHistogram>>,
    /// by feature, of those that draw
    pub(super) stages: BTreeMap<Box<str>, StageMetrics>,
    /// by source
    pub(super) user_sources: BTreeMap<String, Workers<Counter>>,
    /// when the features in force should be gone, of those that say so
    pub(super) ends: Vec<Second>,
}

/// What became of the files.
#[derive(Debug, Default)]
pub(super) struct ReloadMetrics {
    pub(super) revision: Option<Box<str>>,
    /// what is stopped or held, as the stops name it
    pub(super) stops: Vec<(Box<str>, StopKind)>,
    pub(super) last_good: bool,
    pub(super) last_success: Option<Second>,
    pub(super) reloads: BTreeMap<(&'static str, &'static str), u64>,
}

impl Metrics {
    /// For so many workers, which write nothing down.
    pub fn new(workers: usize) -> Arc<Metrics> {
        Metrics::with(workers, RequestLogs::default(), LONGEST_SETTLE, 1)
    }

    /// For so many workers, which write down what `logs` is for. An answer may come `settle` after its decision, and
    /// `guard_pods` processes decide by themselves whether a variant does harm.
    pub fn with(
        workers: usize,
        logs: RequestLogs,
        settle: Duration,
        guard_pods: usize,
    ) -> Arc<Metrics> {
        Arc::new(Metrics {
            workers: (0..workers).map(|_| Arc::default()).collect(),
            features: Mutex::default(),
            config: Mutex::default(),
            goals: Arc::default(),
            logs: Arc::new(logs),
            settle,
            guard_pods,
            scraped: AtomicUsize::default(),
        })
    }

    /// The handles, one a worker.
    pub fn workers(&self) -> impl Iterator<Item = Recorder> {
        let worker = |counters: &Arc<WorkerCounters>| {
            Recorder::new(counters.clone(), self.goals.clone(), self.logs.clone())
        };
        self.workers.iter().map(worker)
    }

    /// What was to be written down is written, or its reader is stuck.
    pub fn flush(&self) {
        self.logs.flush();
    }

    /// Client connections that are open now.
    pub fn connections(&self) -> u64 {
        let count = |worker: &Arc<WorkerCounters>| {
            let closed = worker.closed.get(); // first, so that the difference is never negative
            worker.opened.get().saturating_sub(closed)
        };
        self.workers.iter().map(count).sum()
    }

    /// Makes the slots of a snapshot, before it is published. Features that are gone lose theirs.
    pub fn prepare(&self, snapshot: &Arc<Snapshot>, now: Second) {
        let mut slots = lock(&self.features);
        let mut old = std::mem::take(&mut *slots);
        slots.user_sources = old.user_sources;
        let persons: Vec<(usize, AttributeIndex)> = by_file(snapshot).collect();
        let mut features = Vec::new();
        let mut runs = Vec::new();
        let mut variants = Vec::new();
        let mut drawn = vec![Vec::new(); self.workers.len()];
        for (file, toggles) in snapshot.files.iter().enumerate() {
            for feature in &toggles.features {
                give_way();
                let first = variants.len();
                for variant in &feature.variants {
                    let key = (feature.key.clone(), variant.name.clone());
                    let workers = old.variants.remove(&key);
                    let workers = workers.unwrap_or_else(|| self.each(Arc::default));
                    variants.push(workers.clone());
                    slots.variants.insert(key, workers);
                }
                let before = evaluations(&variants[first..]);
                let stage = old.stages.remove(&feature.key);
                let histograms = &mut old.histograms;
                let workers = self.workers.len();
                let stage = StageMetrics::next(
                    stage,
                    feature,
                    snapshot.is_reached(toggles, feature),
                    histograms,
                    workers,
                    before,
                    now,
                    self.settle,
                );
                let person = (file, feature.unit);
                let person = persons.iter().position(|one| *one == person);
                features.push(FeatureSlots {
                    first: first as u32,
                    drawn: match stage {
                        Some(_) => drawn.first().map_or(0, Vec::len) as u32,
                        None => NO_DRAW,
                    },
                    variants: feature.variants.len() as u32,
                });
                Run::extend(&mut runs, person.unwrap_or_default());
                if let Some(stage) = stage {
                    for (worker, drawn) in drawn.iter_mut().enumerate() {
                        drawn.extend(stage.drawn(feature, &variants[first..], worker));
                    }
                    for arm in stage.arms.iter().flatten() {
                        let requests = arm.requests.clone();
                        slots.histograms.insert(arm.key.clone(), requests);
                    }
                    slots.stages.insert(feature.key.clone(), stage);
                }
            }
        }
        let ends = snapshot
            .features()
            .filter_map(|(_, _, feature)| feature.expires.as_ref());
        slots.ends = ends.map(|expiry| expiry.end).collect();
        let features: Arc<[FeatureSlots]> = features.into();
        let runs: Arc<[Run]> = runs.into();
        let metrics_off: Arc<[bool]> = snapshot
            .features()
            .map(|(_, _, feature)| !feature.metrics)
            .collect();
        for ((number, worker), drawn) in self.workers.iter().enumerate().zip(drawn) {
            let layout = Layout {
                snapshot: Arc::downgrade(snapshot),
                features: features.clone(),
                runs: runs.clone(),
                metrics_off: metrics_off.clone(),
                variants: variants.iter().map(|one| one[number].clone()).collect(),
                asks_slow: drawn.iter().flatten().any(DrawnArm::asks_slow),
                drawn: drawn.into(),
                user_sources: self.user_source_slots(snapshot, &mut slots.user_sources, number),
            };
            worker.add(layout);
        }
        let mut config = lock(&self.config);
        config.revision = Some(snapshot.revision.clone());
        let stops = snapshot.stopped.stops.list.iter();
        config.stops = stops.map(|stop| (stop.name.clone(), stop.kind)).collect();
    }

    /// A look at what is compared, each two seconds. Out: what has become certain.
    pub fn look(&self, now: Second) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        for stage in lock(&self.features).stages.values_mut() {
            give_way();
            verdicts.extend(stage.look(now, self.guard_pods));
        }
        verdicts
    }

    /// What the guard of this feature is certain of.
    pub fn verdicts(&self, feature: &Feature) -> Vec<Verdict> {
        let features = lock(&self.features);
        let stage = features.stages.get(&feature.key);
        let stage = stage.filter(|stage| stage.text == feature.text);
        stage.map_or_else(Vec::new, |stage| stage.verdicts.clone())
    }

    fn each<T>(&self, fresh: impl Fn() -> Arc<T>) -> Workers<T> {
        self.workers.iter().map(|_| fresh()).collect()
    }

    fn user_source_slots(
        &self,
        snapshot: &Snapshot,
        slots: &mut BTreeMap<String, Workers<Counter>>,
        worker: usize,
    ) -> Arc<[Box<[Arc<Counter>]>]> {
        let mut slot = |label: String| {
            let slots = slots.entry(label);
            slots.or_insert_with(|| self.each(Arc::default))[worker].clone()
        };
        let of_file = |toggles: &Toggles| {
            let user = &toggles.attributes[usize::from(USER)];
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

/// The units that are drawn by, in the order of [`crate::engine::Decisions::people`].
fn by_file(snapshot: &Snapshot) -> impl Iterator<Item = (usize, AttributeIndex)> {
    let files = snapshot.files.iter().enumerate();
    files.flat_map(|(file, toggles)| toggles.drawn_by.iter().map(move |unit| (file, *unit)))
}

/// By reason, of all variants of a feature.
pub(super) fn evaluations(variants: &[Workers<VariantCounters>]) -> [u64; FORCED + 1] {
    let mut sums = [0; FORCED + 1];
    for counters in variants.iter().flatten() {
        let slots = sums.iter_mut().zip(&counters.evaluations);
        slots.for_each(|(sum, slot)| *sum += slot.get());
    }
    sums
}
