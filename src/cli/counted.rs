//! Counting who moves, where conditions make it depend on who comes.
//! In: two snapshots, a request, ids. Out: per feature how many went from which variant to which, and who.

use super::request::Request;
use crate::engine::{Decisions, Snapshot};
use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

/// What was counted for one feature.
#[derive(Debug, Default)]
pub struct Counted {
    /// how many ids were asked
    pub people: u64,
    /// from, to: how many moved
    moves: BTreeMap<(String, String), u64>,
    /// who moved: id, from, to; only for a file of ids
    pub who: Vec<(String, String, String)>,
}

/// By the feature's key.
pub type Counts = HashMap<String, Counted>;

/// A feature that both snapshots have: its key, and its index in each one's decisions.
type Pair<'a> = (&'a str, usize, usize);

/// What a variant is called where there is no answer (a file whose condition does not hold).
const NO_ANSWER: &str = "(no answer)";

/// Counts over the ids of a file, one a line, and keeps who moves.
pub fn over_file(
    old: &Snapshot,
    new: &Snapshot,
    request: &Request,
    file: &Path,
) -> io::Result<Counts> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
    let lines: Box<dyn BufRead> = match file == Path::new("-") {
        true => Box::new(io::stdin().lock()),
        false => Box::new(BufReader::new(File::open(file).map_err(named)?)),
    };
    let mut count = Count::new(old, new, request, true);
    for id in lines.lines() {
        let id = id.map_err(named)?;
        if !id.trim().is_empty() {
            count.add(&id);
        }
    }
    Ok(count.counts())
}

/// Counts over made-up ids.
pub fn over_sample(old: &Snapshot, new: &Snapshot, request: &Request, sample: u64) -> Counts {
    let mut count = Count::new(old, new, request, false);
    for number in 0..sample {
        count.add(&format!("user-{number}"));
    }
    count.counts()
}

struct Count<'a> {
    sides: [(&'a Snapshot, Decisions); 2],
    request: &'a Request,
    pairs: Vec<(Pair<'a>, Counted)>,
    keep: bool,
}

impl<'a> Count<'a> {
    fn new(old: &'a Snapshot, new: &'a Snapshot, request: &'a Request, keep: bool) -> Count<'a> {
        let place: HashMap<&str, usize> = old
            .features()
            .map(|(index, _, feature)| (&*feature.key, index))
            .collect();
        let both = new.features().filter_map(|(index, _, feature)| {
            Some((&*feature.key, *place.get(&*feature.key)?, index))
        });
        let pairs = both.map(|pair| (pair, Counted::default())).collect();
        Count {
            sides: [(old, Decisions::default()), (new, Decisions::default())],
            request,
            pairs,
            keep,
        }
    }

    fn add(&mut self, id: &str) {
        for (snapshot, decisions) in &mut self.sides {
            snapshot.decide(
                self.request.asked(Some(id)),
                self.request.now,
                None,
                decisions,
            );
        }
        for ((_, before, after), counted) in &mut self.pairs {
            counted.people += 1;
            let [from, to] =
                [(0, *before), (1, *after)].map(|(side, index)| variant(&self.sides[side], index));
            if from != to {
                *counted
                    .moves
                    .entry((from.to_owned(), to.to_owned()))
                    .or_default() += 1;
                if self.keep {
                    counted
                        .who
                        .push((id.to_owned(), from.to_owned(), to.to_owned()));
                }
            }
        }
    }

    fn counts(self) -> Counts {
        self.pairs
            .into_iter()
            .map(|((key, _, _), counted)| (key.to_owned(), counted))
            .collect()
    }
}

fn variant<'s>((snapshot, decisions): &'s (&Snapshot, Decisions), index: usize) -> &'s str {
    let file = snapshot.files.iter().rfind(|file| file.first <= index);
    let answer = decisions.answers[index].zip(file);
    answer.map_or(NO_ANSWER, |(decision, file)| {
        &file.features[index - file.first]
            .variant(decision.variant)
            .name
    })
}

impl Counted {
    /// The share of people that changes variant.
    pub fn moved(&self) -> f64 {
        self.moves.values().sum::<u64>() as f64 / self.people.max(1) as f64
    }

    /// From, to, share of people.
    pub fn flows(&self) -> Vec<(String, String, f64)> {
        let share = |count: u64| count as f64 / self.people.max(1) as f64;
        self.moves
            .iter()
            .map(|((from, to), count)| (from.clone(), to.clone(), share(*count)))
            .collect()
    }
}
