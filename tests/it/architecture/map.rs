//! `src/README.md`, the map. In: its text. Out: the paths that it names, and the files that a plain GET walks through.

use std::{collections::BTreeSet, fs};

use super::{ROOT, ours, uses::Crate};

/// The numbered list below the heading with these words is the path of a GET: a file an item, in the order of the code.
const GET: &str = "plain GET";
/// A path that grows is not read any more. The list of files may get shorter, not longer.
const MOST: usize = 20;

fn map() -> String {
    fs::read_to_string(ROOT.join("src/README.md")).unwrap()
}

/// What stands between backticks in a line.
fn spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// What looks like a path: `engine/evaluate.rs`, `src/proxy/upstream/`, `tests/data`, and not `text/html`.
fn is_path(span: &str) -> bool {
    let one_word = span
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    let (first, rest) = span.split_once('/').unwrap_or((span, ""));
    let in_a_folder = !rest.is_empty()
        && !first.is_empty()
        && [ROOT.join(first), ROOT.join("src").join(first)]
            .iter()
            .any(|folder| folder.is_dir());
    one_word
        && (in_a_folder || span.ends_with(".rs") || span.ends_with('/'))
        && !span.starts_with('/')
}

/// Without the `src/` in front, which may be left out.
fn short(span: &str) -> &str {
    span.strip_prefix("src/").unwrap_or(span)
}

/// Every folder, and every file that is in none.
fn places(ours: &Crate) -> BTreeSet<String> {
    let names = ours.files.iter().flat_map(|file| {
        let folders = file
            .name
            .match_indices('/')
            .map(|(at, _)| file.name[..=at].to_owned());
        let file = Some(file.name.clone()).filter(|name| !name.contains('/'));
        folders.chain(file).collect::<Vec<_>>()
    });
    names.collect()
}

fn path_of_a_get(map: &str) -> Vec<String> {
    let mut lines = map
        .lines()
        .skip_while(|line| !(line.starts_with('#') && line.contains(GET)));
    let section = lines
        .by_ref()
        .skip(1)
        .take_while(|line| !line.starts_with('#'));
    let items = section.filter(|line| line.trim_start().starts_with(|c: char| c.is_ascii_digit()));
    items
        .filter_map(|line| spans(line).next().map(|span| short(span).to_owned()))
        .collect()
}

#[test]
fn the_map_names_every_folder_and_nothing_that_is_not_there() {
    let map = map();
    let named: BTreeSet<_> = map
        .lines()
        .flat_map(spans)
        .filter(|span| is_path(span))
        .collect();
    for span in &named {
        assert!(
            ROOT.join(span).exists() || ROOT.join("src").join(span).exists(),
            "src/README.md names `{span}`, which is not there"
        );
    }
    let named: BTreeSet<_> = named.into_iter().map(short).collect();
    for place in places(ours()) {
        assert!(
            named.contains(&*place),
            "src/README.md does not say what `{place}` is for"
        );
    }
}

/// `tests/e2e/path/run` measures that a GET walks through these, and which it passes through besides.
#[test]
fn a_plain_get_walks_through_few_files() {
    let path = path_of_a_get(&map());
    assert!(
        (1..=MOST).contains(&path.len()),
        "{} files, at most {MOST}",
        path.len()
    );
    for (at, file) in path.iter().enumerate() {
        assert!(
            ours().files.iter().any(|one| one.name == *file),
            "there is no src/{file}"
        );
        assert!(!path[..at].contains(file), "{file} is listed twice");
    }
}

#[test]
fn what_looks_like_a_path_has_to_be_one() {
    for (span, expected) in [
        ("proxy/upstream/", true),
        ("src/engine/evaluate.rs", true),
        ("engine/gone.rs", true),
        ("gone.rs", true),
        ("tests/gone", true),
        ("text/html", false),
        ("/health", false),
        ("engine::Snapshot", false),
        ("cargo test --test it", false),
    ] {
        assert_eq!(is_path(span), expected, "{span}");
    }
    let map = "# A\n1. `a.rs`\n## A plain GET\n\ntext\n1. `src/b.rs` takes `c.rs`\n 2. `d.rs`\n- `e.rs`\n# F\n1. `f.rs`";
    assert_eq!(path_of_a_get(map), ["b.rs", "d.rs"]);
}
