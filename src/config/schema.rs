//! The JSON Schema of single values, for editors: it may accept more than the reader, never less.
//! In: nothing. Out: types whose only purpose is their schema; what refers to a map of the file stands in `file`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;
use std::{borrow::Cow, marker::PhantomData};

/// The schema of a map with these keys and no others.
pub(super) fn object<const N: usize>(about: &str, keys: [(&str, &str, Schema); N]) -> Schema {
    let mut properties = serde_json::Map::new();
    for (key, means, mut schema) in keys {
        schema.insert("description".to_owned(), json!(means));
        properties.insert(key.to_owned(), schema.to_value());
    }
    json_schema!({
        "type": "object",
        "description": about,
        "properties": properties,
        "additionalProperties": false,
    })
}

/// A scalar: editors read `007` as a number and `true` as a boolean, burgee reads the characters.
const SCALAR: [&str; 3] = ["string", "number", "boolean"];

macro_rules! leaf {
    ($($name:ident = $schema:tt;)*) => { $(
        pub(super) struct $name;
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )* };
}

leaf! {
    Version = {"enum": [1, "1"]};
    Name = {"type": SCALAR};
    Text = {"type": SCALAR};
    Status = {"enum": ["draft", "running", "paused", "archived"]};
    FileStatus = {"enum": ["running", "paused"]};
    Switch = {"enum": ["on", "off", true, false, "true", "false"]};
    Decode = {"enum": ["percent"]};
    Off = {"enum": ["send", "omit"]};
    Variant = {"type": SCALAR};
    Percent = {"type": "string", "pattern": "^[0-9]{1,3}(\\.[0-9]{1,6})?%$"};
    Instant = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}"};
    Duration = {"type": "string", "pattern": "^[0-9]+[smhd]$"};
    Number = {"type": ["number", "string"]};
    Salt = {"type": SCALAR};
    HeaderName = {"type": "string"};
    AttributeName = {"type": "string"};
    EnvSource = {"type": "string", "pattern": "^env\\."};
    Payloads = {"type": "object"};
    TextOrList = {"anyOf": [{"type": SCALAR}, {"type": "array", "items": {"type": SCALAR}, "minItems": 1}]};
    Weights = {"type": "object", "additionalProperties": {"type": ["integer", "string"]}, "minProperties": 1};
    Sources = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]};
    Variants = {"anyOf": [
        {"type": "array", "items": {"type": SCALAR}, "minItems": 1, "maxItems": 64},
        {"type": "object", "minProperties": 1, "maxProperties": 64},
    ]};
    Buckets = {"type": "object", "minProperties": 1, "additionalProperties": {
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
    }};
    Serve = {"anyOf": [
        {"type": SCALAR},
        {"type": "object", "minProperties": 1, "additionalProperties": {"type": "string", "pattern": "%$"}},
    ]};
}

pub(super) struct MapOf<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for MapOf<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("MapOf{}", T::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object", "additionalProperties": generator.subschema_for::<T>()})
    }
}

pub(super) struct ListOf<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for ListOf<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("ListOf{}", T::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "array", "items": generator.subschema_for::<T>()})
    }
}
