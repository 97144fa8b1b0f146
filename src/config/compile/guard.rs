//! The guard of a feature: what a variant must not exceed its control by.
//! In: `guard`, and the feature as it was compiled. Out: the bounds, or why it could never say anything.

use super::compiler::Compiler;
use crate::config::{
    file,
    phrases::{did_you_mean, one_of, quote},
    tree::{Entry, Kind, Node},
};
use crate::engine::{
    Feature,
    compare::draw,
    guard::{Guard, GuardAction, Slow},
    model::Allocation,
    schedule::Rollout,
    units::Share,
};

/// What `guard: stop` alone takes.
const ERRORS: &str = "0.1%";

impl<'t> Compiler<'t, '_> {
    /// Its bounds, and what happens beyond them.
    pub(super) fn guard(&mut self, entry: &'t Entry<'t>) -> Option<Guard> {
        if !matches!(entry.value.kind, Kind::Map(_)) {
            let action = self.guard_action(entry)?;
            return Some(Guard {
                errors: Share::parse(ERRORS).ok(),
                slow: None,
                action,
            });
        }
        let map = file::Guard::read(&entry.value, self.problems)?;
        let before = self.problems.errors();
        let errors = map.errors.and_then(|entry| self.margin(&entry.value));
        let slow = map.slow.and_then(|entry| self.slow(entry));
        let action = match map.action {
            Some(entry) => self.guard_action(entry),
            None => Some(GuardAction::Report),
        };
        if self.problems.errors() > before {
            return None;
        }
        Some(Guard {
            errors: match slow {
                Some(_) => errors,
                None => errors.or(Share::parse(ERRORS).ok()),
            },
            slow,
            action: action?,
        })
    }

    fn guard_action(&mut self, entry: &'t Entry<'t>) -> Option<GuardAction> {
        let known = GuardAction::ALL.map(GuardAction::as_str);
        let known = || known.iter().copied();
        let wanted = format!("{}, or a map of bounds", one_of(known()));
        let text = self.text(entry, &wanted)?;
        let action = GuardAction::ALL
            .into_iter()
            .find(|action| action.as_str() == text);
        if action.is_none() {
            let hint = match &*text.to_ascii_lowercase() {
                "on" | "true" | "yes" => {
                    "write what it does: `report`, `hold` or `stop`".to_owned()
                }
                "off" | "false" | "no" | "none" => "leave `guard` out".to_owned(),
                number if number.ends_with('%') => {
                    format!("write `{{errors: {number}, action: stop}}`")
                }
                _ => did_you_mean(text, known()),
            };
            let message = format!("{} is not one of {}", quote(text), one_of(known()));
            self.problems.error(entry.value.at, message, hint);
        }
        action
    }

    fn slow(&mut self, entry: &'t Entry<'t>) -> Option<Slow> {
        let map = file::Slow::read(&entry.value, self.problems)?;
        let mut needed = |found: Option<&'t Entry<'t>>, name: &str| {
            if found.is_none() {
                let hint = "write both: `slow: {above: 500ms, by: 2%}`";
                let message = format!("`{name}` is missing");
                self.problems.error(entry.key_at, message, hint);
            }
            found
        };
        let (above, by) = (needed(map.above, "above"), needed(map.by, "by"));
        let above = above.and_then(|entry| self.patience(entry));
        let by = by.and_then(|entry| self.margin(&entry.value));
        Some(Slow {
            above: above?,
            by: by?,
        })
    }

    /// A difference of shares; none is greater than everything.
    fn margin(&mut self, node: &Node<'_>) -> Option<Share> {
        let margin = self.share(node)?;
        if margin == Share::EVERYBODY {
            let hint = "write by how many points it may be worse: `0.5%`";
            let message = "no variant can be worse by more than 100 points";
            self.problems.error(node.at, message, hint);
            return None;
        }
        Some(margin)
    }

    /// `500ms`, `2s`
    fn patience(&mut self, entry: &'t Entry<'t>) -> Option<u64> {
        let text = self.text(entry, "a duration, such as `500ms`")?;
        let (number, unit) = match text.strip_suffix("ms") {
            Some(number) => (number, 1),
            None => (text.strip_suffix('s').unwrap_or(""), 1_000),
        };
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse::<u32>().ok().filter(|_| is_number);
        let milliseconds = number.map_or(0, |number| u64::from(number) * unit);
        if milliseconds == 0 {
            self.problems.error(
                entry.value.at,
                format!("{} is not a time to wait for an answer", quote(text)),
                "write a whole number and `ms` or `s`: `500ms`",
            );
            return None;
        }
        Some(milliseconds)
    }

    /// A guard that could never say anything is worse than none.
    pub(super) fn can_guard(
        &mut self,
        entry: &'t Entry<'t>,
        guard: Guard,
        feature: &Feature,
    ) -> Option<()> {
        let control = draw::control(feature);
        let draws = draw::declared(feature);
        let name = &feature.variant(control).name;
        let (message, hint) = if !feature.metrics {
            (
                "a guard needs the counts that `metrics: off` leaves out".to_owned(),
                "remove one of the two".to_owned(),
            )
        } else if draws.is_empty() {
            (
                "nothing is drawn here, so there is nothing to compare".to_owned(),
                "give a share between 0% and 100%, or leave `guard` out while everybody gets the same".to_owned(),
            )
        } else if !draws.iter().any(|draw| draw.variants.contains(&control)) {
            (
                format!(
                    "no draw of this feature can give {}, which the others would be compared with",
                    quote(name)
                ),
                "make the variant that people had before the `default`, call it `control`, or give it a share".to_owned(),
            )
        } else if guard.action == GuardAction::Hold && !follows_the_clock(feature) {
            (
                "a hold would change nothing: no rollout of this feature follows the clock"
                    .to_owned(),
                "write `action: stop`, or a rollout with dates".to_owned(),
            )
        } else {
            return Some(());
        };
        self.problems.error(entry.key_at, message, hint);
        None
    }
}

fn follows_the_clock(feature: &Feature) -> bool {
    let rules = feature.rules.iter().map(|rule| &rule.allocation);
    let follows = |allocation: &Allocation| !matches!(allocation.rollout, Rollout::Fixed(_));
    rules.chain(&feature.fallthrough).any(follows)
}
