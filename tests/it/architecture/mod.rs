//! The house is as `src/README.md` says: who uses whom, no circles, a pure engine, and each file opens with its job.

mod arrows;
mod circles;
mod file;
mod map;
mod purity;
mod uses;
mod words;

use std::{collections::BTreeMap, fs, path::Path, sync::LazyLock};

use uses::{Crate, Use};

/// What a stranger sees first is short.
const TOP: &str = "CHANGELOG.md Cargo.lock Cargo.toml LICENSE-APACHE LICENSE-MIT Makefile README.md clippy.toml config deploy helm src tests";

static ROOT: LazyLock<&Path> = LazyLock::new(|| Path::new(env!("CARGO_MANIFEST_DIR")));

#[test]
fn every_file_opens_with_its_job() {
    for (name, text) in sources("src").into_iter().chain(sources("tests")) {
        assert!(
            text.starts_with("//! "),
            "{name} does not say what it is for"
        );
    }
}

#[test]
fn the_top_of_the_project_holds_what_must_stand_there() {
    let ignored = fs::read_to_string(ROOT.join(".gitignore")).unwrap();
    for entry in fs::read_dir(*ROOT).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let known = TOP.split(' ').any(|known| known == name)
            || name.starts_with('.')
            || ignored.lines().any(|line| line == format!("/{name}"));
        assert!(
            known,
            "`{name}` at the top of the project: put it into a folder, or into .gitignore"
        );
    }
}

fn uses() -> &'static [Use<'static>] {
    static USES: LazyLock<Vec<Use>> = LazyLock::new(|| ours().uses());
    &USES
}

fn ours() -> &'static Crate {
    static OURS: LazyLock<Crate> = LazyLock::new(|| {
        let sources = sources("src");
        Crate::new(
            sources
                .iter()
                .map(|(name, text)| (&name["src/".len()..], &**text)),
        )
    });
    &OURS
}

/// Every `*.rs` below a folder, by its name in the project, without what a fuzzer or a client of the tests has built.
fn sources(folder: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![ROOT.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(*ROOT).unwrap().to_str().unwrap();
                found.insert(name.to_owned(), fs::read_to_string(&path).unwrap());
            }
        }
    }
    assert!(!found.is_empty());
    found
}
