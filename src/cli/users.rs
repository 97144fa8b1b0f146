//! `explain --users`: an answer for every id of a file, in bounded memory.
//! In: ids, one a line. Out: one JSON object a line; people per variant and segment, and effective weights, at the end.

use super::request::Request;
use crate::engine::{
    Decisions, Feature, Reason, Snapshot, answer,
    attributes::{Asked, Values},
    condition::Context,
    units::Second,
};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, IsTerminal, Read, Write},
    path::Path,
};

/// Longer lines are no ids.
const LONGEST_ID: u64 = 64 * 1024;

/// Answers for every id and sums up on standard error.
pub fn every(
    snapshot: &Snapshot,
    request: &Request,
    file: &Path,
    wanted: &dyn Fn(&Feature) -> bool,
) -> io::Result<()> {
    let (mut ids, size): (Box<dyn BufRead>, u64) = if file == Path::new("-") {
        (Box::new(io::stdin().lock()), 0)
    } else {
        let opened = File::open(file).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", file.display()))
        })?;
        let size = opened.metadata()?.len();
        (Box::new(BufReader::with_capacity(1 << 16, opened)), size)
    };
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut progress = Progress::new(size);
    let (mut summary, mut decisions) = (Summary::new(snapshot), Decisions::default());
    let (mut id, mut line) = (String::new(), Vec::new());
    loop {
        id.clear();
        let read = (&mut ids).take(LONGEST_ID).read_line(&mut id)?;
        if read == 0 {
            break;
        }
        progress.add(read as u64);
        let user = id.trim_end_matches(['\n', '\r']);
        if user.trim().is_empty() {
            continue;
        }
        let asked = request.asked(Some(user));
        snapshot.decide(asked, request.now, None, &mut decisions);
        line.clear();
        answer::write(
            snapshot,
            &decisions,
            asked,
            request.now,
            Some(user),
            wanted,
            &mut line,
        );
        line.push(b'\n');
        out.write_all(&line)?;
        summary.count(snapshot, asked, request, &decisions);
    }
    out.flush()?;
    progress.clear();
    summary.print(snapshot, wanted, request.now, &mut io::stderr().lock())
}

/// People per variant and per segment.
struct Summary {
    people: u64,
    variants: Vec<[u64; 66]>,
    segments: Vec<Vec<u64>>,
}

impl Summary {
    fn new(snapshot: &Snapshot) -> Summary {
        let segments = snapshot
            .files
            .iter()
            .map(|toggles| vec![0; toggles.segments.len()])
            .collect();
        Summary {
            people: 0,
            variants: vec![[0; 66]; snapshot.features().count()],
            segments,
        }
    }

    fn count(
        &mut self,
        snapshot: &Snapshot,
        asked: Asked<'_>,
        request: &Request,
        decisions: &Decisions,
    ) {
        self.people += 1;
        for (counts, decision) in self.variants.iter_mut().zip(&decisions.answers) {
            if let Some(decision) = decision {
                counts[usize::from(decision.variant)] += 1;
            }
        }
        for (toggles, counts) in snapshot.files.iter().zip(&mut self.segments) {
            if counts.is_empty() {
                continue;
            }
            let values = Values::new(&toggles.attributes, asked);
            let decided = &decisions.answers[toggles.first..toggles.first + toggles.features.len()];
            let context = Context {
                values: &values,
                now: request.now,
                toggles,
                decided,
            };
            for (segment, count) in toggles.segments.iter().zip(counts) {
                *count += u64::from(segment.holds(context));
            }
        }
    }

    fn print(
        &self,
        snapshot: &Snapshot,
        wanted: &dyn Fn(&Feature) -> bool,
        now: Second,
        out: &mut impl Write,
    ) -> io::Result<()> {
        writeln!(out, "{} people", self.people)?;
        for (index, _, feature) in snapshot
            .features()
            .filter(|(_, _, feature)| wanted(feature))
        {
            for (variant, count) in feature
                .variants
                .iter()
                .zip(&self.variants[index])
                .filter(|(_, count)| **count > 0)
            {
                writeln!(
                    out,
                    "  {} = {}: {count} ({:.2}%)",
                    feature.key,
                    variant.name,
                    share(*count, self.people)
                )?;
            }
            weights(feature, now, out)?;
        }
        for (toggles, counts) in snapshot.files.iter().zip(&self.segments) {
            for (name, count) in toggles.segment_names.iter().zip(counts) {
                writeln!(
                    out,
                    "  segment {name}: {count} ({:.2}%)",
                    share(*count, self.people)
                )?;
            }
        }
        Ok(())
    }
}

/// How much of the listed weight the feature's own rollout and serve give to each variant.
fn weights(feature: &Feature, now: Second, out: &mut impl Write) -> io::Result<()> {
    let (Some(weighted), Some(outcome)) = (&feature.weighted, &feature.last) else {
        return Ok(());
    };
    let mut heavy = vec![0; feature.variants.len()];
    for (subject, weight) in &weighted.subjects {
        let (variant, _) = outcome.decide(feature, || Some(subject), now, Reason::Static);
        heavy[usize::from(variant)] += weight;
    }
    let total: u64 = heavy.iter().sum();
    for (variant, weight) in feature
        .variants
        .iter()
        .zip(heavy)
        .filter(|(_, weight)| *weight > 0)
    {
        writeln!(
            out,
            "  {} = {}: weight {weight} of {total} ({:.2}%)",
            feature.key,
            variant.name,
            share(weight, total)
        )?;
    }
    Ok(())
}

fn share(count: u64, of: u64) -> f64 {
    count as f64 * 100.0 / of.max(1) as f64
}

/// A line on a terminal that says how far it is; nothing in a pipe.
struct Progress {
    size: u64,
    done: u64,
    shown: u64,
    on: bool,
}

impl Progress {
    fn new(size: u64) -> Progress {
        Progress {
            size,
            done: 0,
            shown: 0,
            on: size > 0 && io::stderr().is_terminal() && !io::stdout().is_terminal(),
        }
    }

    fn add(&mut self, bytes: u64) {
        self.done += bytes;
        let percent = self.done * 100 / self.size.max(1);
        if self.on && percent > self.shown {
            self.shown = percent;
            let filled = "#".repeat(percent as usize / 5);
            eprint!("\r[{filled:<20}] {percent}%");
        }
    }

    fn clear(&self) {
        if self.on {
            eprint!("\r{:<30}\r", "");
        }
    }
}
