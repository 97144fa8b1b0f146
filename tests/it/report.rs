//! `burgee report`: equal to its reference, whatever the order of lines and however they come; and what it says to people.

use crate::support::fed;
use burgee::cli::report::{
    input, json,
    people::{People, Wanted},
};
use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

/// Logs and what `tests/e2e/report/reference.py` says of them.
fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/report")
}

fn log(kind: usize) -> String {
    let file = fs::File::open(data().join(format!("{kind:02}.log.gz"))).unwrap();
    let mut text = String::new();
    MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

/// Where numbers differ by more than 1e-9, or anything else does. What the reference does not say is not compared.
fn differences(path: &str, found: &Value, expected: &Value, wrong: &mut Vec<String>) {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            for (key, expected) in expected {
                let found = found.get(key).unwrap_or(&Value::Null);
                differences(&format!("{path}.{key}"), found, expected, wrong);
            }
        }
        (Value::Array(found), Value::Array(expected)) if found.len() == expected.len() => {
            for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
                differences(&format!("{path}[{index}]"), found, expected, wrong);
            }
        }
        (Value::Number(found), Value::Number(expected)) => {
            let [found, expected] = [found, expected].map(|number| number.as_f64().unwrap());
            if (found - expected).abs() > 1e-9 * expected.abs().max(1.0) {
                wrong.push(format!("{path}: {found} for {expected}"));
            }
        }
        (found, expected) if found == expected => {}
        (found, expected) => wrong.push(format!("{path}: {found} for {expected}")),
    }
}

#[test]
fn the_numbers_are_those_of_the_reference_on_20_logs() {
    let mut broken = 0;
    for kind in 0..20 {
        let expected = fs::read_to_string(data().join(format!("{kind:02}.json"))).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        let mut people = People::new(Wanted::default());
        let path = data().join(format!("{kind:02}.log.gz"));
        input::read(&path, |line| people.take(line)).unwrap();
        let (found, mut wrong) = (json::object(&people.readout(None)), Vec::new());
        differences("", &found, &expected, &mut wrong);
        assert!(wrong.is_empty(), "log {kind}: {wrong:#?}");
        broken += expected["lines"]["broken"].as_u64().unwrap();
    }
    assert!(broken > 100, "{broken}");
}

#[test]
fn a_number_that_is_off_by_a_little_is_found() {
    let mut wrong = Vec::new();
    let (found, expected) = (
        json!({"a": [1.0, {"b": 0.5}]}),
        json!({"a": [1, {"b": 0.500000002}]}),
    );
    differences("", &found, &expected, &mut wrong);
    assert_eq!(wrong, [".a[1].b: 0.5 for 0.500000002"]);
}

/// A shuffle that is the same each time.
fn shuffled(lines: &mut [&str], mut state: u64) {
    for index in (1..lines.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        lines.swap(index, (state >> 33) as usize % (index + 1));
    }
}

fn report(arguments: &[&str], input: &str) -> String {
    let arguments = [&["report"], arguments].concat();
    let ran = fed(&arguments, input);
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.out
}

#[test]
fn lines_of_40_pods_in_any_order_packed_or_not_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for kind in [3, 7, 12, 14] {
        let text = log(kind);
        let mut lines: Vec<_> = text.lines().collect();
        let formats = [&["--json"][..], &["--markdown"], &[]];
        let expected = formats.map(|format| report(format, &text));
        shuffled(&mut lines, kind as u64);
        let prefixed =
            lines
                .iter()
                .enumerate()
                .map(|(at, line)| match line.starts_with("{\"time") {
                    true => format!("[pod/shop-{}/burgee] {line}\n", at % 40),
                    false => format!("{line}\n"),
                });
        let prefixed: String = prefixed.collect();
        let mut files = Vec::new();
        for pod in 0..40 {
            let path = folder.path().join(format!("{kind}-{pod}.log"));
            let part: String = lines
                .iter()
                .skip(pod)
                .step_by(40)
                .map(|line| format!("{line}\n"))
                .collect();
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(part.as_bytes()).unwrap();
            let packed = packed.finish().unwrap();
            fs::write(
                &path,
                if pod % 3 == 0 {
                    packed
                } else {
                    part.into_bytes()
                },
            )
            .unwrap();
            files.push(path.to_str().unwrap().to_owned());
        }
        let files: Vec<_> = files.iter().map(|file| &**file).collect();
        for (format, expected) in formats.iter().zip(&expected) {
            assert_eq!(
                report(&[format, &files[..]].concat(), ""),
                *expected,
                "{kind} {format:?}"
            );
        }
        // a cut line that somebody else's text stands before is no line of ours
        let (found, mut wrong) = (report(&["--json"], &prefixed), Vec::new());
        let [found, expected] =
            [&found, &expected[0]].map(|text| serde_json::from_str::<Value>(text).unwrap());
        differences("", &found["features"], &expected["features"], &mut wrong);
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}

