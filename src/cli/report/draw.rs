//! What an exposure line says of the draw that gave its variant. In: its `draw`, as written. Out: rule, control and shares.

use super::record::name;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A rule's draw, or the feature's own, at some time.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Draw {
    /// the rule's name, else its number from 1; `-` for the feature's own
    pub rule: String,
    /// what the others are compared with
    pub control: String,
    /// which part of people should get each variant; empty where the draw is no trial
    #[serde(default)]
    pub shares: BTreeMap<String, f64>,
}

impl Draw {
    /// None where it is not what was promised.
    pub fn read(text: &str) -> Option<Draw> {
        let draw: Draw = serde_json::from_str(text).ok()?;
        let is_share = |share: &f64| (0.0..=1.0).contains(share);
        let sum: f64 = draw.shares.values().sum();
        let is_whole = draw.shares.is_empty() || (sum - 1.0).abs() < 1e-3;
        let is_fair = draw.shares.values().all(is_share) && is_whole;
        let are_names = draw.shares.keys().all(|variant| name(variant).is_some());
        (is_fair && are_names && name(&draw.control).is_some()).then_some(draw)
    }

    /// Whether people of both can be compared: the same rule, and each share within a point, and within a tenth of itself.
    pub fn is_like(&self, other: &Draw) -> bool {
        let mut variants = self.shares.keys().chain(other.shares.keys());
        let is_near = |variant: &String| {
            let share = |draw: &Draw| draw.shares.get(variant).copied().unwrap_or_default();
            let (one, two) = (share(self), share(other));
            (one - two).abs() <= f64::min(0.01, 0.1 * f64::min(one, two))
        };
        self.rule == other.rule && variants.all(is_near)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_is_what_was_promised_or_nothing() {
        for (text, expected) in [
            (r#"{"rule":"-","control":"off"}"#, true),
            (
                r#"{"rule":"staff","control":"off","shares":{"off":0.25,"on":0.75}}"#,
                true,
            ),
            (
                r#"{"rule":"-","control":"off","shares":{"a":0.333333,"b":0.333333,"off":0.333333}}"#,
                true,
            ),
            (
                r#"{"rule":"-","control":"off","shares":{"off":0.25,"on":0.25}}"#,
                false,
            ),
            (
                r#"{"rule":"-","control":"off","shares":{"off":-1,"on":2}}"#,
                false,
            ),
            (
                r#"{"rule":"-","control":"off","shares":{"off":0.5,"o\nn":0.5}}"#,
                false,
            ),
            (r#"{"rule":"-","shares":{"off":1}}"#, false),
            (r#"{"control":"off"}"#, false),
            ("null", false),
        ] {
            assert_eq!(Draw::read(text).is_some(), expected, "{text}");
        }
    }

    #[test]
    fn draws_are_alike_where_their_people_can_be_compared() {
        let draw = |rule: &str, on: f64| Draw {
            rule: rule.into(),
            control: "off".into(),
            shares: [("off".to_owned(), 1.0 - on), ("on".to_owned(), on)].into(),
        };
        for (one, two, expected) in [
            (("-", 0.5), ("-", 0.5), true),
            (("-", 0.5), ("-", 0.509), true),
            (("-", 0.5), ("-", 0.52), false),
            (("-", 0.01), ("-", 0.0109), true),
            (("-", 0.01), ("-", 0.012), false),
            (("-", 0.99), ("-", 0.988), false),
            (("-", 0.0), ("-", 0.0), true),
            (("-", 0.5), ("staff", 0.5), false),
        ] {
            let (one, two) = (draw(one.0, one.1), draw(two.0, two.1));
            assert_eq!(one.is_like(&two), expected, "{one:?} {two:?}");
            assert_eq!(two.is_like(&one), expected, "{one:?} {two:?}");
        }
    }
}
