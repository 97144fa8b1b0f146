//! `burgee import`: the file of another system to a toggles file, so that nobody moves.
//! In: a system and its files. Out: the toggles file on standard output, what became of each flag on standard error; exits 1 if
//! something is refused.

mod verify;

use super::output;
use crate::{
    config::{self, Problem, Problems, Text},
    exit,
    flags::values,
    import::{self, Flagd, Imported, Options, System},
    server::clock::wall_clock,
};
use clap::{Args, ValueEnum};
use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Turn the file of another flag system into a toggles file: nobody moves, or it says why
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  burgee import launchdarkly flags.json > toggles.yaml\n  burgee import flagd --flagd int --partial flags.json --report import.md > toggles.yaml\n  \
    burgee import unleash export.json --verify ids.txt --expect answers.jsonl\n  burgee import --imported toggles.yaml --verify ids.txt --expect answers.jsonl\n\n\
    SYSTEM is one of flagd, unleash, launchdarkly, nginx (split_clients), fastapi, experiments, experimentor, goff, flipt, posthog, microsoft.\n\
    Exit codes: 0 everything is carried, 1 something is refused, or somebody would move."
)]
pub struct ImportArgs {
    /// System that the files are of
    #[arg(value_name = "SYSTEM", value_parser = system, required_unless_present = "imported")]
    system: Option<System>,
    /// Its files; - is standard input
    #[arg(value_name = "FILE", required_unless_present = "imported")]
    files: Vec<PathBuf>,
    /// Write the file even if something is refused: what is not whole is a draft there, which nobody gets
    #[arg(long, env = "BURGEE_PARTIAL", value_parser = values::switch)]
    partial: bool,
    /// Also write what became of each flag to this file: Markdown, or JSON if it ends in .json
    #[arg(long, env = "BURGEE_REPORT", value_name = "PATH")]
    report: Option<PathBuf>,
    /// How your flagd draws, which its files do not say: int from 2026-04, float before, cbor for flagd-core 2.0.0 of PyPI
    #[arg(long, env = "BURGEE_FLAGD", value_enum)]
    flagd: Option<Flagd>,
    /// How your Unleash clients draw variants: old is before 2023 (npm unleash-client 3)
    #[arg(
        long,
        env = "BURGEE_UNLEASH_VARIANTS",
        value_enum,
        default_value = "new"
    )]
    unleash_variants: UnleashVariants,
    /// How your Flipt evaluates: by its server, or in its clients
    #[arg(long, env = "BURGEE_FLIPT", value_enum)]
    flipt: Option<import::Flipt>,
    /// Environment to take, of a flag that has several
    #[arg(long, env = "BURGEE_ENVIRONMENT", value_name = "NAME")]
    environment: Option<String>,
    /// Context to take, of an Experimentor file that has several
    #[arg(long, env = "BURGEE_CONTEXT", value_name = "NAME")]
    context: Option<String>,
    /// Compare for these users, one per line, with what `--expect` recorded, instead of writing the file
    #[arg(long, env = "BURGEE_VERIFY", value_name = "IDS", requires = "expect")]
    verify: Option<PathBuf>,
    /// What the old system answered: {"user": "mia", "flag": "checkout", "variant": "on"}, one per line
    #[arg(long, env = "BURGEE_EXPECT", value_name = "FILE", requires = "verify")]
    expect: Option<PathBuf>,
    /// Compare this toggles file, which was imported before, instead of importing again
    #[arg(
        long,
        env = "BURGEE_IMPORTED",
        value_name = "PATH",
        requires = "verify",
        conflicts_with = "system"
    )]
    imported: Option<PathBuf>,
}

/// How variants are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum UnleashVariants {
    /// with a seed of their own
    New,
    /// without one
    Old,
}

