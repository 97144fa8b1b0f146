//! Words of other systems, and words beside ours: what they are called here. A near miss is named before any catch-all, and
//! no hint turns an audience round or empties it.
//! In: a word that is not known here. Out: what to write instead.

use super::phrases::{did_you_mean, nearest, quote};

/// A key that a map does not have.
pub(super) fn for_key(unknown: &str, about: &str, known: &[&str]) -> String {
    let features = known.contains(&"variants");
    let operators = known.contains(&"within");
    let hint = match unknown {
        _ if operators => operator(unknown),
        _ if known == ["from", "until"] => {
            operator(unknown).filter(|hint| hint.contains("from:") || hint.contains("until:"))
        }
        "prerequisites" | "prerequisite" | "requires" | "depends_on" | "dependsOn" | "parents"
        | "dependencies"
            if features =>
        {
            Some("write `when: {feature.NAME: on}`: it is live where that feature is on")
        }
        "schedule" | "scheduled" | "stages" | "steps" | "ramp" | "progressive" if features => Some(
            "write `rollout: {2026-03-01: 1%, 2026-03-10: 100%}`, or `when: {now: {from: …, until: …}}`",
        ),
        "users" | "user" | "userIds" | "user_ids" | "allow" | "allowlist" | "whitelist"
        | "include" | "groups" | "segments"
            if features =>
        {
            Some("write a rule: `rules: [{when: {user: [ann, bo]}, serve: on}]`")
        }
        "deny" | "denylist" | "blacklist" | "block" | "exclude" | "excluded" if features => {
            Some("write a rule above the others: `rules: [{when: {user: [ann, bo]}, serve: off}]`")
        }
        "env" | "environment" | "environments" if features => Some(
            "write `when: {environment: [dev, staging]}` and `attributes: {environment: env.ENVIRONMENT}`, or a file for each",
        ),
        _ => None,
    };
    if let Some(hint) = hint {
        return hint.to_owned();
    }
    match elsewhere(unknown) {
        Some((here, hint)) if known.contains(&here) => hint.to_owned(),
        _ if about == "`override`" && unknown == "cookie" => {
            did_you_mean("from", known.iter().copied())
        }
        _ => did_you_mean(unknown, known.iter().copied()),
    }
}

/// What other systems call a key, what it is called here, and the sentence.
fn elsewhere(unknown: &str) -> Option<(&'static str, &'static str)> {
    Some(match unknown {
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
        "unless" => ("when", "write `when: {not: …}`"),
        "variations" => ("variants", "write `variants:`"),
        "value" | "then" | "variant" | "variation" => ("serve", "write `serve:`"),
        "users" => ("user", "write `user:`"),
        "defaultVariant" | "defaultValue" | "default_variant" => ("default", "write `default:`"),
        _ => return None,
    })
}

