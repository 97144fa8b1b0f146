//! Are two features independent, and is one uniform? Names that differ in one letter, ids as systems make them.

use crate::{
    numbers::{association, uniform},
    table::Row,
    world::{World, ids},
};

const KINDS: [&str; 5] = ["sequential", "user-000000", "uuid", "e-mail", "ip"];
const PEOPLE: u64 = 100_000;

/// Ten arms of 10% by bucket, so that a variant is a tenth of the bucket line.
fn tenths(name: &str) -> String {
    let arms = (0..10)
        .map(|arm| format!("t{arm}: {}-{}", arm * 1000, arm * 1000 + 999))
        .collect::<Vec<_>>();
    let names = (0..10).map(|arm| format!("t{arm}")).collect::<Vec<_>>();
    format!(
        "  {name}: {{variants: [{}], buckets: {{{}}}}}\n",
        names.join(", "),
        arms.join(", ")
    )
}

/// Ten equal arms of a split.
fn arms(name: &str) -> String {
    let names = (0..10).map(|arm| format!("t{arm}")).collect::<Vec<_>>();
    let shares = names
        .iter()
        .map(|name| format!("{name}: 10%"))
        .collect::<Vec<_>>();
    format!(
        "  {name}: {{variants: [{}], serve: {{{}}}}}\n",
        names.join(", "),
        shares.join(", ")
    )
}

fn tenth(variant: &str) -> usize {
    variant[1..].parse().unwrap()
}

/// The worst association and the least p of all pairs of features, over these people.
fn worst_pair(features: &str, count: usize, kind: &str) -> (f64, f64) {
    let mut world = World::of(features);
    let mut tables = vec![vec![vec![0u64; 10]; 10]; count * count];
    for id in ids(kind, PEOPLE) {
        let tenths: Vec<_> = world.variants(&id).into_iter().map(tenth).collect();
        for a in 0..count {
            for b in a + 1..count {
                tables[a * count + b][tenths[a]][tenths[b]] += 1;
            }
        }
    }
    let pairs = (0..count).flat_map(|a| (a + 1..count).map(move |b| a * count + b));
    pairs
        .map(|pair| association(&tables[pair]))
        .fold((0.0, 1.0), |worst, (v, p)| {
            (f64::max(worst.0, v), f64::min(worst.1, p))
        })
}

/// 28 pairs of names that differ in one letter.
pub fn names_one_letter_apart() -> Vec<Row> {
    let names = [
        "checkout-a",
        "checkout-b",
        "checkout-c",
        "checkout-d",
        "checkout-e",
        "checkout-f",
        "checkout-g",
        "checkout-h",
    ];
    let features: String = names.iter().map(|name| tenths(name)).collect();
    let row = |kind: &&str| {
        let (v, p) = worst_pair(&features, names.len(), kind);
        // 28 pairs for each of five kinds of ids: a least p below 1e-5 has a chance of about one in 700
        Row::new(
            format!("independence of 28 pairs of features, {kind} ids: worst V, least p"),
            format!("{v:.4}, {p:.1e}"),
            "V < 0.013, p > 1e-5",
            v < 0.013 && p > 1e-5,
        )
    };
    KINDS.iter().map(row).collect()
}

/// The rollout of a feature says nothing about its split.
pub fn rollout_and_split() -> Vec<Row> {
    let features = format!(
        "{}{}",
        tenths("a").replace("a: {", "a: {salt: same, "),
        arms("b").replace("b: {", "b: {salt: same, ")
    );
    let row = |kind: &&str| {
        let (v, p) = worst_pair(&features, 2, kind);
        let ok = v < 0.013 && p > 1e-5;
        Row::new(
            format!("rollout and split of one salt, {kind} ids: V, p"),
            format!("{v:.4}, {p:.1e}"),
            "V < 0.013, p > 1e-5",
            ok,
        )
    };
    KINDS.iter().map(row).collect()
}

/// Buckets and arms are equally full.
pub fn uniformity() -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in KINDS {
        let mut world = World::of(&(tenths("buckets") + &arms("split")));
        let mut counts = [[0u64; 10]; 2];
        for id in ids(kind, PEOPLE) {
            for (counts, variant) in counts.iter_mut().zip(world.variants(&id)) {
                counts[tenth(variant)] += 1;
            }
        }
        let p = counts.map(|counts| uniform(&counts));
        let ok = p.iter().all(|p| *p > 1e-5);
        rows.push(Row::new(
            format!("uniformity, {kind} ids: p of buckets, p of arms"),
            format!("{:.2}, {:.2}", p[0], p[1]),
            "p > 1e-5",
            ok,
        ));
    }
    rows
}

/// Two unrelated 10% rollouts share 1% of the people: 741 pairs of names, 20,000 ids `user-000000…`.
pub fn overlap() -> Vec<Row> {
    let count = 39;
    let features: String = (0..count)
        .map(|number| format!("  feature-{number}: 10%\n"))
        .collect();
    let mut world = World::of(&features);
    let (mut both, people) = (vec![0u64; count * count], 20_000);
    for id in ids("user-000000", people) {
        let on: Vec<_> = world
            .variants(&id)
            .iter()
            .enumerate()
            .filter(|(_, variant)| **variant == "on")
            .map(|(at, _)| at)
            .collect();
        for (at, a) in on.iter().enumerate() {
            on[at + 1..].iter().for_each(|b| both[a * count + b] += 1);
        }
    }
    let pairs = (0..count).flat_map(|a| (a + 1..count).map(move |b| a * count + b));
    let ratios: Vec<f64> = pairs
        .map(|pair| both[pair] as f64 / (people as f64 * 0.01))
        .collect();
    let (least, most) = ratios.iter().fold((f64::MAX, 0.0), |(least, most), ratio| {
        (f64::min(least, *ratio), f64::max(most, *ratio))
    });
    vec![Row::new(
        format!(
            "overlap of two 10% rollouts, {} pairs, times the expected 1%",
            ratios.len()
        ),
        format!("{least:.2} to {most:.2}"),
        "0.65 to 1.35",
        least > 0.65 && most < 1.35,
    )]
}
