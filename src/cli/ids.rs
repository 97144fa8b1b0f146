//! Ids from a file, one a line, for `explain --users` and `diff --users`.
//! In: a path, or `-` for standard input. Out: each id in turn, or the line that holds none; a bar on a terminal.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal as _, Read as _, Write as _},
    path::Path,
};

/// A longer line is no id: it fits into no request.
const LONGEST: u64 = 64 * 1024;

/// Takes every id, in memory for one. `bar` is whether a terminal may show how far it is.
pub fn each(
    file: &Path,
    bar: bool,
    mut take: impl FnMut(&str) -> io::Result<()>,
) -> io::Result<()> {
    let shown = file.display();
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{shown}: {error}"));
    let (mut lines, size) = open(file).map_err(named)?;
    let mut progress = Progress::new(size, bar);
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let read = (&mut lines).take(LONGEST).read_until(b'\n', &mut line);
        let read = read.map_err(named)? as u64;
        if read == 0 {
            break;
        }
        progress.add(read);
        let bad = |why: &str| Err(io::Error::other(format!("{shown}:{number}: {why}")));
        if read == LONGEST && !line.ends_with(b"\n") {
            return bad("longer than 64 KiB: write one id a line");
        }
        let Ok(text) = std::str::from_utf8(&line) else {
            return bad("not UTF-8: save the ids as UTF-8");
        };
        let text = text.strip_suffix('\n').unwrap_or(text);
        let id = text.strip_suffix('\r').unwrap_or(text);
        let id = match number {
            1 => id.trim_start_matches('\u{feff}'),
            _ => id,
        };
        if !id.trim().is_empty() {
            take(id)?;
        }
    }
    Ok(())
}

/// The lines, and how many bytes they are; 0 where nobody knows.
fn open(file: &Path) -> io::Result<(Box<dyn BufRead>, u64)> {
    if file == Path::new("-") {
        return Ok((Box::new(io::stdin().lock()), 0));
    }
    let opened = File::open(file)?;
    let about = opened.metadata()?;
    if about.is_dir() {
        return Err(io::Error::other(
            "this is a directory: name a file with one id a line",
        ));
    }
    let size = about.len();
    Ok((Box::new(BufReader::with_capacity(1 << 16, opened)), size))
}

/// A line on a terminal that says how far it is; nothing in a pipe.
struct Progress {
    size: u64,
    done: u64,
    shown: u64,
    on: bool,
}

impl Progress {
    fn new(size: u64, wanted: bool) -> Progress {
        Progress {
            size,
            done: 0,
            shown: 0,
            on: wanted && size > 0 && io::stderr().is_terminal(),
        }
    }

    fn add(&mut self, bytes: u64) {
        self.done += bytes;
        let percent = (self.done * 100 / self.size.max(1)).min(100);
        if self.on && percent > self.shown {
            self.shown = percent;
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
