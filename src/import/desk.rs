//! Where an importer works: one file of another system, the file that is being written, and the report.
//! In: nodes of that file, names of that system. Out: names that burgee allows, attributes, and a line in the report for each fate.

use super::{
    options::Options,
    out::{Give, OutAttribute, OutFeature, OutFile, When},
    report::{Fate, Report, Told, clean},
};
use crate::config::{Node, quote};
use serde_json::Value;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashSet},
};

/// What means something else in conditions.
const TAKEN: [&str; 11] = [
    "user", "path", "method", "host", "ip", "now", "not", "any", "all", "feature", "visitor",
];

/// How many features a toggles file may have.
const MOST_FLAGS: usize = 1_000;
/// How many parts all conditions together may have: shared ones can refer to shared ones.
const MOST_STEPS: u32 = 100_000;
/// How many lines the report has at most.
const MOST_TOLD: usize = 5_000;
/// How many rules a feature may have.
const MOST_RULES: usize = 100;
/// How deep segments may refer to one another.
const MOST_OPEN: usize = 16;
/// How many variants are kept apart; a feature may have 64.
const MOST_VARIANTS: usize = 100;

/// What is known of a segment.
#[derive(Clone)]
enum Known {
    /// it is being read
    Open,
    Refused,
    /// none is everybody
    Is(Option<When>),
}

/// One file on the desk.
pub(crate) struct Desk<'d, 't> {
    pub(crate) file: &'d str,
    pub(crate) root: &'d Node<'t>,
    pub(crate) options: &'d Options,
    pub(crate) report: &'d mut Report,
    pub(crate) out: &'d mut OutFile,
    /// the flag that is being read, as its system calls it
    flag: String,
    /// names of features: theirs to ours
    features: BTreeMap<String, String>,
    /// names of features, as headers take them
    taken: HashSet<String>,
    attributes: HashSet<String>,
    segments: BTreeMap<String, Known>,
    steps: u32,
    /// segments that are being read
    open: usize,
    /// where the report begins to be of this flag
    began: usize,
    /// how many refusals there were then
    refused: usize,
}

impl<'d, 't> Desk<'d, 't> {
    pub(crate) fn new(
        file: &'d str,
        root: &'d Node<'t>,
        options: &'d Options,
        report: &'d mut Report,
        out: &'d mut OutFile,
    ) -> Desk<'d, 't> {
        Desk {
            file,
            root,
            options,
            report,
            out,
            flag: String::new(),
            features: BTreeMap::new(),
            taken: HashSet::new(),
            attributes: HashSet::new(),
            segments: BTreeMap::new(),
            steps: 0,
            open: 0,
            began: 0,
            refused: 0,
        }
    }

    /// From here on the report speaks of this flag. No, where there are more than a file can have.
    #[inline(never)]
    pub(crate) fn begin(&mut self, flag: &str) -> bool {
        flag.clone_into(&mut self.flag);
        self.began = self.report.told.len();
        self.refused = self.report.refused;
        let fits = self.out.features.len() < MOST_FLAGS;
        if !fits {
            let (what, hint) = (
                format!("more than {MOST_FLAGS} flags"),
                "a toggles file has at most so many: import them in parts, each into a file with a namespace of its own",
            );
            self.refuse::<()>(self.root, what, hint);
        }
        fits
    }

    /// From here on the report speaks of the file.
    pub(crate) fn whole(&mut self) {
        self.flag.clear();
    }

    /// One more part of a condition.
    #[inline(never)]
    pub(crate) fn step(&mut self, at: &Node<'_>) -> Option<()> {
        self.steps += 1;
        match self.steps {
            ..=MOST_STEPS => Some(()),
            _ => self.refuse(
                at,
                format!("the conditions have more than {MOST_STEPS} parts in all"),
                "write out fewer, or share them as a segment by hand",
            ),
        }
    }

