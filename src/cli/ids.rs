//! Reads users from a file, one per line, for `explain --users` and `diff --users`: an id, or an object of JSON with attributes.
//! In: a path, or `-` for standard input. Out: each user, or the line that is wrong; a progress bar on a terminal.

use crate::engine::request::EvaluationContext;
use serde_json::{Map, Value};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal as _, Read as _, Write as _},
    path::Path,
};

/// A longer id fits into no request.
const MAX_LINE: u64 = 64 * 1024;

/// Calls `take` with each user; holds one line in memory. `bar` allows a progress bar.
pub fn each(
    file: &Path,
    bar: bool,
    mut take: impl FnMut(&EvaluationContext) -> io::Result<()>,
) -> io::Result<()> {
    let path = file.display();
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{path}: {error}"));
    let (mut lines, size) = open(file).map_err(named)?;
    let mut progress = Progress::new(size, bar);
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let read = (&mut lines).take(MAX_LINE).read_until(b'\n', &mut line);
        let read = read.map_err(named)? as u64;
        if read == 0 {
            break;
        }
        progress.add(read);
        let bad = |why: &str| Err(io::Error::other(format!("{path}:{number}: {why}")));
        if read == MAX_LINE && !line.ends_with(b"\n") {
            return bad("longer than 64 KiB: write one user per line");
        }
        let Ok(text) = std::str::from_utf8(&line) else {
            return bad("not UTF-8: save the file as UTF-8");
        };
        let text = text.strip_suffix('\n').unwrap_or(text);
        let id = text.strip_suffix('\r').unwrap_or(text);
        let id = match number {
            1 => id.trim_start_matches('\u{feff}'),
            _ => id,
        };
        if id.trim().is_empty() {
            continue;
        }
        match user(id) {
            Ok(user) => take(&user)?,
            Err(why) => return bad(&why),
        }
    }
    Ok(())
}

/// A line as it means a user. `{0b8b…}` is an id, as Windows writes it; an object begins with a name in quotes.
fn user(line: &str) -> Result<EvaluationContext, String> {
    let inner = line.trim_start().strip_prefix('{').map(str::trim_start);
    if !inner.is_some_and(|inner| inner.starts_with(['"', '}'])) {
        return Ok(EvaluationContext {
            user: Some(line.to_owned()),
            ..EvaluationContext::default()
        });
    }
    let entries: Map<String, Value> =
        serde_json::from_str(line).map_err(|error| format!("not JSON: {error}"))?;
    if !entries.contains_key("user") {
        let example =
            r#"write it as in {"user": "mia", "country": "CH"}; null is somebody without an id"#;
        return Err(format!("no `user`: {example}"));
    }
    EvaluationContext::from_json(entries, "user")
}

/// The lines, and their size in bytes; 0 if it is unknown.
fn open(file: &Path) -> io::Result<(Box<dyn BufRead>, u64)> {
    if file == Path::new("-") {
        return Ok((Box::new(io::stdin().lock()), 0));
    }
    let opened = File::open(file)?;
    let metadata = opened.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::other(
            "this is a directory: name a file with one user per line",
        ));
    }
    let size = metadata.len();
    Ok((Box::new(BufReader::with_capacity(1 << 16, opened)), size))
}

/// A progress bar on a terminal; nothing in a pipe.
struct Progress {
    size: u64,
    done: u64,
    percent: u64,
    on: bool,
}

impl Progress {
    fn new(size: u64, wanted: bool) -> Progress {
        Progress {
            size,
            done: 0,
            percent: 0,
            on: wanted && size > 0 && io::stderr().is_terminal(),
        }
    }

    fn add(&mut self, bytes: u64) {
        self.done += bytes;
        let percent = (self.done * 100 / self.size.max(1)).min(100);
        if self.on && percent > self.percent {
            self.percent = percent;
            let filled = "#".repeat(percent as usize / 5);
            let _ = write!(io::stderr(), "\r[{filled:<20}] {percent}%");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.on {
            let _ = write!(io::stderr(), "\r{:<30}\r", "");
        }
    }
}
