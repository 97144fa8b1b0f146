//! What the toggles files say, compiled: true and fast. Data only; what is done with it stands beside it.
//! In: `config`, which makes it. Out: what every request is decided by.

use super::{
    attributes::{Attribute, AttributeIndex},
    bucket::{self, Arm},
    forged_fields::ForgedFields,
    guard::Guard,
    imported::ImportedDraws,
    operator::Test,
    schedule::Rollout,
    signature::SigningKey,
    source::Source,
    stops::{Stops, Trip},
    units::{Second, Share},
    visitor::VisitorCookie,
    weights,
};
use http::{HeaderName, HeaderValue};
use std::{borrow::Cow, sync::Arc};

/// Everything that the toggles files say, true and fast. Immutable; replaced whole.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// a hash of the content, 16 hexadecimal digits, equal in all pods with the same files
    pub revision: Box<str>,
    /// one for each file, in bytewise order of their paths
    pub files: Arc<[Toggles]>,
    /// which request fields are ours, or would pass for what we trust
    pub forged_fields: Arc<ForgedFields>,
    /// the combined header, where a file asks for it
    pub combined: Option<HeaderName>,
    /// the revision header and its value, where a file asks for it
    pub revision_header: Option<(HeaderName, HeaderValue)>,
    /// what somebody has stopped, apart from the files
    pub stopped: Stopped,
}

/// One toggles file.
#[derive(Debug)]
pub struct Toggles {
    /// the file's `namespace`
    pub namespace: Option<Box<str>>,
    /// where this file's decisions begin among those of all files
    pub first: usize,
    /// `status: paused`: the kill switch
    pub paused: bool,
    /// the whole file's condition
    pub when: Option<Condition>,
    /// the first is `user`
    pub attributes: Box<[Attribute]>,
    /// the file's `anonymous`: ids for visitors
    pub anonymous: Option<Anonymous>,
    /// who may override variants
    pub override_policy: Option<OverridePolicy>,
    /// named conditions, and their names for `explain`
    pub segments: Box<[Condition]>,
    /// names of the segments, at the same indexes
    pub segment_names: Box<[Box<str>]>,
    /// in the order of the file
    pub features: Box<[Feature]>,
    /// all of `features`, parents before children
    pub order: Box<[Step]>,
    /// `off: send` rather than `omit`
    pub send_off: bool,
    /// what the features draw by whose variants are compared, each once
    pub drawn_by: Box<[AttributeIndex]>,
}

/// A feature's place in the order of evaluation.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// the feature
    pub feature: FeatureIndex,
    /// what it gives while no override is there, where that is simple
    pub shortcut: Option<Shortcut>,
}

/// What a simple feature gives, always or by one share; variants are indexes.
#[derive(Clone, Copy, Debug)]
pub enum Shortcut {
    /// nothing: archived, or a draft
    Silent,
    /// paused
    Disabled(u8),
    /// no rule and nothing of its own
    Default(u8),
    /// on, off, or any one variant for everybody
    Static(u8),
    /// a fixed share of all users, between nobody and everybody, by the bucketing contract
    Rollout {
        /// of the feature
        seed: bucket::Seed,
        /// the first point outside
        end: bucket::Point,
        /// what those inside get
        inside: u8,
        /// the default
        outside: u8,
    },
    /// the same share, but by another system's draw
    Drawn {
        /// the first number outside
        end: u64,
        /// what those inside get
        inside: u8,
        /// the default
        outside: u8,
    },
    /// the same share, but by weights
    Weighed {
        /// how far
        share: Share,
        /// what those inside get
        inside: u8,
        /// the default
        outside: u8,
    },
}

/// Where a feature is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// no variant, unless an override names it
    Draft,
    /// evaluated
    Running,
    /// everybody gets the default
    Paused,
    /// no variant at all
    Archived,
}

