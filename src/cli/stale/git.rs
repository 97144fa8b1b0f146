//! The history of toggles files in git. Starts `git` without a shell, and lets it neither write nor ask the network.
//! In: a path. Out: its versions, the newest first.

use crate::{
    config::{self, Text},
    engine::units::Second,
};
use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// More edits than this are not read.
pub const MOST: usize = 500;

/// No toggles file is longer; a directory's listing is not either.
const LONGEST: usize = 8 << 20;

/// What is known of the past of a path.
pub struct Log {
    folder: PathBuf,
    edits: Vec<Edit>,
    /// whether the first edit is among them
    pub is_whole: bool,
}

/// A commit on the way to where we are, that changed the files.
struct Edit {
    hash: String,
    at: Second,
    /// from the top of the repository
    path: String,
}

/// The files as one edit left them.
pub struct Version {
    /// when it came to be in force here: the time of its merge
    pub at: Second,
    /// what the files said
    pub texts: Vec<Text>,
}

/// Which edits there are, or why none are known.
pub fn log(path: &Path) -> Result<Log, String> {
    let real = path.canonicalize().map_err(|error| error.to_string())?;
    let (folder, name) = match real.is_dir() {
        true => (real.clone(), ".".to_owned()),
        false => {
            let name = real.file_name().unwrap_or_default().to_string_lossy();
            (real.parent().unwrap_or(&real).to_owned(), name.into_owned())
        }
    };
    let about = git(
        &folder,
        &["rev-parse", "--is-shallow-repository", "--show-prefix"],
    )?;
    let (shallow, prefix) = about.split_once('\n').unwrap_or((&about, ""));
    let prefix = prefix.trim_end_matches(['\n', '/']).to_owned();
    let most = format!("--max-count={}", MOST + 1);
    let mut arguments = vec![
        "log",
        "--first-parent",
        &most,
        "--format=%x01%H %ct",
        "--name-only",
    ];
    if name != "." {
        arguments.push("--follow");
    }
    arguments.extend(["--", &name]);
    let said = git(&folder, &arguments)?;
    let edit = |part: &str| {
        let mut lines = part.lines().filter(|line| !line.is_empty());
        let (hash, at) = lines.next()?.split_once(' ')?;
        let path = match &*name {
            "." => prefix.clone(),
            _ => lines.next()?.to_owned(),
        };
        let at = Second(at.parse().ok()?);
        Some(Edit {
            hash: hash.to_owned(),
            at,
            path,
        })
    };
    let mut edits: Vec<_> = said.split('\x01').filter_map(edit).collect();
    if edits.is_empty() {
        return Err("git has no commit of it".to_owned());
    }
    let is_whole = shallow.trim() == "false" && edits.len() <= MOST;
    edits.truncate(MOST);
    Ok(Log {
        folder,
        edits,
        is_whole,
    })
}

impl Log {
    /// Reads them one by one: all at once they might be more than memory holds.
    pub fn each(&self, mut take: impl FnMut(Version)) -> io::Result<()> {
        let mut objects = Objects::of(&self.folder)?;
        for edit in &self.edits {
            let texts = objects.texts(edit)?;
            // files that were gone for a while: the last good ones stayed in force
            if !texts.is_empty() {
                take(Version { at: edit.at, texts });
            }
        }
        Ok(())
    }
}

/// `git cat-file --batch`: one process for all versions.
struct Objects {
    child: Child,
    ask: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl Objects {
    fn of(folder: &Path) -> io::Result<Objects> {
        let mut child = command(folder)
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (ask, told) = pipes.ok_or_else(|| io::Error::other("git has no pipes"))?;
        let told = BufReader::new(told);
        Ok(Objects { child, ask, told })
    }

    /// The files of one edit; none where they are gone.
    fn texts(&mut self, edit: &Edit) -> io::Result<Vec<Text>> {
        let Edit { hash, path, .. } = edit;
        if path.contains('\n') {
            return Ok(Vec::new());
        }
        let mut texts = Vec::new();
        match self.object(&format!("{hash}:{path}"))? {
            Some((kind, bytes)) if kind == "blob" => texts.push(text(path, bytes)),
            Some((kind, bytes)) if kind == "tree" => {
                for (name, object) in entries(&bytes) {
                    if !config::is_toggles(name.as_ref()) {
                        continue;
                    }
                    if let Some((_, bytes)) = self.object(&object)? {
                        texts.push(text(&name, bytes));
                    }
                }
                texts.sort_by(|a, b| a.name.cmp(&b.name));
            }
            _ => {}
        }
        Ok(texts)
    }

    fn object(&mut self, name: &str) -> io::Result<Option<(String, Vec<u8>)>> {
        writeln!(self.ask, "{name}")?;
        let mut line = String::new();
        self.told.read_line(&mut line)?;
        let words: Vec<_> = line.split_whitespace().collect();
        let [_, kind, length] = words[..] else {
            return Ok(None);
        };
        let Ok(length) = length.parse::<usize>() else {
            return Ok(None);
        };
        if length > LONGEST {
            return Err(io::Error::other(
                "git has a longer file than toggles can be",
            ));
        }
        let mut bytes = vec![0; length + 1];
        self.told.read_exact(&mut bytes)?;
        bytes.pop();
        Ok(Some((kind.to_owned(), bytes)))
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(name: &str, bytes: Vec<u8>) -> Text {
    Text {
        name: name.to_owned(),
        bytes,
    }
}

/// Names and objects of a tree, as git stores it: mode, blank, name, NUL, 20 or 32 bytes.
fn entries(tree: &[u8]) -> Vec<(String, String)> {
    let lengths = [20, 32];
    let read = |length: usize| {
        let (mut rest, mut found) = (tree, Vec::new());
        while !rest.is_empty() {
            let nul = memchr::memchr(0, rest)?;
            let (head, after) = (&rest[..nul], &rest[nul + 1..]);
            let (object, next) = after.split_at_checked(length)?;
            let head = std::str::from_utf8(head).ok()?;
            let (mode, name) = head.split_once(' ')?;
            // a folder's mode is 40000, a link's 120000
            if mode.starts_with("100") {
                let hex = object.iter().map(|byte| format!("{byte:02x}"));
                found.push((name.to_owned(), hex.collect()));
            }
            rest = next;
        }
        Some(found)
    };
    lengths.into_iter().find_map(read).unwrap_or_default()
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(folder)
        .args([
            "--no-pager",
            "-c",
            "core.quotePath=off",
            "-c",
            "core.fsmonitor=false",
        ])
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null());
    command
}

fn git(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = command(folder).args(arguments).output();
    let output = output.map_err(|error| format!("git cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim().trim_start_matches("fatal: ");
    Err(said.lines().next().unwrap_or("git failed").to_owned())
}
