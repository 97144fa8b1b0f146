//! A made-up world: users of uneven activity who are drawn into arms; errors of requests, of accounts that always fail, or of both;
//! drift, outages, storms, clients that hammer. In: a setting and a seed. Out: rates that change at looks.

use crate::comparison::random::{Poisson, Random};
use burgee::engine::compare::{GROUPS, draw::Draw};
use burgee::engine::units::{Second, Share};
use std::f64::consts::TAU;

pub const DAY: f64 = 86_400.0;

/// When every world begins: a midnight.
pub const BEGIN: i64 = 1_767_225_600;

/// What fails.
#[derive(Clone, Copy)]
pub enum Failing {
    /// any request
    Requests,
    /// whole accounts, always
    Accounts,
    /// each account with a probability of its own
    Beta,
    /// half of the errors are of accounts, half of requests
    Both,
}

/// When users come.
#[derive(Clone, Copy)]
pub enum Coming {
    /// all the time
    Always,
    /// once a day, near an hour of their own
    Daily,
    /// once in the world
    Once,
}

/// What a world is like.
#[derive(Clone)]
pub struct Setting {
    pub name: &'static str,
    /// the feature as a file has it
    pub feature: String,
    pub users: usize,
    pub rate: f64,
    pub base: f64,
    /// of the lognormal activity
    pub uneven: f64,
    pub failing: Failing,
    pub coming: Coming,
    /// of the error rate over a day, as an exponent
    pub drift: f64,
    /// of the traffic over a day
    pub traffic: f64,
    /// two minutes in which everything fails, a day
    pub outages: f64,
    /// ten minutes in which a part of users fails, a day
    pub storms: f64,
    /// clients that send as many errors as all others together, two hours a day
    pub hammers: usize,
    /// how many users the rule reaches, and how much more often they fail
    pub rule: Option<(f64, f64)>,
    /// what the tested arm fails more
    pub effect: f64,
    /// from when on
    pub onset: f64,
}

impl Setting {
    pub fn new(name: &'static str, feature: &str) -> Setting {
        Setting {
            name,
            feature: feature.to_owned(),
            users: 20_000,
            rate: 50.0,
            base: 0.01,
            uneven: 1.5,
            failing: Failing::Accounts,
            coming: Coming::Always,
            drift: 0.0,
            traffic: 0.0,
            outages: 0.0,
            storms: 0.0,
            hammers: 0,
            rule: None,
            effect: 0.0,
            onset: 0.0,
        }
    }
}

/// A change of the rates of one cell, from a look on.
struct Change {
    look: usize,
    cell: [usize; 3],
    all: f64,
    failing: f64,
}

/// Rates by draw, arm (0 the control) and group.
pub type Rates = Vec<[[f64; GROUPS]; 2]>;

pub struct World<'a> {
    setting: &'a Setting,
    pub step: f64,
    pub looks: usize,
    changes: Vec<Change>,
    /// how often each draw gives the tested variant, by look
    shares: Vec<Vec<f64>>,
    outage: Vec<bool>,
    phases: [f64; 2],
    next: usize,
    all: Rates,
    failing: Rates,
    /// of bad requests and good ones
    drawn: Vec<[[[Poisson; 2]; GROUPS]; 2]>,
}

