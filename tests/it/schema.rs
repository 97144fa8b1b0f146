//! The published schema: current, and never stricter than the reader.
//! The keywords that it uses are few, and are evaluated here; any other keyword fails the test.

use super::toggles::{compile, files, name};
use serde_json::{Map, Value, json};
use std::fs;

fn schema() -> Value {
    serde_json::from_str(&burgee::cli::schema::text()).unwrap()
}

/// Why a value does not match, with its place; empty where it does.
fn mismatch(root: &Value, schema: &Value, value: &Value, at: &str) -> String {
    let Some(schema) = schema.as_object() else {
        return match schema {
            Value::Bool(true) => String::new(),
            _ => format!("{at}: nothing is allowed here\n"),
        };
    };
    let mut wrong = String::new();
    for (keyword, wanted) in schema {
        let matches = match keyword.as_str() {
            "$schema" | "title" | "description" | "$defs" | "defaultSnippets" => true,
            "not" => !mismatch(root, wanted, value, at).is_empty(),
            "allOf" => {
                for one in wanted.as_array().unwrap() {
                    wrong += &mismatch(root, one, value, at);
                }
                true
            }
            "contains" => value.as_array().is_none_or(|list| {
                list.iter()
                    .any(|item| mismatch(root, wanted, item, at).is_empty())
            }),
            "maxLength" => value
                .as_str()
                .is_none_or(|text| text.chars().count() as u64 <= wanted.as_u64().unwrap()),
            "minimum" => value.as_i64().is_none_or(|n| n >= wanted.as_i64().unwrap()),
            "uniqueItems" => value.as_array().is_none_or(|list| {
                let repeats = |(at, one)| list[..at].contains(one);
                !list.iter().enumerate().any(repeats)
            }),
            "$ref" => {
                let pointer = wanted.as_str().unwrap().strip_prefix('#').unwrap();
                wrong += &mismatch(root, root.pointer(pointer).unwrap(), value, at);
                true
            }
            "anyOf" => wanted
                .as_array()
                .unwrap()
                .iter()
                .any(|one| mismatch(root, one, value, at).is_empty()),
            "type" => match wanted {
                Value::Array(any) => any.iter().any(|one| is(value, one)),
                one => is(value, one),
            },
            "enum" => wanted.as_array().unwrap().contains(value),
            "const" => wanted == value,
            "pattern" => value.as_str().is_none_or(|text| {
                regex::Regex::new(wanted.as_str().unwrap())
                    .unwrap()
                    .is_match(text)
            }),
            "required" => value.as_object().is_none_or(|map| {
                wanted
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|key| map.contains_key(key.as_str().unwrap()))
            }),
            "minItems" => value
                .as_array()
                .is_none_or(|list| list.len() as u64 >= wanted.as_u64().unwrap()),
            "maxItems" => value
                .as_array()
                .is_none_or(|list| list.len() as u64 <= wanted.as_u64().unwrap()),
            "minProperties" => value
                .as_object()
                .is_none_or(|map| map.len() as u64 >= wanted.as_u64().unwrap()),
            "maxProperties" => value
                .as_object()
                .is_none_or(|map| map.len() as u64 <= wanted.as_u64().unwrap()),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    wrong += &mismatch(root, wanted, item, &format!("{at}[{index}]"));
                }
                true
            }
            "propertyNames" => {
                for key in value.as_object().into_iter().flat_map(Map::keys) {
                    wrong += &mismatch(root, wanted, &json!(key), &format!("{at}.{key}"));
                }
                true
            }
            "properties" => {
                for (key, item) in value.as_object().into_iter().flatten() {
                    if let Some(wanted) = wanted.get(key) {
                        wrong += &mismatch(root, wanted, item, &format!("{at}.{key}"));
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = schema.get("properties");
                for (key, item) in value.as_object().into_iter().flatten() {
                    if known.is_none_or(|known| known.get(key).is_none()) {
                        wrong += &mismatch(root, wanted, item, &format!("{at}.{key}"));
                    }
                }
                true
            }
            other => panic!("{other} is not evaluated"),
        };
        if !matches {
            wrong += &format!("{at}: {keyword} {wanted} does not match {value}\n");
        }
    }
    wrong
}

fn is(value: &Value, kind: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{other}"),
    }
}