    /// A segment: `make` reads it the first time. The inner none is everybody.
    pub(crate) fn shared(
        &mut self,
        key: &str,
        at: &Node<'_>,
        make: impl FnOnce(&mut Self) -> Option<Option<When>>,
    ) -> Option<Option<When>> {
        match self.segments.get(key).cloned() {
            Some(Known::Is(when)) => return Some(when),
            Some(Known::Open) => {
                return self.refuse(at, format!("the segment `{key}` refers to itself"), "");
            }
            Some(Known::Refused) => {
                return self.refuse(at, format!("the segment `{key}` is not carried"), "");
            }
            None => {}
        }
        if self.open == MOST_OPEN {
            let what = format!("segments refer to one another more than {MOST_OPEN} deep");
            return self.refuse(at, what, "write out the condition");
        }
        self.segments.insert(key.to_owned(), Known::Open);
        self.open += 1;
        let made = make(self);
        self.open -= 1;
        let known = made.clone().map_or(Known::Refused, Known::Is);
        self.segments.insert(key.to_owned(), known);
        made
    }

    #[cold]
    #[inline(never)] // most of an importer is calls of this
    fn tell(
        &mut self,
        fate: Fate,
        at: &Node<'_>,
        what: Cow<'static, str>,
        hint: Cow<'static, str>,
    ) {
        self.report.count(fate);
        if self.report.told.len() >= MOST_TOLD {
            return;
        }
        self.report.told.push(Told {
            fate,
            flag: clean(&self.flag),
            place: format!("{}:{}:{}", self.file, at.at.line, at.at.column),
            path: self.root.path(at.at.id),
            what: clean(&what),
            hint: clean(&hint),
        });
    }

    /// It cannot be kept: the reason, and what to do. Gives none, so that it can end a function.
    pub(crate) fn refuse<T>(
        &mut self,
        at: &Node<'_>,
        what: impl Into<Cow<'static, str>>,
        hint: impl Into<Cow<'static, str>>,
    ) -> Option<T> {
        self.tell(Fate::Refused, at, what.into(), hint.into());
        None
    }

    pub(crate) fn note(
        &mut self,
        at: &Node<'_>,
        what: impl Into<Cow<'static, str>>,
        hint: impl Into<Cow<'static, str>>,
    ) {
        self.tell(Fate::Note, at, what.into(), hint.into());
    }

    pub(crate) fn approximate(
        &mut self,
        at: &Node<'_>,
        of: u32,
        what: impl Into<Cow<'static, str>>,
        hint: impl Into<Cow<'static, str>>,
    ) {
        self.tell(Fate::Approximated(of), at, what.into(), hint.into());
    }

    /// Whether something of this flag is refused.
    pub(crate) fn is_lost(&self) -> bool {
        self.report.refused > self.refused
    }

