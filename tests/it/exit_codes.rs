//! 0 good, 1 problems found or a check failed, 2 wrong usage, 78 bad toggles at the start: every command, every code.

use crate::{
    run::Echo,
    support::{Burgee, Toggles, fed, get},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{TcpListener, TcpStream},
    process::Command,
};

const GOOD: &str = "version: 1\nfeatures: {dark-mode: on}\n";
const BAD: &str = "version: 1\nfeatures: {dark-mode: 25}\n";

/// A line of an exposure log.
pub(crate) const EXPOSURE: &str = r#"{"time":"2026-11-01T10:00:00.000000Z","feature_flag.key":"checkout","feature_flag.result.variant":"on","feature_flag.result.reason":"split","feature_flag.version":"0","feature_flag.context.id":"mia","draw":{"rule":"-","control":"off","shares":{"off":0.5,"on":0.5}}}"#;

/// The codes that each command was seen to end with.
type Seen = BTreeMap<String, BTreeSet<i32>>;

/// What can be seen without a running process. `GOOD` and `BAD` stand for files, `COPY` for one that is not
/// there yet, `TAKEN` for an address that is in use.
fn alone(seen: &mut Seen) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (good, bad) = (file("good.yaml", GOOD), file("bad.yaml", BAD));
    let missing = folder.path().join("missing/a.yaml").display().to_string();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let run = "run --api-listen none --admin-listen 127.0.0.1:0";
    for (line, input, code) in [
        ("check GOOD", "", 0),
        ("check -", GOOD, 0),
        ("check BAD", "", 1),
        ("check MISSING", "", 1),
        ("check", "", 2),
        ("explain GOOD", "", 0),
        ("explain BAD", "", 1),
        ("explain GOOD --users MISSING", "", 1),
        ("explain GOOD --feature nobody", "", 2),
        ("explain GOOD --at yesterday", "", 2),
        ("diff GOOD GOOD", "", 0),
        ("diff GOOD BAD", "", 1),
        (
            "diff GOOD - --max-moved 4%",
            "version: 1\nfeatures: {dark-mode: 95%}\n",
            1,
        ),
        (
            "diff GOOD - --max-moved 5%",
            "version: 1\nfeatures: {dark-mode: 95%}\n",
            0,
        ),
        ("diff GOOD", "", 2),
        ("diff GOOD GOOD --max-moved 5", "", 2),
        ("report", EXPOSURE, 0),
        ("report MISSING", "", 1),
        ("report GOOD", "", 1),
        ("report --since yesterday", "", 2),
        (
            "import fastapi -",
            "[{\"flag_name\": \"dark-mode\", \"status\": true}]",
            0,
        ),
        ("import fastapi GOOD", "", 1),
        ("import", "", 2),
        ("stale GOOD", "", 0),
        ("stale BAD", "", 1),
        ("stale GOOD --code MISSING", "", 1),
        ("stale GOOD --since tomorrow", "", 2),
        ("stale", "", 2),
        ("schema", "", 0),
        ("schema GOOD", "", 2),
        ("completions zsh", "", 0),
        ("completions", "", 2),
        ("man", "", 0),
        ("man check", "", 2),
        ("init shop --output FOLDER/first.yaml", "", 0),
        ("init shop --output FOLDER/first.yaml", "", 1),
        ("init my.shop! --output FOLDER/second.yaml", "", 2),
        ("override --key-env NOT_SET dark-mode=on", "", 2),
        ("override --key-env NOT_SET", "", 2),
        ("override --key-env NOT_SET --toggles GOOD a=on", "", 2),
        ("override --key-env NOT_SET --toggles BAD a=on", "", 1),
        ("stop dark-mode --dir FOLDER", "", 0),
        ("stop dark-mode --dir MISSING", "", 1),
        ("stop dark-mode --kubectl MISSING", "", 1),
        ("stop", "", 2),
        ("resume dark-mode --dir FOLDER", "", 0),
        ("resume --all --kubectl MISSING", "", 1),
        ("resume dark-mode --dir FOLDER", "", 2),
        ("apply GOOD --configmap shop --kubectl MISSING", "", 1),
        ("apply GOOD", "", 2),
        ("status --kubectl MISSING", "", 1),
        ("status now", "", 2),
        (
            "guard --prometheus http://127.0.0.1:1 --configmap shop",
            "",
            2,
        ),
        ("copy COPY", "", 0),
        ("copy MISSING", "", 1),
        ("copy", "", 2),
        ("inject", "kind: Pod\n", 0),
        ("inject", "kind: [", 1),
        ("inject GOOD", "", 2),
        ("health http://127.0.0.1:1/", "", 1),
        ("health nowhere", "", 2),
        ("probe http://127.0.0.1:1/", "", 1),
        ("probe", "", 2),
        ("reload --api-listen 127.0.0.1:1", "", 1),
        ("reload now", "", 2),
        ("drain --api-listen 127.0.0.1:1", "", 1),
        ("drain --timeout 5", "", 2),
        ("echo --listen TAKEN", "", 1),
        ("echo --listen 8080", "", 2),
        ("demo --toggles MISSING", "", 1),
        ("demo --toggles BAD --listen 127.0.0.1:0", "", 78),
        ("demo --port 1", "", 2),
        ("RUN --toggles BAD --listen 127.0.0.1:0", "", 78),
        ("RUN --toggles MISSING --listen 127.0.0.1:0", "", 78),
        (
            "RUN --toggles GOOD --listen TAKEN --upstream http://127.0.0.1:1",
            "",
            1,
        ),
        ("RUN --toggles GOOD --poll 2", "", 2),
        ("run --toggles GOOD --api-listen 0.0.0.0:0", "", 2),
    ] {
        let line = line.replace("RUN", run);
        let word = |word: &str| match word {
            "GOOD" => good.clone(),
            "BAD" => bad.clone(),
            "MISSING" => missing.clone(),
            "TAKEN" => taken.clone(),
            "COPY" => folder.path().join("burgee").display().to_string(),
            word => word.replace("FOLDER", &folder.path().display().to_string()),
        };
        let words: Vec<String> = line.split(' ').map(word).collect();
        let ran = fed(&words.iter().map(|word| &**word).collect::<Vec<_>>(), input);
        assert_eq!(ran.code, code, "{line}: {ran:?}");
        note(seen, &words[0], code);
    }
}

