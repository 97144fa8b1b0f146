//! Whoever follows a request through a trace finds its lines in burgee's logs by `trace_id`; by the built binary.

use crate::{
    support::{Burgee, ask},
    watch::{app, behind, misfits},
};
use serde_json::{Value, json};

const TOGGLES: &str = "version: 1\nfeatures: {checkout: 50%}\n";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const NAMES: [&str; 3] = ["trace_id", "span_id", "trace_flags"];

/// The access line, the exposure line and the goal line of a request with these lines of `traceparent`.
fn lines(burgee: &mut Burgee, traceparent: &[String]) -> [Value; 3] {
    let fields: Vec<String> = traceparent
        .iter()
        .map(|value| format!("traceparent: {value}"))
        .collect();
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    ask(burgee.listen, "GET", "/", &fields);
    [burgee.said("request"), burgee.wrote(), burgee.wrote()]
}

#[test]
fn a_line_names_the_trace_and_the_span_that_the_request_came_with_and_none_where_they_are_not_valid()
 {
    // nobody is asking, so each request is an exposure
    let app = app(|_| "200 OK\r\nX-Feature-Used: checkout\r\nX-Feature-Goal: purchase".into());
    let (mut burgee, _toggles) = behind(&app, TOGGLES, &["--access-log", "--exposure-log"]);
    let good = format!("00-{TRACE}-00f067aa0ba902b7-01");
    for (traceparent, flags) in [
        (vec![good.clone()], Some("01")),
        (vec![good.replace("-01", "-00")], Some("00")),
        // flags that nobody has defined yet stay as they came
        (vec![good.replace("-01", "-ff")], Some("ff")),
        (vec![format!("  {good}  ")], Some("01")),
        // a later version begins with the same four
        (vec![good.replace("00-4b", "01-4b")], Some("01")),
        (
            vec![good.replace("00-4b", "cc-4b") + "-what-comes-later"],
            Some("01"),
        ),
        (vec![good.replace("00-4b", "cc-4b") + "-"], Some("01")),
        (vec![], None),
        (vec![String::new()], None),
        (vec![good.clone(), good.clone()], None),
        (vec![format!("{good}, {good}")], None),
        (vec![good.replace("00-4b", "ff-4b")], None),
        (vec![good.replace("00-4b", "0-4b")], None),
        (vec![good.replace("00-4b", "0x-4b")], None),
        (
            vec![good.replace("00-4b", "cc-4b") + ".what-comes-later"],
            None,
        ),
        (vec![good.clone() + "-what-comes-later"], None),
        (vec![good.clone() + "-"], None),
        (vec![good.to_uppercase()], None),
        (vec![good.replace(TRACE, &"0".repeat(32))], None),
        (
            vec![good.replace("00f067aa0ba902b7", &"0".repeat(16))],
            None,
        ),
        (vec![good.replace(TRACE, &TRACE[1..])], None),
        (vec![good.replace(TRACE, &format!("0{TRACE}"))], None),
        (vec![good.replace("4b", "4g")], None),
        (vec![good.replace("-01", "-1")], None),
        (vec![good.replace("-01", "")], None),
        (vec![good.replace('-', "_")], None),
        (vec![good.replace("-01", "-\u{e9}")], None),
    ] {
        for line in lines(&mut burgee, &traceparent) {
            let expected = flags.map(|flags| [TRACE, "00f067aa0ba902b7", flags]);
            let found = NAMES.map(|name| line.get(name).cloned());
            let expected =
                expected.map_or([None, None, None], |all| all.map(|one| Some(json!(one))));
            assert_eq!(found, expected, "{traceparent:?} {line}");
            let is_exposure = line.get("time").is_some();
            assert!(
                !is_exposure || misfits(&line).is_empty(),
                "{line} {:?}",
                misfits(&line)
            );
        }
    }
}

#[test]
fn a_line_for_people_has_the_trace_before_the_assignments() {
    let app = app(|_| "200 OK".into());
    let flags = ["--access-log", "--log-format", "text"];
    let (mut burgee, _toggles) = behind(&app, TOGGLES, &flags);
    let field = format!("traceparent: 00-{TRACE}-00f067aa0ba902b7-01");
    ask(burgee.listen, "GET", "/", &[&field]);
    let line = burgee.said(" INFO request ");
    let trace = format!(" trace_id={TRACE} span_id=00f067aa0ba902b7 trace_flags=01 assignments=");
    assert!(line.as_str().unwrap().contains(&trace), "{line}");
}

#[test]
fn an_exposure_line_has_its_trace_where_there_is_no_access_log() {
    let app = app(|_| "200 OK\r\nX-Feature-Used: checkout".into());
    let (burgee, _toggles) = behind(&app, TOGGLES, &["--exposure-log"]);
    let field = format!("traceparent: 00-{TRACE}-00f067aa0ba902b7-01");
    ask(burgee.listen, "GET", "/", &[&field]);
    assert_eq!(burgee.wrote()["trace_id"], json!(TRACE));
}

#[test]
fn an_exposure_of_a_file_with_a_namespace_names_it_as_the_set() {
    let app = app(|_| "200 OK\r\nX-Feature-Used: checkout".into());
    for (toggles, expected) in [
        (TOGGLES.to_owned(), None),
        (format!("namespace: shop\n{TOGGLES}"), Some(json!("shop"))),
    ] {
        let (burgee, _toggles) = behind(&app, &toggles, &["--exposure-log"]);
        ask(burgee.listen, "GET", "/", &[]);
        let line = burgee.wrote();
        assert_eq!(line.get("feature_flag.set.id").cloned(), expected, "{line}");
        assert_eq!(misfits(&line), Vec::<String>::new(), "{line}");
    }
}
