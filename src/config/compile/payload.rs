//! Payloads: YAML 1.2's core schema to JSON, exactly.
//! In: a value of the file. Out: JSON; big integers keep every digit.

use super::compiler::Compiler;
use crate::config::{
    phrases::quote,
    tree::{Kind, Node},
};
use serde_json::{Map, Value};

/// How long a payload in a header may be, in bytes.
pub(super) const LONGEST: usize = 4 * 1024;

impl Compiler<'_, '_> {
    pub(super) fn payload(&mut self, node: &Node<'_>) -> Option<Value> {
        match &node.kind {
            Kind::Refused => None,
            Kind::Text(text, true) => match plain(text) {
                Some(value) => Some(value),
                None => {
                    self.problems.error(
                        node.at,
                        format!("{} cannot be written as JSON", quote(text)),
                        "write a finite number, or put it in quotes",
                    );
                    None
                }
            },
            Kind::Text(text, false) => Some(Value::String(text.to_string())),
            Kind::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.payload(item)).collect();
                items
                    .into_iter()
                    .collect::<Option<Vec<_>>>()
                    .map(Value::Array)
            }
            Kind::Map(entries) => {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|entry| Some((entry.key.to_string(), self.payload(&entry.value)?)))
                    .collect();
                entries
                    .into_iter()
                    .collect::<Option<Map<_, _>>>()
                    .map(Value::Object)
            }
        }
    }
}

/// The JSON type of a payload, as a sentence names it.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

/// Compact JSON that a header can carry: everything beyond ASCII is escaped.
pub(super) fn in_header(value: &Value) -> String {
    let mut ascii = String::new();
    for character in value.to_string().chars() {
        // JSON escapes the control characters below 0x20 itself, and DEL may not stand in a field
        if character.is_ascii() && character != '\u{7f}' {
            ascii.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                ascii.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    ascii
}

/// A plain scalar by the core schema (YAML 1.2.2, 10.3.2); `None` for `.inf` and `.nan`.
fn plain(text: &str) -> Option<Value> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Value::Null),
        "true" | "True" | "TRUE" => return Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Some(Value::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => return None,
        _ if matches!(
            text.trim_start_matches(['-', '+']),
            ".inf" | ".Inf" | ".INF"
        ) =>
        {
            return None;
        }
        _ => {}
    }
    let based = |digits: &str, base| {
        u128::from_str_radix(digits, base)
            .ok()
            .filter(|_| !digits.starts_with('+'))
    };
    let number = match (text.strip_prefix("0x"), text.strip_prefix("0o")) {
        (Some(hex), _) => based(hex, 16).map(|number| number.to_string()),
        (_, Some(octal)) => based(octal, 8).map(|number| number.to_string()),
        _ => decimal(text),
    };
    let number = number
        .and_then(|number| serde_json::from_str(&number).ok())
        .map(Value::Number);
    Some(number.unwrap_or_else(|| Value::String(text.to_owned())))
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?` as JSON writes it.
fn decimal(text: &str) -> Option<String> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (rest, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_is_one = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    let empty = whole.is_empty() && fraction.is_none_or(str::is_empty);
    if empty || !digits(whole) || !digits(fraction.unwrap_or_default()) || !exponent_is_one {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let fraction = match fraction {
        None => String::new(),
        Some("") => ".0".to_owned(),
        Some(fraction) => format!(".{fraction}"),
    };
    let exponent = exponent.map_or_else(String::new, |exponent| format!("e{exponent}"));
    Some(format!("{sign}{whole}{fraction}{exponent}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_payloads_follow_the_core_schema_exactly() {
        for (text, expected) in [
            ("NO", r#""NO""#),
            ("yes", r#""yes""#),
            ("true", "true"),
            ("007", "7"),
            ("0o17", "15"),
            ("0xff", "255"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
            ("+1.50", "1.50"),
            (".5", "0.5"),
            ("5.", "5.0"),
            ("1e3", "1e+3"), // the same number, as serde_json writes it
            ("22:22", r#""22:22""#),
            ("2026-03-01", r#""2026-03-01""#),
            ("1_000", r#""1_000""#),
            ("~", "null"),
        ] {
            assert_eq!(plain(text).unwrap().to_string(), expected, "{text}");
        }
        assert_eq!(plain(".inf"), None);
        assert_eq!(plain("-.INF"), None);
        assert_eq!(plain(".nan"), None);
    }

    #[test]
    fn a_payload_in_a_header_is_ascii() {
        assert_eq!(
            in_header(&serde_json::json!({"é": "日\u{1f600}\n\u{7f}"})),
            r#"{"\u00e9":"\u65e5\ud83d\ude00\n\u007f"}"#
        );
    }
}
