//! Who got what since a day, as Prometheus has counted it.
//! In: where it is, an instant, how far back. Out: decisions by feature and variant, and how often code said that it used one.

use crate::{cli::fleet::prometheus, engine::units::Second, http::client::Url};
use std::{collections::BTreeMap, io};

/// What was counted of one feature.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// decisions, by variant
    pub decisions: BTreeMap<String, u64>,
    /// how often an application said that it used it
    pub exposures: u64,
}

/// By key; a feature that nobody counted is not there.
pub type AllSeen = BTreeMap<String, Seen>;

/// Asks both questions.
pub async fn ask(url: &Url, now: Second, since: Second) -> io::Result<AllSeen> {
    let window = (now.0 - since.0).max(60);
    let mut seen = AllSeen::new();
    let asked = |metric: &str| format!("sum by (feature, variant) (increase({metric}[{window}s]))");
    for (metric, is_decision) in [
        ("burgee_evaluations_total", true),
        ("burgee_exposures_total", false),
    ] {
        let rows = prometheus::query(url, &asked(metric), Some(now)).await;
        for (labels, value) in rows.map_err(io::Error::other)? {
            let Some(feature) = labels.get("feature") else {
                continue;
            };
            let one = seen.entry(feature.clone()).or_default();
            // `increase` reckons with what lies between two looks: no whole number
            let count = value.max(0.0).round() as u64;
            match is_decision {
                true => {
                    *one.decisions
                        .entry(labels.get("variant").cloned().unwrap_or_default())
                        .or_default() += count
                }
                false => one.exposures += count,
            }
        }
    }
    Ok(seen)
}
