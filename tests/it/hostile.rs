//! Files that are meant to hurt, or only large: a sentence in under a second, never a panic.

use super::toggles::{compile, files};
use rustix::time::{ClockId, clock_gettime};
use std::{fmt::Write as _, fs, time::Duration};

/// What this thread has used of the processor: the time that others took on a busy machine is not ours.
fn used() -> Duration {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(used.tv_sec as u64, used.tv_nsec as u32)
}

/// What is said of these bytes, in time. A debug build is given more.
fn check(bytes: &[u8], expected: &str) {
    let begin = used();
    let said = match compile(&[("a.yaml", bytes)]) {
        Ok(_) => String::from("accepted"),
        Err(problems) => problems.to_string(),
    };
    let limit = Duration::from_millis(if cfg!(debug_assertions) {
        20_000
    } else {
        1_000
    });
    let took = used() - begin;
    assert!(took < limit, "{expected}: {took:?}");
    let start: String = said.chars().take(600).collect();
    assert!(said.contains(expected), "{expected} is not in: {start}");
}

fn checks(text: &str, expected: &str) {
    check(text.as_bytes(), expected);
}

#[test]
fn brackets_aliases_and_endless_maps_get_a_sentence() {
    let open = |what: &str| format!("version: 1\nfeatures: {}", what.repeat(20_000));
    checks(&open("["), "maps and lists are nested more than 16 deep");
    checks(&open("{a: "), "maps and lists are nested more than 16 deep");
    checks(
        &format!("version: 1\nfeatures:\n  - {}x", "- ".repeat(20_000)),
        "maps and lists are nested more than 16 deep",
    );
    checks(&open("? "), "a.yaml:2:11");
    let mut bomb = String::from("version: 1\na0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let alias = format!("*a{}", level - 1);
        let _ = writeln!(bomb, "a{level}: &a{level} [{}]", [&*alias; 9].join(", "));
    }
    checks(&bomb, "aliases are not supported");
    let keys = |indent: &str| {
        (0..100_000).fold(String::new(), |text, number| {
            text + indent + &format!("k{number}: 1\n")
        })
    };
    checks(&keys(""), "more problems that are not shown");
    let many = format!(
        "version: 1\nfeatures:\n{}",
        (0..80_000).fold(String::new(), |text, number| text
            + &format!("  k{number}: on\n"))
    );
    checks(&many, "80000 features: at most 1000 are allowed");
    checks(
        &format!("version: 1\n{}", "a: 1\n".repeat(100_000)),
        "duplicate key",
    );
    checks(
        &format!("version: 1\nfeatures: [{}]", "[],".repeat(340_000)),
        "more than 250000 values",
    );
    checks(&"x".repeat(1 << 21), "larger than 1 MiB");
    checks(&"\u{1}".repeat(1_000), "a.yaml:1:1");
    check(&[0xff; 1_000], "not UTF-8");
    check(&[0; 1_000], "a.yaml:1:1");
    checks(
        &format!("version: 1\nfeatures: {{{}: on}}", "x".repeat(1_000_000)),
        "a comma or the closing bracket is missing",
    );
    checks(
        &format!("version: 1\nfeatures: {{a: {}%}}", "9".repeat(1_000_000)),
        "is not between 0% and 100%",
    );
}

#[test]
fn conditions_that_grow_get_a_sentence() {
    let mut doubling = String::from("version: 1\nsegments:\n  s0: {user: ann}\n");
    for level in 1..40 {
        let _ = writeln!(
            doubling,
            "  s{level}: {{all: [s{}, s{}]}}",
            level - 1,
            level - 1
        );
    }
    checks(
        &(doubling + "features: {a: {when: s39, serve: on}}"),
        "more than 100000 tests",
    );
    let mut deep = String::from("version: 1\nsegments:\n  s0: {user: ann}\n");
    for level in 1..5_000 {
        let _ = writeln!(deep, "  s{level}: s{}", level - 1);
    }
    checks(
        &(deep + "features: {a: {when: s4999, serve: on}}"),
        "more than 64 deep",
    );
    let ids = |from: usize, count: usize| {
        (from..from + count)
            .map(|id| format!("u{id}"))
            .collect::<Vec<_>>()
            .join(",")
    };
    let rules = (0..20)
        .map(|rule| format!("{{when: {{user: [{}]}}}}", ids(rule * 5_000, 5_000)))
        .collect::<Vec<_>>();
    checks(
        &format!(
            "version: 1\nfeatures: {{a: {{rules: [{}]}}}}",
            rules.join(", ")
        ),
        "accepted",
    );
    checks(
        &format!(
            "version: 1\nsegments: {{s: {{user: [{}]}}}}\nfeatures: {{a: {{when: s, serve: on}}}}",
            ids(0, 100_001)
        ),
        "100001 user ids in segments: at most 100000 are allowed",
    );
    let sources = (0..30_000)
        .map(|number| format!("header.h{number}: x"))
        .collect::<Vec<_>>();
    checks(
        &format!(
            "version: 1\nfeatures: {{a: {{when: {{{}}}, serve: on}}}}",
            sources.join(", ")
        ),
        "more than 1000 attributes and sources",
    );
    let patterns = (0..3_000)
        .map(|number| format!("\"{number}{{1,900}}\\\\w{{200}}\""))
        .collect::<Vec<_>>();
    checks(
        &format!(
            "version: 1\nfeatures: {{a: {{when: {{path: {{matches: [{}]}}}}, serve: on}}}}",
            patterns.join(", ")
        ),
        "regular expression",
    );
    let weights = (0..50_000)
        .map(|number| format!("c{number}: 1"))
        .collect::<Vec<_>>();
    let features = (0..500)
        .map(|number| format!("f{number}: 5%"))
        .collect::<Vec<_>>();
    checks(
        &format!(
            "version: 1\nheaders: none\nuser: {{from: header.x-user-id, weights: {{{}}}}}\nfeatures: {{{}}}",
            weights.join(", "),
            features.join(", ")
        ),
        "more than 100000",
    );
}

