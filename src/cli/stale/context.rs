//! Whether a key in quotes is one of a flag: what stands in front of it says so.
//! In: a text, and where the key begins. Out: yes or no.

/// How far back a call may begin: a line or two of arguments.
const BACK: usize = 240;

/// Words of what takes a flag's key: OpenFeature's methods, in any style, and what people call their own.
const WORDS: [&str; 5] = ["flag", "feature", "toggle", "variant", "experiment"];
const TYPES: [&str; 9] = [
    "boolean", "bool", "string", "number", "integer", "int", "float", "double", "object",
];
const ASKS: [&str; 3] = ["value", "details", "evaluation"];

/// `client.getBooleanValue(⟨"new-ui"⟩`, `flag_key: ⟨"new-ui"⟩`, `features[⟨"new-ui"⟩`.
pub fn is_flag_call(text: &[u8], start: usize) -> bool {
    let window = &text[start.saturating_sub(BACK)..start];
    // `*booleanFeatureFlag="'new-ui'"`, and the mark of a format
    let window = trimmed(window, |byte| {
        byte.is_ascii_whitespace() || b"\"'`f$@".contains(&byte)
    });
    // `flagKey: …`, `flag_key = …`, `data-flag=…`, `:flag_key => …`
    if let [before @ .., b':' | b'='] | [before @ .., b'=', b'>'] = window
        && is_asking(last_name(before))
    {
        return true;
    }
    open_call(window).is_some_and(|before| is_asking(last_name(before)))
}

/// What stands before the bracket that is still open.
fn open_call(window: &[u8]) -> Option<&[u8]> {
    let mut closed = 0;
    for (at, byte) in window.iter().enumerate().rev() {
        match byte {
            b')' | b']' | b'}' => closed += 1,
            b'(' | b'[' | b'{' if closed > 0 => closed -= 1,
            // an object is an argument of the call around it
            b'{' => {}
            b'(' | b'[' => return Some(&window[..at]),
            b';' if closed == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The name at the end, without what stands between it and its bracket: `getValue<Boolean>`, `value?.`, `flag ` of a tag.
fn last_name(text: &[u8]) -> &[u8] {
    let text = trimmed(text, |byte| {
        byte.is_ascii_whitespace() || b"?.!\"'`".contains(&byte)
    });
    let text = match text {
        [.., b'>'] => text
            .iter()
            .rposition(|byte| *byte == b'<')
            .map_or(text, |at| &text[..at]),
        _ => text,
    };
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let from = text
        .iter()
        .rposition(|byte| !is_part(byte))
        .map_or(0, |at| at + 1);
    &text[from..]
}

fn is_asking(name: &[u8]) -> bool {
    let name: String = name
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    has(&WORDS) || has(&TYPES) && has(&ASKS)
}

fn trimmed(text: &[u8], out: impl Fn(u8) -> bool) -> &[u8] {
    let kept = text
        .iter()
        .rposition(|byte| !out(*byte))
        .map_or(0, |at| at + 1);
    &text[..kept]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_front_says_whether_it_is_a_flag() {
        for (text, expected) in [
            ("client.getBooleanValue(⟨", true),
            ("client.get_boolean_details(\n    flag_key=⟨", true),
            ("client.BooleanValue(ctx, ⟨", true),
            ("await client.GetBooleanValueAsync(⟨", true),
            ("client.fetch_string_value(flag_key: ⟨", true),
            ("client.getObjectEvaluation(ctx(), ⟨", true),
            ("useFlag(⟨", true),
            ("@BooleanFeatureFlag({ clientName: 'a', flagKey: ⟨", true),
            ("<FeatureFlag flagKey=⟨", true),
            ("*booleanFeatureFlag=\"⟨", true),
            ("features[⟨", true),
            ("$flags->isEnabled(⟨", false),
            ("isFeatureEnabled(⟨", true),
            ("client.get_bool_value(⟨", true),
            ("useFlag('a'); track(⟨", false),
            ("useFlag('a', track(⟨", false),
            ("redirect_to(⟨", false),
            ("className=⟨", false),
            ("\"name\": ⟨", false),
            ("[⟨", false),
            ("⟨", false),
        ] {
            let text = text.replace('⟨', "\"");
            assert_eq!(
                is_flag_call(text.as_bytes(), text.len() - 1),
                expected,
                "{text}"
            );
        }
    }
}
