//! The text of the stops file: read, changed, written again.
//! In: the text that is there. Out: the text with some stops more or fewer.

use crate::{
    config::{self, Problems, Text},
    engine::{
        instant,
        stops::{Stop, StopKind, Stops},
    },
};
use std::fmt::Write as _;

/// What is in it now; nothing where there is no text.
pub(super) fn read(name: &str, text: Option<&str>) -> Result<Stops, Problems> {
    match text {
        None => Ok(Stops::default()),
        Some(text) => config::compile_stops(&Text {
            name: name.to_owned(),
            bytes: text.into(),
        }),
    }
}

/// The list with these stops instead of others of their names.
pub(super) fn with(stops: &Stops, new: &[Stop]) -> Vec<Stop> {
    let is_new = |stop: &&Stop| new.iter().any(|new| new.name == stop.name);
    let old = stops.list.iter().filter(|stop| !is_new(stop));
    let mut all: Vec<Stop> = old.chain(new).cloned().collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// The file that says so.
pub(super) fn write(stops: &[Stop]) -> String {
    let mut text =
        String::from("# written by `burgee stop` and `burgee resume`\nversion: 1\nstops:");
    if stops.is_empty() {
        return text + " {}\n";
    }
    for stop in stops {
        // JSON's texts are YAML's, line breaks and quotes included
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let at = stop.at.map(instant::show);
        let when = match (stop.kind, at) {
            (StopKind::Hold, at) => Some(format!("hold: {}", at.unwrap_or_default())),
            (StopKind::Stop, at) => at.map(|at| format!("since: {at}")),
        };
        let why = stop
            .why
            .as_deref()
            .map(|why| format!("why: {}", quoted(why)));
        let by = stop.by.as_deref().map(|by| format!("by: {}", quoted(by)));
        let entries: Vec<String> = [when, why, by].into_iter().flatten().collect();
        let _ = write!(
            text,
            "\n  {}: {{{}}}",
            quoted(&stop.name),
            entries.join(", ")
        );
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::units::Second;

    #[test]
    fn what_is_written_is_read_again() {
        let stop = |name: &str, kind, why: Option<&str>| Stop {
            name: name.into(),
            kind,
            at: Some(Second(1_795_903_200)),
            why: why.map(Into::into),
            by: Some("mia".into()),
            line: 0,
        };
        let all = [
            stop("*", StopKind::Stop, Some("a \"quoted\": {word} # here")),
            stop("a", StopKind::Stop, None),
            stop("shop.b", StopKind::Hold, Some("ünïcode, and 'more'")),
        ];
        let text = write(&all);
        let mut again = read("stops.yaml", Some(&text)).unwrap().list.to_vec();
        again.iter_mut().for_each(|stop| stop.line = 0);
        assert_eq!(again, all, "{text}");
        let changed = with(
            &read("", Some(&text)).unwrap(),
            &[stop("a", StopKind::Hold, None)],
        );
        let kinds: Vec<_> = changed
            .iter()
            .map(|stop| (&*stop.name, stop.kind))
            .collect();
        assert_eq!(
            kinds,
            [
                ("*", StopKind::Stop),
                ("a", StopKind::Hold),
                ("shop.b", StopKind::Hold)
            ]
        );
        assert!(read("", Some(&write(&[]))).unwrap().list.is_empty());
    }
}
