//! What `when` of `anonymous` gates is read in no other way, in no file.
//! In: all files of one generation. Out: an error for each reader that would have an id before consent.

use super::toggles::Compiled;
use crate::config::{collector::Collector, phrases::quote};
use crate::engine::{
    attributes::{Attribute, USER},
    source::Source,
};
use http::header;

pub(super) fn check(files: &[&Compiled], problems: &mut Collector) {
    for (number, file) in files.iter().enumerate() {
        let Some((anonymous, at)) = &file.anonymous else {
            continue;
        };
        if anonymous.when.is_none() {
            continue;
        }
        let cookie = &anonymous.cookie.cookie;
        for (other_number, other) in files.iter().enumerate() {
            let is_own = number == other_number;
            let all = other.attributes.list.iter().enumerate();
            let mut readers = all.filter_map(|(index, attribute)| {
                let source = around(attribute, cookie)?;
                // among the sources of `user` beside `anonymous` it has been told
                let is_told = is_own && index == usize::from(USER) && is_cookie(source);
                (!is_told).then_some((attribute, source))
            });
            let Some((attribute, source)) = readers.next() else {
                continue;
            };
            let (id, source) = (
                quote(&format!("cookie.{cookie}")),
                (source, source.to_string()),
            );
            match (is_own, source) {
                (true, (Source::Cookie(_), _)) => problems.error(
                    *at,
                    format!("{id} is read elsewhere in this file, whatever `when` says"),
                    "write `for: everybody` here and `visitor` there",
                ),
                (true, (_, source)) => problems.error(
                    *at,
                    format!("{} reads {id}, whatever `when` says", quote(&source)),
                    "name the cookies that are meant: `cookie.NAME`",
                ),
                (false, (_, source)) => {
                    let file = problems.file(other.namespace_at);
                    problems.error(
                        *at,
                        format!(
                            "{} of {file} is read from {}, whatever `when` says here",
                            quote(&attribute.name),
                            quote(&source)
                        ),
                        format!("have that file ask too: `anonymous: {{cookie: {cookie}, …, when: …}}` there, and `user` or `visitor`"),
                    );
                }
            }
        }
    }
}

/// By which of its sources an attribute has this cookie, whatever consent says.
fn around<'a>(attribute: &'a Attribute, cookie: &str) -> Option<&'a Source> {
    let mut sources = attribute.sources.iter();
    sources.find(|source| match source {
        Source::Cookie(name) => **name == *cookie,
        // all cookies at once
        Source::Header(name) => name == header::COOKIE,
        _ => false,
    })
}

fn is_cookie(source: &Source) -> bool {
    matches!(source, Source::Cookie(_))
}