/// As an editor reads it.
fn as_editors_read(text: &str) -> Value {
    // the marks of a text's begin and end, and integers beyond 64 bits, are too much for this reader
    let text = &text.replace("123456789012345678901234567890", "1e29");
    let text = text
        .trim_start_matches('\u{feff}')
        .trim_end_matches("...\n");
    let yaml: serde_yaml::Value =
        serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    json_of(&yaml)
}

fn json_of(yaml: &serde_yaml::Value) -> Value {
    match yaml {
        serde_yaml::Value::Null => Value::Null,
        serde_yaml::Value::Bool(truth) => json!(truth),
        serde_yaml::Value::Number(number) => number
            .as_i64()
            .map_or_else(|| json!(number.as_f64()), |number| json!(number)),
        serde_yaml::Value::String(text) => json!(text),
        serde_yaml::Value::Sequence(items) => items.iter().map(json_of).collect(),
        serde_yaml::Value::Mapping(map) => {
            let key = |key: &serde_yaml::Value| match json_of(key) {
                Value::String(text) => text,
                other => other.to_string(),
            };
            Value::Object(
                map.iter()
                    .map(|(name, value)| (key(name), json_of(value)))
                    .collect(),
            )
        }
        serde_yaml::Value::Tagged(tagged) => json_of(&tagged.value),
    }
}

#[test]
fn the_published_schema_is_the_one_that_burgee_prints() {
    let published = concat!(env!("CARGO_MANIFEST_DIR"), "/config/stops.schema.json");
    let stops = burgee::cli::schema::stops_text() + "\n";
    assert_eq!(
        fs::read_to_string(published).unwrap(),
        stops,
        "run `burgee schema stops > config/stops.schema.json`"
    );
    let published = concat!(env!("CARGO_MANIFEST_DIR"), "/config/toggles.schema.json");
    let printed = burgee::cli::schema::text() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        fs::write(published, &printed).unwrap();
    }
    assert_eq!(
        fs::read_to_string(published).unwrap(),
        printed,
        "run `burgee schema > config/toggles.schema.json`"
    );
}

#[test]
fn the_schema_accepts_whatever_burgee_accepts() {
    let schema = schema();
    let folders = [
        "config",
        "config/examples",
        "tests/data/accepted",
        "tests/data/refused",
    ];
    let mut accepted = 0;
    for path in folders.iter().flat_map(|folder| files(folder, "yaml")) {
        let bytes = fs::read(&path).unwrap();
        if compile(&[("a.yaml", &bytes)]).is_ok() {
            accepted += 1;
            let value = as_editors_read(&String::from_utf8(bytes).unwrap());
            assert_eq!(
                mismatch(&schema, &schema, &value, ""),
                "",
                "{}",
                name(&path)
            );
        }
    }
    assert!(accepted >= 40, "{accepted}");
}

