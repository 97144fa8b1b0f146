//! What Prometheus says of the fleet, by the recording rules of `deploy/alerts.yaml`.
//! In: where it is, and which pods it is about. Out: what is certain, or why nothing can be said; nothing that no honest pod can have.

use crate::{
    config,
    engine::{guard::GuardAction, stops::EVERY, units::Second},
    http::client::{self, Url},
};
use http::Request;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Prometheus answers such questions in milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the alert `BurgeeGuard` asks; `$` stands for the matchers.
const CERTAIN: &str = r#"(
  burgee:guard_lower:window{$} > on (namespace, job, feature, measure) group_left () max by (namespace, job, feature, measure) (burgee_guard_margin{$})
) and ignoring (test) (
  sum without (arm) (burgee:guard_signed:window{arm="tested",$})
    > on (namespace, job, feature, measure) group_left () max by (namespace, job, feature, measure) (burgee_guard_margin{$})
) and on (namespace, job, feature, stage, variant, measure) burgee:guard_f:slice{$}"#;

/// What the features' files want.
const ACTIONS: &str = "count by (job, feature, action) (burgee_guard_margin{$})";

/// More bad answers than requests; more groups than there are. Of a slice `increase` extrapolates each counter by itself, twice as
/// far at the most, so that one has to have far more.
const IMPOSSIBLE: &str = r#"max by (feature, stage) (burgee_group_bad_total{$} > ignoring (measure) group_left () burgee_group_requests_total{$})
  or max by (feature, stage) (burgee:group_bad:slice{$} > 3 * burgee:group_requests:slice{$} + 1)
  or max by (feature, stage) (burgee:group_requests:slice{group!~"[0-9]|[12][0-9]|3[01]",$})"#;

/// Recorded whatever there is to count.
const RULES: &str = "count(burgee:guard_alpha)";

/// Where it is, and which pods the questions are about.
#[derive(Clone, Debug)]
pub(super) struct Prometheus {
    /// `http://prometheus:9090`, with or without a path
    pub url: Url,
    /// of the pods
    pub namespace: String,
    /// the label `job`, where a namespace has several
    pub job: Option<String>,
}

/// A variant does harm, in all pods together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Certain {
    /// the feature
    pub feature: String,
    /// a hash of its text
    pub stage: String,
    /// the variant
    pub variant: String,
    /// `errors` or `slow`
    pub measure: String,
    /// `1m` to `7d`
    pub window: String,
    /// by how much it is worse at the least
    pub at_least: f64,
    /// what the feature's file wants; the mildest, where pods have different files
    pub action: GuardAction,
}

/// What it said.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Said {
    /// the most certain of each feature, variant and measure
    pub certain: Vec<Certain>,
    /// features and stages with numbers that no pod can have
    pub impossible: BTreeSet<(String, String)>,
}

/// One series: its labels and its value.
pub(in crate::cli) type Row = (BTreeMap<String, String>, f64);

impl Prometheus {
    /// All that is certain now, or a sentence.
    pub(super) async fn ask(&self) -> Result<Said, String> {
        let actions = self.rows(ACTIONS).await?;
        if actions.is_empty() {
            let namespace = &self.namespace;
            return Err(format!(
                "Prometheus knows no guarded feature in the namespace {namespace}: give a feature `guard`, and have Prometheus scrape the pods' admin port"
            ));
        }
        if self.rows(RULES).await?.is_empty() {
            return Err("Prometheus has not evaluated the recording rules yet, or does not have them: load deploy/alerts.yaml, or the PrometheusRule of the chart".to_owned());
        }
        let impossible = self.rows(IMPOSSIBLE).await?;
        let certain = self.rows(CERTAIN).await?;
        said(&certain, &actions, &impossible)
    }

    async fn rows(&self, question: &str) -> Result<Vec<Row>, String> {
        let mut matchers = format!("namespace={}", quoted(&self.namespace));
        if let Some(job) = &self.job {
            matchers += &format!(",job={}", quoted(job));
        }
        query(&self.url, &question.replace('$', &matchers), None).await
    }
}

/// What it answers to one question, as of now or of an instant.
pub(in crate::cli) async fn query(
    url: &Url,
    question: &str,
    at: Option<Second>,
) -> Result<Vec<Row>, String> {
    let path = url.path.trim_end_matches('/');
    let question = client::percent_encoded(question);
    let mut path = format!("{path}/api/v1/query?query={question}");
    if let Some(at) = at {
        path += &format!("&time={}", at.0);
    }
    let answer = client::send(&url.address, Request::builder().uri(path), PATIENCE).await;
    let answer = answer.map_err(|error| format!("Prometheus cannot be asked: {error}"))?;
    let body: Option<Value> = serde_json::from_slice(answer.body()).ok();
    match body.filter(|body| body["status"] == "success") {
        Some(body) => rows(&body),
        None => {
            let text = String::from_utf8_lossy(answer.body());
            let text: String = text.chars().take(200).collect();
            Err(format!(
                "Prometheus answers with {} and `{}`: name the address of its web page by --prometheus",
                answer.status().as_u16(),
                super::words::printable(text.trim())
            ))
        }
    }
}

