//! What was decided, and why.
//! In: the evaluation. Out: what headers, metrics and explanations are made of.

use super::{
    compare::Person,
    model::Snapshot,
    overrides::OverrideResult,
    remember::OverrideCookies,
    visitor::{VisitorCookie, VisitorId},
};
use smallvec::SmallVec;

/// Why, in OpenFeature's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// no condition and no share was consulted
    Static,
    /// the feature's condition does not hold, or no rule matched and nothing else is served
    Default,
    /// a condition decided
    TargetingMatch,
    /// a share decided
    Split,
    /// paused
    Disabled,
    /// a share had to decide, and the request has no unit
    Error,
}

impl Reason {
    /// As OpenFeature writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::Static => "STATIC",
            Reason::Default => "DEFAULT",
            Reason::TargetingMatch => "TARGETING_MATCH",
            Reason::Split => "SPLIT",
            Reason::Disabled => "DISABLED",
            Reason::Error => "ERROR",
        }
    }
}

/// Which variant of one feature a request gets, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// index into the feature's variants
    pub variant: u8,
    /// why
    pub reason: Reason,
    /// the rule that decided, from 1; 0 for none
    pub rule: u8,
    /// by a valid override
    pub overridden: bool,
}

impl Decision {
    /// By the feature itself: no rule, no override.
    #[inline]
    pub fn new(variant: u8, reason: Reason) -> Decision {
        Decision {
            variant,
            reason,
            rule: 0,
            overridden: false,
        }
    }
}

/// All decisions for one request. Reused from request to request, so that the hot path does not allocate.
#[derive(Debug, Default)]
pub struct Decisions {
    /// by `Toggles::first` + index of the feature; none where a feature has no variant (a draft, say)
    pub by_feature: Vec<Option<Decision>>,
    /// for each file, where the user came from
    pub user_sources: SmallVec<[UserSource; 1]>,
    /// for each file, what became of an override
    pub overrides: SmallVec<[Option<OverrideResult>; 1]>,
    /// the text of each that a file accepted
    pub accepted_overrides: Vec<Vec<u8>>,
    /// what becomes of visitors' cookies, where anything does
    pub visitor: Option<CookieChanges>,
    /// what the response says of overrides by cookie
    pub override_cookies: Option<OverrideCookies>,
    /// where somebody is signed in and a visitor's cookie came
    pub signed_in: Option<Box<SignedIn>>,
    /// how many fields were dropped because only burgee may send them
    pub forged: usize,
    /// by index of their decisions, the features whose conditions met a value that they could not read
    pub unreadable: Vec<usize>,
    /// our fields as lines of a head, after [`Snapshot::write_lines`]
    pub lines: Vec<u8>,
    /// whether `users` and `units` are filled: only where a log is to name users
    pub remember_users: bool,
    /// whether `signed_in` has both ids: only where a log is to name both
    pub remember_pairs: bool,
    /// for each file and each of `Toggles::drawn_by`, who was drawn
    pub people: SmallVec<[Person; 2]>,
    /// for each file, the user's id
    pub users: SmallVec<[Option<Box<[u8]>>; 1]>,
    /// the units of `people`, in their order, where `users` is filled
    pub units: SmallVec<[Option<Box<[u8]>>; 1]>,
}

/// What becomes of visitors' cookies by the response.
#[derive(Debug, Default)]
pub struct CookieChanges {
    /// the cookies that a new visitor gets, and the id in each
    pub given: Vec<(VisitorCookie, VisitorId)>,
    /// the files that give them
    pub given_by: SmallVec<[u16; 1]>,
    /// the files that want theirs deleted
    pub deleted: SmallVec<[u16; 1]>,
}

impl CookieChanges {
    /// The new id in the cookie of this name.
    pub fn given(&self, cookie: &VisitorCookie) -> Option<VisitorId> {
        let mut given = self.given.iter();
        let given = given.find(|(one, _)| one.cookie == cookie.cookie);
        given.map(|(_, id)| *id)
    }
}

/// One person by two ids: the user, and the visitor from before login.
#[derive(Debug, Default)]
pub struct SignedIn {
    /// user and visitor, as files know them, each pair once; only where pairs are remembered
    pub ids: SmallVec<[Ids; 1]>,
    /// by index of their decisions, the features whose answer the visitor's id alone would have made another
    pub drifted: Vec<usize>,
    /// room for the answers by the visitor's id
    pub(super) by_visitor: Vec<Option<Decision>>,
}

/// User and visitor.
pub type Ids = (Box<[u8]>, Box<[u8]>);

/// Where the user's id came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserSource {
    /// there is none
    Absent,
    /// a header came twice with different values
    Conflict,
    /// by the source at this index of the user's sources; one past the last is a new visitor
    Source(u16),
    /// by the `targetingKey` of an evaluation context
    Context,
}

impl Decisions {
    /// What became of the override that the request brought: of several files, where it had an effect.
    pub fn override_result(&self) -> Option<OverrideResult> {
        let mut results = self.overrides.iter().flatten().copied();
        let with_effect = results.clone().find(|result| result.has_effect());
        with_effect.or(results.next())
    }

    /// Whether the response sets or deletes a cookie of ours, or has to be kept from shared caches.
    pub fn touch_the_response(&self) -> bool {
        self.visitor.is_some() || self.override_cookies.is_some()
    }

    /// The response gives an id to somebody who is signed in: that visitor and that user are one person from now on.
    pub fn pair_new_visitor(&mut self, snapshot: &Snapshot) {
        let Some(changes) = self.visitor.as_ref().filter(|_| self.remember_pairs) else {
            return;
        };
        for file in changes.given_by.iter().map(|file| usize::from(*file)) {
            let toggles = snapshot.files.get(file);
            let anonymous = toggles.and_then(|toggles| toggles.anonymous.as_ref());
            let id = anonymous.and_then(|anonymous| changes.given(&anonymous.cookie));
            let (Some(id), Some(Some(user))) = (id, self.users.get(file)) else {
                continue;
            };
            let id = id.as_str().as_bytes();
            let ids = &mut self.signed_in.get_or_insert_default().ids;
            let is_there = |(one, other): &Ids| (&**one, &**other) == (&**user, id);
            // a stranger is the visitor to `user` too, and files that share the cookie know one pair
            if **user != *id && !ids.iter().any(is_there) {
                ids.push((user.clone(), id.into()));
            }
        }
    }

    /// Makes room for the decisions of this snapshot.
    pub fn reset(&mut self, snapshot: &Snapshot) {
        self.by_feature.clear();
        self.by_feature.resize(
            snapshot
                .files
                .last()
                .map_or(0, |file| file.first + file.features.len()),
            None,
        );
        self.user_sources.clear();
        self.overrides.clear();
        self.accepted_overrides.clear();
        self.override_cookies = None;
        self.visitor = None;
        if let Some(signed_in) = &mut self.signed_in {
            signed_in.ids.clear();
            signed_in.drifted.clear();
        }
        self.forged = 0;
        self.unreadable.clear();
        self.lines.clear();
        self.people.clear();
        self.users.clear();
        self.units.clear();
    }
}
