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
    let remembers = TOGGLES.replace("key:", "remember: qa_flags, key:");
    let remembers = write("remembers.yaml", &remembers);
    let open = write("open.yaml", "version: 1\nfeatures: {briefcase: on}\n");
    let bad = write("bad.yaml", "version: 1\nfeatures: {briefcase: 5}\n");
    std::fs::create_dir(directory.path().join("stopped")).unwrap();
    let stopped = write("stopped/toggles.yaml", TOGGLES);
    write(
        "stopped/stops.yaml",
        "version: 1\nstops: {briefcase: {since: 2026-01-01}}\n",
    );
    for (path, pairs, code, said) in [
        (
            &file,
            &["briefcas=silver"][..],
            2,
            "there is no feature `briefcas` in `shop`; did you mean `briefcase`?",
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
            "there is no feature `gonne` in `shop`; did you mean `gone`?",
        ),
        (&file, &["release=1.1"], 2, "`release` has no variant `1.1`"),
        (
            &file,
            &["--namespace", "blog", "briefcase=silver"],
            2,
            "no file has the namespace `blog`; there is `shop`",
        ),
        (&file, &["--clear"], 2, "there is nothing to clear"),
        (&remembers, &["--clear"], 0, ""),
        (
            &remembers,
            &["--clear", "gone=on"],
            2,
            "leave the features out",
        ),
        (&remembers, &[], 2, "say what to force"),
        (&remembers, &["--exp", "30d", "gone=on"], 0, ""),
        (
            &file,
            &["gone=on", "draft-page=on"],
            0,
            "warning: `gone` is paused: as long as that is so, nothing is forced there",
        ),
        (
            &stopped,
            &["gone=on", "briefcase=silver", "release=1.10"],
            0,
            "warning: `gone` is paused, `briefcase` is stopped: as long",
        ),
        (
            &remembers,
            &["--exp", "31d", "gone=on"],
            2,
            "write `--exp 30d` or less",
        ),
        (&file, &["--exp", "31d", "gone=on"], 0, ""),
        (
            &file,
            &["--exp", "366d", "gone=on"],
            2,
            "longer than a year",
        ),
        (&file, &["--exp", "0s", "gone=on"], 2, "write at least `1s`"),
        (&file, &["--exp", "1 day", "gone=on"], 2, "`7d`"),
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

/// With `--toggles` the link is that of the file, and a warning says what a browser would not keep.
#[test]
fn a_link_is_made_for_the_file_that_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("toggles.yaml");
    let path = file.to_str().unwrap();
    let common = [
        "override",
        "--key-env",
        "KEY_OF_THE_DESK",
        "--toggles",
        path,
    ];
    let names: Vec<String> = (0..200)
        .map(|number| format!("briefcase-{number}"))
        .collect();
    let every: Vec<String> = names.iter().map(|name| format!("{name}=on")).collect();
    let every: Vec<&str> = every.iter().map(|pair| &**pair).collect();
    for (from, pairs, lines, told) in [
        (
            "[header.x-qa, query.qa]",
            &every[..1],
            &["briefcase-0=on", "http://localhost:3524/?qa=briefcase-0"][..],
            "",
        ),
        ("header.x-qa", &every[..1], &["briefcase-0=on"], ""),
        (
            "query.qa",
            &every,
            &["briefcase-0=on", "http://localhost:3524/?qa=briefcase-0"],
            "is not remembered",
        ),
    ] {
        let policy = format!("{{from: {from}, key: env.KEY_OF_THE_SIDECAR, remember: qa_flags}}");
        let features = names.join(": on, ");
        let text = format!("version: 1\noverride: {policy}\nfeatures: {{{features}: on}}\n");
        std::fs::write(&file, text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_burgee"))
            .args([&common[..], pairs].concat())
            .env("KEY_OF_THE_DESK", KEY)
            .output()
            .unwrap();
        let [out, error] =
            [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert!(
            output.status.success() && error.contains(told) && error.is_empty() == told.is_empty(),
            "{error}"
        );
        let made: Vec<&str> = out.lines().collect();
        assert_eq!(made.len(), lines.len(), "{out}");
        assert!(
            made.iter()
                .zip(lines)
                .all(|(made, line)| made.starts_with(line)),
            "{out}"
        );
    }
}

/// A tester asks the command line what a cookie does, now and later.
#[test]
fn explain_says_from_where_a_variant_is_forced_and_until_when() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("toggles.yaml");
    let text = TOGGLES.replace("key:", "remember: qa_flags, key:");
    std::fs::write(&file, text).unwrap();
    let (_, link) = signed(&["--exp", "1h", "briefcase=silver"]);
    let value = link.split_once("?ff=").unwrap().1;
    let cookie = format!("qa_flags={value}");
    let ask = |more: &[&str]| {
        let (file, key) = (file.to_str().unwrap(), format!("BURGEE_OVERRIDE_KEY={KEY}"));
        let common = ["explain", file, "--env", &key, "--cookie", &cookie];
        burgee(&[&common[..], more].concat())
    };
    let answer: Value = serde_json::from_str(&ask(&["--json"])).unwrap();
    let briefcase = &answer["features"]["briefcase"];
    assert_eq!(answer["override"], "applied");
    assert_eq!(briefcase["forced_by"], "cookie.qa_flags");
    let until = briefcase["forced_until"].as_str().unwrap();
    let sentence = format!("set by an override from cookie.qa_flags, until {until}");
    assert!(ask(&[]).contains(&sentence));
    let ended = ask(&["--at", until]);
    assert!(
        ended.contains("briefcase: gold") && ended.contains("it has ended"),
        "{ended}"
    );
    let answer: Value = serde_json::from_str(&ask(&["--json", "--at", until])).unwrap();
    assert_eq!(answer["override"], "expired");
    assert_eq!(answer["features"]["briefcase"]["forced_until"], Value::Null);
}
