//! `burgee explain --users`: explains every user id of a file, in bounded memory.
//! In: a user per line. Out: a JSON object per line; at the end users per variant and segment, and effective weights.

use crate::cli::{ids, request::DescribedRequest};
use crate::engine::{
    Decisions, Feature, Reason, Snapshot,
    condition::Scope,
    describe::{explain, json},
    request::Input,
    units::Second,
};
use std::{
    io::{self, BufWriter, IsTerminal as _, Write},
    path::Path,
};

/// Explains every id, and prints a summary on standard error.
pub fn every(
    snapshot: &Snapshot,
    request: &DescribedRequest,
    file: &Path,
    wanted: &dyn Fn(&Feature) -> bool,
) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let (mut summary, mut decisions) = (Summary::new(snapshot), Decisions::default());
    let mut line = Vec::new();
    // on a terminal a progress bar would be mixed up with the lines
    let bar = !io::stdout().is_terminal();
    ids::each(file, bar, |said| {
        let input = request.input(Some(said));
        snapshot.decide(input, request.now, None, &mut decisions);
        line.clear();
        json::write(
            snapshot,
            &decisions,
            input,
            request.now,
            said.user.as_deref(),
            wanted,
            &mut line,
        );
        line.push(b'\n');
        out.write_all(&line)?;
        summary.count(snapshot, input, request, &decisions);
        Ok(())
    })?;
    out.flush()?;
    summary.print(snapshot, wanted, request.now, &mut io::stderr().lock())
}

/// Users per variant and per segment.
struct Summary {
    users: u64,
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
            users: 0,
            variants: vec![[0; 66]; snapshot.features().count()],
            segments,
        }
    }

    fn count(
        &mut self,
        snapshot: &Snapshot,
        input: Input<'_>,
        request: &DescribedRequest,
        decisions: &Decisions,
    ) {
        self.users += 1;
        for (counts, decision) in self.variants.iter_mut().zip(&decisions.by_feature) {
            if let Some(decision) = decision {
                counts[usize::from(decision.variant)] += 1;
            }
        }
        for (toggles, counts) in snapshot.files.iter().zip(&mut self.segments) {
            if counts.is_empty() {
                continue;
            }
            let values = explain::values(toggles, input, request.now, decisions);
            let decided =
                &decisions.by_feature[toggles.first..toggles.first + toggles.features.len()];
            let scope = Scope {
                values: &values,
                now: request.now,
                toggles,
                decided,
            };
            for (segment, count) in toggles.segments.iter().zip(counts) {
                *count += u64::from(segment.holds(scope));
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
        let users = if self.users == 1 { "user" } else { "users" };
        writeln!(out, "{} {users}", self.users)?;
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
                    share(*count, self.users)
                )?;
            }
            weights(feature, now, out)?;
        }
        for (toggles, counts) in snapshot.files.iter().zip(&self.segments) {
            for (name, count) in toggles.segment_names.iter().zip(counts) {
                writeln!(
                    out,
                    "  segment {name}: {count} ({:.2}%)",
                    share(*count, self.users)
                )?;
            }
        }
        Ok(())
    }
}

/// How much of the listed weight each variant gets from the feature's own rollout and serve.
fn weights(feature: &Feature, now: Second, out: &mut impl Write) -> io::Result<()> {
    let (Some(weighted), Some(allocation)) = (feature.weighted(), &feature.fallthrough) else {
        return Ok(());
    };
    let mut heavy = vec![0; feature.variants.len()];
    for (subject, weight) in &weighted.subjects {
        let (variant, _) = allocation.decide(feature, || Some(subject), now, None, Reason::Static);
        heavy[usize::from(variant)] += weight;
    }
    let total: u64 = heavy.iter().sum();
    let aside = match feature.rules.is_empty() && feature.when.is_none() {
        true => "",
        false => " (conditions ignored)",
    };
    for (variant, weight) in feature
        .variants
        .iter()
        .zip(heavy)
        .filter(|(_, weight)| *weight > 0)
    {
        writeln!(
            out,
            "  {} = {}: weight {weight} of {total} ({:.2}%){aside}",
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
