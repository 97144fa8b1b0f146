//! The JSON Schema of single values, for editors: it may accept more than the reader, never less.
//! In: nothing. Out: types whose only purpose is their schema; what refers to a map of the file stands in `file`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};
use std::{borrow::Cow, marker::PhantomData};

/// The schema of a map with these keys and no others; `also` has further keywords.
pub(super) fn object<const N: usize>(
    about: &str,
    keys: [(&str, &str, Schema); N],
    also: &[Value],
) -> Schema {
    let mut properties = serde_json::Map::new();
    for (name, means, schema) in keys {
        properties.insert(name.to_owned(), key(name, means, schema).to_value());
    }
    let mut schema = json_schema!({
        "type": "object",
        "description": about,
        "properties": properties,
        "additionalProperties": false,
    });
    for keywords in also.iter().filter_map(Value::as_object) {
        let keywords = keywords.iter();
        let keywords = keywords.map(|(keyword, value)| (keyword.clone(), value.clone()));
        schema.ensure_object().extend(keywords);
    }
    schema
}

/// What an editor shows of a key.
pub(super) fn key(name: &str, means: &str, mut schema: Schema) -> Schema {
    schema.insert("title".to_owned(), json!(name));
    schema.insert("description".to_owned(), json!(means));
    schema
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

/// What names are made of, as `compile::names` has it.
pub(super) const FEATURE: &str = "^[A-Za-z][A-Za-z0-9]*([_-][A-Za-z0-9]+)*$";
pub(super) const VARIANT: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";
pub(super) const NAME: &str = "^[A-Za-z][A-Za-z0-9._-]{0,63}$";
const SALT: &str = "^[A-Za-z0-9._-]{1,128}$";
const TOKEN: &str = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$";
const PREFIX: &str = "^[A-Za-z0-9!#$%&'*+.^_`|~-]*-$";
const SOURCE: &str = "^(path|method|host|ip|(header|cookie)\\.[A-Za-z0-9!#$%&'*+.^_`|~-]+|(query|jwt)\\..+|env\\.[A-Za-z0-9_]+)$";
const OVERRIDE_SOURCE: &str = "^((header|cookie)\\.[A-Za-z0-9!#$%&'*+.^_`|~-]+|query\\..+)$";
/// 0% to 100%, up to six decimals.
const PERCENT: &str = "^0*(100(\\.0{1,6})?|[0-9]{1,2}(\\.[0-9]{1,6})?)%$";
/// The same, below 100%.
const MARGIN: &str = "^0*[0-9]{1,2}(\\.[0-9]{1,6})?%$";
/// A date, or RFC 3339 with a zone, in whole seconds.
const INSTANT: &str = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.0+)?([Zz]|[+-][0-9]{2}:[0-9]{2}))?$";
const NUMBER: &str = "^[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?$";
const BUCKETS: &str = "^\\s*[0-9]{1,4}\\s*-\\s*[0-9]{1,4}\\s*$";
const VERSIONS: &str = "^\\s*(\\*|(=|>=?|<=?|\\^|~)?\\s*[0-9]+(\\.([0-9]+|[xX*])){0,2}(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?\\s*(,\\s*(=|>=?|<=?|\\^|~)?\\s*[0-9]+(\\.([0-9]+|[xX*])){0,2}(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?\\s*)*)$";
const DOMAIN: &str =
    "^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]$";
const NETWORK: &str = "^[0-9A-Fa-f:.]+/[0-9]{1,3}$";

