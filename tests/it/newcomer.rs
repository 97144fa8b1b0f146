//! Commands as somebody types them who has never seen them: a path that is wrong, a flag with a typo, a pipe.

use crate::{
    exit_codes::EXPOSURE,
    support::{Ran, fed},
};
use std::process::{Command, Stdio};

const GOOD: &str = "version: 1\nfeatures: {dark-mode: on, beta-search: 25%}\n";

/// Every command that reads a file, where `@` stands for it. The other file that some need is good.
const READERS: [&[&str]; 6] = [
    &["check", "@"],
    &["explain", "@", "--user", "mia"],
    &["explain", "GOOD", "--users", "@"],
    &["diff", "@", "GOOD"],
    &["diff", "GOOD", "@"],
    &["diff", "GOOD", "GOOD", "--users", "@"],
];

/// Every command that says something on standard output, and what it asks for on standard input.
const SPEAKERS: [(&[&str], &str, i32); 12] = [
    (&["report", "-"], EXPOSURE, 0),
    (&["report", "--json"], EXPOSURE, 0),
    (&["check", "-"], GOOD, 0),
    (&["check", "-"], "version: 2\n", 1),
    (&["explain", "-"], GOOD, 0),
    (&["explain", "GOOD", "--users", "-"], "mia\n", 0),
    (&["diff", "-", "GOOD"], GOOD, 0),
    (&["diff", "-", "GOOD", "--json"], GOOD, 0),
    (&["schema"], "", 0),
    (&["man"], "", 0),
    (&["completions", "bash"], "", 0),
    (&["--help"], "", 0),
];

/// Every command that complains on standard error.
const COMPLAINERS: [(&[&str], i32); 11] = [
    (&["report", "MISSING"], 1),
    (&["report", "-", "-"], 2),
    (&["explain", "MISSING"], 1),
    (&["explain", "GOOD", "--feature", "nobody"], 2),
    (&["explain", "GOOD", "--users", "MISSING"], 1),
    (&["explain", "-", "--users", "-"], 2),
    (&["diff", "MISSING", "GOOD"], 1),
    (&["diff", "-", "-"], 2),
    (&["override", "--key-env", "NOT_SET", "a=on"], 2),
    (&["health", "http://127.0.0.1:1/"], 1),
    (&["reload", "--api-listen", "127.0.0.1:1"], 1),
];

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        std::fs::write(folder.path("good.yaml"), GOOD).unwrap();
        std::fs::create_dir(folder.path("empty")).unwrap();
        folder
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn arguments(&self, words: &[&str], file: &str) -> Vec<String> {
        let word = |word: &&str| match *word {
            "@" => file.to_owned(),
            "GOOD" => self.path("good.yaml"),
            "MISSING" => self.path("missing.yaml"),
            word => word.to_owned(),
        };
        words.iter().map(word).collect()
    }

    fn fed(&self, words: &[&str], file: &str, input: &str) -> Ran {
        let arguments = self.arguments(words, file);
        fed(
            &arguments.iter().map(|word| &**word).collect::<Vec<_>>(),
            input,
        )
    }
}

#[test]
fn a_file_that_is_missing_or_a_directory_gets_a_sentence_with_its_name() {
    let folder = Folder::new();
    for words in READERS {
        for name in ["missing.yaml", "empty"] {
            let path = folder.path(name);
            let ran = folder.fed(words, &path, "");
            let said = ran.out + &ran.err;
            assert_eq!(ran.code, 1, "{words:?} {name}: {said}");
            assert!(said.contains(&path), "{words:?} {name}: {said}");
            let is_said = ["o such file or directory", "directory"]
                .iter()
                .any(|words| said.contains(words));
            assert!(
                is_said && said.lines().count() <= 4,
                "{words:?} {name}: {said}"
            );
        }
    }
}

#[test]
fn a_directory_of_toggles_is_read_as_one() {
    let folder = Folder::new();
    std::fs::write(
        folder.path("empty/a.yaml"),
        "version: 1\nnamespace: a\nfeatures: {dark-mode: on}\n",
    )
    .unwrap();
    let ran = folder.fed(&["explain", "@"], &folder.path("empty"), "");
    assert_eq!(
        (ran.code, ran.out.lines().next()),
        (0, Some("dark-mode: on"))
    );
}

#[test]
fn standard_input_is_a_file_like_any_other() {
    let folder = Folder::new();
    for (words, input, expected) in [
        (READERS[0], GOOD, "-: good: 2 features"),
        (READERS[1], GOOD, "dark-mode: on"),
        (READERS[2], "mia\n", "{\"user\":\"mia\","),
        (
            READERS[3],
            "version: 1\nfeatures: {dark-mode: on}\n",
            "beta-search: new",
        ),
        (
            READERS[4],
            "version: 1\nfeatures: {dark-mode: on}\n",
            "beta-search: removed",
        ),
        (READERS[5], "mia\n", "nobody switches variant"),
    ] {
        let ran = folder.fed(words, "-", input);
        assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
        assert!(ran.out.contains(expected), "{words:?}: {ran:?}");
    }
    for words in [
        &["explain", "-", "--users", "-"][..],
        &["diff", "-", "-"],
        &["diff", "-", "GOOD", "--users", "-"],
    ] {
        let ran = folder.fed(words, "", GOOD);
        assert_eq!(ran.code, 2, "{words:?}: {ran:?}");
        assert!(ran.err.contains("standard input"), "{words:?}: {ran:?}");
    }
}

