//! The heart: who is asking, what they get, which headers say so. Pure: no I/O, no clock, no lock, no log.
//! In: a [`Snapshot`] made by `config` and a request. Out: [`Decisions`], and headers that only burgee wrote.

pub mod attributes;
pub mod bucket;
pub mod client_address;
pub mod condition;
pub mod describe;
pub mod diff;
pub mod evaluate;
pub mod forged_fields;
pub mod headers;
pub mod instant;
pub mod number;
pub mod operator;
pub mod overrides;
pub mod schedule;
pub mod source;
pub mod units;
pub mod vary;
pub mod visitor;
pub mod weights;

use attributes::{Asked, Attribute, Slot};
use condition::Condition;
pub use evaluate::{Decision, Decisions, Reason};
use evaluate::{FeatureIndex, Rule};
use forged_fields::ForgedFields;
use http::{HeaderMap, HeaderName, HeaderValue};
use units::Second;

/// Everything that the toggles files say, true and fast. Immutable; replaced whole.
#[derive(Debug)]
pub struct Snapshot {
    /// a hash of the content, 16 hexadecimal digits, equal in all pods with the same files
    pub revision: Box<str>,
    /// one for each file, in bytewise order of their paths
    pub files: Box<[Toggles]>,
    /// which request fields are ours, or would pass for what we trust
    pub forged_fields: ForgedFields,
    /// the combined header, where a file asks for it
    pub combined: Option<HeaderName>,
    /// the revision header and its value, where a file asks for it
    pub revision_header: Option<(HeaderName, HeaderValue)>,
}

/// One toggles file.
#[derive(Debug)]
pub struct Toggles {
    /// the file's `namespace`
    pub namespace: Option<Box<str>>,
    /// where this file's answers begin in [`Decisions`]
    pub first: usize,
    /// `status: paused`: the kill switch
    pub paused: bool,
    /// the whole file's condition
    pub when: Option<Condition>,
    /// slot 0 is `user`
    pub attributes: Box<[Attribute]>,
    /// ids for strangers
    pub anonymous: Option<visitor::Anonymous>,
    /// overrides for QA
    pub forced: Option<overrides::Override>,
    /// named conditions, and their names for `explain`
    pub segments: Box<[Condition]>,
    /// names of the segments, at the same indexes
    pub segment_names: Box<[Box<str>]>,
    /// in the order of the file
    pub features: Box<[Feature]>,
    /// indexes of `features`, parents before children
    pub order: Box<[FeatureIndex]>,
    /// `off: send` rather than `omit`
    pub send_off: bool,
}

/// Where a feature is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// no answer unless forced
    Draft,
    /// evaluated
    Running,
    /// everybody gets the default
    Paused,
    /// no answer at all
    Archived,
}

/// One feature.
#[derive(Debug)]
pub struct Feature {
    /// as the file writes it
    pub name: Box<str>,
    /// `namespace.feature` where there are several files, else the name
    pub key: Box<str>,
    /// `description`
    pub description: Option<Box<str>>,
    /// `metadata`, for OFREP and the page
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// where it is in its life
    pub status: Status,
    /// the declared ones in their order, then those of `on` and `off` that were not declared
    pub variants: Box<[Variant]>,
    /// how many of `variants` the file declares
    pub declared: usize,
    /// what everybody gets when nothing else decides
    pub default: u8,
    /// live only when this holds
    pub when: Option<Condition>,
    /// the first whose condition holds decides
    pub rules: Box<[Rule]>,
    /// the feature's own `rollout` and `serve`: its last rule, without a condition
    pub last: Option<evaluate::Outcome>,
    /// the unit that is bucketed: `by`, else the user
    pub unit: Slot,
    /// point("bucket")
    pub seed: bucket::Seed,
    /// the salt that the seeds were made of
    pub salt: Box<str>,
    /// where the unit has weights
    pub weighted: Option<weights::Weighted>,
    /// the header that carries the variant; none for `header: none` and `headers: none`
    pub header: Option<HeaderName>,
    /// the header that carries the payload, where `values: true`
    pub value_header: Option<HeaderName>,
    /// `metrics: off` is false
    pub metrics: bool,
}

