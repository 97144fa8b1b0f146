//! A feature's time under one text: everything begins anew with it. In: a look each two seconds, with what was counted by draw
//! and variant. Out: how each tested variant compares with the control, and whether the split arrives as it was drawn.

use super::{
    GROUPS,
    cells::Cells,
    draw::{self, Draw},
    guard::{self, Harm},
    sequences::{Sequences, Span, Tests},
    slices::Slices,
    split::Split,
    sums::Sums,
    words::{Comparison, Measure},
};
use crate::engine::{Feature, units::Second};

/// What was counted of one variant of one draw since the stage began.
#[derive(Clone, Copy, Debug, Default)]
pub struct Arm {
    /// requests
    pub cells: Cells,
    /// people, each at the first request
    pub people: u64,
    /// the same by group
    pub by_group: [u64; GROUPS],
}

/// The comparison of one feature's variants.
#[derive(Clone, Debug)]
pub struct Stage {
    /// when it began
    pub since: Second,
    /// what the others are compared with
    pub control: u8,
    /// in the order of the file: the feature's own draw, then those of rules
    pub draws: Box<[Looked]>,
    /// the variants that are compared, and by what
    pub tested: Box<[Tested]>,
    measures: usize,
}

/// One draw, as far as it was looked at.
#[derive(Clone, Debug)]
pub struct Looked {
    /// what draws
    pub draw: Draw,
    /// by variant
    pub splits: Box<[Split]>,
    slices: Slices,
    parts: Vec<f64>,
    people: Box<[u64]>,
}

/// One variant that is compared with the control, by one measure.
#[derive(Clone, Debug)]
pub struct Tested {
    /// index into the feature's variants
    pub variant: u8,
    /// what ends badly
    pub measure: Measure,
    sums: Sums,
    /// only where harm is looked for
    sequences: Option<Box<Sequences>>,
}

impl Stage {
    /// Of a feature that draws; `guarded` where harm is looked for, by these measures.
    pub fn new(
        feature: &Feature,
        measures: &[Measure],
        guarded: bool,
        now: Second,
        settle: i64,
    ) -> Option<Stage> {
        let control = draw::control(feature);
        let draws = draw::draws(feature);
        if draws.is_empty() {
            return None;
        }
        let drawn = draws
            .iter()
            .filter(|draw| draw.variants.contains(&control))
            .flat_map(|draw| draw.variants.iter().copied());
        let mut variants: Vec<u8> = drawn.filter(|variant| *variant != control).collect();
        variants.sort_unstable();
        variants.dedup();
        let tested = |variant: u8| {
            measures.iter().map(move |measure| Tested {
                variant,
                measure: *measure,
                sums: Sums::default(),
                sequences: guarded.then(|| Box::new(Sequences::new(now))),
            })
        };
        let looked = |draw: Draw| Looked {
            splits: vec![Split::default(); draw.variants.len()].into(),
            slices: Slices::new(draw.variants.len(), draw.share(now), now, settle),
            parts: draw.parts(now),
            people: vec![0; draw.variants.len()].into(),
            draw,
        };
        Some(Stage {
            since: now,
            control,
            draws: draws.into_iter().map(looked).collect(),
            tested: variants.into_iter().flat_map(tested).collect(),
            measures: measures.len(),
        })
    }

    /// A look. `counted` has all of the stage, by draw and variant; `all_arrive` unless somebody holds some of them back.
    pub fn look(&mut self, now: Second, counted: &[Vec<Arm>], all_arrive: bool) {
        for (looked, arms) in self.draws.iter_mut().zip(counted) {
            looked.look_at_people(now, arms, all_arrive);
            let cells = arms.iter().map(|arm| &arm.cells);
            let share = looked.draw.share(now);
            if let Some(slice) = looked.slices.look(now, share, cells) {
                let tested = self.tested.iter_mut();
                tested.for_each(|one| one.sums.add(&one.stratum(looked, self.control, &slice)));
            }
        }
        for one in &mut self.tested {
            if let Some(sequences) = &mut one.sequences {
                sequences.begin(&one.sums, now);
            }
        }
    }