impl<'a> World<'a> {
    pub fn new(
        setting: &'a Setting,
        draws: &[&Draw],
        tested: u8,
        days: f64,
        step: f64,
        random: &mut Random,
    ) -> World<'a> {
        let looks = (days * DAY / step).round() as usize;
        let share = |draw: &&Draw| -> Vec<f64> {
            let index = draw.variants.binary_search(&tested).unwrap();
            let at = |look: usize| Second(BEGIN + ((look as f64 + 0.5) * step) as i64);
            let whole = |now| draw.share(now) == Share::EVERYBODY;
            (0..looks)
                .map(|look| {
                    if whole(at(look)) {
                        1.0
                    } else {
                        draw.parts(at(look))[index]
                    }
                })
                .collect()
        };
        let mut world = World {
            setting,
            step,
            looks,
            changes: Vec::new(),
            shares: draws.iter().map(share).collect(),
            outage: vec![false; looks],
            phases: [random.uniform() * TAU, random.uniform() * TAU],
            next: 0,
            all: vec![Default::default(); draws.len()],
            failing: vec![Default::default(); draws.len()],
            drawn: vec![Default::default(); draws.len()],
        };
        world.users(days, random);
        for _ in 0..(setting.outages * days).ceil() as usize {
            let from = random.below(looks);
            let length = (120.0 / step) as usize;
            let until = (from + length).min(looks);
            world.outage[from..until].fill(true);
        }
        for _ in 0..setting.hammers {
            world.hammer(days, random);
        }
        world.changes.sort_by_key(|change| change.look);
        world
    }

    /// The arm at a look: shares never fall.
    fn arm(&self, draw: usize, u: f64, look: usize) -> usize {
        usize::from(u < self.shares[draw][look.min(self.looks - 1)])
    }

    fn add(&mut self, from: usize, until: usize, cell: [usize; 3], all: f64, failing: f64) {
        if from >= until || from >= self.looks {
            return;
        }
        self.changes.push(Change {
            look: from,
            cell,
            all,
            failing,
        });
        if until < self.looks {
            self.changes.push(Change {
                look: until,
                cell,
                all: -all,
                failing: -failing,
            });
        }
    }

    fn users(&mut self, days: f64, random: &mut Random) {
        let setting = self.setting;
        let weights: Vec<f64> = (0..setting.users)
            .map(|_| (setting.uneven * random.normal()).exp())
            .collect();
        let scale = setting.rate / weights.iter().sum::<f64>();
        let storms: Vec<(usize, f64)> = (0..(setting.storms * days) as usize)
            .map(|_| {
                (
                    random.below(self.looks),
                    [0.003, 0.03, 0.3][random.below(3)],
                )
            })
            .collect();
        let storm_length = (600.0 / self.step) as usize;
        for weight in weights {
            let rate = weight * scale;
            let (group, u) = (random.below(GROUPS), random.uniform());
            let reached = setting
                .rule
                .is_some_and(|(part, _)| random.uniform() < part);
            let (draw, factor) = match setting.rule {
                Some((_, factor)) if reached => (1, factor),
                _ => (0, 1.0),
            };
            let base = (setting.base * factor).min(0.95);
            let p = match setting.failing {
                Failing::Requests => base,
                Failing::Accounts => f64::from(u8::from(random.uniform() < base)),
                Failing::Beta => random.beta(base),
                Failing::Both if random.uniform() < base / 2.0 => 1.0,
                Failing::Both => base / 2.0,
            };
            for (from, until, rate) in self.visits(rate, days, random) {
                // whoever is there while a share grows may change arms; a visit has one
                let moved = match setting.coming {
                    Coming::Always => self.shares[draw]
                        .partition_point(|share| *share <= u)
                        .clamp(from, until),
                    _ if self.arm(draw, u, from) == 1 => from,
                    _ => until,
                };
                self.add(from, moved, [draw, 0, group], rate, rate * p);
                self.add(moved, until, [draw, 1, group], rate, rate * p);
            }
            for &(at, part) in &storms {
                if random.uniform() < part {
                    let cell = [draw, self.arm(draw, u, at), group];
                    self.add(at, at + storm_length, cell, 0.0, rate * (1.0 - p));
                }
            }
        }
    }

    fn visits(&self, rate: f64, days: f64, random: &mut Random) -> Vec<(usize, usize, f64)> {
        let looks = |seconds: f64| (seconds / self.step).max(1.0);
        match self.setting.coming {
            Coming::Always => vec![(0, self.looks, rate)],
            Coming::Once => {
                let length = looks(60.0 + 1_140.0 * random.uniform());
                let from = random.below(self.looks);
                let rate = rate * days * DAY / (length * self.step);
                vec![(from, from + length as usize, rate)]
            }
            Coming::Daily => {
                let home = random.uniform() * DAY;
                let day = |day: usize| {
                    let at = (home + 1_800.0 * random.normal()).rem_euclid(DAY) + day as f64 * DAY;
                    let length = looks(120.0 + 1_680.0 * random.uniform());
                    let from = (at / self.step) as usize;
                    (
                        from,
                        from + length as usize,
                        rate * DAY / (length * self.step),
                    )
                };
                (0..days.ceil() as usize).map(day).collect()
            }
        }
    }

    /// One client with one id: an hour of nothing but errors, twice a day.
    fn hammer(&mut self, days: f64, random: &mut Random) {
        let (group, u) = (random.below(GROUPS), random.uniform());
        for _ in 0..((2.0 * days) as usize).max(1) {
            let from = random.below(self.looks);
            let until = from + (3_600.0 / self.step) as usize;
            let cell = [0, self.arm(0, u, from), group];
            self.add(from, until, cell, self.setting.rate, self.setting.rate);
        }
    }

    /// What is counted between this look and the last, by draw, arm and group: good requests and bad ones.
    pub fn count(
        &mut self,
        look: usize,
        random: &mut Random,
        mut found: impl FnMut([usize; 3], u64, u64),
    ) {
        while let Some(change) = self
            .changes
            .get(self.next)
            .filter(|change| change.look <= look)
        {
            let [draw, arm, group] = change.cell;
            self.all[draw][arm][group] += change.all;
            self.failing[draw][arm][group] += change.failing;
            self.next += 1;
        }
        let setting = self.setting;
        let seconds = (look as f64 + 0.5) * self.step;
        let day = TAU * seconds / DAY;
        let traffic = 1.0 + setting.traffic * (day + self.phases[0]).sin();
        let drift = (setting.drift * ((day + self.phases[1]).sin() - 1.0)).exp();
        for draw in 0..self.all.len() {
            for arm in 0..2 {
                for group in 0..GROUPS {
                    let all = self.all[draw][arm][group].max(0.0) * traffic;
                    // what was added and taken away again leaves dust
                    if all < 1e-9 {
                        continue;
                    }
                    let mut failing =
                        (self.failing[draw][arm][group] * traffic).clamp(0.0, all) * drift;
                    if self.outage[look] {
                        failing = all;
                    }
                    if arm == 1 && seconds >= setting.onset {
                        failing += (all - failing) * setting.effect;
                    }
                    let [bad, good] = &mut self.drawn[draw][arm][group];
                    let bad = bad.draw(failing * self.step, random);
                    let good = good.draw((all - failing) * self.step, random);
                    found([draw, arm, group], good, bad);
                }
            }
        }
    }
}