/// An operator by another name: never one that means the opposite.
pub(super) fn operator(unknown: &str) -> Option<&'static str> {
    let word: String = unknown
        .chars()
        .filter(|sign| !matches!(sign, '_' | '-' | ' ' | '$'))
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    Some(match &*word {
        "!=" | "<>" | "ne" | "neq" | "nin" | "notin" | "isnot" | "notequal" | "notequals"
        | "isnotin" | "noneof" | "notoneof" | "notanyof" | "except" | "unless" => {
            "write `not: [US, CA]`"
        }
        "notcontains" | "doesnotcontain" | "notcontain" => "write `not: {contains: …}`",
        "notmatches" | "doesnotmatch" | "notmatch" | "!~" | "notregex" => {
            "write `not: {matches: …}`"
        }
        "notprefix" | "notstartswith" | "doesnotstartwith" => "write `not: {prefix: …}`",
        "notsuffix" | "notendswith" | "doesnotendwith" => "write `not: {suffix: …}`",
        "notwithin" | "notincidr" => "write `not: {within: …}`",
        "notpresent" | "notexists" | "missing" | "absent" | "isnull" | "isempty" => {
            "write `present: false`"
        }
        "exists" | "isset" | "isnotnull" | "notnull" | "notempty" => "write `present: true`",
        "=" | "==" | "===" | "eq" | "equal" | "equals" | "is" | "in" | "isin" | "isoneof"
        | "oneof" | "any" | "anyof" => "write the value or the list itself: `country: [US, CA]`",
        ">" | "gt" | "greater" | "greaterthan" | "morethan" => "write `above:`",
        ">=" | "=>" | "gte" | "ge" | "atleast" | "minimum" | "greaterorequal"
        | "greaterthanorequal" => "write `min:`",
        "<" | "lt" | "less" | "lessthan" => "write `below:`",
        "<=" | "=<" | "lte" | "le" | "atmost" | "maximum" | "lessorequal" | "lessthanorequal" => {
            "write `max:`"
        }
        "between" | "range" => "write `min:` and `max:`",
        "startswith" | "beginswith" | "starts" => "write `prefix:`",
        "endswith" | "ends" => "write `suffix:`",
        "regex" | "regexp" | "pattern" | "match" | "like" | "~" | "=~" => "write `matches:`",
        "includes" | "has" | "substring" => "write `contains:`",
        "semver" | "semvergt" | "semvergte" | "semverlt" | "semverlte" | "semvereq" => {
            "write a range: `version: \">=2.10, <3\"`"
        }
        "cidr" | "ip" | "network" | "subnet" => "write `within:`",
        "after" | "since" | "notbefore" => "write `from:`, which is inclusive",
        "before" | "notafter" | "to" => "write `until:`, which is exclusive",
        _ => return None,
    })
}

/// What is known of a file, for hints on the names of conditions.
pub(super) struct Known<'k> {
    pub(super) segments: &'k [&'k str],
    pub(super) features: &'k [&'k str],
    /// declared attributes, and what is built in
    pub(super) attributes: &'k [&'k str],
}

/// A condition that asks for something unknown, by the name that stands before the colon.
pub(super) fn for_attribute(name: &str, known: &Known<'_>) -> String {
    if let Some(hint) = near(name, known) {
        return hint;
    }
    if known.segments.contains(&name) {
        return format!("write the segment alone or in a list: `when: {name}`, `all: [{name}, …]`");
    }
    if known.features.contains(&name) {
        return format!("test a feature as `feature.{name}`");
    }
    if let Some(hint) = operator(name) {
        return format!("{hint}, below an attribute: `country: {{…}}`");
    }
    if let Some(near) = nearest(name, known.attributes.iter().copied()) {
        return format!("did you mean {}?", quote(near));
    }
    let plain = quote(name);
    let plain = plain.trim_matches('`');
    if name.contains('.') {
        return "sources are `header.NAME`, `cookie.NAME`, `query.NAME`, `jwt.CLAIM` and `env.VAR`; a feature is `feature.NAME`".to_owned();
    }
    // header names have dashes; what is declared by one would be a header of that name
    if is_header_like(name) {
        return format!("did you mean `header.{}`?", plain.to_ascii_lowercase());
    }
    format!(
        "declare it: `attributes: {{{plain}: header.x-{}}}`",
        plain.to_ascii_lowercase()
    )
}

/// A condition that is one word, and no segment.
pub(super) fn for_segment(name: &str, is_listed: bool, known: &Known<'_>) -> String {
    if let Some(hint) = near(name, known) {
        return hint;
    }
    let plain = quote(name);
    let plain = plain.trim_matches('`');
    if known.features.contains(&name) {
        return format!("test a feature as `{{feature.{name}: on}}`");
    }
    if known.attributes.contains(&name) || name.contains('.') && !name.contains('@') {
        return format!("an attribute needs a value: `{{{plain}: …}}`");
    }
    match nearest(name, known.segments.iter().copied()) {
        Some(near) => format!("did you mean {}?", quote(near)),
        None if is_listed => {
            format!("words in a list are segments; ids of users are `{{user: [{plain}, …]}}`")
        }
        None if !known.segments.is_empty() => format!(
            "{}; the id of a user is `{{user: {plain}}}`",
            did_you_mean(name, known.segments.iter().copied())
        ),
        None => format!(
            "declare it below `segments`, or write `{{attribute: value}}`; the id of a user is `{{user: {plain}}}`"
        ),
    }
}

