//! A signed override, from `burgee override` to the answer: it forces what it names, and nothing else ever does.

use serde_json::Value;
use std::process::Command;

const TOGGLES: &str = "version: 1
namespace: shop
override: {from: [header.x-qa-override, query.ff], key: env.BURGEE_OVERRIDE_KEY}
features:
  briefcase: {variants: [gold, silver], serve: gold}
  release: {variants: ['1.9', '1.10'], serve: '1.9'}
  draft-page: {status: draft, serve: on}
  gone: {status: paused, serve: on}
";

fn burgee(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_burgee"))
        .args(arguments)
        .env("BURGEE_OVERRIDE_KEY", "a key of this test")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn signed(arguments: &[&str]) -> (String, String) {
    let common = [
        "override",
        "--key-env",
        "BURGEE_OVERRIDE_KEY",
        "--namespace",
        "shop",
    ];
    let lines = burgee(&[&common, arguments].concat());
    let mut lines = lines.lines().map(str::to_owned);
    (lines.next().unwrap(), lines.next().unwrap())
}

/// The features that a request with this override gets, `*` behind those that were forced.
fn answers(key: &str, arguments: &[&str]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("toggles.yaml");
    std::fs::write(&file, TOGGLES).unwrap();
    let key = format!("BURGEE_OVERRIDE_KEY={key}");
    let common = ["explain", file.to_str().unwrap(), "--json", "--env", &key];
    let text = burgee(&[&common, arguments].concat());
    assert!(
        !text.contains("a key of this test"),
        "the key is shown: {text}"
    );
    let line: Value = serde_json::from_str(&text).unwrap();
    let features = line["features"].as_object().unwrap();
    let one = |(name, answer): (&String, &Value)| {
        let mark = if answer["forced"] == true { "*" } else { "" };
        format!("{name}={}{mark}", answer["variant"].as_str().unwrap())
    };
    features.iter().map(one).collect::<Vec<_>>().join(" ")
}

const PLAIN: &str = "briefcase=gold release=1.9 gone=off";
const KEY: &str = "a key of this test";

#[test]
fn a_signed_override_forces_what_it_names_by_header_and_by_link() {
    let (value, link) = signed(&[
        "briefcase=silver",
        "release=1.10",
        "draft-page=on",
        "gone=on",
    ]);
    let forced = "briefcase=silver* release=1.10* draft-page=on* gone=off";
    assert_eq!(
        answers(KEY, &["--header", &format!("X-QA-Override: {value}")]),
        forced
    );
    let query = link.split_once('?').unwrap().1;
    assert_eq!(answers(KEY, &["--path", &format!("/?{query}")]), forced);
}

#[test]
fn whatever_is_not_exactly_what_was_signed_changes_nothing() {
    let (value, _) = signed(&["--exp", "1h", "briefcase=silver"]);
    let header = |value: &str| format!("X-QA-Override: {value}");
    let unsigned = "briefcase=silver".to_owned();
    let without_expiry = value
        .split(", ")
        .filter(|part| !part.starts_with("exp"))
        .collect::<Vec<_>>()
        .join(", ");
    for (what, key, value) in [
        ("unsigned", KEY, unsigned),
        ("no expiry", KEY, without_expiry),
        ("another variant", KEY, value.replace("silver", "gold2")),
        ("one more feature", KEY, format!("gone=on, {value}")),
        ("another key", "not this one", value.clone()),
        ("no dictionary", KEY, "=:".to_owned()),
    ] {
        assert_eq!(
            answers(key, &["--header", &header(&value)]),
            PLAIN,
            "{what}"
        );
    }
    let late = ["--header", &header(&value), "--at", "2100-01-01"].map(str::to_owned);
    assert_eq!(
        answers(KEY, &late.each_ref().map(|text| &**text)),
        PLAIN,
        "expired"
    );
    for position in 0..value.len() {
        // one byte altered, anywhere: `a` for most, `b` for an `a`
        let mut altered = value.clone().into_bytes();
        altered[position] = if altered[position] == b'a' {
            b'b'
        } else {
            b'a'
        };
        if position % 7 == 0 {
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(
                answers(KEY, &["--header", &header(&altered)]),
                PLAIN,
                "byte {position} of {value}"
            );
        }
    }
}

/// Against a file: what it does not have is refused, with the nearest that it has; and it knows its namespace.
#[test]
fn what_the_file_does_not_have_is_not_signed() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let file = write("toggles.yaml", TOGGLES);
    let open = write("open.yaml", "version: 1\nfeatures: {briefcase: on}\n");
    let bad = write("bad.yaml", "version: 1\nfeatures: {briefcase: 5}\n");
    for (path, pairs, code, said) in [
        (
            &file,
            &["briefcas=silver"][..],
            2,
            "there is no feature `briefcas`; did you mean `briefcase`?",
        ),
        (
            &file,
            &["briefcase=silvr"],
            2,
            "`briefcase` has no variant `silvr`; did you mean `silver`?",
        ),
        (
            &file,
            &["briefcase=silver", "gonne=on"],
            2,
            "there is no feature `gonne`; did you mean `gone`?",
        ),
        (&file, &["release=1.1"], 2, "`release` has no variant `1.1`"),
        (
            &file,
            &["--namespace", "blog", "briefcase=silver"],
            2,
            "no file has the namespace `blog`",
        ),
        (&open, &["briefcase=on"], 2, "takes no signed override"),
        (&bad, &["briefcase=on"], 1, "`5` is not a percentage"),
        (
            &file,
            &["Briefcase=silver", "release=1.10", "gone=off"],
            0,
            "",
        ),
    ] {
        let common = [
            "override",
            "--key-env",
            "BURGEE_OVERRIDE_KEY",
            "--toggles",
            path,
        ];
        let output = Command::new(env!("CARGO_BIN_EXE_burgee"))
            .args([&common[..], pairs].concat())
            .env("BURGEE_OVERRIDE_KEY", KEY)
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{pairs:?}: {error}");
        assert!(error.contains(said), "{pairs:?}: {error}");
        assert_eq!(output.stdout.is_empty(), code != 0);
    }
    let value = burgee(&[
        "override",
        "--key-env",
        "BURGEE_OVERRIDE_KEY",
        "--toggles",
        &file,
        "briefcase=silver",
    ]);
    let header = format!("X-QA-Override: {}", value.lines().next().unwrap());
    assert!(answers(KEY, &["--header", &header]).starts_with("briefcase=silver*"));
}