    /// The name of a feature, allowed and its own.
    #[inline(never)]
    pub(crate) fn feature(&mut self, theirs: &str) -> String {
        if let Some(known) = self.features.get(theirs) {
            return known.clone();
        }
        let parts = theirs.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let parts = parts.flat_map(|part| part.split('_').map(str::to_owned).collect::<Vec<_>>());
        let keeps = theirs
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
        let mut name = match keeps && !theirs.contains("--") && !theirs.contains("__") {
            true => theirs.trim_matches(['-', '_']).to_owned(),
            false => parts.join("-"),
        };
        for odd in ["-_", "_-"] {
            name = name.replace(odd, "-");
        }
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            name = format!("flag-{name}");
        }
        name.truncate(60);
        let name = name.trim_end_matches(['-', '_']).to_owned();
        // header names ignore case, and do not tell `_` from `-`
        let folded = |name: &str| name.to_ascii_lowercase().replace('_', "-");
        if self.taken.is_empty() {
            // of the files before this one
            let names = self.out.features.iter();
            self.taken = names.map(|one| folded(&one.name)).collect();
        }
        let mut free = name.clone();
        for number in 2.. {
            if self.taken.insert(folded(&free)) {
                break;
            }
            free = format!("{name}-{number}");
        }
        if free != theirs {
            self.report.renamed.push((theirs.to_owned(), free.clone()));
        }
        self.features.insert(theirs.to_owned(), free.clone());
        free
    }

    /// The name of an attribute; one that is new gets a proposal for its source.
    #[inline(never)]
    pub(crate) fn attribute(&mut self, theirs: &str) -> String {
        let mut name = plain(theirs, "-");
        if TAKEN.contains(&&*name) || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            name = format!("their-{name}");
        }
        let source = format!(
            "header.x-{}",
            name.to_ascii_lowercase().replace(['.', '_'], "-")
        );
        let source = match source.starts_with("header.x-feature") {
            true => source.replace("header.x-", "header.x-their-"),
            false => source,
        };
        self.attribute_from(&name, &source, None, true);
        name
    }

    /// An attribute with this source.
    #[inline(never)]
    pub(crate) fn attribute_from(
        &mut self,
        name: &str,
        source: &str,
        split: Option<&'static str>,
        to_settle: bool,
    ) {
        let is_new = self.attributes.insert(name.to_owned());
        if !is_new || self.attributes.len() == 1 && self.is_attribute(name) {
            return;
        }
        if to_settle {
            self.report
                .to_settle
                .push((name.to_owned(), source.to_owned()));
        }
        self.out.attributes.push(OutAttribute {
            name: name.to_owned(),
            source: source.to_owned(),
            split,
            to_settle,
        });
    }

    /// Of the files before this one.
    fn is_attribute(&mut self, name: &str) -> bool {
        let known = self.out.attributes.iter().map(|one| one.name.clone());
        self.attributes.extend(known);
        self.out.attributes.iter().any(|one| one.name == name)
    }

    /// A segment of this name, once.
    #[inline(never)]
    pub(crate) fn segment(&mut self, theirs: &str, when: When) -> String {
        let name = plain(theirs, "-");
        let mut free = name.clone();
        for number in 2.. {
            match self.out.segments.iter().find(|(one, _)| *one == free) {
                None => {
                    self.out.segments.push((free.clone(), when));
                    break;
                }
                Some((_, same)) if *same == when => break,
                Some(_) => free = format!("{name}-{number}"),
            }
        }
        free
    }

    /// The flag that is being read.
    pub(crate) fn named(&self) -> &str {
        &self.flag
    }

    /// Puts a feature into the file; one of which nothing could be carried is there by name.
    #[inline(never)]
    pub(crate) fn done(&mut self, at: &Node<'_>, feature: Option<OutFeature>) {
        let theirs = self.flag.clone();
        let feature = feature.unwrap_or_else(|| OutFeature {
            name: self.feature(&theirs),
            default: "off".to_owned(),
            ..OutFeature::default()
        });
        self.finish(at, feature);
    }

    /// One with refusals is written as a draft, which nobody gets, for a person to complete.
    #[inline(never)]
    fn finish(&mut self, at: &Node<'_>, mut feature: OutFeature) {
        if feature.rules.len() > MOST_RULES {
            let what = format!("more than {MOST_RULES} rules");
            self.refuse::<()>(at, what, "let a segment name what several of them share");
            feature.rules.truncate(MOST_RULES);
        }
        let lost = self.is_lost();
        let served = feature.gives().flat_map(Give::variants);
        let mut served: BTreeSet<String> = served.map(str::to_owned).collect();
        served.insert(feature.default.clone());
        let (kept, unused): (Vec<_>, Vec<_>) = feature
            .variants
            .drain(..)
            .partition(|(name, _)| served.contains(name));
        feature.variants = kept;
        if !unused.is_empty() {
            let names: Vec<_> = unused.into_iter().map(|(name, _)| name).collect();
            feature.comments.push(format!(
                "never served, so not declared: {}",
                names.join(", ")
            ));
        }
        for one in &self.report.told[self.began..] {
            let comment = match one.fate {
                Fate::Note | Fate::Approximated(_) => format!("look: {}", one.sentence()),
                Fate::Carried | Fate::Refused => continue,
            };
            if !feature.comments.contains(&comment) {
                feature.comments.push(comment);
            }
        }
        if lost {
            let reasons = self.report.told[self.began..]
                .iter()
                .filter(|one| one.fate == Fate::Refused);
            let reasons = reasons.map(|one| match one.path.is_empty() {
                true => format!("not carried: {}", one.what),
                false => format!("not carried: {} ({})", one.what, one.path),
            });
            feature.comments.extend(reasons);
            feature
                .comments
                .push("a draft, which nobody gets, until a person has completed it".to_owned());
            feature.status = Some("draft");
        } else {
            self.tell(
                Fate::Carried,
                at,
                format!("{} is {}", quote(&self.flag), quote(&feature.name)).into(),
                "".into(),
            );
        }
        if feature.own.is_none() && feature.rules.is_empty() {
            feature.own = Some(Give::one(feature.default.clone()));
        }
        let has_by = feature.is_drawn() || feature.is_split();
        if !has_by {
            feature.by = None;
        }
        self.out.features.push(feature);
    }
}

