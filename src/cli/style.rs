//! Colour for people: on a terminal, and nowhere else.
//! In: whether standard output is a terminal, `NO_COLOR`. Out: codes to write before and after words; empty in a pipe.

use std::{
    env,
    io::{self, IsTerminal as _},
};

/// What to write before words, and `plain` after them.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    /// names and places
    pub bold: &'static str,
    /// what is refused
    pub red: &'static str,
    /// what deserves a look
    pub yellow: &'static str,
    /// what is good
    pub green: &'static str,
    /// the end of each
    pub plain: &'static str,
}

impl Paint {
    /// For standard output.
    pub fn stdout() -> Paint {
        // https://no-color.org: set and not empty
        let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        if unwanted || dumb || !io::stdout().is_terminal() {
            return Paint {
                bold: "",
                red: "",
                yellow: "",
                green: "",
                plain: "",
            };
        }
        Paint {
            bold: "\x1b[1m",
            red: "\x1b[31m",
            yellow: "\x1b[33m",
            green: "\x1b[32m",
            plain: "\x1b[0m",
        }
    }
}
