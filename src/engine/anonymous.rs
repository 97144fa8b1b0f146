//! What a file's `anonymous` does: whether the cookie that came is read, who is given one, and whose is deleted.
//! In: a request as it came, random bits. Out: the values of `user` and `visitor`, and what becomes of the cookies.

use super::{
    attributes::{Found, USER, Values},
    condition::Scope,
    decision::CookieChanges,
    given::Given,
    model::{Anonymous, Snapshot, Toggles},
    navigation,
    request::Input,
    source,
    units::Second,
    visitor::{RandomBits, VisitorCookie, VisitorId},
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
    let opens = http.method.is_safe() && navigation::opens_page(http.headers);
    let random = random.filter(|_| opens);
    let cookie = &anonymous.cookie;
    let room = &mut *changes;
    let new = random.map(|random| {
        || {
            let changes = room.get_or_insert_default();
            changes.given_by.push(index as u16);
            new_id(changes, cookie, random)
        }
    });
    let is_allowed = take_id((toggles, anonymous), values, input, now, new);
    if !is_allowed && random.is_some() && is_withdrawn(cookie, http.headers) {
        let changes = changes.get_or_insert_default();
        changes.deleted.push(index as u16);
    }
}

/// The same for whoever looks at a decided request once more.
pub(super) fn apply_again<'a>(
    (toggles, anonymous): (&'a Toggles, &'a Anonymous),
    values: &Values<'a>,
    input: Input<'a>,
    now: Second,
    changes: Option<&CookieChanges>,
) {
    if matches!(input, Input::Http(_)) {
        let given = changes.and_then(|changes| changes.given(&anonymous.cookie));
        let given = given.map(|id| move || id);
        take_id((toggles, anonymous), values, input, now, given);
    }
}

/// The id that came, where it may be read; a new one, where none came and one can be given. Whether the file allows ids.
fn take_id<'a>(
    (toggles, anonymous): (&'a Toggles, &'a Anonymous),
    values: &Values<'a>,
    input: Input<'a>,
    now: Second,
    new: Option<impl FnOnce() -> VisitorId>,
) -> bool {
    let is_allowed = is_allowed(toggles, anonymous, values, now);
    if !is_allowed {
        values.without_visitor(anonymous.visitor);
    } else if let Some(new) = new
        && is_new(toggles, anonymous, input)
    {
        give(toggles, anonymous, values, input, new());
    }
    is_allowed
}

/// One id a cookie: by an id that two carry, whoever reads both would know that they are one person.
fn new_id(
    changes: &mut CookieChanges,
    cookie: &VisitorCookie,
    random: RandomBits<'_>,
) -> VisitorId {
    changes.given(cookie).unwrap_or_else(|| {
        let id = VisitorId::new(random());
        changes.given.push((cookie.clone(), id));
        id
    })
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
    navigation::is_same_site(headers) && source::cookie(headers, &cookie.cookie).is_some()
}

/// The `Set-Cookie` values: one a cookie, however many files name it. What one file still wants, no other deletes.
pub fn set_cookies(
    snapshot: &Snapshot,
    changes: &CookieChanges,
    is_https: bool,
) -> Vec<HeaderValue> {
    let of_file = |file: usize| Some(&snapshot.files.get(file)?.anonymous.as_ref()?.cookie);
    let is_wanted = |cookie: &VisitorCookie| {
        let mut files = (0..snapshot.files.len()).filter(|file| {
            let deletes = changes.deleted.contains(&(*file as u16));
            !deletes && of_file(*file).is_some_and(|other| other.cookie == cookie.cookie)
        });
        files.next().is_some()
    };
    let given = changes.given.iter();
    let given = given.filter_map(|(cookie, id)| cookie.set_cookie(id, is_https));
    let mut lines: Vec<HeaderValue> = given.collect();
    let deleted = changes.deleted.iter();
    let deleted = deleted.filter_map(|file| of_file(usize::from(*file)));
    for cookie in deleted.filter(|cookie| !is_wanted(cookie)) {
        let line = cookie.delete_cookie(is_https);
        lines.extend(line.filter(|line| !lines.contains(line)));
    }
    lines
}
