//! Flags that take one word of a few: the words for settings of other modules, and their help.
//! In: a word. Out: a setting of `proxy`, `api` or `telemetry`.

use crate::{
    api::authz,
    proxy::{Forwarded, Protocol},
    telemetry::UserNaming,
};
use clap::{ValueEnum, builder::PossibleValue};

fn value(name: &'static str, help: &'static str) -> Option<PossibleValue> {
    Some(PossibleValue::new(name).help(help))
}

impl ValueEnum for Protocol {
    fn value_variants<'a>() -> &'a [Protocol] {
        use Protocol::*;
        &[Auto, H1, H2, Mirror]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Protocol::Auto => value("auto", "HTTP/1.1, and HTTP/2 for gRPC"),
            Protocol::H1 => value("h1", "always HTTP/1.1"),
            Protocol::H2 => value("h2", "always HTTP/2"),
            Protocol::Mirror => value("mirror", "the version that the client uses"),
        }
    }
}

impl ValueEnum for authz::From {
    fn value_variants<'a>() -> &'a [authz::From] {
        use authz::From::*;
        &[Path, XForwarded, XOriginal]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            authz::From::Path => value("path", "the path after `/authz`"),
            authz::From::XForwarded => value("x-forwarded", "X-Forwarded-Method, -Host and -Uri"),
            authz::From::XOriginal => value("x-original", "X-Original-Method and -URL (or -URI)"),
        }
    }
}

impl ValueEnum for Forwarded {
    fn value_variants<'a>() -> &'a [Forwarded] {
        &[Forwarded::Keep, Forwarded::Append]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Forwarded::Keep => value("keep", "pass them on unchanged"),
            Forwarded::Append => value("append", "add this hop"),
        }
    }
}

impl ValueEnum for UserNaming {
    fn value_variants<'a>() -> &'a [UserNaming] {
        &[UserNaming::None, UserNaming::Hash, UserNaming::Plain]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            UserNaming::None => value("none", "not at all"),
            UserNaming::Hash => value("hash", "by a hash, the same for the same id"),
            UserNaming::Plain => value("plain", "by the id"),
        }
    }
}
