//! Who asks, where a file gives ids to visitors. In: one file and a request. Out: the ids and where they came from, as a
//! sentence and for JSON.

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
use serde::Serialize;

/// Who a request is for, to one file. Written as it stands into the JSON of `explain`.
#[derive(Debug, Default, Serialize)]
pub struct Identity<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_reason: Option<&'static str>,
    visitor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    visitor_source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    visitor_reason: Option<String>,
}

/// The source of what the question itself says.
const SAID: &str = "said";

/// None where nobody is given an id.
pub fn of<'a>(
    toggles: &'a Toggles,
    input: Input<'a>,
    now: Second,
    decisions: &Decisions,
) -> Option<Identity<'a>> {
    let anonymous = toggles.anonymous.as_ref()?;
    let values = explain::values(toggles, input, now, decisions);
    let sources = &toggles.attributes[usize::from(USER)].sources;
    let mut who = Identity {
        namespace: toggles.namespace.as_deref(),
        ..Identity::default()
    };
    match values.get(USER) {
        Found::Value(id, source) => {
            let is_said = says(input, None);
            who.user = Some(text(id));
            who.user_source = Some(name(is_said, sources.get(*source)));
        }
        Found::Conflict => who.user_reason = Some("a header came twice with different values"),
        Found::Absent | Found::Object | Found::List(_) => {}
    }
    who.add_visitor(toggles, anonymous, &values, (input, now));
    Some(who)
}

impl Identity<'_> {
    fn add_visitor(
        &mut self,
        toggles: &Toggles,
        anonymous: &Anonymous,
        values: &Values<'_>,
        (input, now): (Input<'_>, Second),
    ) {
        let cookie = &anonymous.cookie.cookie;
        let is_said = anonymous.visitor.is_some_and(|visitor| {
            let name = &toggles.attributes[usize::from(visitor)].name;
            says(input, Some(name))
        });
        if let (Some(when), Input::Http(_)) = (&anonymous.when, input)
            && !is_allowed(toggles, anonymous, values, now)
        {
            let scope = Scope {
                values,
                now,
                toggles,
                decided: &[],
            };
            let because = reason::because(when, scope);
            self.visitor_reason = Some(format!(
                "cookie.{cookie} is not read, for `when` of `anonymous` does not hold: {because}"
            ));
            return;
        }
        match anonymous.visitor.map(|visitor| values.get(visitor)) {
            Some(Found::Value(id, _)) => {
                let source = Source::Visitor(cookie.clone());
                self.visitor = Some(text(id));
                self.visitor_source = Some(name(is_said, Some(&source)));
            }
            Some(_) => {
                self.visitor_reason = Some("no visitor: a page load is given an id".into());
            }
            None => {}
        }
    }

    /// `user mia by header.x-user-id; visitor 01234567… by cookie.visitor`
    pub fn sentence(&self) -> String {
        let by = |source: &Option<String>| match source.as_deref() {
            Some(SAID) => ", as it was said".to_owned(),
            source => format!(" by {}", source.unwrap_or_default()),
        };
        let user = match (&self.user, self.user_reason) {
            (Some(id), _) => format!("user {id}{}", by(&self.user_source)),
            (None, Some(reason)) => format!("no user, for {reason}"),
            (None, None) => "no user".to_owned(),
        };
        let visitor = match (&self.visitor, &self.visitor_reason) {
            (Some(id), _) => format!("; visitor {id}{}", by(&self.visitor_source)),
            (None, Some(reason)) => format!("; {reason}"),
            (None, None) => String::new(),
        };
        user + &visitor
    }
}

/// Whether the question says this attribute, or the user.
fn says(input: Input<'_>, attribute: Option<&str>) -> bool {
    let said = match input {
        Input::Context(context) => Some(context),
        Input::Http(http) => http.said,
    };
    said.is_some_and(|said| match attribute {
        Some(name) => said.attributes.contains_key(name),
        None => said.user.is_some(),
    })
}

fn text(id: &[u8]) -> String {
    String::from_utf8_lossy(id).into_owned()
}

/// One past the last is a new visitor.
fn name(is_said: bool, source: Option<&Source>) -> String {
    match source {
        _ if is_said => SAID.into(),
        Some(Source::Visitor(cookie)) => format!("cookie.{cookie}"),
        Some(source) => source.to_string(),
        None => "a new cookie".into(),
    }
}
