//! nginx's configuration as words, braces and semicolons.
//! In: the text. Out: tokens with their places, or where a quote has no end.

use crate::config::Position;

/// How many parts a text may have: more than a useful one has, and few enough to hold.
const MOST: usize = 250_000;

/// A part of the text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Word(String),
    Open,
    Close,
    End,
}

pub(crate) fn tokens(text: &str) -> Result<Vec<(Position, Token)>, (Position, String)> {
    let mut tokens = Vec::new();
    let mut signs = Signs {
        rest: text.chars(),
        line: 1,
        column: 1,
    };
    while let Some(sign) = signs.peek() {
        let at = signs.at();
        if tokens.len() >= MOST {
            return Err((
                at,
                format!("more than {MOST} words: give the file that has `split_clients`"),
            ));
        }
        match sign {
            sign if sign.is_whitespace() => drop(signs.next()),
            '#' => {
                while signs.peek().is_some_and(|sign| sign != '\n') {
                    signs.next();
                }
            }
            '{' | '}' | ';' => {
                signs.next();
                tokens.push((
                    at,
                    match sign {
                        '{' => Token::Open,
                        '}' => Token::Close,
                        _ => Token::End,
                    },
                ));
            }
            '"' | '\'' => {
                signs.next();
                let mut word = String::new();
                loop {
                    match signs.next() {
                        Some('\\') => word.extend(signs.next()),
                        Some(end) if end == sign => break,
                        Some(other) => word.push(other),
                        None => return Err((at, "this quote has no end".to_owned())),
                    }
                }
                tokens.push((at, Token::Word(word)));
            }
            _ => {
                let mut word = String::new();
                while let Some(sign) = signs.peek() {
                    // `${name}` is one word
                    let in_braces = word.ends_with('$') && sign == '{';
                    if in_braces {
                        while let Some(sign) = signs.next() {
                            word.push(sign);
                            if sign == '}' {
                                break;
                            }
                        }
                        continue;
                    }
                    if sign.is_whitespace() || "{};".contains(sign) {
                        break;
                    }
                    signs.next();
                    word.push(sign);
                }
                tokens.push((at, Token::Word(word)));
            }
        }
    }
    Ok(tokens)
}

struct Signs<'t> {
    rest: std::str::Chars<'t>,
    line: u32,
    column: u32,
}

impl Signs<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn next(&mut self) -> Option<char> {
        let sign = self.rest.next()?;
        match sign {
            '\n' => (self.line, self.column) = (self.line + 1, 1),
            _ => self.column += 1,
        }
        Some(sign)
    }

    fn at(&self) -> Position {
        Position {
            line: self.line,
            column: self.column,
            id: 0,
            file: 0,
        }
    }
}
