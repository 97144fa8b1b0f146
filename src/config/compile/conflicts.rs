//! Every header is told from every other, also across files.
//! In: what each file sends and trusts. Out: problems, at both places where two files are at odds.

use super::{headers::HeaderOptions, names};
use crate::config::{collector::Collector, phrases::quote, tree::Position};
use crate::engine::{Feature, forged_fields};
use http::HeaderName;
use std::collections::HashMap;

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

pub(super) const COMBINED: &str = "the combined header";

pub(super) const REVISION: &str = "the revision header";

/// One header that burgee may send.
pub(super) struct Claim {
    name: String,
    what: String,
    at: Position,
}

/// Everything of one file that the headers of all files depend on.
pub(super) struct FileHeaders<'f> {
    pub(super) headers: &'f HeaderOptions,
    pub(super) features: Vec<(&'f Feature, Position)>,
    pub(super) trusted: &'f [(HeaderName, Position)],
}

/// Every header is told from every other, also across files.
pub(super) fn check(files: &[FileHeaders<'_>], problems: &mut Collector) {
    let mut taken: HashMap<String, (String, Position)> = HashMap::new();
    let trusted: Vec<&(HeaderName, Position)> =
        files.iter().flat_map(|file| file.trusted).collect();
    let prefixes: Vec<&(String, Position)> = files
        .iter()
        .filter_map(|file| file.headers.prefix.as_ref())
        .collect();
    for (name, at) in prefixes.iter() {
        let folded = forged_fields::fold(name);
        if let Some(protected) = PROTECTED
            .iter()
            .find(|protected| protected.starts_with(&folded))
        {
            problems.error(
                *at,
                format!(
                    "the prefix {} would cover the header {}",
                    quote(name),
                    quote(protected)
                ),
                "use a longer one, such as `X-Feature-`",
            );
        }
        for (source, source_at) in &trusted {
            if forged_fields::fold(source.as_str()).starts_with(&folded) {
                // the sources that `user` has when it is left out stand nowhere
                let source_at = if source_at.id == 0 { at } else { source_at };
                let of = problems.of_file(*at, *source_at);
                problems.error(
                    *source_at,
                    format!(
                        "{} begins with the prefix {}{of}, so burgee removes it from requests",
                        quote(source.as_str()),
                        quote(name)
                    ),
                    "read the attribute from another header, or change the prefix",
                );
            }
        }
    }
    for claim in files.iter().flat_map(claims) {
        let folded = forged_fields::fold(&claim.name);
        if PROTECTED.contains(&&*folded) {
            problems.error(
                claim.at,
                format!(
                    "{} is not a header that burgee may replace",
                    quote(&claim.name)
                ),
                "choose another header name",
            );
        }
        for (source, source_at) in trusted
            .iter()
            .filter(|(source, _)| forged_fields::fold(source.as_str()) == folded)
        {
            let by = match problems.of_file(*source_at, claim.at) {
                same if same.is_empty() => same,
                other => other.replacen(" of", " by", 1),
            };
            problems.error(
                claim.at,
                format!(
                    "{} is read as {}{by}, so it cannot be sent as well",
                    quote(&claim.name),
                    quote(&format!("header.{source}"))
                ),
                "choose another name",
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
            let hint = "give one of the files a different `headers: {prefix: …}`";
            for (at, what, other_at, other) in [
                (claim.at, &claim.what, *other_at, other),
                (*other_at, other, claim.at, &claim.what),
            ] {
                let other = format!("{other}{}", problems.of_file(other_at, at));
                let message = format!("{what} and {other} would share {header}");
                problems.error(at, message, hint);
            }
        } else if !other.eq_ignore_ascii_case(&claim.what) {
            problems.error(
                claim.at,
                format!(
                    "{} and {other} (line {}) would share the header {header}",
                    claim.what, other_at.line
                ),
                "rename one, or give it a `header:` of its own",
            );
        }
    }
    let mut spellings: HashMap<String, (&HeaderName, Position)> = HashMap::new();
    for (source, at) in trusted {
        let (first, first_at) = spellings
            .entry(forged_fields::fold(source.as_str()))
            .or_insert((source, *at));
        if *first != source {
            let of = problems.of_file(*first_at, *at);
            problems.error(
                *at,
                format!(
                    "many applications cannot tell the headers {} and {}{of} apart",
                    quote(source.as_str()),
                    quote(first.as_str())
                ),
                "read one of them: burgee removes the other",
            );
        }
    }
}

pub(super) fn claims(file: &FileHeaders<'_>) -> Vec<Claim> {
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
        (&file.headers.combined, COMBINED),
        (&file.headers.revision, REVISION),
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
pub(super) fn shown(name: &str) -> String {
    names::in_header(name)
}
