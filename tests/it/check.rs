//! `burgee check` as it is typed: its three formats, what is warned of, and what the exit code says.

use crate::support::{Ran, fed};
use serde_json::{Value, json};

const BAD: &str = "version: 1
features:
  dark-mode: 25
  x: {rolout: 5%}
";

const GOOD: &str = "version: 1
headers: {combined: X-Features}
features:
  dark-mode: on
  holdout: {rollout: 5%, header: none}
  tour: {variants: [short, longer], serve: short, description: nobody gets the longer one}
  gone: {status: archived, serve: on}
";

fn check(arguments: &[&str], text: &str) -> Ran {
    fed(&[&["check", "-"], arguments].concat(), text)
}

#[test]
fn people_see_the_line_a_caret_the_path_and_what_to_write() {
    let ran = check(&[], BAD);
    assert_eq!(
        (ran.code, &*ran.out, &*ran.err),
        (
            1,
            "\
-:3:14: `features.dark-mode`: `25` is not a percentage
  3 |   dark-mode: 25
    |              ^
    = write `25%`

-:4:7: `features.x.rolout`: a feature has no key `rolout`
  4 |   x: {rolout: 5%}
    |       ^
    = did you mean `rollout`?

2 problems, 0 warnings
",
            ""
        )
    );
}

/// The character above the caret is the first of what is wrong, whatever stands before it.
#[test]
fn the_caret_stands_below_what_is_wrong() {
    let long = "x".repeat(200);
    for (line, wrong) in [
        ("  a: 25".to_owned(), "25"),
        ("  a:\t25".to_owned(), "25"),
        (
            "  a: {description: für Özgür, rollout: 25}".to_owned(),
            "25",
        ),
        (format!("  a: {{description: {long}, rollout: 25}}"), "25"),
        (format!("  a: {{rollout: 25, description: {long}}}"), "25"),
        ("  a: {rollout: 25}\r".to_owned(), "25"),
    ] {
        let text = format!("\u{feff}version: 1\nfeatures:\n{line}\n");
        let out = check(&[], &text).out;
        let mut lines = out.lines().skip(1);
        let (shown, caret) = (lines.next().unwrap(), lines.next().unwrap());
        let column = caret.chars().position(|c| c == '^').unwrap();
        let above: String = shown.chars().skip(column).collect();
        assert!(above.starts_with(wrong), "{line}:\n{out}");
        assert!(shown.chars().count() < 120, "{out}");
    }
}

#[test]
fn programs_get_the_promised_shape() {
    let ran = check(&["--format", "json"], BAD);
    let shown: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(ran.code, 1);
    assert_eq!(
        shown,
        json!({
            "files": 1,
            "problems": [
                {
                    "file": "-", "line": 3, "column": 14, "path": "features.dark-mode", "severity": "error",
                    "message": "`25` is not a percentage", "hint": "write `25%`",
                },
                {
                    "file": "-", "line": 4, "column": 7, "path": "features.x.rolout", "severity": "error",
                    "message": "a feature has no key `rolout`", "hint": "did you mean `rollout`?",
                },
            ],
            "headers": [],
        })
    );
}

#[test]
fn a_workflow_gets_annotations() {
    let ran = check(&["--format", "github"], BAD);
    assert_eq!(
        (ran.code, &*ran.out),
        (
            1,
            "\
::error file=-,line=3,col=14,title=features.dark-mode::`25` is not a percentage; write `25%25`
::error file=-,line=4,col=7,title=features.x.rolout::a feature has no key `rolout`; did you mean `rollout`?
"
        )
    );
    let ran = check(&["--format", "github"], GOOD);
    assert_eq!(
        (ran.code, &*ran.out),
        (
            0,
            "::warning file=-,line=6,col=28,title=features.tour.variants[2]::the variant `longer` is never served; serve it, or remove it\n"
        )
    );
}

/// What a request carries at most is told however little it is: the longest variant of each feature that is sent.
#[test]
fn a_good_file_says_what_its_headers_take() {
    let lines = [
        "x-feature-dark-mode: off\r\n",
        "x-feature-tour: longer\r\n",
        "x-features: dark-mode=off, tour=longer, \r\n",
    ];
    let bytes: usize = lines.iter().map(|line| line.len()).sum();
    let ran = check(&["--format", "json"], GOOD);
    let shown: Value = serde_json::from_str(&ran.out).unwrap();
    let revision = shown["revision"].as_str().unwrap();
    assert_eq!(
        shown["headers"],
        json!([{"path": "-", "revision": revision, "fields": 3, "bytes": bytes, "limit": 65_536}])
    );
    let out = check(&[], GOOD).out;
    let expected = format!(
        "-: good: 4 features, 2 with a header; a request gets at most 3 headers, {bytes} of 65536 bytes; revision {revision}"
    );
    assert!(out.contains(&expected), "{expected} in\n{out}");
}

