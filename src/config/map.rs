//! How a map of the file is read: by the names that it may have, and no others.
//! In: a node. Out: its entries by name; a key that is not one of these is a problem.

use super::{
    collector::Collector,
    phrases::{did_you_mean, quote},
    tree::{Entry, Kind, Node},
};

/// A map is written once, in `file`, and gives three things: the names that the reader knows, the fields that `compile` asks
/// for, and the schema that editors use.
macro_rules! map {
    ($(#[$doc:meta])* $name:ident, $about:literal, { $($key:literal $field:ident: $schema:ty = $means:literal),* $(,)? }) => {
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
                    match &*entry.key {
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
                is::object($about, [$(($key, $means, generator.subschema_for::<$schema>())),*])
            }
        }
    };
}

pub(super) use map;

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
        elsewhere(unknown, known)
    };
    problems.error(
        entry.key_at,
        format!("{about} has no key {}", quote(unknown)),
        hint,
    );
}

/// Words of other systems, and what they are called here.
fn elsewhere(unknown: &str, known: &[&str]) -> String {
    let (here, hint) = match unknown {
        "enabled" | "enable" | "state" | "active" => (
            "status",
            "`on`, `off` or a percentage is the whole feature; `status: paused` stops one",
        ),
        "percentage" | "percent" | "rollout_percentage" => ("rollout", "write `rollout: 25%`"),
        "weights" | "allocation" | "allocations" | "split" | "distribution" => (
            "serve",
            "write shares: `serve: {control: 50%, treatment: 50%}`",
        ),
        "targeting" | "conditions" | "condition" | "if" | "audience" | "match" => {
            ("when", "write `when:`")
        }
        "variations" => ("variants", "write `variants:`"),
        "value" | "then" | "variant" | "variation" => ("serve", "write `serve:`"),
        "users" => ("user", "write `user:`"),
        "defaultVariant" | "defaultValue" | "default_variant" => ("default", "write `default:`"),
        "startswith" | "startsWith" | "starts_with" => ("prefix", "write `prefix:`"),
        "endswith" | "endsWith" | "ends_with" => ("suffix", "write `suffix:`"),
        "regex" | "regexp" | "pattern" => ("matches", "write `matches:`"),
        "eq" | "equals" | "is" | "in" | "oneOf" | "one_of" => (
            "not",
            "write the value or the list itself: `country: [US, CA]`",
        ),
        "gt" | "greater" => ("above", "write `above:`"),
        "gte" | "ge" => ("min", "write `min:`"),
        "lt" | "less" => ("below", "write `below:`"),
        "lte" | "le" => ("max", "write `max:`"),
        "semver" => ("version", "write `version:`"),
        "cidr" => ("within", "write `within:`"),
        "exists" => ("present", "write `present:`"),
        "after" | "since" => ("from", "write `from:`, which is inclusive"),
        "before" => ("until", "write `until:`, which is exclusive"),
        _ => return did_you_mean(unknown, known.iter().copied()),
    };
    if known.contains(&here) {
        hint.to_owned()
    } else {
        did_you_mean(unknown, known.iter().copied())
    }
}
