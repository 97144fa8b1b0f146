//! The operators in words, once, in two moods: a value that passes "is at least 5", one that does not "must be at least 5".
//! In: a test. Out: what stands behind the name of what is tested.

use crate::engine::{
    instant,
    operator::{Test, Texts},
};
use std::fmt::Display;

/// What a value does that passes a test: "is US or CA", "does not contain beta".
pub fn passes(test: &Test) -> String {
    say(test, Mood::Passes, false)
}

/// What a test asks of a value: "must be US or CA", "must not contain beta".
pub fn requires(test: &Test) -> String {
    say(test, Mood::Requires, false)
}

#[derive(Clone, Copy)]
enum Mood {
    Passes,
    Requires,
}

/// `a`, `a and b`, `a, b and c`
pub(super) fn list(items: impl IntoIterator<Item = impl Display>, word: &str) -> String {
    let mut items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match (items.pop(), items.is_empty()) {
        (None, _) => String::new(),
        (Some(only), true) => only,
        (Some(last), false) => format!("{} {word} {last}", items.join(", ")),
    }
}

fn say(test: &Test, mood: Mood, negated: bool) -> String {
    match test {
        Test::Not(test) => say(test, mood, !negated),
        Test::All(all) if negated => {
            let none = list(all.iter().map(passes), "and");
            format!("{} none that {none}", auxiliary("be", "is", mood, false))
        }
        Test::All(all) => list(all.iter().map(|test| say(test, mood, false)), "and"),
        Test::Present(wanted) => {
            let what = if *wanted != negated {
                "present"
            } else {
                "absent"
            };
            format!("{} {what}", auxiliary("be", "is", mood, false))
        }
        test => {
            let (verb, third_person, rest) = operator(test);
            format!("{} {rest}", auxiliary(verb, third_person, mood, negated))
        }
    }
}

fn auxiliary(verb: &str, third_person: &str, mood: Mood, negated: bool) -> String {
    match (mood, negated) {
        (Mood::Passes, false) => third_person.to_owned(),
        (Mood::Passes, true) if verb == "be" => "is not".to_owned(),
        (Mood::Passes, true) => format!("does not {verb}"),
        (Mood::Requires, false) => format!("must {verb}"),
        (Mood::Requires, true) => format!("must not {verb}"),
    }
}

/// The verb in both forms, and what follows it.
fn operator(test: &Test) -> (&'static str, &'static str, String) {
    fn or(texts: impl IntoIterator<Item = impl Display>) -> String {
        list(texts, "or")
    }
    let be = |what: String| ("be", "is", what);
    match test {
        Test::Is(Texts::Few(few)) => be(or(few)),
        Test::Is(Texts::Many(many)) => be(format!("one of {} values", many.len())),
        Test::Contains(texts) => ("contain", "contains", or(texts)),
        Test::Prefix(texts) => ("begin", "begins", format!("with {}", or(texts))),
        Test::Suffix(texts) => ("end", "ends", format!("with {}", or(texts))),
        Test::Matches(patterns) => ("match", "matches", or(patterns)),
        Test::Above(bound) => be(format!("above {bound}")),
        Test::Min(bound) => be(format!("at least {bound}")),
        Test::Below(bound) => be(format!("below {bound}")),
        Test::Max(bound) => be(format!("at most {bound}")),
        Test::Version(ranges) => be(format!("a version in {}", or(ranges))),
        Test::Within(networks) => be(format!("within {}", or(networks))),
        Test::From(from) => be(format!("{} or later", instant::show(*from))),
        Test::Until(until) => be(format!("before {}", instant::show(*until))),
        // said by `say`
        Test::Not(_) | Test::All(_) | Test::Present(_) => be(say(test, Mood::Passes, false)),
    }
}
