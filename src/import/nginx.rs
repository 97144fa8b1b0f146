//! nginx: `split_clients "${cookie_uid}" $canary { 10% on; * off; }`, wherever it stands.
//!
//! The draw is MurmurHash2 (seed 0) of the text; an arm ends at the sum of `percent * 0xffffffff / 10000`, percent in hundredths
//! and in whole numbers; `*` takes the rest. The variable names the feature.
//! Refused: keys that are new for each request, keys of two variables, values with variables in them. A `map` is a condition.

use super::{
    desk::{Desk, Variants},
    lower,
    out::{Give, OutDraw, OutFeature},
    tokens::{Token, tokens},
};
use crate::{
    config::{Kind, Node, Position},
    engine::imported::{Hash, ImportedDraw},
};

/// New for each request, or for each connection.
const PASSING: [&str; 9] = [
    "request_id",
    "msec",
    "connection",
    "connection_requests",
    "request_time",
    "pid",
    "bytes_sent",
    "remote_port",
    "time_iso8601",
];

/// One more than a toggles file can have.
const MOST_SPLITS: usize = 1_001;

/// One `split_clients` block.
struct Split {
    at: Position,
    key: String,
    variable: String,
    arms: Vec<(Position, String, String)>,
}

/// In: the text itself, for it is no YAML.
pub(crate) fn import(desk: &mut Desk<'_, '_>, text: &str) -> Result<(), (Position, String)> {
    let splits = read(desk, text)?;
    // the variable that most are drawn by is the user
    let mut units: Vec<(String, usize)> = Vec::new();
    for source in splits
        .iter()
        .filter_map(|split| unit(&split.key).ok())
        .map(|(_, source, _)| source)
    {
        match units.iter_mut().find(|(one, _)| *one == source) {
            Some((_, count)) => *count += 1,
            None => units.push((source, 1)),
        }
    }
    let most = units.iter().map(|(_, count)| *count).max();
    let user = units
        .into_iter()
        .find(|(_, count)| Some(*count) == most)
        .map(|(source, _)| source);
    for split in splits {
        if !desk.begin(&split.variable) {
            break;
        }
        let node = node(split.at);
        let feature = feature(desk, &split, &node, user.as_deref());
        desk.done(&node, feature);
    }
    if let Some(source) = user {
        if source.starts_with("header.x-") {
            desk.report
                .to_settle
                .push(("user".to_owned(), source.clone()));
        }
        desk.out.user = vec![source];
    }
    Ok(())
}

fn node(at: Position) -> Node<'static> {
    Node {
        at,
        kind: Kind::Refused,
    }
}

fn read(desk: &mut Desk<'_, '_>, text: &str) -> Result<Vec<Split>, (Position, String)> {
    let tokens = tokens(text)?;
    let (mut splits, mut rest) = (Vec::new(), &tokens[..]);
    while let [(at, token), after @ ..] = rest {
        rest = after;
        match (token, after) {
            (
                Token::Word(word),
                [
                    (_, Token::Word(_)),
                    (_, Token::Word(variable)),
                    (_, Token::Open),
                    ..,
                ],
            ) if word == "map" && variable.starts_with('$') => {
                if !desk.begin(variable.trim_start_matches('$')) {
                    break;
                }
                desk.note(
                    &node(*at),
                    "a `map` is a condition, not a share",
                    "left alone: keep it in nginx, or write it with `matches`",
                );
            }
            (
                Token::Word(word),
                [
                    (_, Token::Word(key)),
                    (_, Token::Word(variable)),
                    (_, Token::Open),
                    body @ ..,
                ],
            ) if word == "split_clients" => {
                let Some(variable) = variable.strip_prefix('$') else {
                    return Err((*at, "`split_clients` names no variable".to_owned()));
                };
                let mut split = Split {
                    at: *at,
                    key: key.clone(),
                    variable: variable.to_owned(),
                    arms: Vec::new(),
                };
                let mut body = body;
                loop {
                    match body {
                        [
                            (at, Token::Word(share)),
                            (_, Token::Word(value)),
                            (_, Token::End),
                            more @ ..,
                        ] => {
                            split.arms.push((*at, share.clone(), value.clone()));
                            body = more;
                        }
                        [(_, Token::Close), more @ ..] => {
                            rest = more;
                            break;
                        }
                        [(at, _), ..] => {
                            return Err((*at, "expected `PERCENT VALUE;` here".to_owned()));
                        }
                        [] => return Err((split.at, "this `split_clients` has no end".to_owned())),
                    }
                }
                splits.push(split);
                if splits.len() > MOST_SPLITS {
                    break;
                }
            }
            (Token::Word(word), _) if word == "split_clients" => {
                return Err((
                    *at,
                    "expected `split_clients KEY $VARIABLE {` here".to_owned(),
                ));
            }
            _ => {}
        }
    }
    Ok(splits)
}

