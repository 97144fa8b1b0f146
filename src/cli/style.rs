//! Colours, on a terminal only.
//! In: whether standard output is a terminal, `NO_COLOR`. Out: escape codes to print before and after words; empty in a pipe.

use std::{
    env,
    io::{self, IsTerminal as _},
};

/// Escape codes: one to print before words, and `plain` after them.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// names and places
    pub bold: &'static str,
    /// errors
    pub red: &'static str,
    /// warnings
    pub yellow: &'static str,
    /// success
    pub green: &'static str,
    /// ends each of them
    pub plain: &'static str,
}

impl Style {
    /// For standard output.
    pub fn stdout() -> Style {
        // https://no-color.org: set and not empty
        let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        if unwanted || dumb || !io::stdout().is_terminal() {
            return Style {
                bold: "",
                red: "",
                yellow: "",
                green: "",
                plain: "",
            };
        }
        Style {
            bold: "\x1b[1m",
            red: "\x1b[31m",
            yellow: "\x1b[33m",
            green: "\x1b[32m",
            plain: "\x1b[0m",
        }
    }
}
