//! A value as a request or an evaluation context gives it: a text, a list, or what cannot be compared.
//! In: bytes, or JSON. Out: exact bytes; of a list those of each element, which are never divided again.

use serde_json::Value;
use std::borrow::Cow;

/// What a source or a context has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given<'a> {
    /// text, or a number or a truth as it is written
    Text(Cow<'a, [u8]>),
    /// a list of JSON: any element may match
    List(Box<[Box<[u8]>]>),
    /// an object, or a list of nothing else: it counts as absent
    Object,
}

impl Given<'static> {
    /// A text.
    pub fn text(text: impl Into<String>) -> Given<'static> {
        Given::Text(Cow::Owned(text.into().into_bytes()))
    }

    /// A list of texts.
    pub fn list<S: Into<String>>(texts: impl IntoIterator<Item = S>) -> Given<'static> {
        let element = |text: S| text.into().into_bytes().into_boxed_slice();
        Given::List(texts.into_iter().map(element).collect())
    }

    /// What JSON says; none for null.
    pub fn json(value: &Value) -> Option<Given<'static>> {
        match value {
            Value::Null => None,
            Value::Array(items) => {
                let texts: Vec<_> = items.iter().filter_map(scalar).collect();
                match texts.is_empty() && items.iter().any(|item| !item.is_null()) {
                    true => Some(Given::Object),
                    false => Some(Given::list(texts)),
                }
            }
            value => Some(scalar(value).map_or(Given::Object, Given::text)),
        }
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

impl<'a> Given<'a> {
    /// Each text as `change` makes it. Blank counts as absent.
    pub fn map(self, change: impl Fn(Cow<'a, [u8]>) -> Cow<'a, [u8]>) -> Option<Given<'a>> {
        let says = |bytes: &[u8]| !bytes.trim_ascii().is_empty();
        match self {
            Given::Text(bytes) => Some(change(bytes))
                .filter(|bytes| says(bytes))
                .map(Given::Text),
            Given::List(items) => {
                let change = |item: Box<[u8]>| Box::from(&*change(Cow::Owned(item.into_vec())));
                let items: Box<[Box<[u8]>]> = items
                    .into_iter()
                    .map(change)
                    .filter(|item| says(item))
                    .collect();
                (!items.is_empty()).then_some(Given::List(items))
            }
            Given::Object => Some(Given::Object),
        }
    }
}
