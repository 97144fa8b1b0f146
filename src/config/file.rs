//! What may be written in a toggles file: every map with its keys, and the JSON Schema of them.
//! In: a map of the text. Out: its entries by name, each with what its key means.

use super::{
    collector::Collector,
    map::{entries, map, own_word, unknown_key},
    schema as is,
    tree::{Entry, Node},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};
use std::borrow::Cow;

/// The schema of a toggles file.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(File<'static>);
    schema.insert("title".to_owned(), json!("A toggles file of burgee"));
    schema.insert("required".to_owned(), json!(["version"]));
    schema.to_value()
}

/// The schema of a stops file.
pub fn stops_schema() -> Value {
    let mut schema = schemars::schema_for!(Stops<'static>);
    schema.insert("title".to_owned(), json!("A stops file of burgee"));
    schema.insert("required".to_owned(), json!(["version"]));
    schema.to_value()
}

map!(
    /// A toggles file.
    File, "the file", {
    "version" version: is::Version = "the contract that the file is written for; always 1",
    "namespace" namespace: is::Name = "sets the file apart from others in a directory; a part of every salt",
    "status" status: is::FileStatus = "`paused` is the kill switch: every feature gives its default",
    "when" when: Condition = "none of this file's headers are sent unless this holds",
    "user" user: UserSource = "who is asking: the first of these sources that is present; left out: [header.x-user-id, cookie.user_id]",
    "anonymous" anonymous: Anonymous<'static> = "ids for visitors: the last source of `user`",
    "attributes" attributes: is::MapOf<is::Attributes, AttributeSource> = "names for what conditions ask about",
    "segments" segments: is::MapOf<is::Segments, Condition> = "named conditions",
    "features" features: Features = "what can be on, off, or one of several variants",
    "headers" headers: HeadersOrNone = "which headers are sent; `none` for a file that only OFREP serves",
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
    "when" when: Condition = "live only when this holds; otherwise the default",
    "rules" rules: is::Rules<Rule<'static>> = "read top to bottom; the first whose `when` holds decides",
    "rollout" rollout: Rollout = "the share of people who get what `serve` says; the rest get the default",
    "serve" serve: is::Serve = "a variant, or shares that add up to 100%",
    "buckets" buckets: is::Buckets = "variants by bucket, 0 to 9999; gaps get the default",
    "by" by: is::AttributeName = "the attribute that shares are drawn by; left out: the user",
    "draw" draw: DrawOrDraws = "how another system drew, for a feature that was brought along: nobody moves",
    "salt" salt: is::Salt = "sets where people fall; keep it when a feature is renamed",
    "header" header: is::HeaderName = "another header than the prefix and the name make; `none` sends none",
    "metrics" metrics: is::Switch = "`off` keeps the feature out of the metrics",
    "guard" guard: GuardOrAction = "what happens when a variant certainly does harm: `report`, `hold` or `stop`, or with its own bounds",
    "owner" owner: is::Text = "who answers for it",
    "expires" expires: is::Instant = "the day by which it should be gone; afterwards `check` warns, and nobody's answer changes",
    "permanent" permanent: is::Switch = "it is meant to stay",
}, {"allOf": [
    {"anyOf": [{"required": ["serve"]}, {"required": ["buckets"]}, {"required": ["rollout"]}, {"required": ["rules"]}]},
    {"not": {"required": ["serve", "buckets"]}},
    {"not": {"required": ["rollout", "buckets"]}},
    // with variants of its own, a rollout needs to say which one; `on` is meant where it is among them
    {"anyOf": [
        {"not": {"required": ["variants"]}},
        {"required": ["serve"]}, {"required": ["buckets"]}, {"required": ["rules"]},
        {"properties": {"variants": {"anyOf": [
            {"type": "array", "contains": {"enum": ["on", "true", true]}},
            {"type": "object", "anyOf": [{"required": ["on"]}, {"required": ["true"]}]},
        ]}}},
    ]},
]});

map!(
    /// A rule.
    Rule, "a rule", {
    "name" name: is::Text = "shown by explain and OFREP",
    "when" when: Condition = "the rule decides when this holds",
    "rollout" rollout: Rollout = "the share of people who get what `serve` says; the rest get the default, not the next rule",
    "serve" serve: is::Serve = "a variant, or shares that add up to 100%; left out: `on`, where no variants are declared",
    "buckets" buckets: is::Buckets = "variants by bucket, 0 to 9999; gaps get the default",
    "draw" draw: DrawOrDraws = "another draw than the feature's",
}, {"allOf": [
    {"not": {"required": ["serve", "buckets"]}},
    {"not": {"required": ["rollout", "buckets"]}},
]});

map!(
    /// `draw: {hash: sha1, text: "checkout.{unit}", bits: 60}`
    Draw, "`draw`", {
    "hash" hash: is::Hash = "what the text is hashed by",
    "text" text: is::DrawText = "what is hashed; `{unit}` stands for the user, or for what `by` names",
    "seed" seed: is::Seed = "of murmur3, murmur2 and xxh32; left out: 0",
    "bits" bits: is::Bits = "so many leading bits are the number; left out: all",
    "order" order: is::Order = "`little`: these bytes are read little end first",
    "out-of" out_of: is::OutOf = "the number is taken modulo this; left out: it is one of 2^bits",
    "signed" signed: is::Switch = "the hash counts as a signed number, without its sign (flagd before 2026-04)",
}, {"required": ["hash", "text"]});

map!(
    /// `draw: {rollout: {…}, serve: {…}}`
    Draws, "`draw`", {
    "rollout" rollout: Draw<'static> = "who is in",
    "serve" serve: Draw<'static> = "which variant",
}, {"required": ["rollout", "serve"]});

map!(
    /// `rollout: {from: 0%, to: 100%, start: 2026-03-01, end: 2026-03-08}`
    Glide, "a glide", {
    "from" from: is::Percent = "the share until `start`",
    "to" to: is::Percent = "the share from `end` on",
    "start" start: is::Instant = "where the straight line begins",
    "end" end: is::Instant = "where it ends",
}, {"required": ["from", "to", "start", "end"]});

map!(
    /// `guard: {errors: 0.5%, slow: {above: 500ms, by: 2%}, action: stop}`
    Guard, "`guard`", {
    "errors" errors: is::Margin = "by how much more of a variant's answers than of its control's may be 5xx; without `slow`, left out is 0.1%",
    "slow" slow: Slow<'static> = "by how much more of its answers may come late",
    "action" action: is::GuardAction = "report: it is said (left out); hold: the rollout stands still; stop: everybody gets the default",
}, {"minProperties": 1});

map!(
    /// `slow: {above: 500ms, by: 2%}`
    Slow, "`slow`", {
    "above" above: is::Patience = "an answer is late after this: `500ms`, `2s`",
    "by" by: is::Margin = "so many more than the control's",
}, {"required": ["above", "by"]});

map!(
    /// An attribute in full.
    Attribute, "an attribute", {
    "from" from: is::Sources = "a source, or a list: the first that is present",
    "split" split: is::Text = "the value is a list, divided by this; a condition holds if any element matches",
    "decode" decode: is::Decode = "`percent`: one pair of double quotes is taken off, and the value percent-decoded once",
    "lower" lower: is::Switch = "letters are folded to lower case before anything is compared or drawn",
    "weights" weights: is::Weights = "how much each subject counts in a rollout",
}, {"required": ["from"]});

map!(
    /// Ids for visitors.
    Anonymous, "`anonymous`", {
    "cookie" cookie: is::Token = "the name of the cookie that keeps the id; required",
    "max-age" max_age: is::Duration = "how long the browser keeps it, at most 400 days: a whole number and `s`, `m`, `h` or `d`, as in `365d`; required",
    "for" audience: is::Audience = "`everybody`: who is signed in gets it too, and `visitor` is an attribute; left out: `strangers`, who have no user id",
    "when" when: Condition = "consent: while it does not hold, the cookie is neither set nor read, and one that is there is deleted; on `header.` and `cookie.` sources only; left out: it always holds",
    "domain" domain: is::Domain = "the domain whose subdomains share the cookie; left out: this host alone",
}, {"required": ["cookie", "max-age"]});

map!(
    /// Which headers are sent.
    Headers, "`headers`", {
    "prefix" prefix: is::Prefix = "left out: `X-Feature-`",
    "off" off: is::Off = "whether `off` is sent; left out: `send`",
    "values" values: is::Switch = "send payloads in `…-Value` headers; left out: false",
    "combined" combined: is::Token = "the name of one header with all variants",
    "revision" revision: is::Token = "the name of a header with the revision of the files",
});

map!(
    /// Overrides for testers.
    Override, "`override`", {
    "from" from: is::OverrideSources = "where an override is looked for: `header.` and `query.` sources, and `cookie.` ones where there is a `key`",
    "when" when: Condition = "must hold, and may only depend on `header.` and `env.` sources unless there is a `key`",
    "key" key: is::EnvSource = "the variable whose value signs overrides",
    "remember" remember: is::Token = "the session cookie that keeps a signed override for a tester's next clicks, until it ends; left out: it holds for the one request that brings it",
}, {
    "required": ["from"],
    "anyOf": [{"required": ["when"]}, {"required": ["key"]}],
    "allOf": [{"anyOf": [{"required": ["key"]}, {"not": {"required": ["remember"]}}]}],
});

map!(
    /// `now: {from: 2026-03-01, until: 2026-03-15}`
    Window, "`now`", {
    "from" from: is::Instant = "this instant or later",
    "until" until: is::Instant = "before this instant",
}, {"anyOf": [{"required": ["from"]}, {"required": ["until"]}]});

map!(
    /// The operators of a condition.
    Operators, "a set of operators", {
    "not" not: Matcher = "not this value, none of this list, or not these operators",
    "contains" contains: is::TextOrList = "has this in it",
    "prefix" prefix: is::TextOrList = "begins with this",
    "suffix" suffix: is::TextOrList = "ends with this",
    "matches" matches: is::TextOrList = "a regular expression, anywhere in the value",
    "above" above: is::Number = "greater than",
    "min" min: is::Number = "at least",
    "below" below: is::Number = "less than",
    "max" max: is::Number = "at most",
    "version" version: is::Versions = "a range of versions: `>=2.10, <3`",
    "within" within: is::Networks = "a network: `10.0.0.0/8`",
    "from" from: is::Instant = "this instant or later",
    "until" until: is::Instant = "before this instant",
    "present" present: is::Switch = "whether there is a value at all",
}, {"minProperties": 1});

map!(
    /// A stops file.
    Stops, "the stops file", {
    "version" version: is::Version = "the contract that the file is written for; always 1",
    "stops" stops: is::MapOf<is::Stoppable, Stop<'static>> = "features by name, `namespace.feature`, or `\"*\"` for every feature",
});

map!(
    /// `{since: 2026-11-28T22:00:00Z, why: 5xx in treatment, by: mia}`
    Stop, "a stop", {
    "since" since: is::Instant = "when it was stopped: everybody gets the default",
    "hold" hold: is::Instant = "its rollouts stand still at this instant, instead of a stop",
    "why" why: is::Text = "the reason, for whoever finds it stopped",
    "by" by: is::Text = "who stopped it",
});

/// Schemas that refer to others, which may refer back.
macro_rules! refers {
    ($($name:ident($generator:ident) = $schema:tt;)*) => { $(
        pub(super) struct $name;
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )* };
}

refers! {
    Condition(generator) = {
        "description": "a segment's name; a list: any of them; a map: every entry",
        "anyOf": [
            {"type": "string", "pattern": is::VARIANT},
            {"type": "array", "items": generator.subschema_for::<Condition>(), "minItems": 1},
            {
                "type": "object",
                "minProperties": 1,
                "properties": {
                    "now": is::key("now", "the clock: `from`, `until`, or both", generator.subschema_for::<Window<'static>>()),
                    "not": is::key("not", "holds where this does not", generator.subschema_for::<Condition>()),
                    "any": is::key("any", "holds where any of these does", generator.subschema_for::<is::NonEmpty<Condition>>()),
                    "all": is::key("all", "holds where every one of these does", generator.subschema_for::<is::NonEmpty<Condition>>()),
                },
                "additionalProperties": generator.subschema_for::<Matcher>(),
            },
        ],
        "defaultSnippets": [
            {"label": "users", "body": {"user": ["${1:ann}"]}},
            {"label": "a path", "body": {"path": {"prefix": "${1:/beta/}"}}},
            {"label": "a feature", "body": {"feature.${1:name}": "on"}},
            {"label": "not", "body": {"not": {"user": ["${1:ann}"]}}},
            {"label": "a time", "body": {"now": {"from": "${1:2026-03-01}", "until": "${2:2026-03-15}"}}},
        ],
    };
    Matcher(generator) = {"anyOf": [
        generator.subschema_for::<is::Values>(),
        generator.subschema_for::<Operators<'static>>(),
    ]};
    Rollout(generator) = {"anyOf": [
        generator.subschema_for::<is::Percent>(),
        generator.subschema_for::<Glide<'static>>(),
        {
            "type": "object",
            "minProperties": 1,
            "propertyNames": generator.subschema_for::<is::Instant>(),
            "additionalProperties": generator.subschema_for::<is::Percent>(),
        },
    ], "defaultSnippets": [
        {"label": "a share", "body": "${1:25%}"},
        {"label": "steps", "body": {"${1:2026-03-01}": "1%", "${2:2026-03-10}": "100%"}},
        {"label": "a glide", "body": {"from": "0%", "to": "100%", "start": "${1:2026-03-01}", "end": "${2:2026-03-08}"}},
    ]};
    GuardOrAction(generator) = {"anyOf": [
        generator.subschema_for::<is::GuardAction>(),
        generator.subschema_for::<Guard<'static>>(),
    ], "defaultSnippets": [
        {"label": "stop", "body": "stop"},
        {"label": "bounds", "body": {"errors": "${1:0.5%}", "slow": {"above": "${2:500ms}", "by": "${3:2%}"}, "action": "${4:stop}"}},
    ]};
    DrawOrDraws(generator) = {"anyOf": [
        generator.subschema_for::<Draw<'static>>(),
        generator.subschema_for::<Draws<'static>>(),
    ]};
    AttributeSource(generator) = {"anyOf": [
        generator.subschema_for::<is::Sources>(),
        generator.subschema_for::<Attribute<'static>>(),
    ]};
    UserSource(generator) = {"anyOf": [
        generator.subschema_for::<is::Sources>(),
        generator.subschema_for::<Attribute<'static>>(),
    ]};
    HeadersOrNone(generator) = {"anyOf": [
        {"const": "none"},
        generator.subschema_for::<Headers<'static>>(),
    ]};
    Features(generator) = {
        "type": ["object", "null"],
        "maxProperties": 1000,
        "propertyNames": {"pattern": is::FEATURE, "maxLength": 64},
        "additionalProperties": {"anyOf": [
            {"enum": ["on", "off", true, false, "true", "false"]},
            generator.subschema_for::<is::Percent>(),
            generator.subschema_for::<Feature<'static>>(),
        ]},
    };
}
