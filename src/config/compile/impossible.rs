//! Values that a request can never have: a path without a slash, a host with a port.
//! In: a source and what is asked of it. Out: a warning; a context of OFREP may have them all the same.

use super::compiler::Compiler;
use crate::config::{phrases::quote, tree::Entry};
use crate::engine::{
    attributes::AttributeIndex,
    operator::{Test, Texts},
    source::Source,
};

impl<'t> Compiler<'t, '_> {
    /// Warnings for values that a request can never have.
    pub(super) fn impossible(&mut self, index: AttributeIndex, test: &Test, entry: &'t Entry<'t>) {
        let attribute = &self.attributes.list[usize::from(index)];
        let [source] = &*attribute.sources else {
            return;
        };
        let texts: Vec<&str> = match test {
            Test::Is(Texts::Few(texts)) | Test::Prefix(texts) => {
                texts.iter().map(|text| &**text).collect()
            }
            _ => return,
        };
        let odd = texts.into_iter().find_map(|text| match source {
            Source::Path if !text.starts_with('/') && text != "*" => {
                Some((text, "a path begins with `/`"))
            }
            Source::Path if text.contains('?') => Some((
                text,
                "the path does not include the query: use `query.NAME`",
            )),
            Source::Host if text.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                Some((text, "the host is in lower case"))
            }
            Source::Host if text.contains(':') && !text.contains('[') => {
                Some((text, "the host does not include the port"))
            }
            Source::Ip if text.contains('/') => {
                Some((text, "for a network write `ip: {within: …}`"))
            }
            Source::Method if text.bytes().all(|byte| byte.is_ascii_lowercase()) => {
                Some((text, "methods are in upper case"))
            }
            _ => None,
        });
        if let Some((text, why)) = odd {
            self.problems.warn(
                entry.value.at,
                format!("no request has the value {} here", quote(text)),
                why,
            );
        }
    }
}
