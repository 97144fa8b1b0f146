//! Where the override of a request came from, when it ends, and why one has no effect.
//! In: a file, a request, an instant. Out: sentences, and what JSON says of it.

use crate::engine::{instant, source::Source};
use crate::engine::{model::Toggles, overrides::OverrideResult, request::Input, units::Second};

/// An override that decided.
#[derive(Debug, Default)]
pub struct Origin {
    /// the source, as the file writes it; none where the API was asked with one
    pub from: Option<String>,
    /// when it ends, where it is signed
    pub until: Option<String>,
}

/// Where it came from. The caller has seen that it decided.
pub fn origin(toggles: &Toggles, input: Input<'_>, now: Second) -> Origin {
    let policy = toggles.override_policy.as_ref();
    let found = policy.and_then(|policy| Some((policy, policy.find(input)?)));
    let Some((policy, found)) = found else {
        return Origin::default();
    };
    let text = found.text.unwrap_or_default();
    let read = policy.read(&text, toggles.namespace.as_deref(), now);
    Origin {
        from: found.source.map(Source::to_string),
        until: read.ok().and_then(|read| read.until()).map(instant::show),
    }
}

impl Origin {
    /// `set by an override from cookie.qa_flags, until 2026-11-30T09:00:00Z`
    pub fn sentence(&self) -> String {
        let from = self.from.as_ref().map(|from| format!(" from {from}"));
        let until = self.until.as_ref().map(|until| format!(", until {until}"));
        let [from, until] = [from, until].map(Option::unwrap_or_default);
        format!("set by an override{from}{until}")
    }
}

/// What a tester has to know of an override that does not do all that it could.
pub fn remark(result: OverrideResult) -> Option<&'static str> {
    Some(match result {
        OverrideResult::Applied => return None,
        OverrideResult::NotRemembered => {
            "The override holds for this request, and is not remembered: it ends in more than 30 days, or is too long for a cookie."
        }
        OverrideResult::NotAllowed => {
            "The override has no effect: the `when` of `override` does not hold."
        }
        OverrideResult::Malformed => {
            "The override has no effect: it cannot be read. Copy it whole, with its signature."
        }
        OverrideResult::Unsigned => {
            "The override has no effect: it is not signed. Make one by `burgee override`."
        }
        OverrideResult::Expired => {
            "The override has no effect: it has ended. Make a new one by `burgee override`."
        }
        OverrideResult::BadSignature => {
            "The override has no effect: it was signed with another key or for another namespace, or altered."
        }
    })
}