/// Every file here, with something odd put into it, or cut off: it is taken, or there is a sentence. Debug builds step wider.
#[test]
fn something_odd_anywhere_is_a_sentence_and_no_panic() {
    let odd = [
        "ä", "💥", "\u{feff}", "\u{301}", "\0", "\t", "{{", "}", "[", "&a ", "*a ", "!", "%", ": ",
        "- ", "\"", "#", "\n", "'", ",", "  ", "|", "? ", "~",
    ];
    let step = if cfg!(debug_assertions) { 41 } else { 3 };
    let mut compiled = 0;
    let mut look = |text: &str, what: &dyn std::fmt::Display| {
        compiled += 1;
        if let Err(problems) = compile(&[("a.yaml", text.as_bytes())]) {
            let severities = problems.0.iter().map(|problem| problem.severity);
            let errors = severities.filter(|is| *is == burgee::config::Severity::Error);
            assert!(errors.count() > 0, "{what}: refused without a sentence");
        }
    };
    for folder in [
        "config",
        "config/examples",
        "tests/data/accepted",
        "tests/data/refused",
    ] {
        for (number, path) in files(folder, "yaml").into_iter().enumerate() {
            let Ok(text) = fs::read_to_string(&path) else {
                continue;
            };
            let places = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            for at in places.skip(number % step).step_by(step).take(60) {
                let (before, after) = text.split_at(at);
                look(before, &format!("{path:?} cut at {at}"));
                for what in odd {
                    look(
                        &format!("{before}{what}{after}"),
                        &format!("{what:?} at {at} of {path:?}"),
                    );
                }
            }
        }
    }
    assert!(compiled > 5_000, "{compiled}");
}

#[test]
fn what_cannot_be_read_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let said = |path: &std::path::Path| {
        burgee::config::load(path, &|_| None, super::toggles::now())
            .unwrap_err()
            .to_string()
    };
    assert!(said(folder.path()).contains("there is no `*.yaml` in this directory"));
    assert!(
        said(&folder.path().join("toggles.yaml")).contains("there is no such file or directory")
    );
    fs::create_dir(folder.path().join("a.yaml")).unwrap();
    assert!(said(folder.path()).contains("this is not a file"));
    assert!(said(std::path::Path::new("/dev/zero")).contains("this is not a file"));
}

/// 1,000 features with 10 rules each, just below 1 MiB.
pub(crate) fn large() -> String {
    let mut text = String::from(
        "version: 1\nattributes: {country: header.x-country, plan: header.x-plan}\nsegments:\n  staff: {user: [ann, bo]}\nheaders: none\nfeatures:\n",
    );
    for feature in 0..1_000 {
        let _ = write!(
            text,
            "  feature-{feature}:\n    description: Feature number {feature}\n    variants: [control, treatment]\n    rules:\n"
        );
        for rule in 0..10 {
            let _ = writeln!(
                text,
                "      - when: {{country: [A{rule}, B{rule}], plan: pro}}\n        serve: {{control: 50%, treatment: 50%}}"
            );
        }
        text.push_str("    rollout: 25%\n    serve: treatment\n");
    }
    text
}

#[test]
fn a_full_file_loads_at_once_and_its_last_line_is_read() {
    let text = large();
    assert!((950_000..1 << 20).contains(&text.len()), "{}", text.len());
    let best = (0..5)
        .map(|_| {
            let begin = used();
            compile(&[("a.yaml", text.as_bytes())]).unwrap();
            used() - begin
        })
        .min()
        .unwrap();
    println!("{} bytes in {best:?}", text.len());
    let limit = Duration::from_millis(if cfg!(debug_assertions) { 10_000 } else { 150 });
    assert!(best < limit, "{best:?}");
    let line = text.lines().count() + 1;
    let mistaken = text + "    defualt: control\n";
    let problems = compile(&[("a.yaml", mistaken.as_bytes())]).unwrap_err();
    assert_eq!(
        problems.to_string(),
        format!(
            "a.yaml:{line}:5: `features.feature-999.defualt`: a feature has no key `defualt`; did you mean `default`?\n"
        )
    );
}
