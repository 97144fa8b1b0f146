//! Words of other systems: what they are called here. No hint turns an audience round or empties it.
//! In: a key, an operator or a place that is not known here. Out: what to write instead.

use super::phrases::did_you_mean;

/// A key that a map does not have.
pub(super) fn for_key(unknown: &str, about: &str, known: &[&str]) -> String {
    let features = known.contains(&"variants");
    let operators = known.contains(&"within");
    let hint = match unknown {
        "stops" if known.contains(&"features") => Some(
            "stops are a file of their own, `stops.yaml` beside the toggles: that name and no other",
        ),
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
