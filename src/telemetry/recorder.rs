//! What one worker counts: it adds to slots of its own, which were looked up when the snapshot was published.
//! In: events. Out: sums for `metrics`, and lines for `request_logs`.

use super::{
    arms::{DrawnArm, Outcome},
    counter::{Counter, Observation, RequestHistogram},
    event::{ExposureEvent, RequestEvent, RequestLine},
    goals::Goals,
    request_logs::RequestLogs,
    variant::{VariantCounters, slot},
};
use crate::engine::{
    Decision, Decisions, Reason, Snapshot, decision::UserSource, overrides::OverrideResult,
};
use arc_swap::ArcSwap;
use http::Request;
use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

/// One worker's counters. Cloned freely within a worker, and given to one only: its slots have one writer.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    counters: Arc<WorkerCounters>,
    goals: Arc<Goals>,
    logs: Arc<RequestLogs>,
}

/// What one worker counts without knowing the file.
#[derive(Debug, Default)]
pub(super) struct WorkerCounters {
    pub(super) requests: RequestHistogram,
    pub(super) forged: Counter,
    pub(super) opened: Counter,
    pub(super) closed: Counter,
    // rare events; nobody else holds these locks but a scrape
    pub(super) upstream_failures: Mutex<BTreeMap<&'static str, u64>>,
    pub(super) refused: Mutex<BTreeMap<&'static str, u64>>,
    /// by [`OverrideResult`]: not rare where a tester's browser remembers one, or anybody sends what is none
    pub(super) overrides: [Counter; OverrideResult::ALL.len()],
    layouts: ArcSwap<Vec<Layout>>,
}

/// Where the counts of one snapshot go, for one worker.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    // weak: it keeps the address from being used again, and says when no request is left that needs this layout
    pub(super) snapshot: Weak<Snapshot>,
    /// by index of the decision
    pub(super) features: Arc<[FeatureSlots]>,
    /// all of them
    pub(super) runs: Arc<[Run]>,
    pub(super) variants: Arc<[Arc<VariantCounters>]>,
    /// of each feature that draws, by rule from 0 and variant
    pub(super) drawn: Arc<[Option<DrawnArm>]>,
    /// whether any of them asks what is slow
    pub(super) asks_slow: bool,
    /// by index of the decision: `metrics: off`
    pub(super) metrics_off: Arc<[bool]>,
    /// by file, then by source
    pub(super) user_sources: Arc<[Box<[Arc<Counter>]>]>,
}

/// Where one feature's slots are.
#[derive(Clone, Copy, Debug)]
#[repr(align(16))] // found by a shift
pub(super) struct FeatureSlots {
    /// where its variants begin
    pub(super) first: u32,
    /// where its draws begin; [`NO_DRAW`] for a feature that draws nothing
    pub(super) drawn: u32,
    pub(super) variants: u32,
}

/// Features in a row whose requests count as those of the same person: nearly always all of them.
#[derive(Debug)]
pub(super) struct Run {
    /// index among [`Decisions::people`]
    pub(super) person: usize,
    pub(super) features: Range<usize>,
}

impl Run {
    /// One more feature, the last one.
    pub(super) fn extend(runs: &mut Vec<Run>, person: usize) {
        let feature = runs.last().map_or(0, |run| run.features.end);
        match runs.last_mut() {
            Some(run) if run.person == person => run.features.end += 1,
            _ => runs.push(Run {
                person,
                features: feature..feature + 1,
            }),
        }
    }
}

/// Behind every place.
pub(super) const NO_DRAW: u32 = u32::MAX;

/// A poisoned lock guards a counter, and a counter is never worth a request.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl WorkerCounters {
    /// Counts for this layout too, and forgets those that no request needs any more.
    pub(super) fn add(&self, layout: Layout) {
        let layouts = self.layouts.load();
        let alive = layouts.iter().filter(|old| old.snapshot.strong_count() > 0);
        let layouts = std::iter::once(layout).chain(alive.cloned()).collect();
        self.layouts.store(Arc::new(layouts));
    }
}

impl Layout {
    /// Each decision once, and what was drawn by its outcome. `SLOW` where any feature asks what is slow.
    fn count<const SLOW: bool>(&self, decisions: &Decisions, observation: Observation) {
        let outcome = Outcome::from(observation);
        for run in &*self.runs {
            // none where nothing was decided
            let decided = decisions.by_feature.get(run.features.clone());
            let slots = self.features.get(run.features.clone());
            let (Some(decided), Some(slots)) = (decided, slots) else {
                continue;
            };
            let person = decisions.people.get(run.person);
            let person = person.copied().unwrap_or_default();
            for (decision, slots) in decided.iter().zip(slots) {
                let Some(decision) = *decision else { continue };
                if decision.reason == Reason::Split
                    && let Some(arm) = self.arm(*slots, decision)
                {
                    arm.add::<SLOW>(outcome, person);
                } else {
                    let variant = self.variant(*slots, decision);
                    variant.evaluations[slot(decision)].add(1);
                }
            }
        }
    }

    fn variant(&self, slots: FeatureSlots, decision: Decision) -> &VariantCounters {
        &self.variants[slots.first as usize + usize::from(decision.variant)]
    }

