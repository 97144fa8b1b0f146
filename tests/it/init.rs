//! `burgee init`: the first toggles file of a newcomer, through the built binary.

use crate::{
    run::Echo,
    support::{Burgee, ask},
};
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn burgee(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_burgee"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn a_newcomer_gets_a_file_that_is_good_and_a_sidecar_that_serves_it() {
    let folder = tempfile::tempdir().unwrap();
    let words = [
        "init",
        "shop",
        "--header",
        "X-Customer",
        "--cookie",
        "session_user",
    ];
    let output = burgee(folder.path(), &words);
    assert!(output.status.success(), "{}", said(&output));
    let file = folder.path().join("toggles.yaml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("# yaml-language-server: $schema=https://"));
    assert!(text.contains("namespace: shop\n"), "{text}");
    assert!(
        text.contains("user: [header.X-Customer, cookie.session_user]\n"),
        "{text}"
    );

    let checked = burgee(folder.path(), &["check", "--strict", "toggles.yaml"]);
    assert!(checked.status.success(), "{}", said(&checked));
    // what it says to do next
    for line in said(&output)
        .lines()
        .filter_map(|line| line.strip_prefix("  burgee explain "))
    {
        let explained = burgee(
            folder.path(),
            &[&["explain"][..], &line.split(' ').collect::<Vec<_>>()].concat(),
        );
        assert!(
            said(&explained).contains("dark-mode: off"),
            "{}",
            said(&explained)
        );
    }
    let echo = Echo::start();
    let sidecar = Burgee::start(&file, &format!("http://{}", echo.at), &[]);
    for field in ["X-Customer: ann", "Cookie: session_user=ann"] {
        let body = ask(sidecar.listen, "GET", "/", &[field]).body;
        assert!(
            body.contains("X-Feature-Checkout-Button: treatment"),
            "{field}: {body}"
        );
    }
}

#[test]
fn a_file_that_is_there_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("toggles.yaml");
    fs::write(&file, "mine").unwrap();
    let output = burgee(folder.path(), &["init", "shop"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("toggles.yaml: it exists"),
        "{}",
        said(&output)
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    let output = burgee(folder.path(), &["init", "shop", "--output", "other.yaml"]);
    assert!(output.status.success(), "{}", said(&output));
    let other = fs::read_to_string(folder.path().join("other.yaml")).unwrap();
    assert!(other.contains("burgee check other.yaml"), "{other}");
    assert!(other.contains("user: [header.x-user-id, cookie.user_id]"));
}

#[test]
fn words_that_make_no_good_file_are_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for (words, expected) in [
        (&["init"][..], "<NAME>"),
        (&["init", "my shop"], "namespace"),
        (&["init", "shop", "--header", "X Customer"], "header"),
        (&["init", "shop", "--cookie", "a=b"], "cookie"),
        (&["init", "shop", "--header", "a], x: [b"], ""),
    ] {
        let output = burgee(folder.path(), words);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{words:?}: {}",
            said(&output)
        );
        assert!(
            said(&output).contains(expected),
            "{words:?}: {}",
            said(&output)
        );
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn who_runs_without_a_file_is_told_of_init() {
    let folder = tempfile::tempdir().unwrap();
    let output = burgee(folder.path(), &["run", "--toggles", "toggles.yaml"]);
    assert_eq!(output.status.code(), Some(78));
    assert!(
        said(&output).contains("`burgee init NAME`"),
        "{}",
        said(&output)
    );
}
