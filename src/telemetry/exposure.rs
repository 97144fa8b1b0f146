//! The exposure log, for `burgee report` or a warehouse (`config/exposure.schema.json`): one JSON object a line. A user's use of a
//! variant is written once a day, and so is that a visitor and a user are one, as far as a table of bounded size remembers; what
//! it forgets is written again. A goal is written each time.
//! In: a response that used features or reached goals, a request with both ids. Out: lines; what the queue has no room for is dropped, and said.

use super::{
    decided::{Decided, decided},
    event::{ExposureEvent, RequestLine},
    goal_lines,
    line_writer::LineWriter,
    log_fields::{self, UserNames, show},
    trace_context::TraceContext,
};
use crate::engine::{
    Snapshot,
    compare::draw::{self, Draw},
    decision::Ids,
    units::Second,
};
use serde_json::{Map, Value};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use time::OffsetDateTime;
use xxhash_rust::xxh3::Xxh3Default;

/// Exposures that are remembered: half a megabyte, shared by all workers.
const REMEMBERED: usize = 1 << 16;

/// The log, and what it remembers.
#[derive(Debug)]
pub(super) struct ExposureLog {
    lines: LineWriter,
    seen: Box<[AtomicU64]>,
}

impl ExposureLog {
    pub(super) fn to(lines: LineWriter) -> ExposureLog {
        ExposureLog {
            lines,
            seen: (0..REMEMBERED).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    pub(super) fn lines(&self) -> &LineWriter {
        &self.lines
    }

    /// False where a line was dropped. Of a use it is written the next time.
    pub(super) fn write(
        &self,
        event: &ExposureEvent<'_>,
        now: OffsetDateTime,
        names: &UserNames,
    ) -> bool {
        let (time, mut all) = (show(now), true);
        for (index, decided) in decided(event.snapshot, event.decisions) {
            if !event.used.contains(&index) {
                continue;
            }
            let hash = hash([
                time.split('T').next().unwrap_or_default().as_bytes(),
                decided.feature.key.as_bytes(),
                decided.variant().as_bytes(),
                decided.unit.unwrap_or_default(),
            ]);
            // without an id one user cannot be told from another
            if decided.unit.is_some() && self.has(hash) {
                continue;
            }
            let line = decided.line(event.snapshot, &time, Second(now.unix_timestamp()), names);
            all = self.push_new(hash, line, event.request) && all;
        }
        let goals = goal_lines::lines(event, &time, names);
        goals
            .into_iter()
            .fold(all, |all, line| self.push(line, event.request) && all)
            && event.goals.len() <= goal_lines::MOST
    }

    /// A visitor has signed in: two ids of one person. False where the line was dropped.
    pub(super) fn write_person(
        &self,
        (user, visitor): &Ids,
        (revision, request): (&str, &RequestLine),
        now: OffsetDateTime,
        names: &UserNames,
    ) -> bool {
        let day = now.unix_timestamp().div_euclid(86_400).to_le_bytes();
        let hash = hash([&day, user, visitor]);
        // nearly always; a name may be an HMAC
        if self.has(hash) {
            return true;
        }
        let (Some(id), Some(before)) = (names.name(user), names.name(visitor)) else {
            return true;
        };
        let mut line = Map::new();
        line.insert("time".into(), show(now).into());
        line.insert("visitor".into(), before.into());
        line.insert("feature_flag.version".into(), revision.into());
        line.insert("feature_flag.context.id".into(), id.into());
        self.push_new(hash, line, request)
    }

    /// What was dropped is written the next time.
    fn push_new(&self, hash: u64, line: Map<String, Value>, request: &RequestLine) -> bool {
        let written = self.push(line, request);
        if !written {
            self.slot(hash).store(0, Relaxed);
        }
        written
    }

    fn push(&self, mut line: Map<String, Value>, request: &RequestLine) -> bool {
        for (name, value) in request.trace.iter().flat_map(TraceContext::fields) {
            line.insert(name.into(), value.into());
        }
        let mut line = log_fields::escaped(&Value::Object(line).to_string());
        line.push('\n');
        self.lines.push(line.into_bytes())
    }

    /// Whether it was there already; it is now.
    fn has(&self, hash: u64) -> bool {
        self.slot(hash).swap(hash, Relaxed) == hash
    }

    fn slot(&self, hash: u64) -> &AtomicU64 {
        &self.seen[hash as usize % REMEMBERED]
    }
}

impl Decided<'_> {
    fn line(
        &self,
        snapshot: &Snapshot,
        time: &str,
        now: Second,
        names: &UserNames,
    ) -> Map<String, Value> {
        let mut line = Map::new();
        line.insert("time".into(), time.into());
        line.extend(log_fields::fields(self.feature, self.decision));
        if let Some(namespace) = &self.toggles.namespace {
            line.insert("feature_flag.set.id".into(), (**namespace).into());
        }
        line.insert("feature_flag.version".into(), (*snapshot.revision).into());
        if let Some(user) = self.unit.and_then(|unit| names.name(unit)) {
            line.insert("feature_flag.context.id".into(), user.into());
        }
        if let Some(draw) = self.draw() {
            line.insert("draw".into(), self.described(&draw, snapshot, now));
        }
        line
    }

    /// By which rule, beside which control, and with which shares: whether people arrive as they were drawn is seen by these.
    fn described(&self, draw: &Draw, snapshot: &Snapshot, now: Second) -> Value {
        let name = |variant: u8| &*self.feature.variant(variant).name;
        let mut described = Map::new();
        let rule = self.feature.rule_label(draw.rule).into_owned();
        described.insert("rule".into(), rule.into());
        described.insert("control".into(), name(draw::control(self.feature)).into());
        // subjects with weights are laid end to end, and where a stop or a hold reaches, some are not exposed
        if !draw.is_weighted && !snapshot.is_reached(self.toggles, self.feature) {
            let shares = draw.variants.iter().zip(draw.parts(now));
            let shares =
                shares.map(|(variant, part)| (name(*variant).to_owned(), four_digits(part).into()));
            described.insert("shares".into(), Value::Object(shares.collect()));
        }
        described.into()
    }
}

/// Of a share: a clock that moves it all the time gives some thousand draws, not one a line.
fn four_digits(share: f64) -> f64 {
    if share <= 0.0 {
        return 0.0;
    }
    let scale = 10_f64.powi(3 - share.log10().floor() as i32);
    (share * scale).round() / scale
}

fn hash<const N: usize>(parts: [&[u8]; N]) -> u64 {
    let mut hash = Xxh3Default::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.digest()
}

#[cfg(test)]
mod tests {
    use super::{super::log_fields::UserNaming, *};
    use std::{fs, time::Duration};
    use time::macros::datetime;