/// What stands beside a word of ours, in a key or alone.
fn near(name: &str, known: &Known<'_>) -> Option<String> {
    if let Some(denied) = denied(name).filter(|_| operator(name).is_none()) {
        let is = |names: &[&str]| {
            names.contains(&denied) || nearest(denied, names.iter().copied()).is_some()
        };
        if is(known.segments) {
            let meant = nearest(denied, known.segments.iter().copied()).unwrap_or(denied);
            return Some(format!("write `{{not: {meant}}}`"));
        }
        if is(known.attributes) {
            let meant = nearest(denied, known.attributes.iter().copied()).unwrap_or(denied);
            return Some(format!("write `{{{meant}: {{not: …}}}}`"));
        }
        if name.starts_with('!') {
            return Some("write `not:` in front: `{not: staff}`".to_owned());
        }
    }
    let (place, rest) = name.split_once('.').unwrap_or((name, ""));
    let lower = place.to_ascii_lowercase();
    let as_source = |place: &str| {
        Some(format!(
            "did you mean {}?",
            quote(&format!("{place}.{rest}"))
        ))
    };
    match (&*lower, rest.is_empty()) {
        ("features" | "flag" | "flags" | "toggle" | "toggles", false) => {
            let meant = match known.features.contains(&rest) {
                true => rest,
                false => nearest(rest, known.features.iter().copied()).unwrap_or(rest),
            };
            Some(format!("test a feature as {}", quote(&format!("feature.{meant}: on"))))
        }
        ("segment" | "segments" | "audience" | "cohort", false) => Some(format!(
            "write the segment alone: `when: {rest}`, or in a list; its opposite is `{{not: {rest}}}`"
        )),
        _ if place_of(&lower).is_some_and(|known| known != place) && !rest.is_empty() => {
            as_source(place_of(&lower).unwrap_or_default())
        }
        ("user", false) => Some(format!(
            "the user is `user`; anything else about them is an attribute: `attributes: {{{rest}: header.x-{rest}}}`"
        )),
        ("time" | "date" | "datetime" | "timestamp" | "today" | "clock" | "weekday" | "hour", _) => {
            Some("the clock is `now: {from: 2026-03-01, until: 2026-03-15}`".to_owned())
        }
        ("user_id" | "userid" | "user-id" | "targetingkey" | "targeting_key" | "targeting-key" | "uid" | "userkey", true) => {
            Some("whoever asks is `user`".to_owned())
        }
        ("and" | "&&" | "allof" | "every", true) => {
            Some("write `all: [staff, {country: US}]`, or the entries below one another: every one has to hold".to_owned())
        }
        ("or" | "||" | "anyof" | "some" | "oneof", true) => {
            Some("write `any: [staff, {country: US}]`".to_owned())
        }
        ("nor" | "none" | "noneof" | "nand", true) => {
            Some("write `not: {any: [staff, {country: US}]}`".to_owned())
        }
        _ => None,
    }
}

/// What a source is called elsewhere.
pub(super) fn place_of(place: &str) -> Option<&'static str> {
    Some(match place {
        "header" | "headers" | "http_header" => "header",
        "cookie" | "cookies" => "cookie",
        "query" | "queries" | "param" | "params" | "parameter" | "parameters" | "querystring" => {
            "query"
        }
        "jwt" | "claim" | "claims" | "token" | "tokens" | "bearer" => "jwt",
        "env" | "environment" | "envs" | "variables" => "env",
        _ => return None,
    })
}

/// The word behind a denial: `!staff`, `not-staff`.
fn denied(name: &str) -> Option<&str> {
    let signs = [
        "!", "-", "~", "not ", "not-", "not_", "not.", "non-", "non_", "no-", "no_",
    ];
    let rest = signs.iter().find_map(|sign| name.strip_prefix(sign))?;
    Some(rest.trim()).filter(|rest| !rest.is_empty())
}

/// `X-Country`, `x-country`, `Accept-Language`
fn is_header_like(name: &str) -> bool {
    let is_upper = |part: &str| part.starts_with(|c: char| c.is_ascii_uppercase());
    let dashed = name.contains('-') && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    dashed && (name.to_ascii_lowercase().starts_with("x-") || name.split('-').all(is_upper))
}
