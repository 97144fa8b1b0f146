//! What a cache has to know: which request fields the variant of a feature depends on (`Vary`, RFC 9110, 12.5.5).
//! In: the definition of a feature, not one request, so that every arm says the same. Out: field names, or "more than fields".

use super::{
    attributes::AttributeIndex,
    model::{Allocation, Condition, FeatureIndex, Serve, Status, Toggles},
    schedule::Rollout,
    source::Source,
    units::Share,
};
use http::{HeaderName, header};

/// The fields that variants depend on. Paths, methods, hosts and queries are in a cache's key already; the environment
/// is the same for everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vary {
    /// in the order in which they are read
    pub fields: Vec<HeaderName>,
    /// the client's address, which no field says: `Vary: *`
    pub more: bool,
}

/// Adds what the variant of one feature depends on, through segments, parents, the file's own condition and overrides.
pub fn add(toggles: &Toggles, feature: FeatureIndex, vary: &mut Vary) {
    let mut walk = Walk {
        toggles,
        seen: Vec::new(),
        vary,
    };
    walk.condition_of(&toggles.when);
    walk.feature(feature);
}

struct Walk<'a> {
    toggles: &'a Toggles,
    seen: Vec<FeatureIndex>,
    vary: &'a mut Vary,
}

impl Walk<'_> {
    fn feature(&mut self, index: FeatureIndex) {
        if self.seen.contains(&index) {
            return;
        }
        self.seen.push(index);
        let toggles = self.toggles;
        let feature = &toggles.features[usize::from(index)];
        if toggles.paused || matches!(feature.status, Status::Paused | Status::Archived) {
            return; // the same for everybody, overrides included
        }
        let policy = toggles.override_policy.as_ref();
        if let Some(policy) = policy.filter(|policy| policy.is_usable()) {
            self.sources(&policy.from);
            self.condition_of(&policy.when);
        }
        if feature.status == Status::Draft {
            return;
        }
        self.condition_of(&feature.when);
        for rule in &feature.rules {
            self.condition(&rule.when);
        }
        let allocations = feature.rules.iter().map(|rule| &rule.allocation);
        if allocations.chain(&feature.fallthrough).any(needs_unit) {
            self.attribute(feature.unit);
        }
    }

    fn condition_of(&mut self, when: &Option<Condition>) {
        if let Some(when) = when {
            self.condition(when);
        }
    }

    fn condition(&mut self, condition: &Condition) {
        let toggles = self.toggles;
        match condition {
            Condition::Segment(index) => self.condition(&toggles.segments[usize::from(*index)]),
            Condition::All(some) | Condition::Any(some) => {
                some.iter().for_each(|one| self.condition(one));
            }
            Condition::Not(one) => self.condition(one),
            Condition::Attribute(index, _) => self.attribute(*index),
            Condition::Feature(index, _) => self.feature(*index),
            Condition::Now { .. } => {}
        }
    }

    fn attribute(&mut self, index: AttributeIndex) {
        self.sources(&self.toggles.attributes[usize::from(index)].sources);
    }

    /// All of them: which one decides depends on whether the others are there.
    fn sources(&mut self, sources: &[Source]) {
        for source in sources {
            if let (Source::Visitor(_), Some(anonymous)) = (source, &self.toggles.anonymous) {
                self.condition_of(&anonymous.when); // whether the cookie is read at all
            }
            let field = match source {
                Source::Header(name) => name.clone(),
                Source::Cookie(_) | Source::Visitor(_) => header::COOKIE,
                Source::Jwt(_) => header::AUTHORIZATION,
                Source::Ip => {
                    self.vary.more = true;
                    continue;
                }
                Source::Query(_)
                | Source::Env(..)
                | Source::Path
                | Source::Method
                | Source::Host => {
                    continue;
                }
            };
            if !self.vary.fields.contains(&field) {
                self.vary.fields.push(field);
            }
        }
    }
}

fn needs_unit(allocation: &Allocation) -> bool {
    match allocation.rollout {
        Rollout::Fixed(Share::NOBODY) => false,
        Rollout::Fixed(Share::EVERYBODY) => !matches!(allocation.serve, Serve::One(_)),
        _ => true,
    }
}
