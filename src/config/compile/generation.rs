//! All files of one generation, together.
//! In: their trees. Out: a [`Snapshot`], or every problem of them.

use super::{
    budget::budget,
    compiler::Environment,
    conflicts::{self, FileHeaders},
    gate,
    headers::HeaderOptions,
    remember,
    toggles::{self, Compiled},
};
use crate::config::{
    collector::Collector,
    phrases::quote,
    tree::{Node, Position},
};
use crate::engine::{
    Snapshot, Toggles, forged_fields::ForgedFields, model::Stopped, units::Second,
};
use http::{HeaderName, HeaderValue};
use std::{collections::HashMap, sync::Arc};

/// All files of one generation. None where anything is wrong.
pub(in crate::config) fn snapshot(
    roots: &[Option<&Node<'_>>],
    env: Environment<'_>,
    now: Second,
    revision: &str,
    problems: &mut Collector,
) -> Option<Snapshot> {
    let several = roots.len() > 1;
    let compiled: Vec<Option<Compiled>> = roots
        .iter()
        .map(|root| root.and_then(|root| toggles::compile(root, several, env, now, problems)))
        .collect();
    let known: Vec<&Compiled> = compiled.iter().flatten().collect();
    namespaces(&known, several, problems);
    one_name(
        &known,
        |headers| headers.combined.as_ref(),
        "combined",
        problems,
    );
    one_name(
        &known,
        |headers| headers.revision.as_ref(),
        "revision",
        problems,
    );
    one_cookie(&known, problems);
    gate::check(&known, problems);
    remember::check(&known, problems);
    let sends: Vec<FileHeaders<'_>> = known.iter().map(|file| file.sends()).collect();
    conflicts::check(&sends, problems);
    budget(&sends, problems);
    if problems.errors() > 0 {
        return None;
    }
    let trusted = known
        .iter()
        .flat_map(|file| &file.attributes.trusted)
        .map(|(name, _)| name);
    let mut prefixes: Vec<&str> = known
        .iter()
        .filter_map(|file| file.headers.prefix.as_ref())
        .map(|(prefix, _)| &**prefix)
        .collect();
    if prefixes.is_empty() {
        // files that send nothing leave the default prefix to nobody
        prefixes.push(crate::engine::forged_fields::DEFAULT_PREFIX);
    }
    let combined = known
        .iter()
        .find_map(|file| file.headers.combined.clone())
        .map(|(name, _)| name);
    let revision_name = known
        .iter()
        .find_map(|file| file.headers.revision.clone())
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
    let snapshot = Snapshot {
        revision: revision.into(),
        files: files?.into(),
        forged_fields: Arc::new(forged_fields),
        combined,
        revision_header,
        stopped: Stopped::default(),
    };
    // what is stopped is read apart from this: nothing yet
    Some(snapshot.with_stops(&Arc::default()))
}

/// With more than one file each has a namespace of its own.
pub(super) fn namespaces(files: &[&Compiled], several: bool, problems: &mut Collector) {
    let mut taken: HashMap<String, Position> = HashMap::new();
    for file in files.iter().filter(|_| several) {
        match &file.namespace {
            None => problems.error(
                file.namespace_at,
                "`namespace` is missing: with several files, each needs one",
                "write `namespace: shop`: it tells the features of this file from others",
            ),
            Some(name) => {
                let here = file.namespace_at;
                let Some(other) = taken.insert(name.to_ascii_lowercase(), here) else {
                    continue;
                };
                for (at, other) in [(other, here), (here, other)] {
                    let other = problems.file(other);
                    let message = format!("{other} has the namespace {} too", quote(name));
                    problems.error(at, message, "give every file its own");
                }
            }
        }
    }
}

/// Files that name one cookie for visitors share its id: it lasts as long, and reaches as far, for all of them.
fn one_cookie(files: &[&Compiled], problems: &mut Collector) {
    let all: Vec<_> = files.iter().flat_map(|file| &file.anonymous).collect();
    for (number, (anonymous, at)) in all.iter().enumerate() {
        let cookie = &anonymous.cookie;
        let before = all[..number].iter();
        let mut before = before.filter(|(other, _)| other.cookie.cookie == cookie.cookie);
        if let Some((first, first_at)) = before.next()
            && (first.cookie.max_age, &first.cookie.domain) != (cookie.max_age, &cookie.domain)
        {
            let other = problems.file(*first_at);
            problems.error(
                *at,
                format!("{other} keeps the cookie {} with another `max-age` or `domain`", quote(&cookie.cookie)),
                "files that share a visitor's id write the same `max-age` and `domain`; for an id of its own, name another cookie",
            );
        }
    }
}

/// There is one combined header, and one with the revision, for all files.
pub(super) fn one_name(
    files: &[&Compiled],
    of: impl Fn(&HeaderOptions) -> Option<&(HeaderName, Position)>,
    what: &str,
    problems: &mut Collector,
) {
    let mut all = files.iter().filter_map(|file| of(&file.headers));
    let Some((first, first_at)) = all.next() else {
        return;
    };
    for (name, at) in all {
        if name != first {
            let other = problems.file(*first_at);
            problems.error(
                *at,
                format!("{other} calls the {what} header {}", quote(first.as_str())),
                "all files share it: use the same name, or name it in one file only",
            );
        }
    }
}