fn rows(body: &Value) -> Result<Vec<Row>, String> {
    let result = body["data"]["result"].as_array();
    let row = |one: &Value| {
        let labels = one["metric"].as_object()?.iter();
        let labels = labels.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        let value = one["value"][1].as_str()?.parse().ok()?;
        Some((labels.collect::<Option<_>>()?, value))
    };
    let rows = result.and_then(|result| result.iter().map(row).collect());
    rows.ok_or_else(|| "Prometheus answers in a form that is not that of its API".to_owned())
}

/// What may be believed of it.
fn said(certain: &[Row], actions: &[Row], impossible: &[Row]) -> Result<Said, String> {
    let mut found = BTreeMap::<_, Certain>::new();
    let mut said = Said::default();
    let label = |row: &Row, name: &str| row.0.get(name).cloned().unwrap_or_default();
    for row in impossible {
        let named = (label(row, "feature"), label(row, "stage"));
        said.impossible.insert(named);
    }
    for row in certain {
        let feature = label(row, "feature");
        let named = (feature.clone(), label(row, "stage"));
        let is_name = config::is_stoppable(&feature) && feature != EVERY;
        let is_share = row.1.is_finite() && row.1 > 0.0 && row.1 <= 1.0;
        if !is_name || !is_share || said.impossible.contains(&named) {
            said.impossible.insert(named);
            continue;
        }
        let of_feature = |one: &&Row| label(one, "feature") == feature;
        let wanted = actions.iter().filter(of_feature);
        let jobs: BTreeSet<String> = wanted.clone().map(|one| label(one, "job")).collect();
        if jobs.len() > 1 {
            let jobs: Vec<_> = jobs.into_iter().collect();
            let jobs = super::words::printable(&jobs.join(", "));
            return Err(format!(
                "more than one job has the feature `{feature}` ({jobs}): name one with --job, so that the right one is stopped"
            ));
        }
        let known = |one: &Row| {
            let said = label(one, "action");
            GuardAction::ALL
                .into_iter()
                .find(|action| action.as_str() == said)
        };
        let action = wanted.map(|one| known(one).unwrap_or(GuardAction::Report));
        let one = Certain {
            stage: named.1,
            variant: label(row, "variant"),
            measure: label(row, "measure"),
            window: label(row, "window"),
            at_least: row.1,
            action: action.min().unwrap_or(GuardAction::Report),
            feature,
        };
        let key = (
            one.feature.clone(),
            one.variant.clone(),
            one.measure.clone(),
        );
        let most = found.entry(key).or_insert_with(|| one.clone());
        if one.at_least > most.at_least {
            *most = one;
        }
    }
    said.certain = found.into_values().collect();
    Ok(said)
}

/// A text of PromQL.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_what_the_alert_asks() {
        let rules = include_str!("../../../deploy/alerts.yaml");
        let (_, alert) = rules.split_once("- alert: BurgeeGuard\n").unwrap();
        let (alert, _) = alert.split_once("labels:").unwrap();
        let alert = alert.trim().trim_start_matches("expr: |");
        let plain = |text: &str| -> String { text.split_whitespace().collect() };
        let asked = CERTAIN.replace(",$", "").replace("{$}", "");
        assert_eq!(plain(&asked), plain(alert));
    }

    fn row(labels: &str, value: f64) -> Row {
        let pairs = labels.split(' ').map(|pair| pair.split_once('=').unwrap());
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        (pairs.collect(), value)
    }

    fn certain(value: f64) -> Row {
        row(
            "feature=checkout stage=0a variant=on measure=errors window=1m",
            value,
        )
    }

    #[test]
    fn the_most_certain_counts_and_the_mildest_action() {
        let actions = [
            row("job=web feature=checkout action=stop", 1.0),
            row("job=web feature=checkout action=hold", 1.0),
        ];
        let said = said(&[certain(0.1), certain(0.2)], &actions, &[]).unwrap();
        assert_eq!(said.impossible.len(), 0);
        let [one] = <[_; 1]>::try_from(said.certain).unwrap();
        assert_eq!((one.at_least, one.action), (0.2, GuardAction::Hold));
    }

    #[test]
    fn numbers_that_no_pod_can_have_stop_nothing() {
        let actions = [
            row("job=web feature=checkout action=stop", 1.0),
            row("job=web feature=* action=stop", 1.0),
        ];
        let named = |feature: &str| BTreeSet::from([(feature.to_owned(), "0a".to_owned())]);
        for value in [f64::NAN, f64::INFINITY, 1.01, -0.1] {
            let said = said(&[certain(value)], &actions, &[]).unwrap();
            assert_eq!((said.certain, said.impossible), (vec![], named("checkout")));
        }
        let every = row(
            "feature=* stage=0a variant=on measure=errors window=1m",
            0.1,
        );
        let of_every = said(&[every], &actions, &[]).unwrap();
        assert_eq!(
            (of_every.certain, of_every.impossible),
            (vec![], named("*"))
        );
        let more_bad = row("feature=checkout stage=0a", 3.0);
        let of_more = said(&[certain(0.1)], &actions, &[more_bad]).unwrap();
        assert_eq!(
            (of_more.certain, of_more.impossible),
            (vec![], named("checkout"))
        );
    }

    #[test]
    fn two_jobs_with_one_name_are_told_apart_by_a_person() {
        let actions = [
            row("job=web feature=checkout action=stop", 1.0),
            row("job=mobile feature=checkout action=stop", 1.0),
        ];
        let why = said(&[certain(0.1)], &actions, &[]).unwrap_err();
        assert!(
            why.contains("(mobile, web)") && why.contains("--job"),
            "{why}"
        );
    }
}
