//! One world, looked at as burgee looks: counters to a stage, a stage to a verdict. In: a setting, a seed. Out: when something was said.

use crate::comparison::{
    random::Random,
    world::{BEGIN, Setting, World},
};
use burgee::{
    config::{Text, compile_texts},
    engine::{
        compare::{
            cells::outcome,
            stage::{Arm, Stage},
            words::{Measure, Verdict},
        },
        units::Second,
    },
};
use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};

/// Seconds until something was said.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// by the guard, for each margin
    pub stops: Vec<Option<f64>>,
    /// on the page: more or less often
    pub words: Option<f64>,
}

/// Looks at one world until everything has been said, or to its end.
pub fn run(
    setting: &Setting,
    days: f64,
    step: f64,
    margins: &[f64],
    words: bool,
    seed: u64,
) -> Said {
    let text = format!(
        "version: 1\nattributes: {{plan: header.x-plan}}\nfeatures:\n  f: {}\n",
        setting.feature
    );
    let text = Text {
        name: "toggles.yaml".into(),
        bytes: text.into(),
    };
    let (snapshot, _) = compile_texts(&[text], &|_| None, Second(BEGIN)).unwrap();
    let feature = &snapshot.files[0].features[0];
    let mut stage = Stage::new(feature, &[Measure::Errors], true, Second(BEGIN), 60).unwrap();
    let (control, tested) = (stage.control, stage.tested[0].variant);
    let draws: Vec<_> = stage
        .draws
        .iter()
        .map(|looked| looked.draw.clone())
        .collect();
    let draws: Vec<_> = draws.iter().collect();
    let random = &mut Random(seed);
    let mut world = World::new(setting, &draws, tested, days, step, random);
    let place = |draw: usize, arm: usize| {
        let variant = if arm == 0 { control } else { tested };
        draws[draw].variants.binary_search(&variant).unwrap()
    };
    let mut counted: Vec<Vec<Arm>> = draws
        .iter()
        .map(|draw| vec![Arm::default(); draw.variants.len()])
        .collect();
    let mut said = Said {
        stops: vec![None; margins.len()],
        words: None,
    };
    for look in 0..world.looks {
        world.count(look, random, |[draw, arm, group], good, bad| {
            let cells = &mut counted[draw][place(draw, arm)].cells.0[group];
            cells[outcome(false, false)] += good;
            cells[outcome(true, false)] += bad;
        });
        let seconds = (look + 1) as f64 * step;
        let now = Second(BEGIN + seconds as i64);
        stage.look(now, &counted, true);
        let tested = &stage.tested[0];
        for (stops, margin) in said.stops.iter_mut().zip(margins) {
            if stops.is_none() && stage.harm(tested, *margin, 1, now, &counted).is_some() {
                *stops = Some(seconds);
            }
        }
        if words && said.words.is_none() {
            let verdict = stage.comparison(tested, now, &counted).verdict;
            if matches!(verdict, Verdict::MoreOften | Verdict::LessOften) {
                said.words = Some(seconds);
            }
        }
        if said.stops.iter().all(Option::is_some) && (said.words.is_some() || !words) {
            break;
        }
    }
    said
}

/// As many worlds as asked for, on all cores; the same whatever their order.
pub fn worlds<T: Send>(count: usize, run: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let mut done = Vec::new();
        loop {
            let world = next.fetch_add(1, Relaxed);
            if world >= count {
                return done;
            }
            done.push((world, run(world as u64)));
        }
    };
    let mut all = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect::<Vec<_>>()
    });
    all.sort_by_key(|(world, _)| *world);
    all.into_iter().map(|(_, result)| result).collect()
}