impl Status {
    /// As the file writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Draft => "draft",
            Status::Running => "running",
            Status::Paused => "paused",
            Status::Archived => "archived",
        }
    }
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
    /// what decides where no rule does: the feature's own `rollout` and `serve`
    pub fallthrough: Option<Allocation>,
    /// the unit that is bucketed: `by`, else the user
    pub unit: AttributeIndex,
    /// point("bucket")
    pub seed: bucket::Seed,
    /// the salt that the seeds were made of
    pub salt: Box<str>,
    /// how units are spread over shares
    pub spread: Spread,
    /// the header that carries the variant; none for `header: none` and `headers: none`
    pub header: Option<HeaderName>,
    /// the header that carries the payload, where `values: true`
    pub value_header: Option<HeaderName>,
    /// `metrics: off` is false
    pub metrics: bool,
    /// `owner`
    pub owner: Option<Box<str>>,
    /// `expires`
    pub expires: Option<Expiry>,
    /// `permanent`
    pub permanent: bool,
    /// a hash of what the file says of it: with another text the comparison of its variants begins anew
    pub text: u32,
    /// by how much a variant may be worse than the control before somebody is told
    pub guard: Option<Guard>,
}

/// How units are spread over shares.
#[derive(Debug)]
pub enum Spread {
    /// by the bucketing contract
    Points,
    /// the same, but for subjects that have a weight
    Weights(weights::Weighted),
    /// a rule of this feature has draws of another system
    Draws,
}

/// By when a feature should be gone. No answer depends on it.
#[derive(Debug)]
pub struct Expiry {
    /// as the file writes it
    pub day: Box<str>,
    /// when that day is over
    pub end: Second,
}

/// One of the values that a feature can have.
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
    /// the fields that it sends, as lines of an HTTP/1.1 head
    pub lines: Box<[u8]>,
}

impl Feature {
    /// The variant at this index.
    pub fn variant(&self, index: u8) -> &Variant {
        &self.variants[usize::from(index)]
    }

    /// The subjects that have a weight, where there are any.
    pub fn weighted(&self) -> Option<&weights::Weighted> {
        match &self.spread {
            Spread::Weights(weighted) => Some(weighted),
            Spread::Points | Spread::Draws => None,
        }
    }

    /// Whether it should be gone.
    pub fn is_expired(&self, now: Second) -> bool {
        self.expires
            .as_ref()
            .is_some_and(|expiry| expiry.end <= now)
    }

    /// What a rule gives, by its number; 0 is the feature's own.
    pub fn allocation(&self, rule: u8) -> Option<&Allocation> {
        match usize::from(rule).checked_sub(1) {
            None => self.fallthrough.as_ref(),
            Some(index) => self.rules.get(index).map(|rule| &rule.allocation),
        }
    }

    /// What a rule is called where it stands beside others: its name, else its number; `-` for 0, the feature itself.
    pub fn rule_label(&self, rule: u8) -> Cow<'_, str> {
        match usize::from(rule).checked_sub(1) {
            None => "-".into(),
            Some(index) => match &self.rules[index].name {
                Some(name) => (&**name).into(),
                None => rule.to_string().into(),
            },
        }
    }
}

impl Snapshot {
    /// What is in force before any file was read: nothing is decided, and forged fields are dropped all the same.
    pub fn empty() -> Snapshot {
        Snapshot {
            revision: "none".into(),
            files: Arc::default(),
            forged_fields: Arc::default(),
            combined: None,
            revision_header: None,
            stopped: Stopped::default(),
        }
    }

    /// Every feature with its index among the decisions of all files.
    pub fn features(&self) -> impl Iterator<Item = (usize, &Toggles, &Feature)> {
        self.files.iter().flat_map(|toggles| {
            let numbered = toggles.features.iter().enumerate();
            numbered.map(move |(index, feature)| (toggles.first + index, toggles, feature))
        })
    }
}

/// Index of a feature in [`Toggles::features`].
pub type FeatureIndex = u16;

/// A rule: the first whose condition holds decides.
#[derive(Debug)]
pub struct Rule {
    /// `name`, for `explain` and metadata
    pub name: Option<Box<str>>,
    /// the rule's condition
    pub when: Condition,
    /// what it gives
    pub allocation: Allocation,
}

