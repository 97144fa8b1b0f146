//! What is known of a file while it is compiled, and what its parts tell one another.
//! In: nothing. Out: the types that every file here adds to: a subject each, as methods of [`Compiler`].

use crate::config::{
    collector::Collector,
    file,
    tree::{Entry, Node, Position},
};
use crate::engine::{
    Status,
    attributes::{Attribute, AttributeIndex},
    imported::ImportedDraws,
    model::FeatureIndex,
    source::Source,
    units::Second,
};
use http::HeaderName;
use serde_json::Value;
use std::collections::HashMap;

/// Reads an environment variable.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// What is known of a file while it is compiled.
pub(super) struct Compiler<'t, 'e> {
    pub(super) problems: &'e mut Collector,
    pub(super) env: Environment<'e>,
    pub(super) now: Second,
    /// the beginning of the file
    pub(super) top: Position,
    /// whether there are other files
    pub(super) several: bool,
    pub(super) namespace: Option<&'t str>,
    pub(super) file_when: Option<&'t Node<'t>>,
    pub(super) attributes: Attributes,
    pub(super) segments: HashMap<&'t str, u16>,
    pub(super) segment_names: Vec<&'t str>,
    pub(super) features: HashMap<&'t str, FeatureIndex>,
    pub(super) declared: Vec<Declared<'t>>,
    /// what the condition that is being read refers to
    pub(super) reach: Reach,
    /// what the override's condition refers to
    pub(super) override_reach: Option<Reach>,
    /// where overrides are looked for, as the file says it
    pub(super) override_from: Box<[Source]>,
    /// the cookie that keeps an override, and where the file names it
    pub(super) remembered: Option<(Box<str>, Position)>,
    /// whether the feature that is being read draws by its unit
    pub(super) needs_unit: bool,
    /// the draw of the feature that is being read
    pub(super) drawn: Option<ImportedDraws>,
    /// the attribute that is being asked: what it is compared with is spelled as its values are
    pub(super) asked: Option<AttributeIndex>,
    /// regular expressions so far
    pub(super) patterns: usize,
    /// weighted subjects so far
    pub(super) places: usize,
}

/// Subjects with a weight.
pub(super) type Weights = Vec<(Box<[u8]>, u64)>;

/// The attributes of a file, by index and by name.
#[derive(Default)]
pub(super) struct Attributes {
    pub(super) list: Vec<Attribute>,
    pub(super) by_name: HashMap<String, AttributeIndex>,
    pub(super) weights: HashMap<AttributeIndex, Weights>,
    /// every header that is trusted, and where the file says so
    pub(super) trusted: Vec<(HeaderName, Position)>,
}

/// What others may know of a feature before it is read in full.
pub(super) struct Declared<'t> {
    pub(super) name: &'t str,
    pub(super) at: Position,
    /// where its header is named
    pub(super) header_at: Position,
    /// the long form, if it is one
    pub(super) long: Option<file::Feature<'t>>,
    pub(super) entry: &'t Entry<'t>,
    /// declared ones, then `on` and `off`; none where they are broken
    pub(super) variants: Option<Vec<Box<str>>>,
    /// how many of them the file declares
    pub(super) named: usize,
    pub(super) values: Vec<Option<Value>>,
    pub(super) places: Vec<Position>,
    /// which are given to somebody
    pub(super) used: Vec<bool>,
    pub(super) archived: bool,
    pub(super) status: Status,
}

impl<'t> Declared<'t> {
    /// As it stands in the file.
    pub(super) fn node(&self) -> &'t Node<'t> {
        &self.entry.value
    }
}

/// What a condition refers to.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    pub(super) attributes: Vec<AttributeIndex>,
    pub(super) segments: Vec<(u16, Position)>,
    pub(super) features: Vec<(FeatureIndex, Position)>,
    /// how many tests it takes at most, segments not counted
    pub(super) tests: u64,
}

impl Reach {
    pub(super) fn add(&mut self, other: Reach) {
        self.attributes.extend(other.attributes);
        self.segments.extend(other.segments);
        self.features.extend(other.features);
        self.tests += other.tests;
    }
}
