//! The headers of all files together: which there are, that none is taken twice, and that they fit.
//! In: `headers` of each file and its features. Out: names, and the [`Guard`] against look-alikes.

use super::{
    super::{
        file,
        problem::{Log, quote},
        source::{Entry, Kind, Place},
    },
    Cx, names,
};
use crate::engine::{Feature, Status, fold};
use http::HeaderName;
use std::collections::HashMap;

/// All headers that burgee may add to one request, in bytes.
const MOST_BYTES: usize = 64 * 1024;
/// Where applications begin to refuse.
const MANY_BYTES: usize = 8 * 1024;
const MANY_FIELDS: usize = 60;

/// Fields that steer the connection, the message or trust: no feature may pass for one.
const PROTECTED: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "http2-settings",
    "content-length",
    "content-type",
    "content-encoding",
    "expect",
    "host",
    "cookie",
    "set-cookie",
    "authorization",
    "proxy-authorization",
    "proxy-authenticate",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-uri",
    "x-forwarded-method",
    "x-real-ip",
    "x-original-url",
    "x-original-uri",
    "x-original-method",
    "via",
];

/// How the answers of one file travel.
#[derive(Default)]
pub(super) struct Travel {
    /// none for `headers: none`
    pub(super) prefix: Option<(String, Place)>,
    pub(super) omit_off: bool,
    pub(super) values: bool,
    pub(super) combined: Option<(HeaderName, Place)>,
    pub(super) revision: Option<(HeaderName, Place)>,
}

impl Travel {
    /// The header of a feature that does not name its own.
    pub(super) fn feature(&self, name: &str) -> Option<HeaderName> {
        let (prefix, _) = self.prefix.as_ref()?;
        names::header(&format!("{prefix}{}", names::in_header(name)))
    }

    /// A member of the combined header: a token where the name is one (RFC 9651, section 3.3.4), else a string.
    pub(super) fn member(&self, key: &str, variant: &str) -> Box<str> {
        if variant.starts_with(|c: char| c.is_ascii_alphabetic()) {
            format!("{key}={variant}").into()
        } else {
            format!("{key}=\"{variant}\"").into()
        }
    }
}

impl<'t> Cx<'t, '_> {
    pub(super) fn travel(&mut self, entry: Option<&'t Entry<'t>>, file: Place) -> Travel {
        let default = || Some((fold::DEFAULT_PREFIX.to_owned(), file));
        let Some(entry) = entry else {
            return Travel {
                prefix: default(),
                ..Travel::default()
            };
        };
        if let Kind::Text(text, _) = &entry.value.kind
            && text == "none"
        {
            return Travel::default();
        }
        let Some(map) = file::Headers::read(&entry.value, self.log) else {
            return Travel {
                prefix: default(),
                ..Travel::default()
            };
        };
        let prefix = match map.prefix {
            Some(entry) => self.prefix(entry),
            None => default(),
        };
        Travel {
            prefix,
            omit_off: map
                .off
                .and_then(|entry| self.word(entry, &["send", "omit"]))
                == Some("omit"),
            values: map
                .values
                .and_then(|entry| self.switch(entry))
                .unwrap_or(false),
            combined: map
                .combined
                .and_then(|entry| Some((self.field(entry)?, entry.value.at))),
            revision: map
                .revision
                .and_then(|entry| Some((self.field(entry)?, entry.value.at))),
        }
    }

    fn prefix(&mut self, entry: &'t Entry<'t>) -> Option<(String, Place)> {
        let prefix = self.words(entry, "a prefix")?;
        if names::header(prefix).is_none() {
            self.log.error(
                entry.value.at,
                format!("{} is no beginning of a header name", quote(prefix)),
                "use letters, digits and `-`: `X-Shop-`",
            );
            return None;
        }
        if !prefix.ends_with('-') {
            self.log.error(
                entry.value.at,
                format!("the prefix {} does not end with `-`", quote(prefix)),
                format!("write `{prefix}-`: names are put right behind it"),
            );
        }
        if names::is_token(prefix) && prefix.len() > 64 {
            self.log.error(
                entry.value.at,
                "the prefix is longer than 64",
                "take a shorter one",
            );
        }
        Some((prefix.to_owned(), entry.value.at))
    }

    fn field(&mut self, entry: &'t Entry<'t>) -> Option<HeaderName> {
        let text = self.words(entry, "the name of a header")?;
        let name = names::header(text);
        if name.is_none() {
            self.log.error(
                entry.value.at,
                format!("{} is no header name", quote(text)),
                "use letters, digits and `-`",
            );
        }
        name
    }

    /// `header:` of a feature.
    pub(super) fn renamed(&mut self, entry: &'t Entry<'t>, travel: &Travel) -> Option<HeaderName> {
        if entry.value.text() == Some("none") {
            return None;
        }
        let name = self.field(entry);
        name.filter(|_| travel.prefix.is_some())
    }
}

