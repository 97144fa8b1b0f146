//! What one worker counts of one variant, whatever gave it. In: decisions, uses, goals. Out: sums, to `series` and `totals`.

use super::{counter::Counter, goals};
use crate::engine::{Decision, Reason};
use std::sync::OnceLock;

/// One variant of one feature.
#[derive(Debug, Default)]
pub(super) struct VariantCounters {
    /// by reason; what a tester asked for is apart
    pub(super) evaluations: [Counter; SLOTS],
    /// requests whose response used the feature
    pub(super) exposures: Counter,
    /// of the feature's first variant: requests with a value that a condition could not read
    pub(super) unreadable: Counter,
    /// of the feature's first variant: requests of signed-in people whose visitor id alone would have got another variant
    pub(super) drifted: Counter,
    /// by the number of the goal; most features never see one
    pub(super) goals: OnceLock<Box<[Counter; goals::NAMES + 1]>>,
}

/// The slot behind those of the reasons: an override decided, which is a targeting match.
pub(super) const FORCED: usize = REASONS.len();

/// The reasons, what was forced, and room to the next power of two: a slot needs no look whether it is there.
const SLOTS: usize = (FORCED + 1).next_power_of_two();

/// By the reason, and whether a tester asked for it.
#[inline]
pub(super) fn slot(decision: Decision) -> usize {
    const FURTHER: usize = FORCED - Reason::TargetingMatch as usize;
    (decision.reason as usize + FURTHER * usize::from(decision.overridden)) % SLOTS
}

/// The reasons in the order of their slots.
pub(super) const REASONS: [Reason; 6] = [
    Reason::Static,
    Reason::Default,
    Reason::TargetingMatch,
    Reason::Split,
    Reason::Disabled,
    Reason::Error,
];