/// A name of letters, digits, `.`, `_` and `-`.
fn plain(theirs: &str, instead: &str) -> String {
    let parts = theirs.split(|c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c));
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    let mut name = parts.join(instead);
    name.truncate(64);
    let name = name.trim_start_matches(['.', '_', '-']).to_owned();
    match name.is_empty() {
        true => "x".to_owned(),
        false => name,
    }
}

/// The variants of a feature: theirs to ours, and what the file declares.
#[derive(Debug, Default)]
pub(crate) struct Variants {
    names: Vec<(String, String)>,
    /// as [`OutFeature`] has them
    pub(crate) declared: Vec<(String, Option<Value>)>,
    too_many: bool,
}

impl Variants {
    /// Adds one; `value` is what it stands for. Gives its name here.
    #[inline(never)]
    pub(crate) fn add(&mut self, theirs: &str, value: Option<Value>) -> String {
        let name = match theirs.to_ascii_lowercase().as_str() {
            "true" => "on".to_owned(),
            "false" => "off".to_owned(),
            _ => plain(theirs, "-"),
        };
        if self.names.len() >= MOST_VARIANTS {
            self.too_many = true;
            return name;
        }
        let mut free = name.clone();
        for number in 2.. {
            if !self.names.iter().any(|(_, ours)| *ours == free) {
                break;
            }
            free = format!("{name}-{number}");
        }
        // a name says the same as a text that is this name
        let value = value.filter(|value| value.as_str() != Some(&*free));
        self.names.push((theirs.to_owned(), free.clone()));
        self.declared.push((free.clone(), value));
        free
    }

    /// What one is called here.
    #[inline(never)]
    pub(crate) fn get(&self, theirs: &str) -> Option<String> {
        let found = self.names.iter().find(|(one, _)| one == theirs);
        found.map(|(_, ours)| ours.clone())
    }

    /// Names that are others here.
    pub(crate) fn renamed(&self) -> impl Iterator<Item = &(String, String)> {
        self.names.iter().filter(|(theirs, ours)| theirs != ours)
    }

    /// What is declared: nothing where they are `on` and `off` as burgee has them. Values are written for all or for none.
    #[inline(never)]
    pub(crate) fn declare(&self) -> Result<Vec<(String, Option<Value>)>, String> {
        if self.too_many {
            return Err(format!("it has more than {MOST_VARIANTS} variants"));
        }
        let is_boolean = |(name, value): &(String, Option<Value>)| {
            matches!(
                (&**name, value),
                ("on", Some(Value::Bool(true)) | None) | ("off", Some(Value::Bool(false)) | None)
            )
        };
        if self.declared.iter().all(is_boolean) {
            return Ok(Vec::new());
        }
        if self.declared.iter().all(|(_, value)| value.is_none()) {
            return Ok(self.declared.clone());
        }
        let whole = |(name, value): &(String, Option<Value>)| {
            let value = value.clone().unwrap_or_else(|| Value::from(name.clone()));
            (name.clone(), Some(value))
        };
        let all: Vec<_> = self.declared.iter().map(whole).collect();
        let kind = |value: &Option<Value>| value.as_ref().map(std::mem::discriminant);
        match all
            .windows(2)
            .all(|pair| kind(&pair[0].1) == kind(&pair[1].1))
        {
            true => Ok(all),
            false => Err("the values of its variants have different types".to_owned()),
        }
    }
}