/// Whom a rule reaches and what they get.
#[derive(Debug)]
pub struct Allocation {
    /// how far; everybody where the file says nothing
    pub rollout: Rollout,
    /// what those inside get
    pub serve: Serve,
    /// how another system drew, where a share of this allocation is drawn so
    pub draws: Option<Box<ImportedDraws>>,
}

/// What those inside a rollout get.
#[derive(Clone, Debug)]
pub enum Serve {
    /// one variant, or one share of 100%
    One(u8),
    /// shares that add up to 100%; no empty arm; in bytewise order of the variants' names
    Split(Box<[Arm]>),
    /// inclusive ranges of buckets that do not overlap; a gap is the default
    Buckets(Box<[(u16, u16, u8)]>),
    /// arms in their order, each with its end in millionths of a percent: only under a draw
    Arms(Box<[(u32, u8)]>),
    /// ranges in millionths of a percent, the end outside, that do not overlap: only under a draw
    Ranges(Box<[(u32, u32, u8)]>),
}

/// A condition, as the file means it.
#[derive(Clone, Debug)]
pub enum Condition {
    /// a named segment, by its index in [`Toggles::segments`]
    Segment(u16),
    /// holds when every one does
    All(Box<[Condition]>),
    /// holds when any one does
    Any(Box<[Condition]>),
    /// holds when the other does not
    Not(Box<Condition>),
    /// an attribute of the request
    Attribute(AttributeIndex, Test),
    /// the variant of another feature; absent while that feature has none (a draft)
    Feature(FeatureIndex, Test),
    /// the clock: from inclusive, until exclusive
    Now {
        /// not before this
        from: Option<Second>,
        /// before this
        until: Option<Second>,
    },
}

/// The `anonymous` block of a file.
#[derive(Debug)]
pub struct Anonymous {
    /// what keeps an id
    pub cookie: VisitorCookie,
    /// must hold, or the cookie is neither set nor read; depends on headers and cookies alone
    pub when: Option<Condition>,
    /// `for: everybody`: the attribute `visitor`, which somebody who is signed in has too
    pub visitor: Option<AttributeIndex>,
    /// features that are drawn by the user or the visitor, and whose answer depends on the user
    pub changed_by_login: Box<[FeatureIndex]>,
}

/// The `override` block of a file. At least one of `when` and `key` is there.
#[derive(Debug)]
pub struct OverridePolicy {
    /// header and query sources, and with a key cookies; the first that can be verified, or without a key the first that is present
    pub from: Box<[Source]>,
    /// must hold
    pub when: Option<Condition>,
    /// must have signed it
    pub key: Option<OverrideKey>,
    /// the session cookie that keeps what came by header or query; the last of `from`
    pub remember: Option<Box<str>>,
}

/// The `key` of an override.
#[derive(Clone, Debug)]
pub struct OverrideKey {
    /// the variable that holds it
    pub variable: Box<str>,
    /// what it holds; none where it is not set: then nothing is accepted
    pub secret: Option<SigningKey>,
}

impl OverridePolicy {
    /// Whether any override is accepted.
    pub fn is_usable(&self) -> bool {
        self.key.as_ref().is_none_or(|key| key.secret.is_some())
    }
}

/// The stops in force, and whom they reach.
#[derive(Clone, Debug, Default)]
pub struct Stopped {
    /// what the stops file says
    pub stops: Arc<Stops>,
    /// what the guard of this process has stopped
    pub trips: Arc<[Trip]>,
    /// for each file, parents before children; empty where nothing is stopped
    pub effects: Box<[Box<[Effect]>]>,
    /// all files, or none where something is stopped: while nothing is, a request does nothing for stops, not even ask for them
    pub untouched: Arc<[Toggles]>,
}

/// What the stops do to one feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// the feature
    pub feature: FeatureIndex,
    /// what becomes of it
    pub kind: EffectKind,
}

/// What becomes of a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EffectKind {
    /// the default
    Stopped,
    /// its rollouts stand still at this instant, or are where they are now, whichever reaches fewer
    Held(Second),
    /// it asks for a feature that is stopped or held: the default, where its answer would be another
    Follows,
}
