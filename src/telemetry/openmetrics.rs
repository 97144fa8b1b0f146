//! Families of metrics, as `/metrics` writes them.
//! In: names, labels, sums. Out: calls of the encoder; lines of text, where there are too many for an encoder.

use super::counter::BOUNDS;
use prometheus_client::{
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet},
    metrics::{MetricType, exemplar::Exemplar},
};
use std::{
    borrow::Cow,
    fmt::{Error, Write as _},
};

pub(super) type Labels<'a> = [(&'static str, &'a str)];
pub(super) type Sum = ([u64; BOUNDS.len() + 1], u64);

pub(super) fn count(sum: &Sum) -> u64 {
    sum.0.iter().sum()
}

pub(super) fn describe<'t>(
    to: &'t mut DescriptorEncoder<'_>,
    name: &'t str,
    help: &str,
    kind: MetricType,
) -> Result<MetricEncoder<'t>, Error> {
    to.encode_descriptor(name, help, None, kind)
}

pub(super) fn counter(
    family: &mut MetricEncoder<'_>,
    labels: &Labels<'_>,
    value: u64,
) -> Result<(), Error> {
    let none = None::<&Exemplar<NoLabelSet, f64>>;
    if labels.is_empty() {
        return family.encode_counter(&value, none);
    }
    family.encode_family(&labels)?.encode_counter(&value, none)
}

pub(super) fn gauge(
    family: &mut MetricEncoder<'_>,
    labels: &Labels<'_>,
    value: u64,
) -> Result<(), Error> {
    family.encode_family(&labels)?.encode_gauge(&value)
}

pub(super) fn histogram(
    family: &mut MetricEncoder<'_>,
    labels: &Labels<'_>,
    sum: &Sum,
) -> Result<(), Error> {
    let bounds = BOUNDS
        .iter()
        .map(|bound| *bound as f64 / 1e9)
        .chain([f64::INFINITY]);
    let buckets: Vec<_> = bounds.zip(sum.0).collect();
    let seconds = sum.1 as f64 / 1e9;
    family
        .encode_family(&labels)?
        .encode_histogram::<NoLabelSet>(seconds, count(sum), &buckets, None)
}

/// One sample, its series in parts.
pub(super) fn line<const PARTS: usize>(out: &mut String, series: [&str; PARTS], value: u64) {
    series.iter().for_each(|part| out.push_str(part));
    out.push(' ');
    out.push_str(itoa::Buffer::new().format(value));
    out.push('\n');
}

/// The last label of a series.
pub(super) fn label(name: &str, value: &str) -> String {
    format!(",{name}=\"{}\"}}", escaped(value))
}

pub(super) fn family(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}.\n# TYPE {name} {kind}");
}

/// As OpenMetrics escapes a label's value.
pub(super) fn escaped(value: &str) -> Cow<'_, str> {
    if !value.contains(['\\', '"', '\n']) {
        return value.into();
    }
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
        .into()
}
