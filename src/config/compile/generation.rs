//! All files of one generation, together.
//! In: their trees. Out: a [`Snapshot`], or every problem in the log.

use super::{Environment, attributes, conflicts, headers::Travel, one};
use crate::config::{
    problem::{Log, quote},
    tree::{Node, Place},
};
use crate::engine::{
    Feature, Snapshot, Toggles,
    forged_fields::ForgedFields,
    model::{FeatureIndex, OverridePolicy},
    units::Second,
    visitor::VisitorCookie,
};
use http::{HeaderName, HeaderValue};
use std::collections::HashMap;

/// One file, understood as far as it could be.
pub(super) struct Compiled {
    pub(super) namespace: Option<Box<str>>,
    pub(super) namespace_at: Place,
    pub(super) paused: bool,
    pub(super) when: Option<crate::engine::model::Condition>,
    pub(super) slots: attributes::Slots,
    pub(super) anonymous: Option<VisitorCookie>,
    pub(super) forced: Option<OverridePolicy>,
    pub(super) segments: Vec<Option<crate::engine::model::Condition>>,
    pub(super) segment_names: Vec<Box<str>>,
    pub(super) features: Vec<(Option<Feature>, Place)>,
    pub(super) order: Vec<FeatureIndex>,
    pub(super) travel: Travel,
}

impl Compiled {
    fn sends(&self) -> conflicts::Sends<'_> {
        let features = self
            .features
            .iter()
            .filter_map(|(feature, at)| Some((feature.as_ref()?, *at)));
        conflicts::Sends {
            travel: &self.travel,
            features: features.collect(),
            trusted: &self.slots.headers,
        }
    }

    fn toggles(self, first: &mut usize) -> Option<Toggles> {
        let features = self
            .features
            .into_iter()
            .map(|(feature, _)| feature)
            .collect::<Option<Box<[Feature]>>>()?;
        let begin = *first;
        *first += features.len();
        Some(Toggles {
            namespace: self.namespace,
            first: begin,
            paused: self.paused,
            when: self.when,
            attributes: self.slots.list.into(),
            visitor_cookie: self.anonymous,
            override_policy: self.forced,
            segments: self.segments.into_iter().collect::<Option<_>>()?,
            segment_names: self.segment_names.into(),
            features,
            order: self.order.into(),
            send_off: !self.travel.omit_off,
        })
    }
}

/// All files of one generation. None where the log has an error.
pub(in crate::config) fn all(
    roots: &[Option<&Node<'_>>],
    env: Environment<'_>,
    now: Second,
    revision: &str,
    log: &mut Log,
) -> Option<Snapshot> {
    let several = roots.len() > 1;
    let compiled: Vec<Option<Compiled>> = roots
        .iter()
        .map(|root| root.and_then(|root| one(root, several, env, now, log)))
        .collect();
    let known: Vec<&Compiled> = compiled.iter().flatten().collect();
    namespaces(&known, several, log);
    one_name(&known, |travel| travel.combined.as_ref(), "combined", log);
    one_name(&known, |travel| travel.revision.as_ref(), "revision", log);
    let sends: Vec<conflicts::Sends<'_>> = known.iter().map(|file| file.sends()).collect();
    conflicts::check(&sends, log);
    if log.errors() > 0 {
        return None;
    }
    let trusted = known
        .iter()
        .flat_map(|file| &file.slots.headers)
        .map(|(name, _)| name);
    let mut prefixes: Vec<&str> = known
        .iter()
        .filter_map(|file| file.travel.prefix.as_ref())
        .map(|(prefix, _)| &**prefix)
        .collect();
    if prefixes.is_empty() {
        // files that send nothing leave the default prefix to nobody
        prefixes.push(crate::engine::forged_fields::DEFAULT_PREFIX);
    }
    let combined = known
        .iter()
        .find_map(|file| file.travel.combined.clone())
        .map(|(name, _)| name);
    let revision_name = known
        .iter()
        .find_map(|file| file.travel.revision.clone())
        .map(|(name, _)| name);
    let named = known
        .iter()
        .flat_map(|file| &file.features)
        .filter_map(|(feature, _)| feature.as_ref());
    let sent = named
        .flat_map(|feature| [&feature.header, &feature.value_header])
        .flatten()
        .chain(&combined)
        .chain(&revision_name);
    let forged_fields = ForgedFields::new(prefixes, sent.map(HeaderName::as_str), trusted);
    let revision_header = match revision_name {
        Some(name) => Some((name, HeaderValue::from_str(revision).ok()?)),
        None => None,
    };
    let mut first = 0;
    let files: Option<Box<[Toggles]>> = compiled
        .into_iter()
        .map(|file| file?.toggles(&mut first))
        .collect();
    Some(Snapshot {
        revision: revision.into(),
        files: files?,
        forged_fields,
        combined,
        revision_header,
    })
}

/// With more than one file each has a namespace of its own.
pub(super) fn namespaces(files: &[&Compiled], several: bool, log: &mut Log) {
    let mut taken: HashMap<String, Place> = HashMap::new();
    for file in files.iter().filter(|_| several) {
        match &file.namespace {
            None => log.error(
                file.namespace_at,
                "`namespace` is missing, and there are other files",
                "write `namespace: shop`: it sets the features of this file apart",
            ),
            Some(name) => {
                let other = taken.insert(name.to_ascii_lowercase(), file.namespace_at);
                for at in other
                    .into_iter()
                    .flat_map(|other| [other, file.namespace_at])
                {
                    log.error(
                        at,
                        format!("another file has the namespace {} too", quote(name)),
                        "every file takes its own",
                    );
                }
            }
        }
    }
}

/// There is one combined header, and one with the revision, for all files.
pub(super) fn one_name(
    files: &[&Compiled],
    of: impl Fn(&Travel) -> Option<&(HeaderName, Place)>,
    what: &str,
    log: &mut Log,
) {
    let mut all = files.iter().filter_map(|file| of(&file.travel));
    let Some((first, _)) = all.next() else { return };
    for (name, at) in all {
        if name != first {
            log.error(
                *at,
                format!(
                    "another file calls the {what} header {}",
                    quote(first.as_str())
                ),
                "there is one for all files: name it alike, or in one file only",
            );
        }
    }
}