/// Every third line has another id, that of a visitor.
#[test]
fn a_visitor_who_signs_in_is_the_person_that_the_reference_knows() {
    for kind in [1, 6, 17] {
        let text = log(kind);
        let (mut lines, mut joined) = (Vec::new(), BTreeSet::new());
        for (number, line) in text.lines().enumerate() {
            let fields = serde_json::from_str::<Value>(line).unwrap_or_default();
            let (id, time) = (&fields["feature_flag.context.id"], &fields["time"]);
            match (id.as_str(), time.as_str()) {
                (Some(id), Some(time)) if number % 3 == 0 => {
                    let (user, visitor) = (format!("\"{id}\""), format!("\"visitor-{id}\""));
                    lines.push(line.replace(&user, &visitor));
                    joined.insert(format!(
                        r#"{{"time":"{time}","visitor":{visitor},"feature_flag.version":"0","feature_flag.context.id":{user}}}"#
                    ));
                }
                _ => lines.push(line.to_owned()),
            }
        }
        assert!(joined.len() > 50, "{kind}: {}", joined.len());
        let apart: Value = serde_json::from_str(&report(&["--json"], &lines.join("\n"))).unwrap();
        let count = joined.len();
        lines.extend(joined);
        let mut all: Vec<_> = lines.iter().map(|line| &**line).collect();
        shuffled(&mut all, kind as u64);
        let mut found: Value = serde_json::from_str(&report(&["--json"], &all.join("\n"))).unwrap();
        let expected: Value = serde_json::from_str(&report(&["--json"], &text)).unwrap();
        assert_eq!(found["lines"]["joined"], count);
        assert_ne!(apart["features"], expected["features"]);
        found["lines"]["joined"] = expected["lines"]["joined"].clone();
        found["lines"]["read"] = expected["lines"]["read"].clone();
        assert_eq!(found, expected, "{kind}");
    }
}

/// `UPDATE=1` writes them.
#[test]
fn text_and_markdown_are_as_they_were() {
    for (kind, format, name) in [
        (3, &[][..], "03.txt"),
        (10, &[], "10.txt"),
        (12, &[], "12.txt"),
        (3, &["--markdown"], "03.md"),
        (2, &["--markdown", "--goal", "purchase"], "02.md"),
    ] {
        let (found, path) = (report(format, &log(kind)), data().join(name));
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &found).unwrap();
        }
        assert_eq!(found, fs::read_to_string(&path).unwrap(), "{name}");
    }
}

fn exposure(time: &str, user: &str, variant: &str) -> String {
    format!(
        r#"{{"time":"{time}","feature_flag.key":"checkout","feature_flag.result.variant":"{variant}","feature_flag.result.reason":"split","feature_flag.version":"0","feature_flag.context.id":"{user}","draw":{{"rule":"-","control":"control","shares":{{"control":0.5,"treatment":0.5}}}}}}"#
    )
}

fn goal(time: &str, user: &str) -> String {
    format!(
        r#"{{"time":"{time}","goal":"purchase","feature_flag.version":"0","feature_flag.context.id":"{user}","features":{{}}}}"#
    )
}

