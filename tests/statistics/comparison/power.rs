//! Worlds in which the treatment does harm: seconds until the guard says so.

use crate::comparison::{
    Table,
    run::{run, worlds},
    world::{DAY, Failing, Setting},
};
use std::time::Instant;

/// Seconds of the reference, median and 9 of 10: from the start at margins of 0.1 and 0.5 points, then after six good hours.
const REFERENCE: [(f64, [(f64, f64); 4]); 5] = [
    (
        0.01,
        [
            (580.0, 1090.0),
            (2165.0, 4870.0),
            (2525.0, 3581.0),
            (9030.0, 14574.0),
        ],
    ),
    (
        0.02,
        [
            (275.0, 460.0),
            (375.0, 720.0),
            (740.0, 1404.0),
            (1315.0, 3063.0),
        ],
    ),
    (
        0.05,
        [
            (91.0, 160.0),
            (104.0, 192.0),
            (262.0, 300.0),
            (324.0, 436.0),
        ],
    ),
    (
        0.2,
        [(16.0, 28.0), (16.0, 30.0), (50.0, 57.0), (53.0, 87.0)],
    ),
    (1.0, [(3.0, 4.0), (4.0, 4.0), (9.0, 12.0), (10.0, 12.0)]),
];

/// 40 worlds of ours against 40 of the reference: medians differ by this much by chance.
const BY_CHANCE: f64 = 1.35;

/// In each world, with these margins.
fn all(count: usize, effect: f64, late: bool, margins: &[f64]) -> Vec<Vec<f64>> {
    let small = effect <= 0.02;
    let hours = match effect {
        _ if effect <= 0.01 => 12.0,
        _ if small => 4.0,
        _ => 1.0,
    };
    let step = if small { 10.0 } else { 2.0 };
    let run = |world: u64| {
        // not always at the same moment of a sequence
        let onset = if late {
            (6.0 * 3_600.0 + 90.0 * world as f64).floor()
        } else {
            0.0
        };
        let setting = Setting {
            failing: Failing::Requests,
            effect,
            onset,
            ..Setting::new("harm", "10%")
        };
        let days = (hours * 3_600.0 + onset) / DAY;
        let seed = (effect * 1e4) as u64 * 1_000 + world + u64::from(late) * 500_000_007;
        let said = run(&setting, days, step, margins, false, seed);
        let seconds = |stops: Option<f64>| stops.map_or(f64::INFINITY, |at| at - onset);
        said.stops.into_iter().map(seconds).collect::<Vec<_>>()
    };
    let found = worlds(count, run);
    let of = |margin: usize| found.iter().map(|world| world[margin]).collect();
    (0..margins.len()).map(of).collect()
}

/// In each world.
pub fn seconds(count: usize, effect: f64, late: bool, margin: f64) -> Vec<f64> {
    all(count, effect, late, &[margin]).remove(0)
}

pub fn table(count: usize) -> Table {
    let mut text = "| effect, points | from the start, margin 0.1 | margin 0.5 | after 6 good hours, margin 0.1 | margin 0.5 |\n|---|---|---|---|---|\n".to_owned();
    let mut wrong = Vec::new();
    for (effect, reference) in REFERENCE {
        let began = Instant::now();
        text += &format!("| +{} ", effect * 100.0);
        for (late, reference) in [(false, &reference[..2]), (true, &reference[2..])] {
            let found = all(count, effect, late, &[0.001, 0.005]);
            for (mut seconds, (median, most)) in found.into_iter().zip(reference) {
                seconds.sort_by(f64::total_cmp);
                let (ours, ours_most) =
                    (seconds[seconds.len() / 2], seconds[seconds.len() * 9 / 10]);
                text += &format!("| {ours:.0} ({ours_most:.0}) ");
                // before the harm began nothing may be said
                if seconds[0] < 0.0
                    || ours > median * BY_CHANCE + 2.0
                    || ours_most > most * BY_CHANCE + 2.0
                {
                    wrong.push(format!(
                        "+{effect}, late {late}: {ours} ({ours_most}), not {median} ({most})"
                    ));
                }
            }
        }
        text += "|\n";
        let seconds = began.elapsed().as_secs_f64();
        println!("+{} points: {seconds:.0} s", effect * 100.0);
    }
    Table { text, wrong }
}
