//! Which features of a snapshot the stops and the guard reach. A stop can only take away: each answer is the one without it, or the default.
//! In: stops and a snapshot. Out: the same snapshot, with the effects that `evaluate` carries out last.

use super::{
    decision::{Decision, Reason},
    model::{Condition, Effect, EffectKind, Feature, Snapshot, Status, Stopped, Toggles},
    stops::{EVERY, Stop, StopKind, Stops, Trip},
};
use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

impl Snapshot {
    /// The same toggles under these stops.
    pub fn with_stops(&self, stops: &Arc<Stops>) -> Snapshot {
        self.with_trips(stops, &Arc::default())
    }

    /// The same toggles under these stops, and under what the guard has stopped.
    pub fn with_trips(&self, stops: &Arc<Stops>, trips: &Arc<[Trip]>) -> Snapshot {
        let files = self.files.iter();
        let effects: Box<[Box<[Effect]>]> = match stops.list.is_empty() && trips.is_empty() {
            true => Box::default(),
            false => files
                .map(|toggles| effects(toggles, stops, trips))
                .collect(),
        };
        let reaches = effects.iter().any(|effects| !effects.is_empty());
        let stopped = Stopped {
            stops: stops.clone(),
            trips: trips.clone(),
            effects,
            untouched: match reaches {
                true => Arc::default(),
                false => self.files.clone(),
            },
        };
        Snapshot {
            stopped,
            ..self.clone()
        }
    }

    /// Names toggles and stops together: another one means that answers may be others.
    pub fn version(&self) -> Cow<'_, str> {
        let mut version = Cow::Borrowed(&*self.revision);
        if !self.stopped.stops.list.is_empty() {
            version = format!("{version}-{}", self.stopped.stops.revision).into();
        }
        // a guard stops in one process, and the next one is asked with the same version
        for trip in &*self.stopped.trips {
            version = format!("{version}-{}", trip.key).into();
        }
        version
    }

    /// Whether a stop took away what this feature would have given.
    pub fn is_stopped(&self, toggles: &Toggles, feature: &Feature, decision: Decision) -> bool {
        let paused = toggles.paused || feature.status == Status::Paused;
        let takes = |effect: &Effect| effect.kind == EffectKind::Stopped || !paused;
        decision.reason == Reason::Disabled && self.effects_on(toggles, feature).any(takes)
    }

    /// Whether everybody gets the default, whatever an override says.
    pub fn is_stopped_for_all(&self, toggles: &Toggles, feature: &Feature) -> bool {
        let mut effects = self.effects_on(toggles, feature);
        effects.any(|effect| effect.kind == EffectKind::Stopped)
    }

    /// Whether a stop or a hold of this feature, or of one that it asks for, may take away what it would have given.
    pub fn is_reached(&self, toggles: &Toggles, feature: &Feature) -> bool {
        self.effects_on(toggles, feature).next().is_some()
    }

    fn effects_on(&self, toggles: &Toggles, feature: &Feature) -> impl Iterator<Item = &Effect> {
        let files = self.files.iter().zip(&self.stopped.effects);
        let files = files.filter(move |(file, _)| std::ptr::eq(*file, toggles));
        let is_this = move |effect: &&Effect| {
            std::ptr::eq(&toggles.features[usize::from(effect.feature)], feature)
        };
        files.flat_map(|(_, effects)| effects).filter(is_this)
    }

    /// What stops or holds this feature.
    pub fn stop_of(&self, toggles: &Toggles, feature: &Feature) -> Option<&Stop> {
        stop_of(&self.stopped.stops, toggles, feature)
    }

    /// What the guard of this process says of a feature that it has stopped.
    pub fn trip_of(&self, feature: &Feature) -> Option<&Trip> {
        self.stopped.trips.iter().find(|trip| trip.is_of(feature))
    }

    /// The names in the stops that no feature has.
    pub fn unknown_stops(&self) -> impl Iterator<Item = &Stop> {
        let features = self.features();
        let names = features.flat_map(|(_, toggles, feature)| names(toggles, feature));
        let mut known: BTreeSet<String> = names.collect();
        if !known.is_empty() {
            known.insert(EVERY.to_owned());
        }
        let stops = self.stopped.stops.list.iter();
        stops.filter(move |stop| !known.contains(&*stop.name))
    }
}

impl Trip {
    /// Whether it is this feature, as it is written now.
    pub fn is_of(&self, feature: &Feature) -> bool {
        self.text == feature.text && self.key == feature.key
    }
}

/// What a stop may call a feature: a name says the same with and without the files beside it.
fn names(toggles: &Toggles, feature: &Feature) -> [String; 2] {
    let space = toggles.namespace.as_ref();
    let qualified = space.map(|space| format!("{space}.{}", feature.name));
    let key = feature.key.to_string();
    [qualified.unwrap_or_else(|| key.clone()), key]
}

fn stop_of<'s>(stops: &'s Stops, toggles: &Toggles, feature: &Feature) -> Option<&'s Stop> {
    if stops.list.is_empty() {
        return None;
    }
    let names = names(toggles, feature);
    stops.of(&[&names[0], &names[1]])
}

fn effects(toggles: &Toggles, stops: &Stops, trips: &[Trip]) -> Box<[Effect]> {
    let mut effects: Vec<Effect> = Vec::new();
    let mut reached = vec![false; toggles.features.len()];
    for index in toggles.order.iter().map(|step| step.feature) {
        let feature = &toggles.features[usize::from(index)];
        let kind = match stop_of(stops, toggles, feature) {
            _ if trips.iter().any(|trip| trip.is_of(feature)) => EffectKind::Stopped,
            Some(stop) => match (stop.kind, stop.at) {
                (StopKind::Hold, Some(at)) => EffectKind::Held(at),
                _ => EffectKind::Stopped,
            },
            None if asks(feature, toggles, &reached) => EffectKind::Follows,
            None => continue,
        };
        reached[usize::from(index)] = true;
        effects.push(Effect {
            feature: index,
            kind,
        });
    }
    effects.into()
}

/// Whether the feature asks for one that is reached, through segments too.
pub fn asks(feature: &Feature, toggles: &Toggles, reached: &[bool]) -> bool {
    fn walk(condition: &Condition, toggles: &Toggles, reached: &[bool]) -> bool {
        let walk = |one| walk(one, toggles, reached);
        match condition {
            Condition::Segment(index) => walk(&toggles.segments[usize::from(*index)]),
            Condition::All(some) | Condition::Any(some) => some.iter().any(walk),
            Condition::Not(one) => walk(one),
            Condition::Feature(index, _) => reached[usize::from(*index)],
            Condition::Attribute(..) | Condition::Now { .. } => false,
        }
    }
    let rules = feature.rules.iter().map(|rule| &rule.when);
    let mut conditions = rules.chain(&feature.when);
    conditions.any(|condition| walk(condition, toggles, reached))
}
