//! Attributes of a request: from headers, cookies, the query, a token, the environment.
//! In: the request or the evaluation context as it came. Out: the text of an attribute, or its absence.

use super::{
    operator::Unreadable,
    request::{EvaluationContext, Input},
    source::Source,
};
use smallvec::SmallVec;
use std::{borrow::Cow, cell::OnceCell};

/// Index of an attribute in [`super::model::Toggles::attributes`]. The first is always `user`.
pub type AttributeIndex = u16;

/// The index of `user`.
pub const USER: AttributeIndex = 0;

/// A value that conditions and bucketing use.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// as the file calls it: a name, or a source used directly; also the key in an OFREP context
    pub name: Box<str>,
    /// the first that is present wins
    pub sources: Box<[Source]>,
    /// the elements of a list are divided by this
    pub split: Option<Box<str>>,
}

/// What a look-up found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// nothing, or blank
    Absent,
    /// a header that came twice with different values
    Conflict,
    /// the exact bytes, and the index of the source that had them
    Value(Cow<'a, [u8]>, usize),
}

impl<'a> Found<'a> {
    /// The bytes, if there are any.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Found::Value(bytes, _) => Some(bytes),
            _ => None,
        }
    }
}

/// The attributes of one request, each read at most once.
pub struct Values<'a> {
    input: Input<'a>,
    attributes: &'a [Attribute],
    found: SmallVec<[OnceCell<Found<'a>>; 6]>,
    /// whether a condition met a value that it could not read
    pub unreadable: Unreadable,
}

impl<'a> Values<'a> {
    /// Nothing is read until it is asked for.
    pub fn new(attributes: &'a [Attribute], input: Input<'a>) -> Self {
        let found = attributes.iter().map(|_| OnceCell::new()).collect();
        Values {
            input,
            attributes,
            found,
            unreadable: Unreadable::default(),
        }
    }

    /// The attribute at this index.
    #[inline]
    pub fn get(&self, index: AttributeIndex) -> &Found<'a> {
        let index = usize::from(index);
        self.found[index]
            .get_or_init(|| self.attributes[index].find(self.input, index == usize::from(USER)))
    }

    /// The definition of the attribute at this index.
    pub fn attribute(&self, index: AttributeIndex) -> &'a Attribute {
        &self.attributes[usize::from(index)]
    }

    /// Sets a visitor's new id as the user; without effect once the user has been read.
    pub fn set_user(&self, id: Cow<'a, [u8]>) {
        let last = self.attributes[usize::from(USER)].sources.len();
        // an `OnceCell` that is set already keeps what it has
        let _ = self.found[usize::from(USER)].set(Found::Value(id, last));
    }
}

impl Attribute {
    /// The first source that is present; for `user` a conflicting header ends the search.
    pub fn find<'a>(&'a self, input: Input<'a>, is_user: bool) -> Found<'a> {
        match input {
            Input::Context(context) => self.in_context(context, is_user),
            Input::Http(http) => {
                if let Some(user) = http.user.filter(|_| is_user) {
                    return Found::Value(Cow::Borrowed(user.as_bytes()), 0);
                }
                for (index, source) in self.sources.iter().enumerate() {
                    match source.read(http, self.split.as_deref()) {
                        Ok(Some(bytes)) => return Found::Value(bytes, index),
                        Err(_) if is_user => return Found::Conflict,
                        Ok(None) | Err(_) => {}
                    }
                }
                Found::Absent
            }
        }
    }

    fn in_context<'a>(&'a self, context: &'a EvaluationContext, is_user: bool) -> Found<'a> {
        let text = if is_user {
            context.user.as_deref().map(Cow::Borrowed)
        } else {
            context.attributes.get(&*self.name).and_then(|elements| {
                match (elements.as_slice(), &self.split) {
                    ([one], _) => Some(Cow::Borrowed(one.as_str())),
                    (many, Some(by)) => Some(Cow::Owned(many.join(by))),
                    _ => None,
                }
            })
        };
        let environment = || self.sources.iter().find_map(Source::environment);
        match text.filter(|text| !text.trim().is_empty()) {
            Some(Cow::Borrowed(text)) => Found::Value(Cow::Borrowed(text.as_bytes()), 0),
            Some(Cow::Owned(text)) => Found::Value(Cow::Owned(text.into_bytes()), 0),
            None => environment().map_or(Found::Absent, |text| {
                Found::Value(Cow::Borrowed(text.as_bytes()), 0)
            }),
        }
    }
}

/// The elements of a list attribute, white space around them dropped, empty ones too.
pub fn elements<'b>(bytes: &'b [u8], by: &'b str) -> impl Iterator<Item = &'b [u8]> {
    let (mut rest, mut done) = (bytes, false);
    std::iter::from_fn(move || {
        if done {
            return None;
        }
        let at = rest
            .windows(by.len().max(1))
            .position(|window| window == by.as_bytes());
        let (element, tail) = at.map_or((rest, None), |at| {
            (&rest[..at], Some(&rest[at + by.len()..]))
        });
        done = tail.is_none();
        rest = tail.unwrap_or_default();
        Some(element.trim_ascii())
    })
    .filter(|element| !element.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_a_context_is_joined_only_where_the_attribute_is_split() {
        for (elements, split, expected) in [
            (&["a"][..], None, Some("a")),
            (&["a"], Some("|"), Some("a")),
            (&["a", "b"], Some("|"), Some("a|b")),
            (&["a", "b"], None, None),
            (&[], None, None),
            (&[" "], None, None),
        ] {
            let groups = Attribute {
                name: "groups".into(),
                sources: Box::default(),
                split: split.map(Into::into),
            };
            let mut context = EvaluationContext::default();
            let elements = elements.iter().map(|text| (*text).to_owned()).collect();
            context.attributes.insert("groups".into(), elements);
            let found = groups.find(Input::Context(&context), false);
            let expected = expected.map(str::as_bytes);
            assert_eq!(found.bytes(), expected, "{context:?} by {split:?}");
        }
    }

    #[test]
    fn what_a_context_does_not_say_comes_from_the_environment_alone() {
        let env = |value: &str| Source::Env("STAGE".into(), Some(value.into()));
        let path = Source::Path;
        for (sources, said, expected) in [
            (vec![env("dev")], None, Some("dev")),
            (vec![env("dev")], Some("live"), Some("live")),
            (vec![path.clone(), env("dev")], None, Some("dev")),
            (vec![env(" "), env("dev")], None, Some("dev")),
            (vec![path, env("")], None, None),
        ] {
            let stage = Attribute {
                name: "stage".into(),
                sources: sources.into(),
                split: None,
            };
            let mut context = EvaluationContext::default();
            let said = said.map(|said: &str| ("stage".to_owned(), vec![said.to_owned()]));
            context.attributes.extend(said);
            let found = stage.find(Input::Context(&context), false);
            assert_eq!(found.bytes(), expected.map(str::as_bytes), "{stage:?}");
        }
    }
}
