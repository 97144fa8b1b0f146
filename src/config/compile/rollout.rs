//! How many people: a share, steps, or a glide.
//! In: `rollout`, and percentages anywhere. Out: a [`Rollout`], proved to be between 0% and 100%.

use super::{compiler::Compiler, names};
use crate::config::{
    file,
    phrases::quote,
    tree::{Entry, Kind, Node},
};
use crate::engine::{
    schedule::Rollout,
    units::{Second, Share, ShareError},
};

impl<'t> Compiler<'t, '_> {
    pub(super) fn rollout(&mut self, entry: &'t Entry<'t>) -> Option<Rollout> {
        let Kind::Map(entries) = &entry.value.kind else {
            return self.share(&entry.value).map(Rollout::Fixed);
        };
        if entries.is_empty() {
            self.problems.error(
                entry.key_at,
                "`rollout` is empty",
                "write `rollout: 25%`, or steps `{2026-03-01: 1%, 2026-03-10: 100%}`",
            );
            return None;
        }
        if entries
            .iter()
            .any(|entry| !entry.key.starts_with(|c: char| c.is_ascii_digit()))
        {
            return self.glide(entry);
        }
        let (before, mut steps) = (self.problems.errors(), Vec::new());
        for step in entries {
            let at = self.instant_text(&step.key, step.key_at);
            let share = self.share(&step.value);
            if let (Some(at), Some(share)) = (at, share) {
                steps.push((at, share, step.key_at));
            }
        }
        steps.sort_by_key(|(at, ..)| *at);
        for pair in steps.windows(2) {
            let ((one, before, _), (other, after, at)) = (pair[0], pair[1]);
            if one == other {
                self.problems
                    .error(at, "two steps begin at the same time", "keep one of them");
            } else if after < before {
                self.problems.warn(
                    at,
                    format!("the rollout goes down here, from {before} to {after}"),
                    "people who had the feature lose it",
                );
            }
        }
        let steps = steps
            .into_iter()
            .map(|(at, share, _)| (at, share))
            .collect::<Box<[(Second, Share)]>>();
        (self.problems.errors() == before).then_some(Rollout::Steps(steps))
    }

    pub(super) fn glide(&mut self, entry: &'t Entry<'t>) -> Option<Rollout> {
        let glide = file::Glide::read(&entry.value, self.problems)?;
        let missing: Vec<_> = [
            ("from", glide.from),
            ("to", glide.to),
            ("start", glide.start),
            ("end", glide.end),
        ]
        .into_iter()
        .filter_map(|(name, entry)| entry.is_none().then_some(name))
        .collect();
        if !missing.is_empty() {
            let names: Vec<_> = missing.into_iter().map(quote).collect();
            self.problems.error(
                entry.key_at,
                format!("the glide has no {}", names.join(" and no ")),
                "write `{from: 0%, to: 100%, start: 2026-03-01, end: 2026-03-08}`",
            );
        }
        let [from, to] =
            [glide.from, glide.to].map(|entry| entry.and_then(|entry| self.share(&entry.value)));
        let [start, end] = [glide.start, glide.end]
            .map(|entry| entry.and_then(|entry| self.instant(&entry.value)));
        if let (Some(start), Some(end), Some(entry)) = (start, end, glide.end)
            && start >= end
        {
            self.problems.error(
                entry.value.at,
                "`end` is not after `start`",
                "a glide takes time; a jump is a step: `{2026-03-01: 100%}`",
            );
            return None;
        }
        Some(Rollout::Glide {
            from: from?,
            to: to?,
            start: start?,
            end: end?,
        })
    }

    /// A percentage, always with its sign.
    pub(super) fn share(&mut self, node: &Node<'_>) -> Option<Share> {
        let Some(text) = node.text() else {
            self.expected(node, "a percentage", "write `25%`");
            return None;
        };
        let (message, hint) = match Share::parse(text) {
            Ok(share) => return Some(share),
            Err(ShareError::NoPercentSign) => match names::as_boolean(text) {
                Some(on) => (
                    format!("{} is not a percentage", quote(text)),
                    format!("write `{}`", if on { "100%" } else { "0%" }),
                ),
                None => (
                    format!("{} is not a percentage", quote(text)),
                    in_percent(text),
                ),
            },
            Err(ShareError::NotANumber) if text.starts_with('-') => (
                format!(
                    "{} is not between 0% and 100%",
                    quote(text).trim_matches('`')
                ),
                "write a percentage such as `25%`".to_owned(),
            ),
            Err(ShareError::NotANumber) => (
                format!("{} is not a percentage", quote(text)),
                "write a number and `%`: `0.5%`".to_owned(),
            ),
            Err(ShareError::TooFine) => (
                format!("{} has more than 6 decimals", quote(text)),
                "round it".to_owned(),
            ),
            Err(ShareError::OutOfRange) => (
                format!(
                    "{} is not between 0% and 100%",
                    quote(text).trim_matches('`')
                ),
                "write `100%` for everybody".to_owned(),
            ),
        };
        self.problems.error(node.at, message, hint);
        None
    }
}

/// `25` is `25%`; `0.25` may be either of two things.
pub(super) fn in_percent(text: &str) -> String {
    let decimal = !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    match text.parse::<f64>() {
        Ok(part) if decimal && part > 0.0 && part < 1.0 => format!(
            "write `{}%` or `{text}%`, whichever is meant",
            (part * 1e8).round() / 1e6
        ),
        Ok(_) if decimal => format!("write `{text}%`"),
        _ => "write a percentage such as `25%`".to_owned(),
    }
}
