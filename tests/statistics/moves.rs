//! Who moves when shares are edited: measured over people, beside the closed form and beside the bound.

use crate::{
    numbers::kept,
    table::Row,
    world::{World, ids},
};

const PEOPLE: u64 = 100_000;

const EDITS: [(&str, &[f64], &[f64]); 8] = [
    ("50/50 to 60/40", &[50.0, 50.0], &[60.0, 40.0]),
    (
        "33/33/34 to 40/30/30",
        &[33.0, 33.0, 34.0],
        &[40.0, 30.0, 30.0],
    ),
    (
        "50/25/25 to 40/25/35",
        &[50.0, 25.0, 25.0],
        &[40.0, 25.0, 35.0],
    ),
    (
        "25x4 to 15/25/25/35",
        &[25.0, 25.0, 25.0, 25.0],
        &[15.0, 25.0, 25.0, 35.0],
    ),
    (
        "80/10/10 to 60/20/20",
        &[80.0, 10.0, 10.0],
        &[60.0, 20.0, 20.0],
    ),
    (
        "add an arm, 50/50 to 40/40/20",
        &[50.0, 50.0, 0.0],
        &[40.0, 40.0, 20.0],
    ),
    (
        "add a 10-weight arm to 50/50",
        &[50.0, 50.0, 0.0],
        &[45.454545, 45.454545, 9.09091],
    ),
    (
        "retire an arm, 34/33/33 to 0/50/50",
        &[34.0, 33.0, 33.0],
        &[0.0, 50.0, 50.0],
    ),
];

/// A feature that splits everybody into these percentages; the arms are written from `first` on, round about.
pub fn split(percents: &[f64], first: usize) -> String {
    let names = ["a", "b", "c", "d", "e"];
    let arm = |at: usize| {
        let at = (at + first) % percents.len();
        format!("{}: {}%", names[at], percents[at])
    };
    let shares = (0..percents.len()).map(arm).collect::<Vec<_>>().join(", ");
    format!(
        "  edited: {{variants: [{}], serve: {{{shares}}}}}\n",
        names[..percents.len()].join(", ")
    )
}

/// The measured share of people that an edit moves, and the same for those who go to an arm that is not `to`.
pub fn measured(before: &str, after: &str) -> f64 {
    let (mut old, mut new) = (World::of(before), World::of(after));
    let moved = ids("user-000000", PEOPLE)
        .filter(|id| old.variants(id) != new.variants(id))
        .count();
    moved as f64 / PEOPLE as f64
}

/// The table of edits.
pub fn edits() -> Vec<Row> {
    let row = |(name, p, q): &(&str, &[f64], &[f64])| {
        let [p, q] = [p, q].map(|shares| {
            shares
                .iter()
                .map(|percent| percent / 100.0)
                .collect::<Vec<_>>()
        });
        let closed = 1.0 - kept(&p, &q);
        let least: f64 = p.iter().zip(&q).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0;
        let bound = 2.0 * least / (1.0 + least);
        let percents = |shares: &[f64]| {
            shares
                .iter()
                .map(|share| (share * 1e8).round() / 1e6)
                .collect::<Vec<_>>()
        };
        let moved = measured(&split(&percents(&p), 0), &split(&percents(&q), 1));
        // five standard deviations of a count over so many people
        let noise = 5.0 * (closed * (1.0 - closed) / PEOPLE as f64).sqrt();
        Row::new(
            format!("moved by {name}"),
            format!(
                "{:.2}% (closed form {:.2}%, least possible {:.1}%)",
                moved * 100.0,
                closed * 100.0,
                least * 100.0
            ),
            "the closed form, 5 sd",
            (moved - closed).abs() < noise && closed <= bound + 1e-12,
        )
    };
    EDITS.iter().map(row).collect()
}
