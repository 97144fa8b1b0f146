//! Goes through folders of code, all cores at once. Reads, never writes.
//! In: folders, files to leave out, a searcher. Out: mentions with their files, and what was not read.

use super::{
    ignored::{self, Rules},
    search::{Kind, MOST_A_FILE, Mention, Searcher},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{Condvar, Mutex, PoisonError},
    thread,
};

/// What version control keeps for itself.
const HISTORY: [&str; 4] = [".git", ".hg", ".svn", ".jj"];

/// A longer file is data; it is counted, and not read.
const LONGEST: u64 = 32 << 20;

/// What git looks at too, to tell text from other files.
const HEAD: usize = 8_000;

/// Beyond this many mentions of one feature they are only counted.
const MOST: usize = 1_000;

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Found {
    /// in the order of the files, as paths are shown
    pub mentions: Vec<(PathBuf, Mention)>,
    /// how many more there are, beyond the limit
    pub more: usize,
    /// how many files were searched
    pub files: u64,
    /// how many bytes they have
    pub bytes: u64,
    /// what could not be read, or is too long
    pub unread: Vec<String>,
}

/// Searches them.
pub fn search(
    code: &[PathBuf],
    left_out: &BTreeSet<PathBuf>,
    searcher: &Searcher,
) -> io::Result<Found> {
    let mut folders = Vec::new();
    for shown in code {
        // a folder that is not there would name every feature nowhere
        let real = shown.canonicalize().map_err(|error| {
            let sentence = format!("--code {}: {error}", shown.display());
            io::Error::new(error.kind(), sentence)
        })?;
        let rules = ignored::around(&real);
        let shown = shown.clone();
        folders.push(Folder { real, shown, rules });
    }
    let queue = Queue {
        state: Mutex::new((folders, 0)),
        changed: Condvar::new(),
    };
    let own = || {
        let mut own = Own {
            left_out,
            searcher,
            bytes: Vec::new(),
            part: Found::default(),
            counts: Counts::new(),
        };
        while let Some(folder) = queue.take() {
            let below = own.visit(&folder);
            queue.done(below);
        }
        own.part
    };
    let mut found = Found::default();
    thread::scope(|threads| {
        let many = thread::available_parallelism().map_or(1, usize::from);
        let started: Vec<_> = (0..many).map(|_| threads.spawn(own)).collect();
        for part in started.into_iter().filter_map(|one| one.join().ok()) {
            found.add(part);
        }
    });
    found.mentions.sort();
    // folders that lie in one another
    found.mentions.dedup();
    found.unread.sort();
    found.cut();
    Ok(found)
}

/// A folder that is still to be searched, or a file that somebody named.
struct Folder {
    real: PathBuf,
    /// as it is told of
    shown: PathBuf,
    rules: Rules,
}

/// Folders that wait, and how many are being searched.
struct Queue {
    state: Mutex<(Vec<Folder>, usize)>,
    changed: Condvar,
}

impl Queue {
    /// None when all is done.
    fn take(&self) -> Option<Folder> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(folder) = state.0.pop() {
                state.1 += 1;
                return Some(folder);
            }
            if state.1 == 0 {
                return None;
            }
            let woken = self.changed.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, below: Vec<Folder>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0.extend(below);
        state.1 -= 1;
        self.changed.notify_all();
    }
}

/// One thread, and what it finds.
struct Own<'a> {
    left_out: &'a BTreeSet<PathBuf>,
    searcher: &'a Searcher,
    bytes: Vec<u8>,
    part: Found,
    counts: Counts,
}

impl Own<'_> {
    /// Searches the files of a folder; the folders in it are for whoever is free.
    fn visit(&mut self, folder: &Folder) -> Vec<Folder> {
        let mut below = Vec::new();
        if folder.real.is_file() {
            self.file(&folder.real, &folder.shown);
            return below;
        }
        let entries = match fs::read_dir(&folder.real) {
            Ok(entries) => entries,
            Err(error) => {
                self.unread(&folder.shown, &error);
                return below;
            }
        };
        let rules = ignored::inside(&folder.real, &folder.rules);
        for entry in entries.flatten() {
            // a link leads to what is searched anyway, or to what is not ours
            let kind = entry.file_type();
            let (is_folder, is_file) =
                kind.map_or((false, false), |kind| (kind.is_dir(), kind.is_file()));
            let real = entry.path();
            let is_history = || is_folder && HISTORY.iter().any(|name| entry.file_name() == *name);
            if !(is_folder || is_file)
                || is_history()
                || ignored::is_left_out(&rules, &real, is_folder)
            {
                continue;
            }
            let shown = match folder.shown == Path::new(".") {
                true => entry.file_name().into(),
                false => folder.shown.join(entry.file_name()),
            };
            match is_folder {
                true => below.push(Folder {
                    real,
                    shown,
                    rules: rules.clone(),
                }),
                false => self.file(&real, &shown),
            }
        }
        below
    }

    fn unread(&mut self, shown: &Path, error: &io::Error) {
        let sentence = format!("{}: {error}", shown.display());
        self.part.unread.push(sentence);
    }

    fn file(&mut self, real: &Path, shown: &Path) {
        match read(real, &mut self.bytes) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return self.unread(shown, &error),
        }
        self.part.files += 1;
        self.part.bytes += self.bytes.len() as u64;
        if self.left_out.contains(real) {
            return;
        }
        let mentions = self.searcher.mentions(&self.bytes);
        self.part.more += usize::from(mentions.len() == MOST_A_FILE);
        for one in mentions {
            match fits(&mut self.counts, &one) {
                true => self.part.mentions.push((shown.to_owned(), one)),
                false => self.part.more += 1,
            }
        }
    }
}

/// How often each feature was found, by what names it.
type Counts = BTreeMap<(Option<usize>, Kind), usize>;

/// Whether it is among the first: a word that stands in quotes everywhere must not fill the memory.
fn fits(counts: &mut Counts, one: &Mention) -> bool {
    let count = counts.entry((one.target, one.kind)).or_insert(0);
    *count += 1;
    *count <= MOST
}

impl Found {
    fn add(&mut self, part: Found) {
        self.mentions.extend(part.mentions);
        self.unread.extend(part.unread);
        self.files += part.files;
        self.bytes += part.bytes;
        self.more += part.more;
    }

    /// Keeps the first of each feature.
    fn cut(&mut self) {
        let (before, mut counts) = (self.mentions.len(), Counts::new());
        self.mentions.retain(|(_, one)| fits(&mut counts, one));
        self.more += before - self.mentions.len();
    }
}

/// Reads a text; false for what is none.
fn read(path: &Path, bytes: &mut Vec<u8>) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > LONGEST {
        return Err(io::Error::other("longer than 32 MiB"));
    }
    bytes.clear();
    file.by_ref().take(HEAD as u64).read_to_end(bytes)?;
    if memchr::memchr(0, bytes).is_some() {
        return Ok(false);
    }
    bytes.reserve(length.saturating_sub(bytes.len() as u64) as usize);
    // one that grows meanwhile does not go on for ever
    file.take(LONGEST).read_to_end(bytes)?;
    Ok(true)
}