/// What needs a process that runs.
fn beside_a_process(seen: &mut Seen) {
    let toggles = Toggles::new(GOOD);
    let echo = Echo::start();
    let upstream = format!("http://{}", echo.at);
    let mut burgee = Burgee::start(&toggles.path(), &upstream, &[]);
    let (api, admin) = (burgee.api.to_string(), burgee.admin.to_string());
    let traffic = format!("http://{}/", burgee.listen);
    let ready = format!("http://{admin}/ready");
    let probe =
        |value: &str| format!("probe {traffic} --expect-header X-Feature-Dark-Mode={value}");
    let mut check = |line: &str, code: i32| {
        let words: Vec<&str> = line.split(' ').collect();
        let ran = fed(&words, "");
        assert_eq!(ran.code, code, "{line}: {ran:?}");
        note(seen, words[0], code);
    };
    check(&format!("health --admin-listen {admin}"), 0);
    check(&format!("health {ready}"), 0);
    check(&probe("on"), 0);
    check(&probe("off"), 1);
    // whatever the application says is an answer of it; burgee's own is none
    check(
        &format!("probe {traffic}no-such-page --from-application"),
        0,
    );
    let nobody = Burgee::start(&toggles.path(), "http://127.0.0.1:1", &[]);
    check(
        &format!("probe http://{}/ --from-application", nobody.listen),
        1,
    );
    drop(nobody);
    // it answers, and is not burgee's API
    check(&format!("reload --api-listen {}", echo.at), 1);
    check(&format!("drain --api-listen {}", echo.at), 1);
    check(&format!("reload --api-listen {api}"), 0);
    toggles.write(BAD);
    check(&format!("reload --api-listen {api}"), 1);
    check(&format!("drain --api-listen {api}"), 0);
    check(&format!("health {ready}"), 1);
    // a client that stays
    let client = TcpStream::connect(burgee.listen).unwrap();
    crate::support::eventually("the client is counted", || {
        (burgee.metric("burgee_connections") == Some(1.0)).then_some(())
    });
    check(
        &format!("drain --wait --timeout 200ms --api-listen {api}"),
        1,
    );
    drop(client);
    check(&format!("drain --wait --api-listen {api}"), 0);
    assert_eq!(get(burgee.admin, "/health").status, 200);
    burgee.signal("TERM");
    note(seen, "run", burgee.ended().code().unwrap());
    note(seen, "echo", echo.stopped().code().unwrap());
}

fn note(seen: &mut Seen, command: &str, code: i32) {
    seen.entry(command.to_owned()).or_default().insert(code);
}

#[test]
fn every_command_ends_with_the_code_that_says_who_must_act() {
    let mut seen = Seen::new();
    alone(&mut seen);
    beside_a_process(&mut seen);
    let signed = Command::new(env!("CARGO_BIN_EXE_burgee"))
        .args(["override", "--key-env", "KEY", "dark-mode=on"])
        .env("KEY", "a key of this test")
        .output()
        .unwrap();
    note(&mut seen, "override", signed.status.code().unwrap());
    for (command, codes) in &seen {
        let expected: &[i32] = match &**command {
            "run" => &[0, 1, 2, 78],
            // it goes on until it is told to stop, which `demo.rs` tests
            "demo" => &[1, 2, 78],
            // nothing is read, nothing is asked
            "schema" | "completions" | "man" => &[0, 2],
            // it goes on whatever happens, until it is told to stop: `tests/e2e/guard`
            "guard" => &[2],
            // their 0 needs pods: `tests/e2e/steer`
            "apply" | "status" => &[1, 2],
            _ => &[0, 1, 2],
        };
        assert_eq!(
            codes.iter().copied().collect::<Vec<_>>(),
            expected,
            "{command}"
        );
    }
    let commands = burgee::cli::command();
    assert_eq!(seen.len(), commands.get_subcommands().count(), "{seen:?}");
}
