//! `burgee override`: a signed override, and a link that carries it.
//! In: a key from the environment, a lifetime, `NAME=VARIANT` pairs. Out: the value, and the link.

use super::{
    output::{bad_toggles, fail, refuse, say},
    override_file::{self, Wanted},
    override_url,
};
use crate::{
    engine::{
        model::OverridePolicy, override_choice, remember, signature::SigningKey, source::Source,
    },
    flags::values,
    server::clock::wall_clock,
};
use sfv::{
    BareItem, Dictionary, FieldType as _, Item, Key as Name, ListEntry, String as Text, Token,
};
use std::{env, path::PathBuf, process::ExitCode, time::Duration};

/// Create a signed override, and a link that carries it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples, for a file with `override: {from: [header.x-qa-override, query.ff], key: env.BURGEE_OVERRIDE_KEY, remember: qa_flags}`:
  burgee override --key-env BURGEE_OVERRIDE_KEY --exp 1h briefcase=silver dark-mode=off
  burgee override --key-env BURGEE_OVERRIDE_KEY --toggles toggles.yaml --url https://shop.example/ --exp 7d briefcase=silver
  burgee override --key-env BURGEE_OVERRIDE_KEY --toggles toggles.yaml --url https://shop.example/ --clear
  curl -H \"X-QA-Override: $(burgee override --key-env BURGEE_OVERRIDE_KEY briefcase=silver | head -n 1)\" http://localhost:3524/

The first line is the value, for a header; the second is a link, for a browser.
With `remember`, a browser that opens the link keeps what it says for the next clicks, until it ends.
Without `remember`, it holds for the one request.
A link of --clear makes a browser forget sooner; it ends after --exp as any other, so open it before.
Whoever has a link can use it until it ends. Another key ends all links at once.
With --toggles, what the file does not have is refused; of several files it takes one, by --namespace.
A warning names what is paused or stopped: nothing is forced there.
Run this where the key is: the sidecar has the same in the variable that `override.key` names.
Make a key by `openssl rand -base64 32`."
)]
pub struct OverrideArgs {
    /// Environment variable that holds the key; its value is what `override.key` of the file names
    #[arg(long, env = "BURGEE_KEY_ENV", value_name = "VAR")]
    key_env: String,
    /// How long the override is valid, `30m`, `8h`, `7d`; at most 30d where the file has `remember`
    #[arg(long, env = "BURGEE_EXP", value_name = "DURATION", default_value = "1h", value_parser = lifetime)]
    exp: Duration,
    /// The file's `namespace`, if it has one
    #[arg(long, env = "BURGEE_NAMESPACE", value_name = "NAME")]
    namespace: Option<String>,
    /// Toggles file or directory to check the names against; the namespace and the query parameter are taken from it too
    #[arg(long, env = "BURGEE_TOGGLES", value_name = "PATH")]
    toggles: Option<PathBuf>,
    /// URL of the page that the link opens, without the override
    #[arg(
        long,
        env = "BURGEE_URL",
        value_name = "URL",
        default_value = "http://localhost:3524/"
    )]
    url: String,
    /// Query parameter of the link, as `override.from` of the file names it [default: the file's, else ff]
    #[arg(long, env = "BURGEE_QUERY", value_name = "NAME")]
    query: Option<String>,
    /// Make a link that ends what a browser remembers; open it before --exp has passed
    #[arg(long, env = "BURGEE_CLEAR", value_parser = values::switch)]
    clear: bool,
    /// Features and the variants to force
    #[arg(value_name = "NAME=VARIANT", value_parser = pair)]
    forced: Vec<(Name, String)>,
}

