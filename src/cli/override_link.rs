//! `burgee override`: a signed override, and a link that carries it.
//! In: a key from the environment, a lifetime, `NAME=VARIANT` pairs. Out: the value, and the link.

use super::output::{bad_toggles, refuse, say};
use crate::{
    config::{self, phrases},
    engine::{Feature, Snapshot, Toggles, signature::SigningKey},
    flags::values,
    http::client::percent_encoded,
    server::clock::wall_clock,
};
use sfv::{
    BareItem, Dictionary, FieldType as _, Item, Key as Name, ListEntry, String as Text, Token,
};
use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

/// Create a signed override, and a link that carries it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example, for a file with `override: {from: [header.x-qa-override, query.ff], key: env.BURGEE_OVERRIDE_KEY}`:
  burgee override --key-env BURGEE_OVERRIDE_KEY --exp 1h briefcase=silver dark-mode=off
  curl -H \"X-QA-Override: $(burgee override --key-env BURGEE_OVERRIDE_KEY briefcase=silver | head -n 1)\" http://localhost:3524/

With --toggles, a feature or a variant that the file does not have is refused.
The first line is the value, for a header; the second is a link, for a browser."
)]
pub struct OverrideArgs {
    /// Environment variable that holds the key, as `override.key` of the file names it
    #[arg(long, env = "BURGEE_KEY_ENV", value_name = "VAR")]
    key_env: String,
    /// How long the override is valid
    #[arg(long, env = "BURGEE_EXP", value_name = "DURATION", default_value = "1h", value_parser = values::duration)]
    exp: Duration,
    /// The file's `namespace`, if it has one
    #[arg(long, env = "BURGEE_NAMESPACE", value_name = "NAME")]
    namespace: Option<String>,
    /// Toggles file or directory to check the names against; the namespace is taken from it too
    #[arg(long, env = "BURGEE_TOGGLES", value_name = "PATH")]
    toggles: Option<PathBuf>,
    /// URL of the link, without the override
    #[arg(
        long,
        env = "BURGEE_URL",
        value_name = "URL",
        default_value = "http://localhost:3524/"
    )]
    url: String,
    /// Query parameter of the link, as `override.from` of the file names it
    #[arg(long, env = "BURGEE_QUERY", value_name = "NAME", default_value = "ff")]
    query: String,
    /// Features and the variants to force
    #[arg(value_name = "NAME=VARIANT", required = true, value_parser = pair)]
    forced: Vec<(Name, String)>,
}

/// Prints both. Exits with 2 if the variable holds no key, or the file does not have what is to be forced.
pub fn main(args: &OverrideArgs) -> ExitCode {
    let loaded = args.toggles.as_deref().map(load);
    let namespace = match loaded {
        None => args.namespace.clone(),
        Some(Err(problems)) => return bad_toggles(&problems),
        Some(Ok(snapshot)) => match file(&snapshot, args.namespace.as_deref())
            .and_then(|file| knows(file, &args.forced).map(|()| file))
        {
            Ok(file) => file.namespace.as_deref().map(str::to_owned),
            Err(why) => return refuse(&why),
        },
    };
    let secret = env::var_os(&args.key_env).unwrap_or_default();
    let Some(key) = SigningKey::new(secret.as_encoded_bytes()) else {
        return refuse(&format!(
            "the variable {} is empty or not set; it must hold the key",
            args.key_env
        ));
    };
    let expires = wall_clock().0.saturating_add_unsigned(args.exp.as_secs());
    let Some(value) = signed(&key, namespace.as_deref(), &args.forced, expires) else {
        return refuse(&"a variant has characters that variants cannot have");
    };
    let mark = if args.url.contains('?') { '&' } else { '?' };
    say(&value);
    say(&format!(
        "{}{mark}{}={}",
        args.url,
        args.query,
        percent_encoded(&value)
    ));
    ExitCode::SUCCESS
}

fn load(path: &Path) -> Result<Snapshot, config::Problems> {
    let environment = |name: &str| env::var(name).ok();
    config::load(path, &environment, wall_clock()).map(|loaded| loaded.snapshot)
}

/// The file that the override is for: of several the one with this namespace.
fn file<'s>(snapshot: &'s Snapshot, namespace: Option<&str>) -> Result<&'s Toggles, String> {
    let is_meant = |file: &&Toggles| namespace.is_none() || file.namespace.as_deref() == namespace;
    let mut meant = snapshot.files.iter().filter(is_meant);
    match (meant.next(), meant.next(), namespace) {
        (Some(file), None, _) => Ok(file),
        (Some(_), Some(_), _) => Err("there are several files: say which by `--namespace`".into()),
        (None, _, Some(name)) => Err(format!("no file has the namespace `{name}`")),
        (None, ..) => Err("there is no file".into()),
    }
}

/// Whether the file may be overridden, and has these variants.
fn knows(file: &Toggles, forced: &[(Name, String)]) -> Result<(), String> {
    if file
        .override_policy
        .as_ref()
        .is_none_or(|policy| policy.key.is_none())
    {
        return Err("the file has no `override` with a `key`: it takes no signed override".into());
    }
    for (name, variant) in forced {
        let name = name.as_str();
        let features = &file.features;
        let is_named = |feature: &&Feature| feature.name.eq_ignore_ascii_case(name);
        let Some(feature) = features.iter().find(is_named) else {
            let known = features.iter().map(|feature| &*feature.name);
            let meant = phrases::meant(name, known);
            return Err(format!("there is no feature `{name}`{meant}"));
        };
        let variants = feature.variants.iter().map(|variant| &*variant.name);
        if !variants.clone().any(|known| known == variant) {
            let meant = phrases::meant(variant, variants);
            return Err(format!("`{name}` has no variant `{variant}`{meant}"));
        }
    }
    Ok(())
}

/// The dictionary with `exp` and `sig`, serialized.
pub fn signed(
    key: &SigningKey,
    namespace: Option<&str>,
    forced: &[(Name, String)],
    expires: i64,
) -> Option<String> {
    let mut dictionary = Dictionary::new();
    for (name, variant) in forced {
        let item = match Token::from_string(variant.clone()) {
            Ok(token) => BareItem::Token(token),
            Err((_, text)) => BareItem::String(Text::from_string(text).ok()?),
        };
        dictionary.insert(name.clone(), ListEntry::Item(Item::new(item)));
    }
    let expires = BareItem::Integer(expires.try_into().ok()?);
    dictionary.insert(
        Name::from_string("exp".into()).ok()?,
        ListEntry::Item(Item::new(expires)),
    );
    let signature = BareItem::ByteSequence(key.sign(namespace, &dictionary)?);
    dictionary.insert(
        Name::from_string("sig".into()).ok()?,
        ListEntry::Item(Item::new(signature)),
    );
    dictionary.serialize()
}

fn pair(text: &str) -> Result<(Name, String), String> {
    let (name, variant) = text.split_once('=').ok_or("write it as briefcase=silver")?;
    if variant.is_empty() {
        return Err(format!("`{name}` has no variant: write it as {name}=on"));
    }
    // dictionary keys are lower case (RFC 9651, section 3.1.2); features are found whatever their case
    let key = Name::from_string(name.to_ascii_lowercase())
        .map_err(|_| format!("`{name}` is not a feature name"))?;
    Ok((key, variant.to_owned()))
}
