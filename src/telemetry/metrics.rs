//! All counters of the process: every worker's, and those of the files.
//! In: snapshots, whose slots are made before they are published, and reloads. Out: sums, to `scrape` and `totals`. The
//! same labels keep their slots, so that a reload loses no count.

use super::{
    comparable::is_compared,
    counter::Counter,
    goals::Goals,
    recorder::{Layout, Recorder, VariantCounters, WorkerCounters, lock},
    request_logs::RequestLogs,
};
use crate::{
    background::give_way,
    engine::{Snapshot, Toggles, attributes::USER, units::Second},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// All counters of the process.
#[derive(Debug)]
pub struct Metrics {
    pub(super) workers: Box<[Arc<WorkerCounters>]>,
    pub(super) features: Mutex<FeatureMetrics>,
    pub(super) config: Mutex<ReloadMetrics>,
    pub(super) goals: Arc<Goals>,
    logs: Arc<RequestLogs>,
}

/// A feature and one of its variants, as labels.
pub(super) type VariantKey = (Box<str>, Box<str>);

/// One variant of one feature, in all workers.
#[derive(Debug)]
pub(super) struct VariantMetrics {
    /// whether its outcomes are shown
    pub(super) is_compared: bool,
    pub(super) workers: Box<[Arc<VariantCounters>]>,
}

/// Slots by their labels, one a worker.
#[derive(Debug, Default)]
pub(super) struct FeatureMetrics {
    /// by feature and variant
    pub(super) arms: BTreeMap<VariantKey, VariantMetrics>,
    /// by source
    pub(super) user_sources: BTreeMap<String, Box<[Arc<Counter>]>>,
    /// when the features in force should be gone, of those that say so
    pub(super) ends: Vec<Second>,
}

/// What became of the files.
#[derive(Debug, Default)]
pub(super) struct ReloadMetrics {
    pub(super) revision: Option<Box<str>>,
    pub(super) last_good: bool,
    pub(super) last_success: Option<Second>,
    pub(super) reloads: BTreeMap<(&'static str, &'static str), u64>,
}

impl Metrics {
    /// For so many workers, which write nothing down.
    pub fn new(workers: usize) -> Arc<Metrics> {
        Metrics::with(workers, RequestLogs::default())
    }

    /// For so many workers, which write down what `logs` is for.
    pub fn with(workers: usize, logs: RequestLogs) -> Arc<Metrics> {
        Arc::new(Metrics {
            workers: (0..workers).map(|_| Arc::default()).collect(),
            features: Mutex::default(),
            config: Mutex::default(),
            goals: Arc::default(),
            logs: Arc::new(logs),
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
                let variant = VariantMetrics {
                    is_compared,
                    workers,
                };
                slots.arms.insert(key.clone(), variant);
                keys.push(key);
            }
        }
        let ends = snapshot
            .features()
            .filter_map(|(_, _, feature)| feature.expires.as_ref());
        slots.ends = ends.map(|expiry| expiry.end).collect();
        let first: Arc<[u32]> = first.into();
        let metrics_off: Arc<[bool]> = snapshot
            .features()
            .map(|(_, _, feature)| !feature.metrics)
            .collect();
        for (number, worker) in self.workers.iter().enumerate() {
            let layout = Layout {
                snapshot: Arc::downgrade(snapshot),
                first: first.clone(),
                metrics_off: metrics_off.clone(),
                arms: keys
                    .iter()
                    .map(|key| slots.arms[key].workers[number].clone())
                    .collect(),
                user_sources: self.user_source_slots(snapshot, &mut slots.user_sources, number),
            };
            worker.add(layout);
        }
        lock(&self.config).revision = Some(snapshot.revision.clone());
    }

    fn each<T>(&self, fresh: impl Fn() -> T) -> Box<[T]> {
        self.workers.iter().map(|_| fresh()).collect()
    }

    fn user_source_slots(
        &self,
        snapshot: &Snapshot,
        slots: &mut BTreeMap<String, Box<[Arc<Counter>]>>,
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
