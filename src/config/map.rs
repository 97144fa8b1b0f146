//! How a map of the file is read: by the names that it may have, and no others.
//! In: a node. Out: its entries by name; a key that is not one of these is a problem.

use super::{
    collector::Collector,
    hints,
    phrases::quote,
    tree::{Entry, Kind, Node},
};

/// A map is written once, in `file`, and gives three things: the names that the reader knows, the fields that `compile` asks
/// for, and the schema that editors use.
macro_rules! map {
    ($(#[$doc:meta])* $name:ident, $about:literal, { $($key:literal $field:ident: $schema:ty = $means:literal),* $(,)? } $(, $also:tt)?) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(super) struct $name<'t> {
            $(#[doc = $means] pub(super) $field: Option<&'t Entry<'t>>,)*
        }

        impl<'t> $name<'t> {
            /// The keys that may be written.
            pub(super) const KEYS: &'static [&'static str] = &[$($key),*];

            /// None where there is no map; unknown keys are told.
            pub(super) fn read(node: &'t Node<'t>, problems: &mut Collector) -> Option<Self> {
                let entries = entries(node, $about, problems)?;
                let mut map = $name { $($field: None),* };
                for entry in entries {
                    match own_word(&entry.key, Self::KEYS) {
                        $($key => map.$field = Some(entry),)*
                        unknown => unknown_key(entry, unknown, $about, Self::KEYS, problems),
                    }
                }
                Some(map)
            }
        }

        impl JsonSchema for $name<'_> {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                is::object($about, [$(($key, $means, generator.subschema_for::<$schema>())),*], &[$(json!($also))?])
            }
        }
    };
}

pub(super) use map;

/// YAML 1.1 tools make `false` of `off`: a key of ours stays itself.
pub(super) fn own_word<'k>(key: &'k str, known: &[&str]) -> &'k str {
    match key {
        "false" | "False" | "FALSE" if known.contains(&"off") => "off",
        key => key,
    }
}

/// The entries of a map, or a problem that says what was expected.
pub(super) fn entries<'t>(
    node: &'t Node<'t>,
    about: &str,
    problems: &mut Collector,
) -> Option<&'t [Entry<'t>]> {
    match &node.kind {
        Kind::Map(entries) => Some(entries),
        Kind::Refused => None,
        _ => {
            problems.error(
                node.at,
                format!("{about} must be a map, not {}", node.what()),
                if about == "the file" {
                    "begin with `version: 1`, and put the features below `features:`"
                } else {
                    "write `key: value` lines below it, with a space after the colon"
                },
            );
            None
        }
    }
}

pub(super) fn unknown_key(
    entry: &Entry<'_>,
    unknown: &str,
    about: &str,
    known: &[&str],
    problems: &mut Collector,
) {
    let hint = if problems.is_tired() {
        String::new()
    } else {
        hints::for_key(unknown, about, known)
    };
    problems.error(
        entry.key_at,
        format!("{about} has no key {}", quote(unknown)),
        hint,
    );
}
