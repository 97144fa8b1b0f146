//! Who asks, where a file gives ids to visitors. In: one file and a request. Out: a sentence with the ids and where they came from.

use super::{explain, reason};
use crate::engine::{
    anonymous::is_allowed,
    attributes::{Found, USER, Values},
    condition::Scope,
    decision::Decisions,
    model::{Anonymous, Toggles},
    request::Input,
    source::Source,
    units::Second,
};

/// None where nobody is given an id, or a context says who it is.
pub fn of<'a>(
    toggles: &'a Toggles,
    input: Input<'a>,
    now: Second,
    decisions: &Decisions,
) -> Option<String> {
    let (Some(anonymous), Input::Http(http)) = (&toggles.anonymous, input) else {
        return None;
    };
    let values = explain::values(toggles, input, now, decisions);
    let is_said = http.said.is_some_and(|said| said.user.is_some());
    let user = match values.get(USER) {
        Found::Value(id, _) if is_said => format!("user {}, as it was said", text(id)),
        Found::Value(id, source) => {
            let sources = &toggles.attributes[usize::from(USER)].sources;
            format!("user {} by {}", text(id), name(sources.get(*source)))
        }
        Found::Conflict => "no user, for a header came twice with different values".into(),
        Found::Absent | Found::Object | Found::List(_) => "no user".into(),
    };
    Some(user + &visitor(toggles, anonymous, &values, now))
}

fn visitor(toggles: &Toggles, anonymous: &Anonymous, values: &Values<'_>, now: Second) -> String {
    let cookie = &anonymous.cookie.cookie;
    if let Some(when) = &anonymous.when
        && !is_allowed(toggles, anonymous, values, now)
    {
        let scope = Scope {
            values,
            now,
            toggles,
            decided: &[],
        };
        let because = reason::because(when, scope);
        return format!(
            "; cookie.{cookie} is not read, for `when` of `anonymous` does not hold: {because}"
        );
    }
    match anonymous.visitor.map(|visitor| values.get(visitor)) {
        Some(Found::Value(id, _)) => format!("; visitor {} by cookie.{cookie}", text(id)),
        Some(_) => "; no visitor: a page load is given an id".into(),
        None => String::new(),
    }
}

fn text(id: &[u8]) -> String {
    String::from_utf8_lossy(id).into_owned()
}

/// One past the last is a new visitor.
fn name(source: Option<&Source>) -> String {
    match source {
        Some(Source::Visitor(cookie)) => format!("cookie.{cookie}"),
        Some(source) => source.to_string(),
        None => "a new cookie".into(),
    }
}