#[test]
fn who_is_counted_and_for_what() {
    let day = |day: u32| format!("2026-11-{day:02}T10:00:00.000000Z");
    let lines = [
        exposure(&day(2), "mia", "control"),
        exposure(&day(1), "mia", "control"),
        goal(&day(1), "mia"), // at the very time
        exposure(&day(3), "jules", "treatment"),
        goal(&day(2), "jules"), // too early
        exposure(&day(3), "butch", "treatment"),
        goal(&day(2), "butch"), // too early, and again
        goal(&day(4), "butch"),
        exposure(&day(3), "vincent", "control"),
        exposure(&day(5), "vincent", "treatment"),
        goal(&day(6), "vincent"),
        goal(&day(6), "marsellus"), // never met it
    ];
    let said = |flags: &[&str]| {
        let text = report(&[&["--json"], flags].concat(), &lines.join("\n"));
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let all = said(&[]);
    let feature = &all["features"]["checkout"];
    let purchase = &feature["goals"]["purchase"];
    let people = |arm: usize| {
        let (arm, reached) = (&feature["arms"][arm], &purchase["arms"][arm]);
        json!([
            arm["variant"],
            arm["people"],
            arm["in_two_arms"],
            reached["people"],
            reached["reached"]
        ])
    };
    assert_eq!(people(0), json!(["control", 2, 1, 1, 1]));
    assert_eq!(people(1), json!(["treatment", 2, 0, 2, 1]));
    assert_eq!(
        (&purchase["late"], &purchase["not_exposed"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        (&feature["first"], &feature["last"]),
        (
            &json!("2026-11-01T10:00:00Z"),
            &json!("2026-11-03T10:00:00Z")
        )
    );
    let lines = &all["lines"];
    for (name, expected) in [
        ("read", 12),
        ("exposures", 6),
        ("repeated_exposures", 2),
        ("goals", 6),
        ("repeated_goals", 1),
    ] {
        assert_eq!(lines[name], expected, "{name}");
    }
    // since the change of shares nobody was in two arms
    let since = said(&["--since", "2026-11-05", "--until", "2026-11-07"]);
    let arms = &since["features"]["checkout"]["arms"];
    assert_eq!(
        (&arms[1]["people"], &arms[1]["in_two_arms"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(since["lines"]["left_out"], 9);
    let other = said(&["--control", "treatment"]);
    assert_eq!(
        other["features"]["checkout"]["arms"][0]["variant"],
        "treatment"
    );
}

/// While a clock is held, some people are held back. They come when it goes on, all of them in one arm.
#[test]
fn who_comes_after_a_hold_breaks_no_split() {
    let half = |people: std::ops::Range<u32>, day: u32| {
        let time = format!("2026-11-{day:02}T10:00:00.000000Z");
        let variants = ["control", "treatment"].into_iter().cycle();
        let lines = people
            .zip(variants)
            .map(move |(user, variant)| exposure(&time, &user.to_string(), variant));
        lines.collect::<Vec<_>>()
    };
    let after = |first: u32, people: u32| {
        let time = "2026-11-03T10:00:00.000000Z";
        let come =
            (first..first + people).map(|user| exposure(time, &user.to_string(), "treatment"));
        come.collect::<Vec<_>>()
    };
    let held = exposure("2026-11-02T10:00:00.000000Z", "held", "control");
    let held = held.replace(r#","shares":{"control":0.5,"treatment":0.5}"#, "");
    let of = |lines: Vec<String>| {
        let said: Value = serde_json::from_str(&report(&["--json"], &lines.join("\n"))).unwrap();
        let feature = &said["features"]["checkout"];
        (
            feature["split"]["people"].clone(),
            feature["split"]["broken"].clone(),
        )
    };
    let before = half(0..1000, 1);
    let held_back = [before.clone(), vec![held], after(1000, 500)].concat();
    assert_eq!(of(held_back), (json!(1000), json!(false)));
    let without_a_hold = [before, after(1000, 500)].concat();
    assert_eq!(of(without_a_hold), (json!(1500), json!(true)));
}

#[test]
fn what_there_is_nothing_to_say_of_gets_a_sentence() {
    let line = exposure("2026-11-01T10:00:00.000000Z", "mia", "control");
    let nobody = line.replace(r#""feature_flag.context.id":"mia","#, "");
    let (undrawn, _) = line.split_once(r#","draw""#).unwrap();
    let undrawn = format!("{undrawn}}}");
    for (arguments, input, code, expected) in [
        (
            &[][..],
            "",
            1,
            "nobody met a variant by a draw, in 0 lines; burgee run --exposure-log --log-user hash",
        ),
        (
            &[],
            "burgee listens\n{\"time\"",
            1,
            "2 lines: 1 broken, 1 of other logs",
        ),
        (&[], &*nobody, 1, "burgee run --log-user hash"),
        (&[], &*undrawn, 1, "a share between 0 and 100% draws"),
        (
            &["--since", "2026-11-02"],
            &*line,
            1,
            "1 not asked for; see --feature, --since and --until",
        ),
        (&["--feature", "chekout"], &*line, 1, "1 not asked for"),
        (
            &["--control", "contrl"],
            &*line,
            2,
            "--control contrl: no line has it; did you mean `control`?",
        ),
        (&["--goal", "buy"], &*line, 2, "--goal buy: no line has it"),
        (
            &["--since", "yesterday"],
            "",
            2,
            "write a day, as in 2026-11-30",
        ),
        (&["--json", "--markdown"], "", 2, "choose one"),
        (&["-", "-"], "", 2, "standard input can be read once"),
        (&["/nowhere.log"], "", 1, "/nowhere.log: No such file"),
        (&["/tmp"], "", 1, "name its files"),
    ] {
        let ran = fed(&[&["report"], arguments].concat(), input);
        assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
        assert!(
            ran.err.contains(expected) && ran.out.is_empty(),
            "{arguments:?}: {ran:?}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.gz");
    let whole = fs::read(data().join("00.log.gz")).unwrap();
    fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let ran = fed(&["report", cut.to_str().unwrap()], "");
    assert!(
        ran.code == 1 && ran.err.contains("cut.gz: ends in the middle"),
        "{ran:?}"
    );
}