    /// The sums of this tested variant, the open slices included.
    pub fn sums(&self, tested: &Tested, now: Second, counted: &[Vec<Arm>]) -> Sums {
        let mut sums = tested.sums.clone();
        for (looked, arms) in self.draws.iter().zip(counted) {
            let cells = arms.iter().map(|arm| &arm.cells);
            if let Some(slice) = looked.slices.open(now, cells) {
                sums.add(&tested.stratum(looked, self.control, &slice));
            }
        }
        sums
    }

    /// What a person reads of it.
    pub fn comparison(&self, tested: &Tested, now: Second, counted: &[Vec<Arm>]) -> Comparison {
        let sums = self.sums(tested, now, counted);
        let mut comparison = Comparison::of(&sums, self.tests(1).one_sided(Span::Stage));
        if self.broken_split().is_some() {
            comparison.verdict = comparison.verdict.without_a_fair_split();
        }
        comparison
    }

    /// Whether this tested variant does harm beyond the margin, with certainty; `pods` decide by themselves.
    pub fn harm(
        &self,
        tested: &Tested,
        margin: f64,
        pods: usize,
        now: Second,
        counted: &[Vec<Arm>],
    ) -> Option<Harm> {
        let sums = self.sums(tested, now, counted);
        let sequences = tested.sequences.as_ref()?;
        guard::harm(&sums, self.since, sequences, margin, self.tests(pods))
    }

    /// The draw in which this tested variant did most harm: what is certain is certain of all draws together.
    pub fn worst_draw(&self, tested: &Tested, counted: &[Vec<Arm>]) -> u8 {
        let harm = |looked: &Looked, arms: &[Arm]| {
            let cells: Vec<Cells> = arms.iter().map(|arm| arm.cells).collect();
            tested.stratum(looked, self.control, &cells).amount
        };
        let draws = self.draws.iter().zip(counted);
        let worst = draws.max_by(|a, b| harm(a.0, a.1).total_cmp(&harm(b.0, b.1)));
        worst.map_or(0, |(looked, _)| looked.draw.rule)
    }

    /// The first split that does not arrive as it was drawn, and of which draw.
    pub fn broken_split(&self) -> Option<(&Draw, &Split)> {
        self.draws.iter().find_map(|looked| {
            let broken = looked.splits.iter().find(|split| split.is_broken())?;
            Some((&looked.draw, broken))
        })
    }

    fn tests(&self, pods: usize) -> Tests {
        Tests {
            variants: self.tested.len() / self.measures,
            measures: self.measures,
            pods,
        }
    }
}

impl Looked {
    /// New people are counted against the shares of between this look and the last, but not across a step.
    fn look_at_people(&mut self, now: Second, arms: &[Arm], all_arrive: bool) {
        let parts = self.draw.parts(now);
        let share = self.draw.share(now);
        let new: Vec<u64> = arms
            .iter()
            .zip(&self.people)
            .map(|(arm, before)| arm.people.saturating_sub(*before))
            .collect();
        let all = new.iter().sum();
        self.people = arms.iter().map(|arm| arm.people).collect();
        let fair = all_arrive && self.slices.is_steady(now, share) && !self.draw.is_weighted;
        let parts = parts
            .iter()
            .zip(std::mem::replace(&mut self.parts, parts.clone()));
        for ((split, new), (now, before)) in self.splits.iter_mut().zip(new).zip(parts) {
            if fair {
                split.look((now + before) / 2.0, new, all);
            }
        }
    }
}

impl Tested {
    /// One slice of one draw, if it draws both.
    fn stratum(&self, looked: &Looked, control: u8, slice: &[Cells]) -> Sums {
        let of = |variant: u8| {
            let index = looked.draw.variants.binary_search(&variant).ok()?;
            Some(slice[index].counts(self.measure))
        };
        match (of(control), of(self.variant)) {
            (Some(control), Some(tested)) => Sums::of(&control, &tested),
            _ => Sums::default(),
        }
    }
}