/// Prints both. Exits with 2 if the variable holds no key, or the file does not have what is to be forced.
pub fn main(args: &OverrideArgs) -> ExitCode {
    // not by clap, for which BURGEE_CLEAR=0 is --clear as well
    match (args.clear, args.forced.is_empty()) {
        (false, true) => return refuse(&"say what to force, as in briefcase=silver, or --clear"),
        (true, false) => return refuse(&"--clear forces nothing: leave the features out"),
        _ => {}
    }
    for (number, (name, _)) in args.forced.iter().enumerate() {
        if args.forced[..number].iter().any(|(other, _)| other == name) {
            let name = name.as_str();
            return refuse(&format!(
                "`{name}` is there twice: a feature has one variant"
            ));
        }
    }
    let wanted = Wanted {
        namespace: args.namespace.as_deref(),
        forced: &args.forced,
        lifetime: args.exp,
    };
    let loaded = args.toggles.as_deref().map(override_file::load);
    let (namespace, policy, unforced) = match &loaded {
        None => (wanted.namespace, None, Vec::new()),
        Some(Err(problems)) => return bad_toggles(problems),
        Some(Ok(snapshot)) => match override_file::find(snapshot, &wanted) {
            Ok((file, policy)) => {
                let unforced = override_file::unforced(snapshot, file, &wanted);
                (file.namespace.as_deref(), Some(policy), unforced)
            }
            Err(why) => return refuse(&why),
        },
    };
    if let (Some(name), Some(policy)) = (&args.query, policy)
        && !policy.from.contains(&Source::Query((&**name).into()))
    {
        return refuse(&format!(
            "the file looks for no override in the query parameter `{name}`: leave `--query` out"
        ));
    }
    let secret = env::var_os(&args.key_env).unwrap_or_default();
    let Some(key) = SigningKey::new(secret.as_encoded_bytes()) else {
        return refuse(&format!(
            "the variable {} is empty or not set; it must hold the key",
            args.key_env
        ));
    };
    let expires = wall_clock().0.saturating_add_unsigned(args.exp.as_secs());
    let Some(value) = signed(&key, namespace, &args.forced, expires) else {
        return refuse(&"a variant has characters that variants cannot have");
    };
    let link = query(args, policy).map(|name| override_url::link(&args.url, name, &value));
    let link = match link.transpose() {
        Ok(link) => link,
        Err(why) => return refuse(&why),
    };
    say(&value);
    if let Some(link) = link {
        say(&link);
    }
    if !unforced.is_empty() {
        fail(&format!(
            "warning: {}: as long as that is so, nothing is forced there",
            unforced.join(", ")
        ));
    }
    if SigningKey::is_short(secret.as_encoded_bytes()) {
        fail(&format!(
            "warning: the key in {} has fewer than {} bytes: whoever sees a link can guess it. Make one by `openssl rand -base64 32`",
            args.key_env,
            SigningKey::SHORTEST
        ));
    }
    if policy.is_none() && args.exp.as_secs() > override_choice::FURTHEST_END {
        fail(
            &"warning: it ends in more than 30 days: where the file has `remember`, it holds for one request, and is not remembered",
        );
    }
    if let Some(name) = policy.and_then(|policy| policy.remember.as_deref())
        && remember::session_cookie(name, &value).is_none()
    {
        fail(
            &"warning: too long for a cookie (4,096 bytes): it holds for one request, and is not remembered. Force fewer features",
        );
    }
    ExitCode::SUCCESS
}

/// The parameter that a link carries it in; none where the file reads no query.
fn query<'a>(args: &'a OverrideArgs, policy: Option<&'a OverridePolicy>) -> Option<&'a str> {
    match (&args.query, policy) {
        (Some(name), _) => Some(name),
        (None, Some(policy)) => policy.query(),
        (None, None) => Some("ff"),
    }
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
    if ["exp", "sig"].contains(&&*name.to_ascii_lowercase()) {
        return Err(format!(
            "`{name}` is a part of every signed override, and no feature: --exp says when it ends"
        ));
    }
    // dictionary keys are lower case (RFC 9651, section 3.1.2); features are found whatever their case
    let key = Name::from_string(name.to_ascii_lowercase())
        .map_err(|_| format!("`{name}` is not a feature name"))?;
    Ok((key, variant.to_owned()))
}

/// What ends at once would be of no use.
fn lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = values::duration(text)?;
    match lifetime.as_secs() {
        0 => Err("it would have ended already: write at least `1s`".into()),
        _ => Ok(lifetime),
    }
}
