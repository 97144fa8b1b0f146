//! Which of the overrides that a request brings is meant: the first that can be verified.
//! In: a request and the policies of the files. Out: the override in force, or why each has no effect.

use super::{
    given::Given,
    model::{OverridePolicy, Toggles},
    overrides::{self, OverrideResult, ValidOverride},
    request::Input,
    source::{Source, percent_decoded},
    units::Second,
};
use smallvec::SmallVec;
use std::borrow::Cow;

/// How far ahead the end of an override may be that is remembered: 30 days, in seconds.
pub const FURTHEST_END: u64 = 30 * 86_400;

/// The clocks of two pods may be this far apart, in seconds: one sets a cookie that the other reads.
const APART: u64 = 300;

/// What a request brings, read or not.
#[derive(Debug)]
pub struct FoundOverride<'a> {
    /// as it was written; a header that came twice is refused here
    pub text: Result<Cow<'a, [u8]>, OverrideResult>,
    /// where; none where a context has it, which is no request
    pub source: Option<&'a Source>,
}

/// All that was looked at, in the order of `from`.
#[derive(Debug, Default)]
pub struct Choice<'a> {
    /// what cannot be verified, and why
    pub refused: SmallVec<[(FoundOverride<'a>, OverrideResult); 1]>,
    /// the first that can
    pub valid: Option<(FoundOverride<'a>, ValidOverride)>,
}

impl OverridePolicy {
    /// None where the request brings nothing.
    pub fn choose<'a>(
        &'a self,
        (input, now): (Input<'a>, Second),
        namespace: Option<&str>,
        is_allowed: bool,
    ) -> Option<Choice<'a>> {
        let (http, said) = match input {
            Input::Http(http) => (Some(http), None),
            Input::Context(context) => (None, context.override_value.as_deref()),
        };
        let said = said.map(|text| FoundOverride {
            text: Ok(text.as_bytes().into()),
            source: None,
        });
        let sources = http.into_iter().flat_map(|http| {
            self.from.iter().filter_map(move |source| {
                let text = match source.read(http, None) {
                    Err(_) => Err(OverrideResult::Malformed),
                    // a cookie has no commas, blanks and quotes (RFC 6265, 4.1.1)
                    Ok(Some(Given::Text(text))) => Ok(match source {
                        Source::Cookie(_) => percent_decoded(&text).into_owned().into(),
                        _ => text,
                    }),
                    Ok(_) => return None,
                };
                let source = Some(source);
                Some(FoundOverride { text, source })
            })
        });
        let mut brought = said.into_iter().chain(sources);
        let first = brought.next()?;
        let brought = std::iter::once(first).chain(brought);
        Some(self.first_valid(brought, namespace, now, is_allowed))
    }

    #[cold]
    #[inline(never)]
    fn first_valid<'a>(
        &self,
        brought: impl Iterator<Item = FoundOverride<'a>>,
        namespace: Option<&str>,
        now: Second,
        is_allowed: bool,
    ) -> Choice<'a> {
        let mut choice = Choice::default();
        let mut left = overrides::LONGEST_TEXT;
        for found in brought {
            // only those for whom `when` holds may cost a signature check
            let read = match &found.text {
                _ if !is_allowed => Err(OverrideResult::NotAllowed),
                Err(refused) => Err(*refused),
                Ok(text) => match left.checked_sub(text.len()) {
                    // whoever brings many of them costs what the longest one does
                    None => Err(OverrideResult::Malformed),
                    Some(rest) => {
                        left = rest;
                        self.read(text, namespace, now)
                    }
                },
            };
            match read {
                Ok(value) if self.is_kept_too_long(&found, &value, now) => {
                    choice.refused.push((found, OverrideResult::TooLong));
                }
                Ok(value) => {
                    choice.valid = Some((found, value));
                    break;
                }
                Err(refused) => choice.refused.push((found, refused)),
            }
            // without a key there is nothing to verify: the first that is present is meant
            if self.key.is_none() {
                break;
            }
        }
        choice
    }

    fn is_kept_too_long(
        &self,
        found: &FoundOverride<'_>,
        value: &ValidOverride,
        now: Second,
    ) -> bool {
        self.remembers_in(found.source) && !value.ends_within(FURTHEST_END + APART, now)
    }

    /// Whether this is the cookie of `remember`.
    pub fn remembers_in(&self, source: Option<&Source>) -> bool {
        matches!((source, &self.remember), (Some(Source::Cookie(cookie)), Some(name)) if cookie == name)
    }
}

/// A signed value names no file: where several files read the same place, what one of them has accepted is refused by none.
#[cold]
#[inline(never)]
pub fn settle(
    files: &[Toggles],
    (input, now): (Input<'_>, Second),
    accepted: &[Vec<u8>],
    results: &mut [Option<OverrideResult>],
) {
    for (file, result) in files.iter().zip(results) {
        let (Some(policy), Some(refused)) = (&file.override_policy, *result) else {
            continue;
        };
        if refused.is_verified() {
            continue;
        }
        let is_allowed = refused != OverrideResult::NotAllowed;
        let choice = policy.choose((input, now), file.namespace.as_deref(), is_allowed);
        let refused = choice.map(|choice| choice.refused).unwrap_or_default();
        let is_for_another = |found: &FoundOverride<'_>| matches!(&found.text, Ok(text) if accepted.iter().any(|one| **one == **text));
        let mut others = refused.iter().filter(|(found, _)| !is_for_another(found));
        *result = others.next().map(|(_, why)| *why);
    }
}
