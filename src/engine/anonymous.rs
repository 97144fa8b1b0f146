//! What a file's `anonymous` does: whether the cookie that came is read, who is given one, and whose is deleted.
//! In: a request as it came, random bits. Out: the values of `user` and `visitor`, and what becomes of the cookies.

use super::{
    attributes::{Found, USER, Values},
    condition::Scope,
    decision::CookieChanges,
    given::Given,
    model::{Anonymous, Snapshot, Toggles},
    request::Input,
    source,
    units::Second,
    visitor::{RandomBits, VisitorCookie, VisitorId, is_same_site, is_speculative},
};
use http::{HeaderMap, HeaderValue};
use std::borrow::Cow;

/// Before anything has been read of this request. Without random bits nobody is given a cookie, and nobody's is deleted.
#[cold]
#[inline(never)]
pub(super) fn apply<'a>(
    (toggles, anonymous, index): (&'a Toggles, &'a Anonymous, usize),
    values: &Values<'a>,
    input: Input<'a>,
    now: Second,
    random: Option<RandomBits<'_>>,
    changes: &mut Option<CookieChanges>,
) {
    let Input::Http(http) = input else {
        return; // whoever asks with a context says who it is
    };
    // a form that another site sends (a sign-in service, a bank) does not bring a `SameSite=Lax` cookie that the browser has
    let opens = random.is_some()
        && http.method.is_safe()
        && VisitorCookie::is_navigation(http.headers)
        && !is_speculative(http.headers);
    if !is_allowed(toggles, anonymous, values, now) {
        values.without_visitor(anonymous.visitor);
        if opens && is_withdrawn(&anonymous.cookie, http.headers) {
            let changes = changes.get_or_insert_default();
            changes.deleted.push(index as u16);
        }
    } else if let (true, Some(random)) = (opens, random)
        && is_new(toggles, anonymous, input)
    {
        let changes = changes.get_or_insert_default();
        let id = *changes.id.get_or_insert_with(|| VisitorId::new(random()));
        changes.given.push(index as u16);
        give(toggles, anonymous, values, input, id);
    }
}

/// The same for whoever looks at a decided request once more.
pub(super) fn apply_again<'a>(
    (toggles, anonymous): (&'a Toggles, &'a Anonymous),
    values: &Values<'a>,
    input: Input<'a>,
    now: Second,
    given: Option<VisitorId>,
) {
    if !matches!(input, Input::Http(_)) {
        return;
    }
    if !is_allowed(toggles, anonymous, values, now) {
        values.without_visitor(anonymous.visitor);
    } else if let Some(id) = given
        && is_new(toggles, anonymous, input)
    {
        give(toggles, anonymous, values, input, id);
    }
}

/// The user and the visitor, where somebody is signed in and the visitor's cookie came.
pub(super) fn both_ids<'v, 'a>(
    toggles: &'a Toggles,
    anonymous: &Anonymous,
    values: &'v Values<'a>,
    input: Input<'a>,
    now: Second,
) -> Option<(&'v [u8], Cow<'a, [u8]>)> {
    let Input::Http(http) = input else {
        return None;
    };
    let Found::Value(user, source) = values.get(USER) else {
        return None;
    };
    // the visitor is the last source, and a new one stands behind it
    let visitor = toggles.attributes[usize::from(USER)]
        .sources
        .get(source + 1..)?;
    let Ok(Some(Given::Text(visitor))) = visitor.last()?.read(http, None) else {
        return None;
    };
    is_allowed(toggles, anonymous, values, now).then_some((user, visitor))
}

/// Whether the cookie may be set and read.
pub fn is_allowed(
    toggles: &Toggles,
    anonymous: &Anonymous,
    values: &Values<'_>,
    now: Second,
) -> bool {
    let scope = Scope {
        values,
        now,
        toggles,
        decided: &[],
    };
    let Some(when) = &anonymous.when else {
        return true;
    };
    let holds = when.holds(scope);
    // what it could not read is no feature's
    values.unreadable.take();
    holds
}

/// Whether this request brings no id that the file could go by. Looked up apart from the request's values, which then take the new
/// id as if it had come.
fn is_new(toggles: &Toggles, anonymous: &Anonymous, input: Input<'_>) -> bool {
    match anonymous.visitor {
        Some(visitor) => {
            let visitor = &toggles.attributes[usize::from(visitor)];
            visitor.find(input, false).bytes().is_none()
        }
        None => has_no_user(toggles, input),
    }
}

fn has_no_user(toggles: &Toggles, input: Input<'_>) -> bool {
    let user = &toggles.attributes[usize::from(USER)];
    matches!(user.find(input, true), Found::Absent | Found::Object)
}

fn give<'a>(
    toggles: &'a Toggles,
    anonymous: &'a Anonymous,
    values: &Values<'a>,
    input: Input<'a>,
    id: VisitorId,
) {
    let id = || id.as_str().as_bytes().to_vec().into();
    if has_no_user(toggles, input) {
        values.set(USER, id());
    }
    if let Some(visitor) = anonymous.visitor {
        values.set(visitor, id());
    }
}

/// Whether a cookie came, of whatever value, that its browser should not have any more.
fn is_withdrawn(cookie: &VisitorCookie, headers: &HeaderMap) -> bool {
    is_same_site(headers) && source::cookie(headers, &cookie.cookie).is_some()
}

/// The `Set-Cookie` values: one a cookie, however many files name it. What one file still wants, no other deletes.
pub fn set_cookies(
    snapshot: &Snapshot,
    changes: &CookieChanges,
    is_https: bool,
) -> Vec<HeaderValue> {
    let named = |file: &u16| {
        let file = snapshot.files.get(usize::from(*file));
        file.and_then(|toggles| toggles.anonymous.as_ref())
            .map(|anonymous| &anonymous.cookie)
    };
    let wanted = |cookie: &VisitorCookie| {
        let files = snapshot.files.iter().zip(0_u16..);
        files.into_iter().any(|(toggles, file)| {
            let anonymous = toggles.anonymous.as_ref();
            let names = anonymous.is_some_and(|anonymous| anonymous.cookie.cookie == cookie.cookie);
            names && !changes.deleted.contains(&file)
        })
    };
    let id = changes.id.as_ref();
    let given = changes.given.iter().filter_map(named);
    let given = given.filter_map(|cookie| Some((cookie, cookie.set_cookie(id?, is_https)?)));
    let deleted = changes.deleted.iter().filter_map(named);
    let deleted = deleted.filter(|cookie| !wanted(cookie));
    let deleted = deleted.filter_map(|cookie| Some((cookie, cookie.delete_cookie(is_https)?)));
    let mut seen: Vec<&str> = Vec::new();
    let mut lines = Vec::new();
    for (cookie, line) in given.chain(deleted) {
        if !seen.contains(&&*cookie.cookie) {
            seen.push(&cookie.cookie);
            lines.push(line);
        }
    }
    lines
}
