//! The words for settings of other modules that are one of a few: what each is called on the command line, and its help.
//! In: a word. Out: a setting of `proxy`, `api` or `telemetry`.

use crate::{
    api::authz,
    proxy::{Forwarded, Protocol},
    telemetry::Naming,
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
            Protocol::Mirror => value("mirror", "as the client speaks"),
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
            authz::From::Path => value("path", "the path behind `/authz`"),
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
            Forwarded::Keep => value("keep", "as they came"),
            Forwarded::Append => value("append", "with this hop added"),
        }
    }
}

impl ValueEnum for Naming {
    fn value_variants<'a>() -> &'a [Naming] {
        &[Naming::None, Naming::Hash, Naming::Plain]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Naming::None => value("none", "nothing"),
            Naming::Hash => value("hash", "a hash that the same id always gives"),
            Naming::Plain => value("plain", "the id"),
        }
    }
}