#[test]
fn a_warning_is_a_problem_only_where_strict_says_so() {
    let dated = |window: &str, more: &str| {
        format!(
            "version: 1\nattributes: {{plan: header.x-plan}}\nfeatures:\n  a:\n    variants: [b, c]\n    rules:\n      - {{when: {{now: {{from: 2998-03-01, until: 2998-04-01}}, plan: pro}}, serve: b}}\n      - {{when: {{now: {window}{more}}}, serve: c}}\n"
        )
    };
    let overlapping = "{from: 2998-03-15, until: 2998-05-01}";
    let many = |count| -> String {
        (0..count)
            .map(|number| format!("  f{number}: on\n"))
            .collect()
    };
    let (sixty, six_hundred) = (many(61), many(601));
    for (text, expected) in [
        (
            dated(overlapping, ""),
            "rule 1 and rule 2 are tested at the same time",
        ),
        (dated(overlapping, ", plan: free"), ""),
        (dated("{from: 2998-04-01, until: 2998-05-01}", ""), ""),
        (
            "version: 1\nfeatures: {a: {when: {now: {until: 2025-01-01}}, serve: on}}\n".to_owned(),
            "this window is in the past",
        ),
        (
            "version: 1\nsegments: {staff: {user: ann}}\nfeatures: {a: on}\n".to_owned(),
            "the segment `staff` is never used",
        ),
        (GOOD.to_owned(), "the variant `longer` is never served"),
        (
            format!("version: 1\nfeatures:\n{sixty}"),
            "the headers take up to 61 fields",
        ),
        (
            format!("version: 1\nfeatures:\n{six_hundred}"),
            "Node and others refuse (400, 431) more than 100 fields, or 8 or 16 KiB in all",
        ),
    ] {
        let warns = !expected.is_empty();
        for (flags, code) in [(&[][..], 0), (&["--strict"], i32::from(warns))] {
            let ran = check(flags, &text);
            assert_eq!(ran.code, code, "{flags:?} {text}\n{}", ran.out);
            assert!(ran.out.contains(expected), "{flags:?} {text}\n{}", ran.out);
            assert_eq!(ran.out.contains("good"), code == 0, "{}", ran.out);
        }
    }
    let ran = check(&["--strict", "--format", "json"], GOOD);
    let shown: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(shown["problems"][0]["severity"], "error");
}

#[test]
fn what_still_refers_to_an_archived_feature_is_told_place_by_place() {
    let text = "version: 1
segments: {old: {feature.gone: on}}
features:
  gone: {status: archived, rollout: 5%}
  a: {when: {feature.gone: on}, serve: on}
  b: {rules: [{when: old, serve: on}]}
";
    let ran = check(&[], text);
    for place in [
        "-:2:18: `segments.old.feature.gone`",
        "-:5:14: `features.a.when.feature.gone`",
    ] {
        assert!(ran.out.contains(place), "{place} in\n{}", ran.out);
    }
}

#[test]
fn several_paths_are_each_checked_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (good, bad) = (
        path("good.yaml", "version: 1\nfeatures: {a: on}\n"),
        path("bad.yaml", BAD),
    );
    let ran = fed(&["check", &good, &bad, "--format", "json"], "");
    let shown: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &shown["files"]), (1, &json!(2)));
    assert_eq!(shown["problems"][0]["file"], bad);
    assert_eq!(shown["headers"][0]["path"], good);
    // as one generation they are at odds
    let directory = folder.path().to_str().unwrap();
    let ran = fed(&["check", directory], "");
    assert!(ran.out.contains("`namespace` is missing"), "{}", ran.out);
}

/// What `kubectl apply` would refuse is told before.
#[test]
fn a_file_of_two_hundred_kibibytes_is_warned_of() {
    let padded = |bytes: usize| {
        let text = "version: 1\nfeatures: {a: on}\n";
        format!("{text}#{}\n", "-".repeat(bytes - text.len() - 2))
    };
    for (bytes, warned) in [(204_800, false), (204_801, true), (300_000, true)] {
        let ran = fed(&["check", "-"], &padded(bytes));
        assert_eq!(ran.code, 0, "{ran:?}");
        let said = ran
            .out
            .contains(" KiB: `kubectl apply` refuses a ConfigMap from 256 KiB on");
        assert_eq!(
            said,
            warned,
            "{bytes}: {}",
            &ran.out[..ran.out.len().min(500)]
        );
    }
    assert_eq!(fed(&["check", "--strict", "-"], &padded(300_000)).code, 1);
}