const COMBINED: &str = "the combined header";
const REVISION: &str = "the revision header";

/// One header that burgee may send.
struct Claim {
    name: String,
    what: String,
    at: Place,
}

/// Everything of one file that the headers of all files depend on.
pub(super) struct Sends<'f> {
    pub(super) travel: &'f Travel,
    pub(super) features: Vec<(&'f Feature, Place)>,
    pub(super) trusted: &'f [(HeaderName, Place)],
}

/// Every header is told from every other, also across files.
pub(super) fn check(files: &[Sends<'_>], log: &mut Log) {
    let mut taken: HashMap<String, (String, Place)> = HashMap::new();
    let trusted: Vec<&(HeaderName, Place)> = files.iter().flat_map(|file| file.trusted).collect();
    let prefixes: Vec<&(String, Place)> = files
        .iter()
        .filter_map(|file| file.travel.prefix.as_ref())
        .collect();
    for (name, at) in prefixes.iter() {
        let folded = fold::fold(name);
        if let Some(protected) = PROTECTED
            .iter()
            .find(|protected| protected.starts_with(&folded))
        {
            log.error(
                *at,
                format!("the prefix {} covers {}", quote(name), quote(protected)),
                "take a longer one, such as `X-Feature-`",
            );
        }
        for (source, source_at) in &trusted {
            if fold::fold(source.as_str()).starts_with(&folded) {
                // the sources that `user` has when it is left out stand nowhere
                let source_at = if source_at.id == 0 { at } else { source_at };
                log.error(
                    *source_at,
                    format!(
                        "{} begins with the prefix {}, and what begins so comes from burgee alone",
                        quote(source.as_str()),
                        quote(name)
                    ),
                    "read the attribute from another header, or change the prefix",
                );
            }
        }
    }
    for claim in files.iter().flat_map(claims) {
        let folded = fold::fold(&claim.name);
        if PROTECTED.contains(&&*folded) {
            log.error(
                claim.at,
                format!(
                    "{} is not a header that burgee may replace",
                    quote(&claim.name)
                ),
                "take a name of your own",
            );
        }
        for (source, _) in trusted
            .iter()
            .filter(|(source, _)| fold::fold(source.as_str()) == folded)
        {
            log.error(
                claim.at,
                format!(
                    "{} is read as {}, and cannot be sent too",
                    quote(&claim.name),
                    quote(&format!("header.{source}"))
                ),
                "take another name",
            );
        }
        let Some((other, other_at)) = taken.get(&folded) else {
            taken.insert(folded, (claim.what, claim.at));
            continue;
        };
        let header = quote(&shown(&claim.name));
        let is_shared = |what: &str| [COMBINED, REVISION].contains(&what);
        if *other == claim.what && is_shared(other) {
            // there is one for all files
            continue;
        }
        if other_at.file != claim.at.file {
            // both places are told, since each team only looks at its own file
            let hint = "give one of the files another `headers: {prefix: …}`";
            for (at, what, other) in [
                (claim.at, &claim.what, other),
                (*other_at, other, &claim.what),
            ] {
                let message = format!("{what} and {other} of another file would share {header}");
                log.error(at, message, hint);
            }
        } else if !other.eq_ignore_ascii_case(&claim.what) {
            log.error(
                claim.at,
                format!(
                    "{} and {other} (line {}) would share the header {header}",
                    claim.what, other_at.line
                ),
                "rename one, or give it a `header:` of its own",
            );
        }
    }
    let mut spellings: HashMap<String, &HeaderName> = HashMap::new();
    for (source, at) in trusted {
        let first = spellings
            .entry(fold::fold(source.as_str()))
            .or_insert(source);
        if *first != source {
            log.error(
                *at,
                format!(
                    "{} and {} are one header to many applications",
                    quote(source.as_str()),
                    quote(first.as_str())
                ),
                "read one of them: the other spelling is dropped",
            );
        }
    }
    budget(files, log);
}

fn claims(file: &Sends<'_>) -> Vec<Claim> {
    let mut claims = Vec::new();
    for (feature, at) in &file.features {
        let what = format!("the feature {}", quote(&feature.name));
        for (name, what) in [
            (&feature.header, what.clone()),
            (&feature.value_header, format!("the value of {what}")),
        ] {
            claims.extend(name.as_ref().map(|name| Claim {
                name: name.to_string(),
                what,
                at: *at,
            }));
        }
    }
    for (field, what) in [
        (&file.travel.combined, COMBINED),
        (&file.travel.revision, REVISION),
    ] {
        claims.extend(field.as_ref().map(|(name, at)| Claim {
            name: name.to_string(),
            what: what.to_owned(),
            at: *at,
        }));
    }
    claims
}

/// `x-feature-dark-mode` as people write it.
fn shown(name: &str) -> String {
    names::in_header(name)
}

/// How many fields and bytes one request may carry, each feature counted with its longest variant.
fn budget(files: &[Sends<'_>], log: &mut Log) {
    let (mut fields, mut bytes, mut combined) = (0, 0, 0);
    // name, colon, blank, value, line end
    let mut field = |name: &HeaderName, value: usize| {
        fields += 1;
        bytes += name.as_str().len() + value + 4;
    };
    for (feature, _) in files.iter().flat_map(|file| &file.features) {
        if feature.status == Status::Archived {
            continue;
        }
        let longest = |length: &dyn Fn(&crate::engine::Variant) -> usize| {
            feature
                .variants
                .iter()
                .map(length)
                .max()
                .unwrap_or_default()
        };
        if let Some(name) = &feature.header {
            field(name, longest(&|variant| variant.name.len()));
            combined += longest(&|variant| variant.member.len()) + 2;
        }
        if let Some(name) = &feature.value_header {
            field(
                name,
                longest(&|variant| variant.value_header.as_ref().map_or(0, |value| value.len())),
            );
        }
    }
    if let Some((name, _)) = files.iter().find_map(|file| file.travel.combined.as_ref()) {
        field(name, combined);
    }
    if let Some((name, _)) = files.iter().find_map(|file| file.travel.revision.as_ref()) {
        field(name, 16);
    }
    let Some(at) = files.first().map(|_| Place {
        line: 1,
        column: 1,
        id: 0,
        file: 0,
    }) else {
        return;
    };
    let kept = "`header: none` keeps a feature inside; `headers: {off: omit}` sends fewer";
    if bytes > MOST_BYTES {
        log.error(
            at,
            format!("the headers take up to {bytes} bytes: more than {MOST_BYTES}"),
            kept,
        );
    } else if bytes > MANY_BYTES || fields > MANY_FIELDS {
        log.warn(at, format!("the headers take up to {fields} fields and {bytes} bytes: gunicorn, Apache and others refuse more than 100 fields or 8 KiB in all"), kept);
    }
}