    #[test]
    fn a_report_over_one_day_finds_whoever_signed_in_long_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let log = ExposureLog::to(LineWriter::to(fs::File::create(&path).unwrap()).unwrap());
        let mia: Ids = (Box::from(&b"mia"[..]), Box::from(&b"b7"[..]));
        let max: Ids = (Box::from(&b"max"[..]), Box::from(&b"b7"[..]));
        let names = UserNames::new(UserNaming::Plain, None);
        for (who, now) in [
            (&mia, datetime!(2026-11-01 11:00 UTC)),
            (&mia, datetime!(2026-11-01 23:59 UTC)),
            (&max, datetime!(2026-11-01 23:59 UTC)),
            (&mia, datetime!(2026-11-02 00:00 UTC)),
            (&mia, datetime!(2026-11-02 01:00 UTC)),
        ] {
            assert!(log.write_person(who, ("0", &RequestLine::default()), now, &names));
        }
        log.lines().flush(Duration::from_secs(20));
        let text = fs::read_to_string(&path).unwrap();
        let found = text.lines().map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let hour = line["time"].as_str().unwrap()[..13].to_owned();
            format!("{hour} {}", line["feature_flag.context.id"])
        });
        let found: Vec<_> = found.collect();
        let expected = [
            "2026-11-01T11 \"mia\"",
            "2026-11-01T23 \"max\"",
            "2026-11-02T00 \"mia\"",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_share_has_four_digits_that_say_something() {
        for (share, expected) in [
            (0.0, 0.0),
            (1.0, 1.0),
            (0.5, 0.5),
            (0.333_333_33, 0.3333),
            (0.999_999, 1.0),
            (0.012_345_6, 0.01235),
            (0.000_000_01, 0.000_000_01),
        ] {
            assert!((four_digits(share) - expected).abs() < 1e-15, "{share}");
        }
    }
}