fn feature(
    desk: &mut Desk<'_, '_>,
    split: &Split,
    at: &Node<'_>,
    user: Option<&str>,
) -> Option<OutFeature> {
    let (before, source, after) = match unit(&split.key) {
        Ok(unit) => unit,
        Err((what, hint)) => return desk.refuse(at, what, hint),
    };
    let mut variants = Variants::default();
    let (mut ends, mut sum, mut rest) = (Vec::new(), 0_u64, None);
    for (place, share, value) in &split.arms {
        let place = &node(*place);
        if value.contains('$') {
            return desk.refuse(
                place,
                format!("the value `{value}` has a variable in it"),
                "write what it stands for",
            );
        }
        let variant = match (value.is_empty(), variants.get(value)) {
            (true, _) => "off".to_owned(),
            (_, Some(known)) => known,
            _ => variants.add(value, None),
        };
        if share == "*" {
            rest = Some(variant.clone());
            sum = 1 << 32;
        } else {
            let hundredths = share
                .strip_suffix('%')
                .and_then(|number| lower::decimal(number, 2));
            let Some(hundredths) = hundredths.filter(|hundredths| *hundredths <= 10_000) else {
                return desk.refuse(
                    place,
                    format!("`{share}` is no percentage of at most two decimals"),
                    "",
                );
            };
            sum += hundredths * 0xffff_ffff / 10_000;
        }
        ends.push((variant, sum));
    }
    let Some((_, end)) = ends.last() else {
        return desk.refuse(at, "it has no values", "");
    };
    if *end > 1 << 32 {
        return desk.refuse(at, "the percentages add up to more than 100%", "");
    }
    // the least percentages that people write leave a number or two of 2^32 over: they are the last value's there, too
    let leaves_a_gap = (1_u64 << 32) - end > 10_000;
    let draw = OutDraw::new("murmur2", before.clone(), after.clone());
    let give = match leaves_a_gap {
        false => {
            let ends: Vec<_> = ends
                .iter()
                .map(|(name, end)| (name.clone(), lower::share(*end, 1 << 32)))
                .collect();
            Give::arms(&ends, draw)
        }
        true => {
            let mut from = 0;
            let mut range = |(name, end): &(String, u64)| {
                let to = lower::share(*end, 1 << 32);
                let range = (name.clone(), from, to);
                from = to;
                range
            };
            let ranges = ends
                .iter()
                .map(&mut range)
                .filter(|(_, from, to)| from < to)
                .collect();
            Give::ranges(ranges, draw)
        }
    };
    let default = match ends.iter().any(|(name, _)| name == "off") {
        true => "off".to_owned(),
        false => rest.unwrap_or_else(|| "off".to_owned()),
    };
    for (theirs, ours) in variants.renamed() {
        desk.report
            .renamed
            .push((format!("{}: {theirs}", split.variable), ours.clone()));
    }
    let nobody = drawn_without_a_key(&before, &after, &ends);
    if nobody.as_deref() != Some(&default) {
        let theirs = nobody.unwrap_or_else(|| "nothing".to_owned());
        desk.note(
            at,
            format!("whoever has no `{source}` is the empty text for nginx, and gets {theirs}"),
            format!("here they get the default, {default}"),
        );
    }
    let by = match user == Some(&*source) {
        true => None,
        false => {
            let name = source.replace(['.', '_'], "-");
            desk.attribute_from(&name, &source, None, source.starts_with("header.x-"));
            Some(name)
        }
    };
    let declared = variants
        .declared
        .iter()
        .any(|(name, _)| name != "on" && name != "off");
    Some(OutFeature {
        name: desk.feature(&split.variable),
        variants: if declared {
            variants.declared
        } else {
            Vec::new()
        },
        default,
        own: Some(give),
        by,
        ..OutFeature::default()
    })
}

/// What the empty text gets.
fn drawn_without_a_key(before: &str, after: &str, ends: &[(String, u64)]) -> Option<String> {
    let draw = ImportedDraw {
        hash: Hash::Murmur2,
        before: before.into(),
        after: after.into(),
        seed: 0,
        bits: 32,
        little: false,
        signed: false,
        out_of: None,
    };
    let number = draw.number(b"").number;
    let arm = ends.iter().find(|(_, end)| number < *end);
    arm.map(|(name, _)| name.clone())
}

/// The text before the variable, its source, and the text behind it; or why there is none.
fn unit(key: &str) -> Result<(String, String, String), (String, String)> {
    let (mut texts, mut name, mut rest) = ([String::new(), String::new()], None::<String>, key);
    while let Some((text, more)) = rest.split_once('$') {
        texts[usize::from(name.is_some())].push_str(text);
        let (variable, more) = match more.strip_prefix('{') {
            Some(more) => more.split_once('}').unwrap_or((more, "")),
            None => {
                let end = more
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(more.len());
                more.split_at(end)
            }
        };
        if name.is_some() {
            return Err((format!("`{key}` has two variables"), "a unit of two parts has no words here: have a proxy in front send the two as one header".into()));
        }
        name = Some(variable.to_owned());
        rest = more;
    }
    texts[usize::from(name.is_some())].push_str(rest);
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return Err((
            format!("`{key}` has no variable"),
            "everybody gets the same: write that value".into(),
        ));
    };
    if PASSING.contains(&&*name) {
        return Err((
            format!("`${name}` is another one for each request: nobody keeps anything"),
            "for a share of people write `rollout`, which draws by the user".into(),
        ));
    }
    if name == "binary_remote_addr" {
        return Err((
            "`$binary_remote_addr` hashes the bytes of an address".into(),
            "draw by `ip`, and people are dealt anew".into(),
        ));
    }
    let [before, after] = texts;
    if before.contains("{unit}") || after.contains("{unit}") {
        return Err((
            format!("`{key}` has `{{unit}}` in it"),
            "a draw has one `{unit}`".into(),
        ));
    }
    let dashed = |name: &str| name.replace('_', "-");
    let source = match name.split_once('_') {
        Some(("cookie", cookie)) => format!("cookie.{cookie}"),
        Some(("http", header)) => format!("header.{}", dashed(header)),
        Some(("arg", query)) => format!("query.{query}"),
        _ if name == "remote_addr" => "ip".to_owned(),
        _ => format!("header.x-{}", dashed(&name.to_ascii_lowercase())),
    };
    Ok((before, source, after))
}