#[test]
fn the_schema_shows_the_common_mistakes_in_an_editor() {
    let schema = schema();
    for text in [
        "features: {a: on}",
        "version: 1\nfeature: {a: on}",
        "version: 1\nfeatures: {a: 25}",
        "version: 1\nfeatures: {a: {rolout: 25%}}",
        "version: 1\nfeatures: {a: {rollout: 25}}",
        "version: 1\nfeatures: {a: {when: {path: {startswith: x}}, serve: on}}",
        "version: 1\nfeatures: {a: {when: [], serve: on}}",
        "version: 1\nfeatures: {a: {status: active, serve: on}}",
        "version: 1\nfeatures: [a]",
        "version: 1\nfeatures: {a: {}}",
        "version: 1\nfeatures: {a: {description: WIP}}",
        "version: 1\nfeatures: {new feature: on}",
        "version: 1\nfeatures: {a--b: on}",
        "version: 1\nfeatures: {a: 110%}",
        "version: 1\nfeatures: {a: 0.1234567%}",
        "version: 1\nfeatures: {a: {serve: 50%}}",
        "version: 1\nfeatures: {a: {variants: [b, b], serve: b}}",
        "version: 1\nfeatures: {a: {variants: [b c], serve: on}}",
        "version: 1\nfeatures: {a: {variants: {b: }, serve: b}}",
        "version: 1\nfeatures: {a: {variants: [b], rollout: 5%}}",
        "version: 1\nfeatures: {a: {variants: [b], serve: {b: 50, off: 50}}}",
        "version: 1\nfeatures: {a: {serve: on, buckets: {on: 0-1}}}",
        "version: 1\nfeatures: {a: {buckets: {on: 0-99999}}}",
        "version: 1\nfeatures: {a: {rollout: {from: 0%, to: 100%, start: 2026-01-01}}}",
        "version: 1\nfeatures: {a: {rollout: {2026-13-01: 5%}}}",
        "version: 1\nfeatures: {a: {when: {now: {until: 2026-03-01T09:00:00}}, serve: on}}",
        "version: 1\nfeatures: {a: {when: {now: {}}, serve: on}}",
        "version: 1\nfeatures: {a: {when: '!staff', serve: on}}",
        "version: 1\nfeatures: {a: {when: {user: ''}, serve: on}}",
        "version: 1\nfeatures: {a: {when: {x: {min: ten}}, serve: on}}",
        "version: 1\nfeatures: {a: {when: {x: {version: '>=1 <2'}}, serve: on}}",
        "version: 1\nfeatures: {a: {when: {ip: {within: 10.0.0.1}}, serve: on}}",
        "version: 1\nfeatures: {a: {salt: a b, serve: on}}",
        "version: 1\nfeatures: {a: {header: X Y, serve: on}}",
        "version: 1\nfeatures: {a: {expires: soon, serve: on}}",
        "version: 1\nuser: headers.x-user-id\nfeatures: {a: on}",
        "version: 1\nattributes: {user: header.x-a}\nfeatures: {a: on}",
        "version: 1\nattributes: {a: {split: ','}}\nfeatures: {a: on}",
        "version: 1\nattributes: {a: {from: header.x-a, decode: url}}\nfeatures: {a: on}",
        "version: 1\nnamespace: 1-a\nfeatures: {a: on}",
        "version: 1\nanonymous: {cookie: v}\nfeatures: {a: on}",
        "version: 1\noverride: {from: header.x-qa}\nfeatures: {a: on}",
        "version: 1\nheaders: {prefix: X-Shop}\nfeatures: {a: on}",
    ] {
        assert!(compile(&[("a.yaml", text.as_bytes())]).is_err(), "{text}");
        assert_ne!(
            mismatch(&schema, &schema, &as_editors_read(text), ""),
            "",
            "{text}"
        );
    }
}

/// What an editor shows and offers: a title a key, and something to begin with.
#[test]
fn the_schema_helps_to_write() {
    let schema = schema();
    let mut maps = vec![&schema];
    maps.extend(schema["$defs"].as_object().unwrap().values());
    maps.extend(schema["$defs"]["Condition"]["anyOf"].as_array().unwrap());
    for properties in maps.iter().filter_map(|map| map["properties"].as_object()) {
        for (key, property) in properties {
            assert_eq!(property["title"], **key, "{key}");
            assert!(property["description"].is_string(), "{key}");
        }
    }
    let defs = &schema["$defs"];
    // what stands in the place of a placeholder is an example of it
    let placeholder = regex::Regex::new(r"\$\{\d:([^}]*)\}").unwrap();
    for offered in [
        &defs["Feature"]["properties"]["serve"],
        &defs["Condition"],
        &defs["Rollout"],
    ] {
        let snippets = offered["defaultSnippets"].as_array().unwrap();
        for snippet in snippets {
            let body = snippet["body"].to_string();
            let body = serde_json::from_str(&placeholder.replace_all(&body, "$1")).unwrap();
            assert_eq!(mismatch(&schema, offered, &body, ""), "", "{snippet}");
        }
        assert!(snippets.len() >= 2);
    }
}

#[test]
fn every_example_loads_without_a_warning_and_names_the_schema() {
    let examples = files("config/examples", "yaml");
    assert!(examples.len() >= 16);
    let reference = files("config", "yaml")
        .into_iter()
        .filter(|path| name(path) == "toggles.yaml");
    for path in examples.into_iter().chain(reference) {
        let text = fs::read_to_string(&path).unwrap();
        let first = text.lines().next().unwrap();
        let named = first
            .strip_prefix("# yaml-language-server: $schema=")
            .unwrap();
        assert!(path.parent().unwrap().join(named).is_file(), "{first}");
        let (_, warnings) = compile(&[(&name(&path), text.as_bytes())])
            .unwrap_or_else(|problems| panic!("{problems}"));
        // Flaggery's quickstart is of 2024
        let old = name(&path) == "flaggery.yaml";
        assert_eq!(
            warnings.len(),
            usize::from(old),
            "{}: {warnings:?}",
            name(&path)
        );
    }
}
