//! What the fuzzer has found is asked again, with cargo alone: every kept input of every target.

#[allow(missing_docs, unreachable_pub)]
#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::{fs, path::Path};

/// The files of a folder of the repository; below it none are looked at.
fn inputs(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut inputs = Vec::new();
    for entry in
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
    {
        let path = entry.unwrap().path();
        if path.is_file() {
            inputs.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    inputs
}

#[test]
fn what_was_found_stays_found() {
    for (name, ask) in targets::TARGETS {
        let mut inputs = inputs(&format!("tests/fuzz/inputs/{name}"));
        assert!(!inputs.is_empty(), "there are no inputs for {name}");
        if name == "toggles" {
            for folder in [
                "tests/data/accepted",
                "tests/data/refused",
                "config/examples",
            ] {
                inputs.extend(self::inputs(folder));
            }
        }
        for (path, bytes) in inputs {
            println!("{path}"); // shown where the next line panics
            ask(&bytes);
        }
    }
}
