//! The words of a Rust file. In: its text. Out: names and signs with their lines; comments, strings and unit tests are left out.

use std::sync::LazyLock;

use regex::Regex;

#[derive(Clone, Copy)]
pub(super) struct Word<'a> {
    pub text: &'a str,
    pub line: usize,
}

/// What has no group is skipped. A lifetime comes after a character, which looks like one that ends.
static WORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r##"(?sx)
        //[^\n]* | /\*.*?\*/
        | [bc]?r"[^"]*" | [bc]?r\#".*?"\# | [bc]?r\#\#".*?"\#\#
        | [bc]?"(?:\\.|[^"\\])*"
        | b?'(?:\\'|\\[^'\n]+|[^\\'])' | '\w+
        | [0-9]\w*
        | ([A-Za-z_]\w*|::|[^\s\w])"##,
    )
    .unwrap()
});

pub(super) fn words(text: &str) -> Vec<Word<'_>> {
    let (mut line, mut counted) = (1, 0);
    let all = WORD.captures_iter(text).filter_map(|found| {
        let word = found.get(1)?;
        line += text[counted..word.start()].matches('\n').count();
        counted = word.start();
        Some(Word {
            text: word.as_str(),
            line,
        })
    });
    without_tests(&all.collect::<Vec<_>>())
}

/// Unit tests may use what they like: `#[cfg(test)]` and the item behind it go.
fn without_tests<'a>(all: &[Word<'a>]) -> Vec<Word<'a>> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < all.len() {
        if all[at..].len() > MARK.len() && (0..MARK.len()).all(|i| all[at + i].text == MARK[i]) {
            at = end_of_item(all, at + MARK.len());
        } else {
            kept.push(all[at]);
            at += 1;
        }
    }
    kept
}

/// Behind its last brace, or its semicolon where it has no braces.
fn end_of_item(all: &[Word], mut at: usize) -> usize {
    let mut depth = 0;
    while at < all.len() {
        let text = all[at].text;
        at += 1;
        depth += i32::from(text == "{") - i32::from(text == "}");
        if depth == 0 && (text == "}" || text == ";") {
            break;
        }
    }
    at
}

#[test]
fn comments_strings_and_tests_are_no_words() {
    let check = |text: &str, expected: &str| {
        let found = words(text);
        let found: Vec<_> = found.iter().map(|word| word.text).collect();
        assert_eq!(found.join(" "), expected, "{text}");
    };
    check("a::b // c\n/* d\n */ e", "a :: b e");
    check(r##"f("a \" b", r"c", r#"d " e"#, b"g")"##, "f ( , , , )");
    check(r"x::<'a>('b', '\'', '\\', b'c')", "x :: < > ( , , , )");
    check("#[cfg(test)]\nmod tests { fn a() {} }\nb", "b");
    check("#[cfg(test)]\nuse a::b;\nc", "c");
    check("#[cfg(unix)]\nuse a;", "# [ cfg ( unix ) ] use a ;");
}
