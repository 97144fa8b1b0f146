//! Names of Kubernetes on the command line. A name that no object can have is refused before a kubectl starts: some of them
//! stand in its command line by themselves, where `--server=…` would be a flag.
//! In: what the user typed, or what a pod says. Out: the same, or what to type instead.

/// A label of the domain name system: a namespace.
fn is_label(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(is_plain)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Whether an object can have this name: labels with dots between them.
pub fn is_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

/// `shop-toggles`
pub fn config_map(text: &str) -> Result<String, String> {
    match is_name(text) {
        true => Ok(text.to_owned()),
        false => Err("write the name of a ConfigMap: lower-case letters, digits, `-` and `.`, as in `shop-toggles`".into()),
    }
}

/// `shop`
pub fn namespace(text: &str) -> Result<String, String> {
    match is_label(text) {
        true => Ok(text.to_owned()),
        false => Err("write the name of a namespace: lower-case letters, digits and `-`, at most 63, as in `shop`".into()),
    }
}

/// `arn:aws:eks:eu-central-1:1:cluster/shop`: whatever kubectl's configuration calls it, on one line.
pub fn context(text: &str) -> Result<String, String> {
    match (1..=253).contains(&text.len()) && !text.chars().any(char::is_control) {
        true => Ok(text.to_owned()),
        false => {
            Err("write the name of a context, as `kubectl config get-contexts` shows it".into())
        }
    }
}

/// `app=shop,tier in (web, api)`
pub fn selector(text: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=!,() ".contains(&byte);
    match (1..=1_000).contains(&text.len()) && text.bytes().all(is_plain) {
        true => Ok(text.to_owned()),
        false => Err("write labels as kubectl takes them: `app=shop,tier in (web, api)`".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_an_object_can_have() {
        let long = "a".repeat(63);
        let longer = "a".repeat(64);
        let longest = [&*long; 4].join(".");
        for (text, name, label) in [
            ("shop-toggles", true, true),
            ("0", true, true),
            (&long, true, true),
            ("shop.toggles", true, false),
            (&longer, false, false),
            (&longest, false, false),
            ("", false, false),
            ("Shop", false, false),
            ("-shop", false, false),
            ("shop-", false, false),
            ("--server=http://elsewhere", false, false),
            ("shop..toggles", false, false),
            ("a/b", false, false),
            ("a b", false, false),
            ("a\nb", false, false),
            ("ü", false, false),
        ] {
            let found = (config_map(text).is_ok(), namespace(text).is_ok());
            assert_eq!(found, (name, label), "{text}");
        }
    }

    #[test]
    fn contexts_and_labels_are_one_line() {
        for (text, is_context, is_selector) in [
            ("app=shop,tier in (web, api),!old", true, true),
            ("admin@shop:1/é", true, false),
            ("app=shop", true, true),
            ("a\nb", false, false),
            ("\u{1b}[2J", false, false),
            ("$(reboot)", true, false),
            ("", false, false),
        ] {
            let found = (context(text).is_ok(), selector(text).is_ok());
            assert_eq!(found, (is_context, is_selector), "{text}");
        }
    }
}
