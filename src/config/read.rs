//! Files from disk, as one generation: what the kubelet swaps in at once is read at once.
//! In: a path. Out: names and bytes, or a sentence about what could not be read.

use super::{
    phrases::quote,
    problem::{Problem, Problems, Severity},
};
use crate::engine::units::Second;
use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, ErrorKind, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// One file's bytes, under the name that problems show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// as the caller named the file, or the directory and the file in it
    pub name: String,
    /// at most one byte more than the limit
    pub bytes: Vec<u8>,
}

/// All files at one moment.
#[derive(Debug)]
pub struct Generation {
    /// in bytewise order of their names
    pub texts: Vec<Text>,
    /// taken before anything was read: a change during reading shows as a change
    pub stamp: Stamp,
    /// what lies beside them and is not read, if a kubelet brought it: keys of a ConfigMap are there to be read
    pub unread: Vec<PathBuf>,
}

/// What is cheap to compare: which files there are, and when each was last written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp(Vec<(PathBuf, Option<Identity>)>);

/// Device, inode, length and time of writing: a copy may keep the last two.
type Identity = (u64, u64, u64, Option<SystemTime>);

/// How large a file may be, in bytes: a ConfigMap's limit too.
pub const LARGEST: usize = 1 << 20;

/// No toggles file in a directory: what is stopped there.
pub const STOPS: &str = "stops.yaml";

/// How many files a directory may have.
const MOST_FILES: usize = 1_000;

/// Reads a file, every `*.yaml` and `*.yml` of a directory, standard input for `-`, or what the shell's `<(command)` says.
pub fn generation(path: &Path) -> Result<Generation, Problems> {
    read(path).map_err(|(at, error)| Problems(vec![unreadable(&at, &error)]))
}

/// The file of stops that stands beside the toggles, unless somebody names another: none beside a pipe.
pub fn stops_beside(toggles: &Path) -> Option<PathBuf> {
    match (is_pipe(toggles), toggles.is_dir()) {
        (true, _) => None,
        (false, true) => Some(toggles.join(STOPS)),
        (false, false) => Some(toggles.with_file_name(STOPS)).filter(|stops| stops != toggles),
    }
}

/// When the link `..data` was made that the kubelet puts in the place of the last one; none where there is none.
pub(super) fn delivered(path: &Path) -> Option<Second> {
    let made = fs::symlink_metadata(path.join("..data")).ok()?;
    Some(Second(made.mtime()))
}

/// Whether this is a directory without a file, but for stops and what begins with a dot, as the kubelet's `..data` does.
pub(super) fn is_empty(path: &Path) -> bool {
    let entries = fs::read_dir(path).map(|entries| entries.flatten());
    entries.is_ok_and(|mut entries| !entries.any(|entry| counts(&entry.file_name())))
}

/// Neither stops nor hidden.
fn counts(name: &OsStr) -> bool {
    name != STOPS && !name.as_encoded_bytes().starts_with(b".")
}

/// Whether a file of this name in a directory is read as toggles.
pub fn is_toggles(name: &OsStr) -> bool {
    is_yaml(Path::new(name)) && counts(name)
}

fn is_yaml(path: &Path) -> bool {
    let extension = path.extension();
    extension.is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// What lies in this directory and is no toggles file.
fn others(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut others: Vec<PathBuf> = entries
        .filter(|entry| counts(&entry.file_name()))
        .map(|entry| entry.path())
        .filter(|path| !is_yaml(path))
        .collect();
    others.sort();
    others.truncate(MOST_FILES);
    others
}

/// A warning for each that is not read.
pub(super) fn unread(files: &[PathBuf]) -> impl Iterator<Item = Problem> {
    files.iter().map(|file| Problem {
        file: file.display().to_string().into(),
        line: 1,
        column: 1,
        path: String::new(),
        severity: Severity::Warning,
        message: "this key of the ConfigMap is not read".to_owned(),
        hint: "name it `….yaml` if it is a toggles file, else take it out".to_owned(),
    })
}

/// Reads the file of stops; none where there is no such file.
pub fn stops(path: &Path) -> Result<Option<Text>, Problems> {
    match bytes(path) {
        Ok(bytes) => Ok(Some(Text {
            name: path.display().to_string(),
            bytes,
        })),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Problems(vec![unreadable(path, &error)])),
    }
}

/// What the file of stops looks like now.
pub(super) fn stamp_of_stops(path: &Path) -> Stamp {
    stamp_of(&[(path.to_owned(), path.to_owned())])
}

