//! What a feature's guard watches: by how much a variant may be worse than its control, and what happens beyond that.
//! In: `guard` of the toggles file. Out: data; when it is certain stands in `compare::guard`.

use super::{compare::words::Measure, units::Share};

/// What a variant must not exceed its control by, as shares of requests. At least one of the two is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// responses with a status of 500 or above
    pub errors: Option<Share>,
    /// responses that come late
    pub slow: Option<Slow>,
    /// what happens when it is certain
    pub action: GuardAction,
}

/// Responses that come late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slow {
    /// later than so many milliseconds
    pub above: u64,
    /// so many more than the control's
    pub by: Share,
}

/// What happens when it is certain that a variant does harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GuardAction {
    /// it is said
    Report,
    /// the fleet's guard holds the rollout where it is
    Hold,
    /// everybody gets the default: in the pod that is certain, and by the fleet's guard everywhere
    Stop,
}

impl GuardAction {
    /// All of them, the mildest first.
    pub const ALL: [GuardAction; 3] = [GuardAction::Report, GuardAction::Hold, GuardAction::Stop];

    /// As the file writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            GuardAction::Report => "report",
            GuardAction::Hold => "hold",
            GuardAction::Stop => "stop",
        }
    }
}

impl Guard {
    /// By how much a variant may be worse, by this measure; none where nobody asks.
    pub fn margin(&self, measure: Measure) -> Option<f64> {
        let margin = match measure {
            Measure::Errors => self.errors,
            Measure::Slow => self.slow.map(|slow| slow.by),
        };
        margin.map(Share::fraction)
    }

    /// What it watches, in words, beside the variant that the others are compared with.
    pub fn sentence(&self, control: &str) -> String {
        let mut beyond = Vec::new();
        if let Some(by) = self.errors {
            beyond.push(format!("fails {}", more_often(by)));
        }
        if let Some(Slow { above, by }) = self.slow {
            let above = time(above);
            beyond.push(format!("answers later than {above} {}", more_often(by)));
        }
        let what = match self.action {
            GuardAction::Report => "reports",
            GuardAction::Hold => "holds the rollout",
            GuardAction::Stop => "gives everybody the default",
        };
        format!(
            "its guard {what} as soon as it is certain that a variant {} than {control}",
            beyond.join(", or ")
        )
    }
}

fn more_often(by: Share) -> String {
    match by.to_string().trim_end_matches('%') {
        "0" => "more often".to_owned(),
        "1" => "more than 1 point more often".to_owned(),
        points => format!("more than {points} points more often"),
    }
}

/// A time as the file writes it.
fn time(milliseconds: u64) -> String {
    match milliseconds % 1_000 {
        0 => format!("{}s", milliseconds / 1_000),
        _ => format!("{milliseconds}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_says_what_it_watches() {
        let guard = |errors: Option<&str>, slow: Option<(u64, &str)>, action| Guard {
            errors: errors.map(|text| Share::parse(text).unwrap()),
            slow: slow.map(|(above, by)| Slow {
                above,
                by: Share::parse(by).unwrap(),
            }),
            action,
        };
        for (guard, expected) in [
            (
                guard(Some("0.5%"), None, GuardAction::Report),
                "its guard reports as soon as it is certain that a variant fails more than 0.5 points more often than off",
            ),
            (
                guard(Some("1%"), Some((500, "2%")), GuardAction::Stop),
                "its guard gives everybody the default as soon as it is certain that a variant fails more than 1 point more often, or answers later than 500ms more than 2 points more often than off",
            ),
            (
                guard(None, Some((2_000, "0%")), GuardAction::Hold),
                "its guard holds the rollout as soon as it is certain that a variant answers later than 2s more often than off",
            ),
        ] {
            assert_eq!(guard.sentence("off"), expected);
        }
    }
}
