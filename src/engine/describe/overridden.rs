//! Where the override of a request came from, when it ends, and why one has no effect.
//! In: a file, a request, an instant. Out: sentences, and what JSON says of it.

use crate::engine::{
    decision::Decisions,
    instant,
    model::{Feature, Snapshot, Status, Toggles},
    override_choice::Choice,
    overrides::{Named, OverrideResult, ValidOverride},
    remember,
    request::Input,
    source::Source,
    units::Second,
};

/// An override that decided.
#[derive(Debug, Default)]
pub struct Origin {
    /// the source, as the file writes it; none where the API was asked with one
    pub from: Option<String>,
    /// when it ends, where it is signed
    pub until: Option<String>,
}

/// Where it came from. The caller has seen that it decided.
pub fn origin(toggles: &Toggles, input: Input<'_>, now: Second) -> Origin {
    let valid = chosen(toggles, input, now, true).and_then(|choice| choice.valid);
    let Some((found, value)) = valid else {
        return Origin::default();
    };
    Origin {
        from: found.source.map(Source::to_string),
        until: value.until().map(instant::show),
    }
}

fn chosen<'a>(
    toggles: &'a Toggles,
    input: Input<'a>,
    now: Second,
    is_allowed: bool,
) -> Option<Choice<'a>> {
    let policy = toggles.override_policy.as_ref()?;
    policy.choose((input, now), toggles.namespace.as_deref(), is_allowed)
}

impl Origin {
    /// `set by an override from cookie.qa_flags, until 2026-11-30T09:00:00Z`
    pub fn sentence(&self) -> String {
        let from = self.from.as_ref().map(|from| format!(" from {from}"));
        let until = self.until.as_ref().map(|until| format!(", until {until}"));
        let [from, until] = [from, until].map(Option::unwrap_or_default);
        format!("set by an override{from}{until}")
    }
}

/// What a tester has to know of overrides that do not do all that they could: a sentence for each file, and each once.
pub fn remark(
    snapshot: &Snapshot,
    input: Input<'_>,
    now: Second,
    decisions: &Decisions,
) -> Option<String> {
    let mut remarks: Vec<String> = Vec::new();
    for (toggles, result) in snapshot.files.iter().zip(&decisions.overrides) {
        let Some(result) = *result else { continue };
        let remark = match result.is_verified() {
            true => of_valid(snapshot, toggles, (input, now), result, decisions),
            false => no_effect(toggles, result),
        };
        // of several files that do not all say the same, which
        let is_shared = decisions
            .overrides
            .iter()
            .all(|other| *other == Some(result));
        let remark = remark.map(|remark| match &toggles.namespace {
            Some(name) if !is_shared => format!("In `{name}`: {remark}"),
            _ => remark,
        });
        remarks.extend(remark.filter(|remark| !remarks.contains(remark)));
    }
    (!remarks.is_empty()).then(|| remarks.join(" "))
}

fn of_valid(
    snapshot: &Snapshot,
    toggles: &Toggles,
    (input, now): (Input<'_>, Second),
    result: OverrideResult,
    decisions: &Decisions,
) -> Option<String> {
    let policy = toggles.override_policy.as_ref()?;
    let (found, value) = chosen(toggles, input, now, true)?.valid?;
    let missed = missed(snapshot, toggles, &value, decisions);
    let by_cookie = matches!(found.source, Some(Source::Cookie(_)));
    match (result, missed.is_empty()) {
        (OverrideResult::Cleared, _) => Some(
            "The override forces nothing: it makes a browser forget what `remember` has kept.".into(),
        ),
        (OverrideResult::NoEffect, true) => {
            Some("The override has no effect: it names no feature.".into())
        }
        (OverrideResult::NoEffect, false) => {
            Some(format!("The override has no effect: {}.", missed.join("; ")))
        }
        (_, false) => Some(format!(
            "A part of the override has no effect: {}.",
            missed.join("; ")
        )),
        // a page that opens the link would be told by nobody
        (_, true) if !by_cookie && !remember::is_kept(policy, &value, now) => {
            Some("The override holds for one request, and is not remembered: it ends in more than 30 days, or is too long for a cookie.".into())
        }
        _ => None,
    }
}

/// What it names and does not force.
fn missed(
    snapshot: &Snapshot,
    toggles: &Toggles,
    value: &ValidOverride,
    decisions: &Decisions,
) -> Vec<String> {
    // what is not signed for one file may be meant for another
    let is_for_this_file = value.until().is_some() || snapshot.files.len() == 1;
    let of_file = toggles.namespace.as_ref();
    let of_file = of_file.map_or(String::new(), |name| format!(" in `{name}`"));
    let one = |(name, variant, named)| match named {
        Named::NoFeature => {
            is_for_this_file.then(|| format!("there is no feature `{name}`{of_file}"))
        }
        Named::NoVariant(_) => Some(format!("`{name}` has no variant `{variant}`")),
        Named::Variant(index, _) => {
            let index = usize::from(index);
            let (feature, all) = (&toggles.features[index], &decisions.by_feature);
            let decision = all.get(toggles.first + index).copied().flatten();
            match decision.is_some_and(|one| one.overridden) {
                true => None,
                false => {
                    unforced(snapshot, toggles, feature).map(|what| format!("`{name}` is {what}"))
                }
            }
        }
    };
    value.named(toggles).filter_map(one).collect()
}

/// Why no override forces this feature, in a word.
pub fn unforced(snapshot: &Snapshot, toggles: &Toggles, feature: &Feature) -> Option<&'static str> {
    match feature.status {
        Status::Archived => Some("archived"),
        Status::Paused => Some("paused"),
        _ if toggles.paused => Some("paused"),
        _ if snapshot.is_stopped_for_all(toggles, feature) => Some("stopped"),
        _ => None,
    }
}

fn no_effect(toggles: &Toggles, result: OverrideResult) -> Option<String> {
    let why = match result {
        OverrideResult::NotAllowed => "the `when` of `override` does not hold",
        OverrideResult::Malformed => "it cannot be read. Copy it whole, with its signature",
        OverrideResult::Unsigned => "it is not signed. Make one by `burgee override`",
        OverrideResult::Expired => "it has ended. Make a new one by `burgee override`",
        OverrideResult::BadSignature => {
            "it was signed with another key or for another namespace, or altered"
        }
        OverrideResult::TooLong => {
            "it came in the cookie of `remember`, which keeps none that ends in more than 30 days"
        }
        OverrideResult::NoKey => {
            let key = toggles.override_policy.as_ref()?.key.as_ref()?;
            let variable = &key.variable;
            return Some(format!(
                "The override has no effect: the variable `{variable}` is not set."
            ));
        }
        _ => return None,
    };
    Some(format!("The override has no effect: {why}."))
}
