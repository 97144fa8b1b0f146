//! ExposureLog for a warehouse: who saw which variant, once a day, one JSON object a line (`config/exposure.schema.json`).
//! In: a response that used features. Out: a line for each that was not written today already, as far as a table of
//! bounded size remembers. What it forgets is written again; nothing is lost.

use super::{
    event::ExposureEvent,
    line_writer::LineWriter,
    log_fields::{self, UserNaming},
};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use xxhash_rust::xxh3::Xxh3Default;

/// ExposureLog that are remembered: half a megabyte, shared by all workers.
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

    /// False where a line was dropped; it is written the next time.
    pub(super) fn write(&self, event: &ExposureEvent<'_>, time: &str, naming: UserNaming) -> bool {
        let mut all = true;
        for (file, toggles) in event.snapshot.files.iter().enumerate() {
            let user = event.decisions.users.get(file);
            let user = user.and_then(|user| user.as_deref());
            for (index, feature) in toggles.features.iter().enumerate() {
                let index = toggles.first + index;
                let decision = event.decisions.by_feature.get(index).copied().flatten();
                let Some(decision) = decision.filter(|_| event.used.contains(&index)) else {
                    continue;
                };
                let variant = &feature.variant(decision.variant).name;
                let day = time.split('T').next().unwrap_or_default();
                let hash = hash([
                    day.as_bytes(),
                    feature.key.as_bytes(),
                    variant.as_bytes(),
                    user.unwrap_or_default(),
                ]);
                // without an id one user cannot be told from another
                if user.is_some() && self.has(hash) {
                    continue;
                }
                let mut line = serde_json::Map::new();
                line.insert("time".into(), time.into());
                line.extend(log_fields::fields(feature, decision));
                line.insert(
                    "feature_flag.version".into(),
                    (*event.snapshot.revision).into(),
                );
                if let Some(user) = user.and_then(|user| naming.name(user)) {
                    line.insert("feature_flag.context.id".into(), user.into());
                }
                let mut line = log_fields::escaped(&serde_json::Value::Object(line).to_string());
                line.push('\n');
                if !self.lines.push(line.into_bytes()) {
                    self.slot(hash).store(0, Relaxed);
                    all = false;
                }
            }
        }
        all
    }

    /// Whether it was there already; it is now.
    fn has(&self, hash: u64) -> bool {
        self.slot(hash).swap(hash, Relaxed) == hash
    }

    fn slot(&self, hash: u64) -> &AtomicU64 {
        &self.seen[hash as usize % REMEMBERED]
    }
}

fn hash<const N: usize>(parts: [&[u8]; N]) -> u64 {
    let mut hash = Xxh3Default::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.digest()
}
