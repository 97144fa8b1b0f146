//! The engine computes, and does nothing else. In: `src/engine`, Cargo.toml. Out: the first path in it that could do more.

use std::{collections::BTreeSet, fs};

use super::{ROOT, ours};

/// Crates that compute: no clock, no files, no network, no threads. `time` reads instants and writes them.
const CRATES: &str = "base64 crc32fast hmac http ipnet libm md5 memchr regex semver serde serde_json sfv sha1 sha2 smallvec time unicode_case_mapping xxhash_rust";
/// What the standard library has besides.
const STD: &str = "env fs io process sync thread time";
/// Also where another path leads there.
const NAMES: &str =
    "Mutex SystemTime TcpListener TcpStream async eprintln now_local now_utc println";

#[test]
fn the_engine_is_pure() {
    let others = other_crates();
    assert!(others.contains("tokio") && others.contains("arc_swap"));
    for file in ours()
        .files
        .iter()
        .filter(|file| file.name.starts_with("engine/"))
    {
        for path in file
            .imports
            .iter()
            .map(|import| &import.path)
            .chain(&file.paths)
        {
            let said = path.names.join("::");
            assert!(
                is_pure(&said, &others),
                "src/{}:{}: `{said}` in the engine",
                file.name,
                path.line
            );
        }
    }
}

#[test]
fn a_clock_a_lock_and_another_crate_are_not_pure() {
    let others = BTreeSet::from(["tokio".to_owned(), "bytes".to_owned()]);
    for (path, expected) in [
        ("std::fmt::Write", true),
        ("std::net::IpAddr", true),
        ("std::time::SystemTime", false),
        ("std::sync::Arc", true),
        ("std::sync::Mutex", false),
        ("parking_lot::Mutex", false),
        ("http::HeaderMap", true),
        ("crate::engine::time", true),
        ("tokio::spawn", false),
        ("bytes", true), // a local name
        ("OffsetDateTime::now_utc", false),
        ("println", false),
    ] {
        assert_eq!(is_pure(path, &others), expected, "{path}");
    }
}

fn is_pure(path: &str, others: &BTreeSet<String>) -> bool {
    let has = |list: &str, name: &str| list.split(' ').any(|one| one == name);
    // to share what never changes is no lock: toggles and stops are replaced apart
    if path == "std::sync::Arc" {
        return true;
    }
    let mut names = path.split("::");
    let (first, second) = (names.next().unwrap_or_default(), names.next());
    let outside = match second {
        Some(second) => others.contains(first) || first == "std" && has(STD, second),
        None => false,
    };
    !outside && !path.split("::").any(|name| has(NAMES, name))
}

/// The dependencies that are none of [`CRATES`], as code names them.
fn other_crates() -> BTreeSet<String> {
    let manifest = fs::read_to_string(ROOT.join("Cargo.toml")).unwrap();
    let mut inside = false;
    let mut others = BTreeSet::new();
    for line in manifest.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
        } else if let (true, Some((name, _))) = (inside, line.split_once([' ', '.', '='])) {
            others.insert(name.replace('-', "_"));
        }
    }
    others.retain(|name| !CRATES.split(' ').any(|one| one == name));
    others
}