/// What the files look like now; an error is a stamp too, so that a file that comes back is a change.
pub fn stamp(path: &Path) -> Stamp {
    match is_pipe(path) {
        true => Stamp::default(),
        false => stamp_of(&files(path).unwrap_or_default()),
    }
}

/// Standard input, or what the shell hands over for `<(command)`: open already, so that nobody has to come first.
fn is_pipe(path: &Path) -> bool {
    path == Path::new("-") || path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd")
}

type Failure = (PathBuf, io::Error);

fn read(path: &Path) -> Result<Generation, Failure> {
    if is_pipe(path) {
        let bytes = match path == Path::new("-") {
            true => at_most(io::stdin(), 0),
            false => File::open(path).and_then(|pipe| at_most(pipe, 0)),
        };
        let bytes = bytes.map_err(|error| (path.to_owned(), error))?;
        let name = path.display().to_string();
        return Ok(Generation {
            texts: vec![Text { name, bytes }],
            stamp: Stamp::default(),
            unread: Vec::new(),
        });
    }
    let files = files(path)?;
    let stamp = stamp_of(&files);
    let mut texts = Vec::new();
    for (name, file) in files {
        let bytes = bytes(&file).map_err(|error| (name.clone(), error))?;
        texts.push(Text {
            name: name.display().to_string(),
            bytes,
        });
    }
    let mut unread = others(path);
    unread.retain(|_| path.join("..data").exists());
    Ok(Generation {
        texts,
        stamp,
        unread,
    })
}

/// The name to show and the file to read, for each.
fn files(path: &Path) -> Result<Vec<(PathBuf, PathBuf)>, Failure> {
    let failed = |error| (path.to_owned(), error);
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![(path.to_owned(), path.to_owned())]);
    }
    // the kubelet swaps the link `..data`: followed once, all files come from one generation
    let below = match fs::canonicalize(path.join("..data")) {
        Ok(below) => below,
        Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(failed(error)),
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(&below).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if is_toggles(&name) {
            files.push((path.join(&name), below.join(&name)));
        }
    }
    files.sort();
    if files.is_empty() {
        let other = others(path).into_iter().next();
        let other = other.map_or_else(String::new, |other| {
            let name = other.file_name().unwrap_or_default();
            format!("; {} is not read", quote(&name.to_string_lossy()))
        });
        return Err(failed(io::Error::new(
            ErrorKind::NotFound,
            format!("there is no `*.yaml` in this directory, nor a `*.yml`{other}"),
        )));
    }
    if files.len() > MOST_FILES {
        return Err(failed(io::Error::other(format!(
            "there are more than {MOST_FILES} files in this directory"
        ))));
    }
    Ok(files)
}

fn stamp_of(files: &[(PathBuf, PathBuf)]) -> Stamp {
    let of = |(_, file): &(PathBuf, PathBuf)| {
        let seen = fs::canonicalize(file).unwrap_or_else(|_| file.clone());
        let identity = fs::metadata(&seen).map(|about| {
            let written = about.modified().ok();
            (about.dev(), about.ino(), about.len(), written)
        });
        (seen, identity.ok())
    };
    Stamp(files.iter().map(of).collect())
}

/// One byte beyond the limit is enough to know that it is too long; a pipe would never end.
fn bytes(file: &Path) -> io::Result<Vec<u8>> {
    let about = fs::metadata(file)?;
    if !about.is_file() {
        return Err(io::Error::other("this is not a file"));
    }
    at_most(File::open(file)?, about.len())
}

fn at_most(from: impl io::Read, expected: u64) -> io::Result<Vec<u8>> {
    let most = LARGEST as u64 + 1;
    let mut bytes = Vec::with_capacity(expected.min(most) as usize);
    from.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    let (message, hint) = match (error.kind(), error.raw_os_error()) {
        (ErrorKind::NotFound, Some(_)) => (
            "there is no such file or directory".to_owned(),
            "check the path, and that the volume is mounted",
        ),
        (ErrorKind::NotFound, None) => (
            error.to_string(),
            "put a toggles file there; its name ends in `.yaml` or `.yml`",
        ),
        (ErrorKind::PermissionDenied, _) => (
            "burgee has no permission to read the file".to_owned(),
            "make it readable for the user that burgee runs as (65532 in the image)",
        ),
        _ => (format!("cannot be read: {error}"), ""),
    };
    Problem {
        file: path.display().to_string().into(),
        line: 1,
        column: 1,
        path: String::new(),
        severity: Severity::Error,
        message,
        hint: hint.to_owned(),
    }
}
