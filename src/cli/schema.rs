//! `burgee schema`: the JSON Schema of the toggles file, or of the stops file, for editors and assistants.
//! In: nothing. Out: the schema on standard output.

use super::output;
use crate::config;
use clap::{Args, ValueEnum};
use std::process::ExitCode;

/// Print the JSON Schema of the toggles file, or of the stops file
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: burgee schema > toggles.schema.json\n\n\
    Editors with a YAML language server read it from the first line of a file:\n\
    # yaml-language-server: $schema=toggles.schema.json")]
pub struct SchemaArgs {
    /// Which schema to print
    #[arg(value_enum, default_value = "toggles")]
    file: Kind,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// features and who gets them
    Toggles,
    /// what is stopped or held
    Stops,
}

/// Prints it.
pub fn main(args: &SchemaArgs) -> ExitCode {
    let text = match args.file {
        Kind::Toggles => text(),
        Kind::Stops => stops_text(),
    };
    output::print(format!("{text}\n").as_bytes())
}

/// The content of `config/stops.schema.json`, without the last newline.
pub fn stops_text() -> String {
    format!("{:#}", config::stops_schema())
}

/// The content of `config/toggles.schema.json`, without the last newline.
pub fn text() -> String {
    format!("{:#}", config::schema())
}
