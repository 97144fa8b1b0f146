//! Exact edges, monotonic ramps, exact shares, weights.

use crate::{
    moves::split,
    table::Row,
    world::{World, ids},
};

const PEOPLE: u64 = 100_000;

fn count(world: &mut World, variant: &str) -> u64 {
    ids("user-000000", PEOPLE)
        .filter(|id| world.variants(id)[0] == variant)
        .count() as u64
}

/// 0% is nobody, 100% is everybody, and shares between hold within five standard deviations.
pub fn exact() -> Vec<Row> {
    let row = |percent: &f64| {
        let inside = count(&mut World::of(&format!("  ramp: {percent}%")), "on");
        let expected = PEOPLE as f64 * percent / 100.0;
        let noise = 5.0 * (expected * (1.0 - percent / 100.0)).sqrt();
        let ok = (inside as f64 - expected).abs() <= noise;
        Row::new(
            format!("a rollout of {percent}% takes in"),
            format!("{inside} of {PEOPLE}"),
            "5 sd; 0% and 100% exactly",
            ok,
        )
    };
    [0.0, 0.01, 1.0, 10.0, 33.333333, 50.0, 99.99, 100.0]
        .iter()
        .map(row)
        .collect()
}

/// Every arm of a split has its share of people, the smallest too.
pub fn arms() -> Vec<Row> {
    let shares = [0.01, 4.99, 15.0, 30.0, 50.0];
    let mut world = World::of(&split(&shares, 0));
    let mut counts = [0u64; 5];
    for id in ids("user-000000", PEOPLE) {
        let arm = world.variants(&id)[0].bytes().next().unwrap();
        // whoever gets none of the arms is missed in the counts
        if let Some(count) = counts.get_mut(usize::from(arm - b'a')) {
            *count += 1;
        }
    }
    let holds = |(count, percent): (&u64, &f64)| {
        let expected = PEOPLE as f64 * percent / 100.0;
        let noise = 5.0 * (expected * (1.0 - percent / 100.0)).sqrt();
        (*count as f64 - expected).abs() <= noise
    };
    let measured: Vec<_> = counts.iter().map(u64::to_string).collect();
    vec![Row::new(
        format!("arms of 0.01%, 4.99%, 15%, 30% and 50%, of {PEOPLE} people"),
        measured.join(", "),
        "5 sd each",
        counts.iter().zip(&shares).all(holds),
    )]
}

/// Raising a percentage keeps everybody who was in, and changes nobody's variant.
pub fn ramps() -> Vec<Row> {
    let ramp = |percent: u32| {
        World::of(&format!(
            "  r: {{variants: [a, b, c], rollout: {percent}%, serve: {{a: 20%, b: 30%, c: 50%}}}}"
        ))
    };
    let mut before: Vec<String> = vec!["off".into(); PEOPLE as usize];
    let (mut left, mut switched) = (0, 0);
    for percent in [1, 5, 10, 25, 50, 75, 99, 100] {
        let mut world = ramp(percent);
        for (id, had) in ids("user-000000", PEOPLE).zip(&mut before) {
            let has = world.variants(&id)[0].to_owned();
            left += u64::from(had != "off" && has == "off");
            switched += u64::from(had != "off" && has != "off" && *had != has);
            *had = has;
        }
    }
    vec![Row::new(
        "a ramp from 1% to 100% in 8 steps: people who fall out, who change variant".into(),
        format!("{left}, {switched}"),
        "0, 0",
        left == 0 && switched == 0,
    )]
}

/// Flaggery's quickstart: 100 subjects weighing 1 to 10, a rollout of 10%, 1,000 salts.
pub fn weights() -> Vec<Row> {
    let weight = |subject: u64| 1 + subject % 10;
    let listed = (0..100)
        .map(|subject| format!("s{subject}: {}", weight(subject)))
        .collect::<Vec<_>>()
        .join(", ");
    let features: String = (0..1000).map(|salt| format!("  f{salt}: 10%\n")).collect();
    let text = format!(
        "version: 1\nuser: {{from: header.x-user-id, weights: {{{listed}}}}}\nfeatures:\n{features}"
    );
    let (mut world, mut inside, total) = (
        World::file(&text),
        vec![0; 1000],
        (0..100).map(weight).sum::<u64>() as f64,
    );
    for subject in 0..100 {
        for (sum, variant) in inside
            .iter_mut()
            .zip(world.variants(&format!("s{subject}")))
        {
            *sum += if variant == "on" { weight(subject) } else { 0 };
        }
    }
    let off: Vec<f64> = inside
        .iter()
        .map(|sum| *sum as f64 - total / 10.0)
        .collect();
    let worst = off.iter().fold(0.0, |worst: f64, off| worst.max(off.abs()));
    let deviation = (off.iter().map(|off| off * off).sum::<f64>() / off.len() as f64).sqrt();
    vec![Row::new(
        "weighted subjects at 10%, 1,000 salts: sd and worst, in points of all weight".into(),
        format!(
            "{:.2}, {:.2}",
            deviation * 100.0 / total,
            worst * 100.0 / total
        ),
        "half of the heaviest subject, 0.91 points",
        worst <= 5.0,
    )]
}