/// One outcome of a feature.
#[derive(Debug)]
pub struct Variant {
    /// `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`
    pub name: Box<str>,
    /// the name, ready to be sent
    pub header: HeaderValue,
    /// `key=name`, this variant's member of the combined header
    pub member: Box<str>,
    /// the payload, where it has one
    pub value: Option<serde_json::Value>,
    /// the payload, ready to be sent, where `values: true`
    pub value_header: Option<HeaderValue>,
}

impl Feature {
    /// The variant at this index.
    pub fn variant(&self, index: u8) -> &Variant {
        &self.variants[usize::from(index)]
    }
}

impl Snapshot {
    /// What is in force before any file was read: nothing is decided, and forged fields are dropped all the same.
    pub fn empty() -> Snapshot {
        Snapshot {
            revision: "none".into(),
            files: Box::default(),
            forged_fields: ForgedFields::default(),
            combined: None,
            revision_header: None,
        }
    }

    /// Decides every feature of every file, from the request as it came. Then, in this order: strip what is for this hop
    /// only, drop what only burgee may send ([`ForgedFields::strip`]), write our headers.
    pub fn decide(
        &self,
        asked: Asked<'_>,
        now: Second,
        fresh: Option<visitor::Fresh<'_>>,
        decisions: &mut Decisions,
    ) {
        decisions.reset(self);
        for (index, toggles) in self.files.iter().enumerate() {
            evaluate::file(toggles, index, asked, now, fresh, decisions);
        }
    }

    /// Writes our headers, last: the caller has stripped whatever folds onto them.
    pub fn write(&self, headers: &mut HeaderMap, decisions: &Decisions) {
        headers::write(self, headers, decisions);
    }

    /// Writes our headers as text into [`Decisions::lines`], for a sender that writes the head itself: a field that goes
    /// through a map is hashed, moved and copied, which is half of what a feature costs.
    pub fn write_lines(&self, decisions: &mut Decisions) {
        let mut lines = std::mem::take(&mut decisions.lines);
        headers::render(self, decisions, &mut lines);
        decisions.lines = lines;
    }

    /// What our fields take of a request's head, at most.
    pub fn budget(&self) -> headers::Budget {
        let features = self.features().map(|(_, _, feature)| feature);
        let revision = self.revision_header.as_ref().map(|(name, _)| name);
        headers::Budget::of(features, self.combined.as_ref(), revision)
    }

    /// Every feature with its index in [`Decisions`].
    pub fn features(&self) -> impl Iterator<Item = (usize, &Toggles, &Feature)> {
        self.files.iter().flat_map(|toggles| {
            let numbered = toggles.features.iter().enumerate();
            numbered.map(move |(index, feature)| (toggles.first + index, toggles, feature))
        })
    }
}

/// What the request line and the connection add to the headers.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// the effective host (target before Host), with or without port
    pub host: &'a str,
    /// the peer, or what `--trusted-hops` makes of X-Forwarded-For
    pub ip: Option<std::net::IpAddr>,
    /// the clock, read once
    pub now: Second,
    /// random bits for strangers
    pub fresh: Option<visitor::Fresh<'a>>,
}

impl<'a> Facts<'a> {
    /// The request as it came, with what the headers alone do not say.
    pub fn asked(&self, parts: &'a http::request::Parts) -> Asked<'a> {
        let target = parts.uri.path_and_query();
        Asked::Http(attributes::Http {
            headers: &parts.headers,
            method: &parts.method,
            path: target.map_or("", |target| target.path()),
            query: target.and_then(|target| target.query()),
            host: self.host,
            ip: self.ip,
            user: None,
        })
    }
}
