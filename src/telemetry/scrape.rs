//! `/metrics` as OpenMetrics text. In: every worker's counters. Out: their sums, under names that do not change.

use super::{
    counter::{CLASSES, RequestHistogram},
    metrics::Metrics,
    openmetrics::{count, counter, describe, gauge, histogram},
    process,
    recorder::{WorkerCounters, lock},
    series,
};
use crate::engine::{overrides::OverrideResult, stops::StopKind, units::Second};
use prometheus_client::{
    collector::Collector, encoding::DescriptorEncoder, metrics::MetricType, registry::Registry,
};
use std::{
    collections::BTreeMap,
    fmt::Error,
    sync::{Arc, Mutex, atomic::Ordering::Relaxed},
};

/// The `Content-Type` of the text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How the text ends.
const END: &str = "# EOF\n";

/// What a text may be longer than the last one.
const ROOM: usize = 4096;

impl Metrics {
    /// The whole text. Takes no lock that the data path waits for.
    pub fn scrape(self: &Arc<Self>, now: Second) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Scrape(self.clone(), now)));
        // as long as the last one, so that megabytes are not copied as it grows
        let mut text = String::with_capacity(self.scraped.load(Relaxed));
        // writing to a string cannot fail
        let _ = prometheus_client::encoding::text::encode(&mut text, &registry);
        // what is most of the text is written without an encoder in between
        text.truncate(text.len() - END.len());
        series::write(self, &mut text);
        self.scraped.store(text.len() + ROOM, Relaxed);
        text + END
    }

    fn sum(&self, slot: impl Fn(&WorkerCounters) -> u64) -> u64 {
        self.workers.iter().map(|worker| slot(worker)).sum()
    }

    fn rare(
        &self,
        map: impl Fn(&WorkerCounters) -> &Mutex<BTreeMap<&'static str, u64>>,
    ) -> BTreeMap<&'static str, u64> {
        let mut sums = BTreeMap::new();
        for worker in &self.workers {
            for (label, count) in lock(map(worker)).iter() {
                *sums.entry(*label).or_default() += count;
            }
        }
        sums
    }
}

/// The counters, and when they are asked for.
#[derive(Debug)]
struct Scrape(Arc<Metrics>, Second);

impl Collector for Scrape {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> Result<(), Error> {
        let Scrape(metrics, now) = self;
        metrics.traffic(&mut to)?;
        metrics.users(&mut to)?;
        metrics.config(&mut to)?;
        metrics.expired(*now, &mut to)?;
        metrics.edges(&mut to)?;
        process::encode(&mut to)
    }
}

impl Metrics {
    fn traffic(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let sums = RequestHistogram::sum(self.workers.iter().map(|worker| &worker.requests));
        let seen = || {
            CLASSES
                .into_iter()
                .zip(&sums)
                .filter(|(_, sum)| count(sum) > 0)
        };
        let mut family = describe(
            to,
            "burgee_requests",
            "Requests answered",
            MetricType::Counter,
        )?;
        for (status, sum) in seen() {
            counter(&mut family, &[("status", status)], count(sum))?;
        }
        let mut family = describe(
            to,
            "burgee_request_duration_seconds",
            "From the end of the request head to the response head",
            MetricType::Histogram,
        )?;
        for (status, sum) in seen() {
            histogram(&mut family, &[("status", status)], sum)?;
        }
        Ok(())
    }

    fn users(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut family = describe(
            to,
            "burgee_identity",
            "Where the user came from, once a file",
            MetricType::Counter,
        )?;
        for (source, workers) in &lock(&self.features).user_sources {
            counter(
                &mut family,
                &[("source", source)],
                workers.iter().map(|slot| slot.get()).sum(),
            )?;
        }
        let mut family = describe(
            to,
            "burgee_forged_fields_dropped",
            "Request fields dropped because only burgee may send them",
            MetricType::Counter,
        )?;
        counter(&mut family, &[], self.sum(|worker| worker.forged.get()))?;
        let mut family = describe(
            to,
            "burgee_overrides",
            "Overrides that requests brought",
            MetricType::Counter,
        )?;
        for result in OverrideResult::ALL {
            let sum = self.sum(|worker| worker.overrides[result as usize].get());
            if sum > 0 {
                counter(&mut family, &[("result", result.as_str())], sum)?;
            }
        }
        Ok(())
    }

    fn config(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let config = lock(&self.config);
        let mut family = describe(
            to,
            "burgee_config",
            "The toggles in force",
            MetricType::Info,
        )?;
        if let Some(revision) = &config.revision {
            family.encode_info(&[("revision", &**revision)])?;
        }
        for (name, kind, help) in [
            (
                "burgee_stopped",
                StopKind::Stop,
                "1 for each feature that somebody has stopped; `*` stands for every feature",
            ),
            (
                "burgee_held",
                StopKind::Hold,
                "1 for each feature whose clock somebody holds; `*` stands for every feature",
            ),
        ] {
            let mut family = describe(to, name, help, MetricType::Gauge)?;
            for (feature, _) in config.stops.iter().filter(|(_, is)| *is == kind) {
                gauge(&mut family, &[("feature", feature)], 1)?;
            }
        }
        let mut family = describe(
            to,
            "burgee_config_last_reload_successful",
            "1 if the last attempt to read the toggles was good",
            MetricType::Gauge,
        )?;
        family.encode_gauge(&u64::from(config.last_good))?;
        let mut family = describe(
            to,
            "burgee_config_last_success_timestamp_seconds",
            "When toggles were last read without a problem",
            MetricType::Gauge,
        )?;
        family.encode_gauge(&config.last_success.map_or(0, |at| at.0))?;
        let mut family = describe(
            to,
            "burgee_config_reloads",
            "Attempts to read the toggles",
            MetricType::Counter,
        )?;
        for ((trigger, result), sum) in &config.reloads {
            counter(
                &mut family,
                &[("trigger", trigger), ("result", result)],
                *sum,
            )?;
        }
        Ok(())
    }

    fn expired(&self, now: Second, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut family = describe(
            to,
            "burgee_features_expired",
            "Features that should be gone by now",
            MetricType::Gauge,
        )?;
        let features = lock(&self.features);
        let passed = features.ends.iter().filter(|end| **end <= now);
        family.encode_gauge(&(passed.count() as u64))
    }

    fn edges(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut family = describe(
            to,
            "burgee_upstream_failures",
            "Requests that the application did not answer",
            MetricType::Counter,
        )?;
        for (error, sum) in self.rare(|worker| &worker.upstream_failures) {
            counter(&mut family, &[("error", error)], sum)?;
        }
        let mut family = describe(
            to,
            "burgee_connections",
            "Client connections open now",
            MetricType::Gauge,
        )?;
        family.encode_gauge(&self.connections())?;
        let mut family = describe(
            to,
            "burgee_refused",
            "What a limit refused",
            MetricType::Counter,
        )?;
        for (limit, sum) in self.rare(|worker| &worker.refused) {
            counter(&mut family, &[("limit", limit)], sum)?;
        }
        Ok(())
    }
}