leaf! {
    Version = {"enum": [1, "1"]};
    Name = {"type": SCALAR, "pattern": NAME};
    Text = {"type": SCALAR};
    Status = {"enum": ["draft", "running", "paused", "archived"]};
    FileStatus = {"enum": ["running", "paused"]};
    Switch = {"enum": ["on", "off", true, false, "true", "false"]};
    Decode = {"enum": ["percent"]};
    Off = {"enum": ["send", "omit"]};
    Variant = {"type": SCALAR, "pattern": VARIANT};
    Percent = {"type": "string", "pattern": PERCENT};
    Margin = {"type": "string", "pattern": MARGIN};
    GuardAction = {"enum": ["report", "hold", "stop"]};
    Patience = {"type": "string", "pattern": "^0*[1-9][0-9]*(ms|s)$"};
    Instant = {"type": "string", "pattern": INSTANT};
    Audience = {"enum": ["strangers", "everybody"]};
    Domain = {"type": "string", "pattern": DOMAIN, "maxLength": 253};
    Duration = {"type": "string", "pattern": "^[0-9]+[smhd]$"};
    Number = {"type": ["number", "string"], "pattern": NUMBER};
    Salt = {"type": SCALAR, "pattern": SALT};
    HeaderName = {"type": "string", "pattern": TOKEN};
    Token = {"type": SCALAR, "pattern": TOKEN};
    Prefix = {"type": "string", "pattern": PREFIX};
    AttributeName = {"type": "string"};
    EnvSource = {"type": "string", "pattern": "^env\\.[A-Za-z0-9_]+$"};
    Hash = {"enum": crate::engine::imported::Hash::ALL.map(crate::engine::imported::Hash::name)};
    DrawText = {"type": "string", "pattern": "[{]unit[}]", "maxLength": 1024};
    Seed = {"type": ["integer", "string"], "pattern": "^[0-9]+$", "minimum": 0};
    Bits = {"type": ["integer", "string"], "pattern": "^[0-9]+$", "minimum": 1};
    Order = {"enum": ["big", "little"]};
    OutOf = {"type": ["integer", "string"], "pattern": "^0*[1-9][0-9]*$", "minimum": 1};
    Payloads = {"type": "object"};
    TextOrList = {"anyOf": [{"type": SCALAR, "pattern": "[\\s\\S]"}, {"type": "array", "items": {"type": SCALAR, "pattern": "[\\s\\S]"}, "minItems": 1}]};
    Values = {"anyOf": [{"type": SCALAR, "pattern": "\\S"}, {"type": "array", "items": {"type": SCALAR, "pattern": "\\S"}, "minItems": 1}]};
    Versions = {"anyOf": [
        {"type": SCALAR, "pattern": VERSIONS},
        {"type": "array", "items": {"type": SCALAR, "pattern": VERSIONS}, "minItems": 1},
    ]};
    Networks = {"anyOf": [
        {"type": "string", "pattern": NETWORK},
        {"type": "array", "items": {"type": "string", "pattern": NETWORK}, "minItems": 1},
    ]};
    Weights = {
        "type": "object",
        "additionalProperties": {"type": ["integer", "string"], "pattern": "^0*[1-9][0-9]*$", "minimum": 1},
        "minProperties": 1,
    };
    Sources = {"anyOf": [
        {"type": "string", "pattern": SOURCE},
        {"type": "array", "items": {"type": "string", "pattern": SOURCE}, "minItems": 1, "uniqueItems": true},
    ]};
    OverrideSources = {"anyOf": [
        {"type": "string", "pattern": OVERRIDE_SOURCE},
        {"type": "array", "items": {"type": "string", "pattern": OVERRIDE_SOURCE}, "minItems": 1, "uniqueItems": true},
    ]};
    Variants = {"anyOf": [
        {"type": "array", "items": {"type": SCALAR, "pattern": VARIANT}, "minItems": 1, "maxItems": 64, "uniqueItems": true},
        {
            "type": "object",
            "propertyNames": {"pattern": VARIANT},
            "additionalProperties": {"not": {"type": "null"}},
            "minProperties": 1,
            "maxProperties": 64,
        },
    ]};
    Buckets = {"type": "object", "minProperties": 1, "propertyNames": {"pattern": VARIANT}, "additionalProperties": {
        "anyOf": [
            {"type": "string", "pattern": BUCKETS},
            {"type": "array", "items": {"type": "string", "pattern": BUCKETS}, "minItems": 1},
            {"type": "array", "items": {"type": "string", "pattern": PERCENT}, "minItems": 2, "maxItems": 2, "description": "under a `draw`: from, and up to, the end not included"},
            {"type": "array", "minItems": 1, "items": {"type": "array", "items": {"type": "string", "pattern": PERCENT}, "minItems": 2, "maxItems": 2}},
        ],
    }};
    Serve = {
        "anyOf": [
            {"type": SCALAR, "pattern": VARIANT},
            {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": VARIANT},
                "additionalProperties": {"type": "string", "pattern": PERCENT},
            },
            {
                "type": "array",
                "description": "under a `draw`: the order of the arms decides",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 1,
                    "propertyNames": {"pattern": VARIANT},
                    "additionalProperties": {"type": "string", "pattern": PERCENT},
                },
            },
        ],
        "defaultSnippets": [
            {"label": "on", "body": "on"},
            {"label": "off", "body": "off"},
            {"label": "shares", "body": {"${1:control}": "50%", "${2:treatment}": "50%"}},
        ],
    };
}

/// A map whose keys are names of this kind.
pub(super) trait Keys {
    fn schema() -> Schema;
}

/// Names of segments.
pub(super) struct Segments;

impl Keys for Segments {
    fn schema() -> Schema {
        json_schema!({"pattern": VARIANT})
    }
}

/// Names of attributes, without what means something else in conditions.
pub(super) struct Attributes;

impl Keys for Attributes {
    fn schema() -> Schema {
        let taken = [
            "user", "path", "method", "host", "ip", "now", "not", "any", "all", "feature",
        ];
        json_schema!({"pattern": NAME, "not": {"enum": taken}})
    }
}

/// Names of features, with or without their namespace.
pub(super) struct Stoppable;

impl Keys for Stoppable {
    fn schema() -> Schema {
        let feature = "[A-Za-z][A-Za-z0-9]*([_-][A-Za-z0-9]+)*";
        json_schema!({"pattern": format!("^(\\*|([A-Za-z][A-Za-z0-9._-]*\\.)?{feature})$")})
    }
}

/// A map by names of this kind.
pub(super) struct MapOf<K, T>(PhantomData<(K, T)>);

impl<K: Keys, T: JsonSchema> JsonSchema for MapOf<K, T> {
    fn schema_name() -> Cow<'static, str> {
        format!("MapOf{}", T::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "propertyNames": K::schema(),
            "additionalProperties": generator.subschema_for::<T>(),
        })
    }
}

/// The rules of a feature.
pub(super) struct Rules<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for Rules<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Rules{}", T::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "array", "items": generator.subschema_for::<T>(), "maxItems": 100})
    }
}

/// A list with something in it.
pub(super) struct NonEmpty<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for NonEmpty<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("NonEmpty{}", T::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "array", "items": generator.subschema_for::<T>(), "minItems": 1})
    }
}
