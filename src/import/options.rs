//! Which systems are read, and what their files do not say.
//! In: the command line. Out: an importer's choices.

use clap::ValueEnum;

/// A system whose files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    /// <https://flagd.dev>
    Flagd,
    /// <https://www.getunleash.io>
    Unleash,
    /// <https://launchdarkly.com>
    LaunchDarkly,
    /// `split_clients`
    Nginx,
    /// the FastAPI flag service
    Fastapi,
    /// williamgrosset/experiments
    Experiments,
    /// wnederhof/experimentor
    Experimentor,
    /// <https://gofeatureflag.org>
    Goff,
    /// <https://www.flipt.io>
    Flipt,
    /// <https://posthog.com>
    PostHog,
    /// Azure App Configuration
    Microsoft,
}

/// How a flagd decides: its files do not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Flagd {
    /// from 2026-04
    Int,
    /// before
    Float,
    /// flagd-core 2.0.0 of PyPI
    Cbor,
}

/// Where a Flipt evaluates: shares of three are cut otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Flipt {
    /// each share is cut off to thousandths
    Server,
    /// they are summed and rounded
    Client,
}

/// What a file does not say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// which draw
    pub(crate) flagd: Option<Flagd>,
    /// where it is evaluated
    pub(crate) flipt: Option<Flipt>,
    /// variants are drawn without a seed, as clients did before 2023
    pub(crate) unleash_old_variants: bool,
    /// of a flag that has several
    pub(crate) environment: Option<String>,
    /// of a file that has several
    pub(crate) context: Option<String>,
}

impl System {
    /// All of them.
    pub(crate) const ALL: [System; 11] = [
        System::Flagd,
        System::Unleash,
        System::LaunchDarkly,
        System::Nginx,
        System::Fastapi,
        System::Experiments,
        System::Experimentor,
        System::Goff,
        System::Flipt,
        System::PostHog,
        System::Microsoft,
    ];

    /// As it is named on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            System::Flagd => "flagd",
            System::Unleash => "unleash",
            System::LaunchDarkly => "launchdarkly",
            System::Nginx => "nginx",
            System::Fastapi => "fastapi",
            System::Experiments => "experiments",
            System::Experimentor => "experimentor",
            System::Goff => "goff",
            System::Flipt => "flipt",
            System::PostHog => "posthog",
            System::Microsoft => "microsoft",
        }
    }
}