/// A system by its name; what is known of others.
fn system(name: &str) -> Result<System, String> {
    let plain = name.to_ascii_lowercase();
    let found = System::ALL.into_iter().find(|one| one.name() == plain);
    found.ok_or_else(|| match &*plain {
        "envoy" => "Envoy's fractions are drawn anew for each request: nobody has anything to keep".to_owned(),
        "appconfig" | "aws-appconfig" => "the hash of AWS AppConfig is not published: nobody can keep what it drew".to_owned(),
        "optimizely" | "configcat" | "statsig" | "split" | "vercel" | "flipper" | "eppo" | "haproxy" => format!("files of {plain} are not read; its draw can be written by hand: deploy/moving.md has it"),
        "growthbook" | "flagsmith" => format!("how {plain} draws has no words here"),
        _ => {
            let names: Vec<_> = System::ALL.into_iter().map(System::name).collect();
            format!("write one of {}", names.join(", "))
        }
    })
}

/// Imports, or compares.
pub fn main(args: &ImportArgs) -> ExitCode {
    match run(args) {
        Ok(code) => code,
        Err(error) => output::fail(&error),
    }
}

fn run(args: &ImportArgs) -> io::Result<ExitCode> {
    let (ids, expect) = (args.verify.as_deref(), args.expect.as_deref());
    if let (Some(toggles), Some(ids), Some(expect)) = (&args.imported, ids, expect) {
        let text = read(toggles)?;
        return Ok(verify::compare(&text, &[], ids, expect));
    }
    let Some(system) = args.system else {
        return Ok(output::refuse(&"name a system and its files"));
    };
    let mut texts = Vec::new();
    for file in &args.files {
        texts.push(read(file)?);
    }
    let options = Options {
        flagd: args.flagd,
        flipt: args.flipt,
        unleash_old_variants: args.unleash_variants == UnleashVariants::Old,
        environment: args.environment.clone(),
        context: args.context.clone(),
    };
    let imported = match import::import(system, &texts, &options) {
        Ok(imported) => imported,
        Err(problems) => return Ok(output::bad_toggles(&problems)),
    };
    told(args.report.as_deref(), system, &imported)?;
    let text = Text {
        name: "the imported file".to_owned(),
        bytes: imported.text.clone().into_bytes(),
    };
    if let (Some(ids), Some(expect)) = (ids, expect) {
        return Ok(verify::compare(
            &text,
            &imported.report.renamed,
            ids,
            expect,
        ));
    }
    let refused = imported.report.is_refused();
    let is_good = checked(text);
    if is_good && (args.partial || !refused) {
        let code = output::print(imported.text.as_bytes());
        if code != ExitCode::SUCCESS {
            return Ok(code);
        }
    } else if refused {
        let _ = writeln!(
            io::stderr(),
            "burgee: nothing is written, because something is refused; --partial writes the rest"
        );
    }
    Ok(match refused || !is_good {
        true => exit::PROBLEMS.into(),
        false => ExitCode::SUCCESS,
    })
}

/// A file, as far as any reader of it would go.
fn read(path: &Path) -> io::Result<Text> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let most = config::LARGEST_FOREIGN as u64 + 1;
    let mut bytes = Vec::new();
    match path == Path::new("-") {
        true => io::stdin().lock().take(most).read_to_end(&mut bytes),
        false => File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)),
    }
    .map_err(named)?;
    Ok(Text {
        name: path.display().to_string(),
        bytes,
    })
}

fn told(report: Option<&Path>, system: System, imported: &Imported) -> io::Result<()> {
    let Some(path) = report else {
        return io::stderr().write_all(imported.report.text().as_bytes());
    };
    let is_json = path
        .extension()
        .is_some_and(|extension| extension == "json");
    let text = match is_json {
        true => format!("{:#}\n", imported.report.json(system.name())),
        false => imported.report.markdown(system.name()),
    };
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    fs::write(path, text).map_err(named)?;
    writeln!(
        io::stderr(),
        "{}; {} has them",
        imported.report.summary(),
        path.display()
    )
}

/// Whether burgee takes what it wrote. Its limits may be in the way: a thousand features, a variant's length.
fn checked(text: Text) -> bool {
    let (problems, is_good): (Vec<Problem>, bool) =
        match config::compile_texts(&[text], &config::set_elsewhere, wall_clock()) {
            Ok((_, warnings)) => (warnings, true),
            Err(Problems(problems)) => (problems, false),
        };
    for problem in problems {
        let _ = writeln!(io::stderr(), "{problem}");
    }
    is_good
}