    /// Where the person of this feature is among [`Decisions::people`].
    fn person(&self, feature: usize) -> usize {
        let mut runs = self.runs.iter();
        runs.find(|run| run.features.contains(&feature))
            .map_or(usize::MAX, |run| run.person)
    }

    /// The arm that a draw gave: what decided is a share.
    #[inline]
    fn arm(&self, slots: FeatureSlots, decision: Decision) -> Option<&DrawnArm> {
        let rule = usize::from(decision.rule) * slots.variants as usize;
        let place = slots.drawn as usize + rule + usize::from(decision.variant);
        self.drawn.get(place)?.as_ref()
    }
}

impl Recorder {
    pub(super) fn new(
        counters: Arc<WorkerCounters>,
        goals: Arc<Goals>,
        logs: Arc<RequestLogs>,
    ) -> Recorder {
        Recorder {
            counters,
            goals,
            logs,
        }
    }

    /// What log lines say of a request, where one wants it. Taken before anything is stripped.
    #[inline]
    pub fn request_line<B>(&self, request: &Request<B>) -> RequestLine {
        match self.logs.wants_requests() {
            true => RequestLine::of(request, self.logs.wants_targets()),
            false => RequestLine::default(),
        }
    }

    /// Whether decisions have to remember the users.
    pub fn wants_users(&self) -> bool {
        self.logs.wants_users()
    }

    /// Whether decisions have to remember who is one person by two ids.
    pub fn wants_pairs(&self) -> bool {
        self.logs.wants_pairs()
    }

    /// Counts a request and writes the access log, and to the exposure log who a visitor is.
    pub fn record_request(&self, event: &RequestEvent<'_>) {
        self.count_request(
            event.status,
            event.duration,
            event.snapshot,
            event.decisions,
        );
        if !self.logs.access(event) {
            self.refused("access_log");
        }
        if !self.logs.people(event) {
            self.refused("exposure_log");
        }
    }

    /// Counts what was used, and writes the exposure log.
    pub fn record_exposure(&self, event: &ExposureEvent<'_>) {
        self.count_exposure(event.snapshot, event.decisions, event.used, event.goals);
        if !self.logs.exposures(event) {
            self.refused("exposure_log");
        }
    }

    #[inline(never)] // a profile shows what all metrics cost
    fn count_request(
        &self,
        status: u16,
        duration: Duration,
        snapshot: &Snapshot,
        decisions: &Decisions,
    ) {
        let observation = Observation::new(status, duration);
        self.counters.requests.add(observation.place());
        if decisions.forged > 0 {
            self.counters.forged.add(decisions.forged as u64);
        }
        for result in decisions.overrides.iter().flatten() {
            self.counters.overrides[*result as usize].add(1);
        }
        let layouts = self.counters.layouts.load();
        let Some(layout) = layouts
            .iter()
            .find(|layout| std::ptr::eq(layout.snapshot.as_ptr(), snapshot))
        else {
            return;
        };
        for (counters, source) in layout.user_sources.iter().zip(&decisions.user_sources) {
            let index = match source {
                UserSource::Absent => 0,
                UserSource::Conflict => 1,
                UserSource::Source(index) => 2 + usize::from(*index),
                UserSource::Context => continue,
            };
            counters[index].add(1);
        }
        for index in &decisions.unreadable {
            let first = layout.features[*index].first as usize;
            layout.variants[first].unreadable.add(1);
        }
        for index in decisions.signed_in.iter().flat_map(|both| &both.drifted) {
            let first = layout.features[*index].first as usize;
            layout.variants[first].drifted.add(1);
        }
        match layout.asks_slow {
            true => layout.count::<true>(decisions, observation),
            false => layout.count::<false>(decisions, observation),
        }
    }

    /// The response used these features, by index of their decisions, and reached these goals. Each counts once.
    fn count_exposure(
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
        let indexes = (0..decisions.by_feature.len()).filter(|index| !layout.metrics_off[*index]);
        let mut goals: Vec<usize> = goals.iter().map(|goal| self.goals.number(goal)).collect();
        goals.sort_unstable();
        goals.dedup();
        for index in indexes {
            let decision = decisions.by_feature.get(index).copied().flatten();
            let (Some(decision), Some(slots)) = (decision, layout.features.get(index)) else {
                continue;
            };
            let variant = layout.variant(*slots, decision);
            let is_used = used.contains(&index);
            if is_used {
                variant.exposures.add(1);
            }
            if goals.is_empty() {
                continue;
            }
            // a goal is reached after the page that used the feature: it counts for every arm
            let arm = match decision.reason {
                Reason::Split => layout.arm(*slots, decision),
                _ => None,
            };
            if is_used || arm.is_some() {
                for goal in &goals {
                    variant.goals.get_or_init(Box::default)[*goal].add(1);
                }
            }
            if let Some(arm) = arm
                && let Some(person) = decisions.people.get(layout.person(index))
            {
                let goals = goals.iter();
                goals.for_each(|goal| arm.stage.goals.add(*goal, *person));
            }
        }
    }

    /// The application did not respond: a token of RFC 9209, as in `Proxy-Status`.
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
