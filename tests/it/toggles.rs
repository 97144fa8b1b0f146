//! Toggles files as people write them: what is refused and what is said of it, and what is accepted.

use burgee::{
    config::{self, Problem, Severity, Text},
    engine::{Snapshot, instant, units::Second},
};
use std::{fs, path::PathBuf};

/// 2026-02-01, before most dates in the files.
pub(crate) fn now() -> Second {
    instant::parse("2026-02-01").unwrap()
}

/// The environment of every test.
pub(crate) fn environment(name: &str) -> Option<String> {
    match name {
        "BURGEE_OVERRIDE_KEY" => Some("a-secret-of-16-b".to_owned()),
        "ENVIRONMENT" => Some("staging".to_owned()),
        _ => None,
    }
}

pub(crate) fn compile(
    files: &[(&str, &[u8])],
) -> Result<(Snapshot, Vec<Problem>), config::Problems> {
    let texts: Vec<Text> = files
        .iter()
        .map(|(name, bytes)| Text {
            name: (*name).to_owned(),
            bytes: bytes.to_vec(),
        })
        .collect();
    config::compile_texts(&texts, &environment, now())
}

/// The files below a folder of the repository, in order.
pub(crate) fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|is| is == extension))
        .collect();
    files.sort();
    files
}

pub(crate) fn name(path: &std::path::Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn every_mistake_is_refused_with_its_place_and_what_to_write_instead() {
    let mut wrong = Vec::new();
    let files = files("tests/data/refused", "yaml");
    assert!(files.len() >= 80, "{} files", files.len());
    for path in files {
        let bytes = fs::read(&path).unwrap();
        let said = match compile(&[(&name(&path), &bytes)]) {
            Ok(_) => String::from("accepted\n"),
            Err(problems) => problems.to_string(),
        };
        let golden = path.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&golden, &said).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        let placed = said.starts_with(&format!("{}:", name(&path)));
        if said != expected || !placed {
            wrong.push(format!("{}:\n{said}expected:\n{expected}", name(&path)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn odd_but_right_files_are_accepted() {
    let files = files("tests/data/accepted", "yaml");
    assert!(files.len() >= 15, "{} files", files.len());
    for path in files {
        let bytes = fs::read(&path).unwrap();
        let (_, warnings) = compile(&[(&name(&path), &bytes)])
            .unwrap_or_else(|problems| panic!("{}:\n{problems}", name(&path)));
        let text = String::from_utf8_lossy(&bytes);
        let expects = text.contains("# warns");
        assert_eq!(
            !warnings.is_empty(),
            expects,
            "{}: {warnings:?}",
            name(&path)
        );
    }
}

#[test]
fn warnings_do_not_refuse_and_are_told() {
    for (text, expected) in [
        ("version: 1\n", "there are no features"),
        ("version: 1\nfeatures:\n", "there are no features"),
        (
            "version: 1\nsegments: {staff: {user: ann}}\nfeatures: {a: on}",
            "the segment `staff` is never used",
        ),
        (
            "version: 1\nfeatures: {a: {variants: [b, c], serve: b}}",
            "the variant `c` is never served",
        ),
        (
            "version: 1\nfeatures: {a: {when: {now: {until: 2025-01-01}}, serve: on}}",
            "this window is in the past",
        ),
        (
            "version: 1\nfeatures: {a: {rollout: {2026-03-01: 50%, 2026-04-01: 10%}}}",
            "the rollout goes down here, from 50% to 10%",
        ),
        (
            "version: 1\nfeatures: {a: {variants: [b, c], rules: [{when: {now: {from: 2026-03-01, until: 2026-04-01}}, serve: b}, {when: {now: {from: 2026-03-15}}, serve: c}]}}",
            "are tested at the same time",
        ),
        (
            "version: 1\nfeatures: {a: {when: {path: legacy}, serve: on}}",
            "no request has the value `legacy` here",
        ),
        (
            "version: 1\nanonymous: {cookie: visitor, max-age: 401d}\nfeatures: {a: 5%}",
            "browsers keep a cookie for 400 days at most",
        ),
        (
            "version: 1\nanonymous: {cookie: __Host-visitor, max-age: 400d}\nfeatures: {a: 5%}",
            "whose name begins with `__Host-` by https alone",
        ),
        (
            "version: 1\nanonymous: {cookie: __secure-visitor, max-age: 9600h, domain: shop.example}\nfeatures: {a: 5%}",
            "whose name begins with `__Secure-` by https alone",
        ),
        (
            "version: 1\noverride: {from: query.ff, key: env.BURGEE_OVERRIDE_KEY, remember: __Host-qa}\nfeatures: {a: 5%}",
            "whose name begins with `__Host-` by https alone",
        ),
    ] {
        let (_, warnings) = compile(&[("a.yaml", text.as_bytes())]).unwrap();
        assert_eq!(warnings.len(), 1, "{text}: {warnings:?}");
        assert_eq!(warnings[0].severity, Severity::Warning);
        assert!(
            warnings[0].to_string().contains(expected),
            "{}",
            warnings[0]
        );
    }
}

#[test]
fn a_variant_that_an_override_can_force_is_not_unused() {
    let parked = "version: 1\nfeatures: {a: {variants: [b, c], serve: b}}\n";
    let warnings = |text: &str| compile(&[("a.yaml", text.as_bytes())]).unwrap().1.len();
    assert_eq!(warnings(parked), 1);
    for policy in [
        "{from: header.x-qa, key: env.BURGEE_OVERRIDE_KEY}",
        "{from: header.x-qa, when: {header.x-staff: yes}}",
        "{from: query.ff, when: {header.x-staff: yes}, key: env.BURGEE_OVERRIDE_KEY}",
    ] {
        assert_eq!(
            warnings(&format!("{parked}override: {policy}\n")),
            0,
            "{policy}"
        );
    }
}

#[test]
fn whatever_a_file_trusts_is_guarded_against_other_spellings() {
    let text = "version: 1
user: [header.x-who, cookie.uid]
attributes: {plan: [jwt.plan, header.x-plan]}
override: {from: [header.x-qa], when: {header.x-staff: yes}}
features: {a: {when: {plan: pro, header.x-direct: yes}, serve: on}}
";
    let (snapshot, _) = compile(&[("a.yaml", text.as_bytes())]).unwrap();
    for name in ["x-who", "x-plan", "x-qa", "x-staff", "x-direct"] {
        assert!(!snapshot.forged_fields.is_forged(name), "{name}");
        assert!(
            snapshot.forged_fields.is_forged(&name.replace('-', "_")),
            "{name}"
        );
    }
    assert!(!snapshot.forged_fields.is_forged("x_other"));
}
