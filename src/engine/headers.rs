//! Decisions to request fields. In: decisions and a request that was stripped of look-alikes.
//! Out: one field a feature, and what the file opts into: payloads, the combined field, the revision.

use super::{
    decision::{Decision, Decisions},
    model::{Feature, Snapshot, Status, Toggles, Variant},
};
use http::{HeaderMap, HeaderName, HeaderValue};

impl Snapshot {
    /// Writes our headers into a map, last: the caller has stripped whatever folds onto them. The map grows at most once.
    pub fn write(&self, headers: &mut HeaderMap, decisions: &Decisions) {
        // a map that cannot hold more goes on without us: the application is reached even then
        let _ = headers.try_reserve(decisions.by_feature.len() + 2);
        let mut put = |name: &HeaderName, value: &HeaderValue| {
            let _ = headers.try_insert(name.clone(), value.clone());
        };
        for (_, feature, decision) in sent(self, decisions) {
            let variant = feature.variant(decision.variant);
            if let Some(name) = &feature.header {
                put(name, &variant.header);
            }
            if let (Some(name), Some(value)) = (&feature.value_header, &variant.value_header) {
                put(name, value);
            }
        }
        of_all_files(self, decisions, put);
    }

    /// Writes our headers as the lines of an HTTP/1.1 head into [`Decisions::lines`], for a sender that writes the head
    /// itself: a field that goes through a map is hashed, moved and copied, which is half of what a feature costs.
    pub fn write_lines(&self, decisions: &mut Decisions) {
        let mut lines = std::mem::take(&mut decisions.lines);
        for toggles in &*self.files {
            let by_feature = &decisions.by_feature[toggles.first..];
            for (feature, decision) in toggles.features.iter().zip(by_feature) {
                if let Some(decision) = decision {
                    lines.extend_from_slice(&feature.variant(decision.variant).lines);
                }
            }
        }
        of_all_files(self, decisions, |name, value| line(&mut lines, name, value));
        decisions.lines = lines;
    }

    /// What our fields take of a request's head, at most.
    pub fn budget(&self) -> Budget {
        let features = self.features().map(|(_, _, feature)| feature);
        let revision = self.revision_header.as_ref().map(|(name, _)| name);
        Budget::of(features, self.combined.as_ref(), revision)
    }
}

/// One line of a head.
pub fn line(lines: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
        lines.extend_from_slice(part);
    }
}

/// The fields that all files share.
fn of_all_files(
    snapshot: &Snapshot,
    decisions: &Decisions,
    mut put: impl FnMut(&HeaderName, &HeaderValue),
) {
    if let Some(name) = &snapshot.combined {
        let members: Vec<&str> = sent(snapshot, decisions)
            .filter(|(_, feature, _)| feature.header.is_some())
            .map(|(_, feature, decision)| &*feature.variant(decision.variant).member)
            .collect();
        if let (false, Ok(value)) = (
            members.is_empty(),
            HeaderValue::from_str(&members.join(", ")),
        ) {
            put(name, &value);
        }
    }
    if let Some((name, value)) = &snapshot.revision_header {
        put(name, value);
    }
}

/// What our fields take of a request's head, at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// how many fields
    pub fields: usize,
    /// names, values, and what stands around them
    pub bytes: usize,
}

impl Budget {
    /// More is refused.
    pub const MOST_BYTES: usize = 64 * 1024;

    /// Each feature with its longest variant; archived ones send nothing.
    pub fn of<'f>(
        features: impl Iterator<Item = &'f Feature>,
        combined: Option<&HeaderName>,
        revision: Option<&HeaderName>,
    ) -> Budget {
        let (mut budget, mut members) = (Budget::default(), 0);
        for feature in features.filter(|feature| feature.status != Status::Archived) {
            let longest = |length: &dyn Fn(&Variant) -> usize| {
                feature.variants.iter().map(length).max().unwrap_or(0)
            };
            if let Some(name) = &feature.header {
                budget.add(name, longest(&|variant| variant.name.len()));
                members += longest(&|variant| variant.member.len()) + 2;
            }
            if let Some(name) = &feature.value_header {
                let length = |variant: &Variant| {
                    variant.value_header.as_ref().map_or(0, |value| value.len())
                };
                budget.add(name, longest(&length));
            }
        }
        for (name, length) in [(combined, members), (revision, 16)] {
            name.into_iter().for_each(|name| budget.add(name, length));
        }
        budget
    }

    /// Name, colon, blank, value, line end.
    fn add(&mut self, name: &HeaderName, value: usize) {
        self.fields += 1;
        self.bytes += name.as_str().len() + value + 4;
    }
}

/// The decisions that are sent: not those of a file whose condition is false, of a draft, or an omitted `off`.
pub fn sent<'a>(
    snapshot: &'a Snapshot,
    decisions: &'a Decisions,
) -> impl Iterator<Item = (&'a Toggles, &'a Feature, Decision)> {
    snapshot.features().filter_map(|(index, toggles, feature)| {
        let decision = decisions.by_feature[index]?;
        let omitted = !toggles.send_off && &*feature.variant(decision.variant).name == "off";
        (!omitted).then_some((toggles, feature, decision))
    })
}
