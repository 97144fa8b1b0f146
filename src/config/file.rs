//! What may be written in a toggles file: every map with its keys, and the JSON Schema of them.
//! In: a map of the text. Out: its entries by name; a key that is not one of these is a problem.
//!
//! Each map is written once, here, and gives three things: the names that the reader knows, the fields that
//! `compile` asks for, and the schema that editors use.

use super::{
    problem::{Log, did_you_mean, quote},
    schema as is,
    tree::{Entry, Kind, Node},
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use std::borrow::Cow;

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
            pub(super) fn read(node: &'t Node<'t>, log: &mut Log) -> Option<Self> {
                let entries = entries(node, $about, log)?;
                let mut map = $name { $($field: None),* };
                for entry in entries {
                    match &*entry.key {
                        $($key => map.$field = Some(entry),)*
                        unknown => unknown_key(entry, unknown, $about, Self::KEYS, log),
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

/// The entries of a map, or a problem that says what was expected.
pub(super) fn entries<'t>(
    node: &'t Node<'t>,
    about: &str,
    log: &mut Log,
) -> Option<&'t [Entry<'t>]> {
    match &node.kind {
        Kind::Map(entries) => Some(entries),
        Kind::Refused => None,
        _ => {
            log.error(
                node.at,
                format!("{about} is a map, not {}", node.what()),
                if about == "the file" {
                    "begin with `version: 1`, and put what you have below `features:`"
                } else {
                    "write `key: value` lines below it, with a blank behind the colon"
                },
            );
            None
        }
    }
}

fn unknown_key(entry: &Entry<'_>, unknown: &str, about: &str, known: &[&str], log: &mut Log) {
    let hint = if log.is_tired() {
        String::new()
    } else {
        elsewhere(unknown, known)
    };
    log.error(
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

map!(
    /// A toggles file.
    File, "the file", {
    "version" version: is::Version = "the contract that the file is written for; always 1",
    "namespace" namespace: is::Name = "sets the file apart from others in a directory; a part of every salt",
    "status" status: is::FileStatus = "`paused` is the kill switch: every feature gives its default",
    "when" when: is::Condition = "none of this file's headers are sent unless this holds",
    "user" user: is::UserSource = "who is asking: the first of these sources that is present; left out: [header.x-user-id, cookie.user_id]",
    "anonymous" anonymous: Anonymous<'static> = "ids for strangers: the last source of `user`",
    "attributes" attributes: is::MapOf<is::AttributeSource> = "names for what conditions ask about",
    "segments" segments: is::MapOf<is::Condition> = "named conditions",
    "features" features: is::Features = "what can be on, off, or one of several variants",
    "headers" headers: is::HeadersOrNone = "how answers travel; `none` for a file that is only asked through OFREP",
    "override" overrides: Override<'static> = "lets testers force variants",
});

map!(
    /// A feature in full.
    Feature, "a feature", {
    "description" description: is::Text = "what it is for",
    "metadata" metadata: is::Payloads = "anything; shown by OFREP and the page",
    "status" status: is::Status = "draft: not sent; running; paused: everybody gets the default; archived: gone",
    "variants" variants: is::Variants = "a list of names, or names with values; `on` and `off` always exist",
    "default" default: is::Variant = "what everybody gets when nothing else decides; left out: `off`",
    "when" when: is::Condition = "live only when this holds; otherwise the default",
    "rules" rules: is::ListOf<Rule<'static>> = "read top to bottom; the first whose `when` holds decides",
    "rollout" rollout: is::Rollout = "the share of people who get what `serve` says; the rest get the default",
    "serve" serve: is::Serve = "a variant, or shares that add up to 100%",
    "buckets" buckets: is::Buckets = "variants by bucket, 0 to 9999; gaps get the default",
    "by" by: is::AttributeName = "the attribute that shares are drawn by; left out: the user",
    "salt" salt: is::Salt = "sets where people fall; keep it when a feature is renamed",
    "header" header: is::HeaderName = "another header than the prefix and the name make; `none` sends none",
    "metrics" metrics: is::Switch = "`off` keeps the feature out of the metrics",
});

map!(
    /// A rule.
    Rule, "a rule", {
    "name" name: is::Text = "shown by explain and OFREP",
    "when" when: is::Condition = "the rule decides when this holds",
    "rollout" rollout: is::Rollout = "the share of people who get what `serve` says; the rest get the default, not the next rule",
    "serve" serve: is::Serve = "a variant, or shares that add up to 100%; left out: `on`, where no variants are declared",
    "buckets" buckets: is::Buckets = "variants by bucket, 0 to 9999; gaps get the default",
});

map!(
    /// `rollout: {from: 0%, to: 100%, start: 2026-03-01, end: 2026-03-08}`
    Glide, "a glide", {
    "from" from: is::Percent = "the share until `start`",
    "to" to: is::Percent = "the share from `end` on",
    "start" start: is::Instant = "where the straight line begins",
    "end" end: is::Instant = "where it ends",
});

map!(
    /// An attribute in full.
    Attribute, "an attribute", {
    "from" from: is::Sources = "a source, or a list: the first that is present",
    "split" split: is::Text = "the value is a list, divided by this; a condition holds if any element matches",
    "weights" weights: is::Weights = "how much each subject counts in a rollout",
});

map!(
    /// Ids for strangers.
    Anonymous, "`anonymous`", {
    "cookie" cookie: is::Text = "the name of the cookie that keeps the id",
    "max-age" max_age: is::Duration = "how long the browser keeps it, `365d`",
});

map!(
    /// How answers travel.
    Headers, "`headers`", {
    "prefix" prefix: is::Text = "left out: `X-Feature-`",
    "off" off: is::Off = "whether `off` is sent; left out: `send`",
    "values" values: is::Switch = "send payloads in `…-Value` headers; left out: false",
    "combined" combined: is::Text = "the name of one header with all answers",
    "revision" revision: is::Text = "the name of a header with the revision of the files",
});

map!(
    /// Overrides for testers.
    Override, "`override`", {
    "from" from: is::Sources = "where an override is looked for: `header.` and `query.` sources",
    "when" when: is::Condition = "must hold, and may only depend on `header.` and `env.` sources unless there is a `key`",
    "key" key: is::EnvSource = "the variable whose value signs overrides",
});

map!(
    /// `now: {from: 2026-03-01, until: 2026-03-15}`
    Window, "`now`", {
    "from" from: is::Instant = "this instant or later",
    "until" until: is::Instant = "before this instant",
});

map!(
    /// The operators of a condition.
    Operators, "a set of operators", {
    "not" not: is::Matcher = "not this value, none of this list, or not these operators",
    "contains" contains: is::TextOrList = "has this in it",
    "prefix" prefix: is::TextOrList = "begins with this",
    "suffix" suffix: is::TextOrList = "ends with this",
    "matches" matches: is::TextOrList = "a regular expression, anywhere in the value",
    "above" above: is::Number = "greater than",
    "min" min: is::Number = "at least",
    "below" below: is::Number = "less than",
    "max" max: is::Number = "at most",
    "version" version: is::TextOrList = "a range of versions: `>=2.10, <3`",
    "within" within: is::TextOrList = "a network: `10.0.0.0/8`",
    "from" from: is::Instant = "this instant or later",
    "until" until: is::Instant = "before this instant",
    "present" present: is::Switch = "whether there is a value at all",
});
