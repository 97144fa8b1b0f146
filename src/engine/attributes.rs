//! Attributes of a request: from headers, cookies, the query, a token, the environment.
//! In: the request or the evaluation context as it came. Out: the text of an attribute, or its absence.

use super::{
    given::Given,
    normal::Normal,
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
    /// a text is a list, divided by this
    pub split: Option<Box<str>>,
    /// how a value is spelled that clients spell in several ways
    pub normal: Normal,
}

/// What a look-up found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// nothing, or blank
    Absent,
    /// a header that came twice with different values
    Conflict,
    /// an object, which counts as absent
    Object,
    /// the exact bytes, and the index of the source that had them
    Value(Cow<'a, [u8]>, usize),
    /// the elements of a list of JSON
    List(Box<[Box<[u8]>]>),
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

    /// The bytes of the attribute at this index, if it was asked for and is there.
    #[inline]
    pub fn seen(&self, index: AttributeIndex) -> Option<&[u8]> {
        self.found[usize::from(index)].get()?.bytes()
    }

    /// The definition of the attribute at this index.
    pub fn attribute(&self, index: AttributeIndex) -> &'a Attribute {
        &self.attributes[usize::from(index)]
    }

    /// Sets an attribute to the id of a visitor, as by a source behind its own; without effect once it has been read.
    pub fn set(&self, index: AttributeIndex, id: Cow<'a, [u8]>) {
        let last = self.attributes[usize::from(index)].sources.len();
        // an `OnceCell` that is set already keeps what it has
        let _ = self.found[usize::from(index)].set(Found::Value(id, last));
    }

    /// As if the visitor's cookie had not come, which is the last source of the user, and all that `visitor` is.
    pub fn without_visitor(&self, visitor: Option<AttributeIndex>) {
        let user = &self.attributes[usize::from(USER)];
        let others = user.sources.len().saturating_sub(1);
        let found = user.find_in(&user.sources[..others], self.input, true);
        let _ = self.found[usize::from(USER)].set(found);
        if let Some(visitor) = visitor {
            let _ = self.found[usize::from(visitor)].set(Found::Absent);
        }
    }
}

impl Attribute {
    /// These sources, as they are.
    pub fn new(name: &str, sources: Box<[Source]>) -> Attribute {
        Attribute {
            name: name.into(),
            sources,
            split: None,
            normal: Normal::default(),
        }
    }

    /// The first source that is present; for `user` a conflicting header ends the search, and a list is nobody.
    pub fn find<'a>(&'a self, input: Input<'a>, is_user: bool) -> Found<'a> {
        self.find_in(&self.sources, input, is_user)
    }

    #[inline]
    fn find_in<'a>(&'a self, sources: &'a [Source], input: Input<'a>, is_user: bool) -> Found<'a> {
        let http = match input {
            Input::Context(context) => return self.in_context(context, is_user),
            Input::Http(http) => http,
        };
        if let Some(found) = http.said.and_then(|said| self.said(said, is_user)) {
            return found;
        }
        let mut rest = Found::Absent;
        for (index, source) in sources.iter().enumerate() {
            match source.read(http, self.split.as_deref()) {
                Ok(Some(given)) => match self.spelled(given, source.is_decoded(), index) {
                    Some(found @ Found::Value(..)) => return found,
                    Some(list @ Found::List(_)) if !is_user => return list,
                    Some(Found::Object) => rest = Found::Object,
                    _ => {}
                },
                Err(_) if is_user => return Found::Conflict,
                Ok(None) | Err(_) => {}
            }
        }
        rest
    }

    fn said<'a>(&'a self, context: &'a EvaluationContext, is_user: bool) -> Option<Found<'a>> {
        let given = match (is_user, context.attributes.get(&*self.name)) {
            (true, _) => {
                let user = context.user.as_deref();
                user.map(|user| Given::Text(Cow::Borrowed(user.as_bytes())))
            }
            (_, Some(Given::Text(text))) => Some(Given::Text(Cow::Borrowed(text))),
            (_, given) => given.cloned(),
        };
        let given = given.and_then(|given| given.map(|text| text));
        given.and_then(|given| self.spelled(given, false, 0))
    }

    fn in_context<'a>(&'a self, context: &'a EvaluationContext, is_user: bool) -> Found<'a> {
        let environment = || {
            let text = self.sources.iter().find_map(Source::environment)?;
            self.spelled(Given::Text(Cow::Borrowed(text.as_bytes())), false, 0)
        };
        match self.said(context, is_user) {
            Some(Found::Object) => environment().unwrap_or(Found::Object),
            said => said.or_else(environment).unwrap_or(Found::Absent),
        }
    }

    /// As the file wants it spelled, what is not blank; none where nothing is left.
    #[inline]
    fn spelled<'a>(&self, given: Given<'a>, is_decoded: bool, source: usize) -> Option<Found<'a>> {
        let given = match self.normal == Normal::default() {
            true => Some(given),
            false => given.map(|text| self.normal.of(text, is_decoded)),
        };
        given.map(|given| match given {
            Given::Text(text) => Found::Value(text, source),
            Given::List(items) => Found::List(items),
            Given::Object => Found::Object,
        })
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
    fn a_list_of_a_context_stays_a_list() {
        let text = |text: &str| Some(Found::Value(Cow::Owned(text.as_bytes().to_vec()), 0));
        let list = |items: &[&str]| {
            let items = items.iter().map(|item| Box::from(item.as_bytes()));
            Some(Found::List(items.collect()))
        };
        for (given, split, expected) in [
            (Given::text("a"), None, text("a")),
            (Given::text("a|b"), Some("|"), text("a|b")),
            (Given::list(["a"]), None, list(&["a"])),
            (Given::list(["a|b", " "]), Some("|"), list(&["a|b"])),
            (Given::list([""; 0]), None, None),
            (Given::list([" "]), None, None),
            (Given::text(" "), None, None),
            (Given::Object, None, Some(Found::Object)),
        ] {
            let groups = Attribute {
                split: split.map(Into::into),
                ..Attribute::new("groups", Box::default())
            };
            let mut context = EvaluationContext::default();
            context.attributes.insert("groups".into(), given);
            let found = groups.find(Input::Context(&context), false);
            assert_eq!(found, expected.unwrap_or(Found::Absent), "{context:?}");
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
            let stage = Attribute::new("stage", sources.into());
            let mut context = EvaluationContext::default();
            let said = said.map(|said: &str| ("stage".to_owned(), Given::text(said)));
            context.attributes.extend(said);
            let found = stage.find(Input::Context(&context), false);
            assert_eq!(found.bytes(), expected.map(str::as_bytes), "{stage:?}");
        }
    }
}