/// `burgee diff <(git show main:toggles.yaml) toggles.yaml`
#[test]
fn what_the_shell_puts_in_the_place_of_a_command_is_a_file_too() {
    let folder = Folder::new();
    for words in READERS {
        let ids = words.contains(&"--users");
        let input = if ids { "mia\n" } else { GOOD };
        let ran = folder.fed(words, "/dev/fd/0", input);
        assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
    }
}

#[test]
fn a_typo_is_answered_with_what_was_probably_meant() {
    let folder = Folder::new();
    for (words, expected) in [
        (&["chek", "GOOD"][..], "'check'"),
        (&["check", "--formt", "json", "GOOD"], "'--format'"),
        (&["check", "--format", "jsn", "GOOD"], "'json'"),
        (&["explain", "GOOD", "--usr", "mia"], "'--user'"),
        (
            &["explain", "GOOD", "--feature", "beta-serch"],
            "did you mean `beta-search`?",
        ),
        (
            &["diff", "GOOD", "GOOD", "--max-move", "5%"],
            "'--max-moved'",
        ),
        (&["override", "--key-evn", "KEY", "a=on"], "'--key-env'"),
        (&["completions", "bsh"], "'bash'"),
        (&["reload", "--api-listn", "localhost:1"], "'--api-listen'"),
        (&["drain", "--wiat"], "'--wait'"),
        (&["health", "--timout", "1s"], "'--timeout'"),
        (
            &["probe", "http://localhost:1/", "--expect-haeder", "a=b"],
            "'--expect-header'",
        ),
        (&["inject", "--imge", "a"], "'--image'"),
        (&["run", "--togles", "a"], "'--toggles'"),
    ] {
        let ran = folder.fed(words, "", "");
        assert_eq!(ran.code, 2, "{words:?}: {ran:?}");
        assert!(ran.err.contains(expected), "{words:?}: {ran:?}");
    }
}

#[test]
fn ids_that_are_none_are_told_with_their_line() {
    let folder = Folder::new();
    let ids = folder.path("ids.txt");
    for (bytes, expected) in [
        (b"ann\nb\xff\n".to_vec(), ":2: not UTF-8"),
        (
            [b"ann\nbo\n", &[b'x'; 70_000][..]].concat(),
            ":3: longer than 64 KiB",
        ),
    ] {
        std::fs::write(&ids, bytes).unwrap();
        for words in [READERS[2], READERS[5]] {
            let ran = folder.fed(words, &ids, "");
            assert_eq!(ran.code, 1, "{words:?}: {ran:?}");
            assert!(
                ran.err.contains(&format!("{ids}{expected}")),
                "{words:?}: {ran:?}"
            );
        }
    }
    // an editor's mark at the start, line ends of Windows, blank lines, no last line end
    std::fs::write(&ids, "\u{feff}ann\r\n\r\n  \nbo").unwrap();
    let ran = folder.fed(READERS[2], &ids, "");
    let users: Vec<_> = ran
        .out
        .lines()
        .map(|line| line.split('"').nth(3).unwrap())
        .collect();
    assert_eq!(users, ["ann", "bo"]);
}

#[derive(Clone, Copy, Debug)]
enum Closed {
    Output,
    Error,
}

/// Runs a command whose reader went away before it began; the exit code, or none for a signal.
fn closed(which: Closed, arguments: &[String], input: &str) -> Option<i32> {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let (from, mut to) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut to, input.as_bytes()).unwrap();
    drop(to);
    let mut command = Command::new(env!("CARGO_BIN_EXE_burgee"));
    command.args(arguments).env_clear().stdin(from);
    match which {
        Closed::Output => command.stdout(writer).stderr(Stdio::null()),
        Closed::Error => command.stdout(Stdio::null()).stderr(writer),
    };
    command.status().unwrap().code()
}

#[test]
fn a_reader_that_went_away_is_no_failure_and_no_panic() {
    let folder = Folder::new();
    for (words, input, code) in SPEAKERS {
        let arguments = folder.arguments(words, "");
        for which in [Closed::Output, Closed::Error] {
            assert_eq!(
                closed(which, &arguments, input),
                Some(code),
                "{words:?} {which:?}"
            );
        }
    }
    for (words, code) in COMPLAINERS {
        let arguments = folder.arguments(words, "");
        assert_eq!(
            closed(Closed::Error, &arguments, ""),
            Some(code),
            "{words:?}"
        );
    }
    // what `kubectl apply` did not get is a failure
    let inject = ["inject".to_owned()];
    assert_eq!(closed(Closed::Output, &inject, "kind: Pod\n"), Some(1));
}

#[test]
fn a_disk_that_is_full_is_a_failure() {
    let folder = Folder::new();
    for (words, input, _) in SPEAKERS.iter().filter(|(words, ..)| words[0] != "--help") {
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let (from, mut to) = std::io::pipe().unwrap();
        std::io::Write::write_all(&mut to, input.as_bytes()).unwrap();
        drop(to);
        let output = Command::new(env!("CARGO_BIN_EXE_burgee"))
            .args(folder.arguments(words, ""))
            .stdin(from)
            .stdout(full)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{words:?}");
    }
}
