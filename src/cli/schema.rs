//! `burgee schema`: the JSON Schema of the toggles file, for editors and assistants.
//! In: nothing. Out: the schema on standard output.

use super::output;
use crate::config;
use clap::Args;
use std::process::ExitCode;

/// Print the JSON Schema of the toggles file
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: burgee schema > toggles.schema.json\n\n\
    Editors with a YAML language server read it from the first line of a file:\n\
    # yaml-language-server: $schema=toggles.schema.json")]
pub struct SchemaArgs {}

/// Prints it.
pub fn main() -> ExitCode {
    output::print(format!("{}\n", text()).as_bytes())
}

/// The content of `config/toggles.schema.json`, without the last newline.
pub fn text() -> String {
    format!("{:#}", config::schema())
}
