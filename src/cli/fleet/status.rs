//! `burgee status`: what every pod has in force.
//! In: the pods that the user's kubectl sees. Out: a line a pod, and "everywhere" or who lags.

use super::{
    FleetArgs,
    cluster::Pods,
    confirm::Cluster as _,
    kubectl::Trouble,
    object,
    pods::{Answer, Pod},
    stops_text, target,
    words::printable,
};
use crate::{cli::output, config::STOPS, exit, flags::kubernetes};
use clap::Args;
use serde_json::json;
use std::{collections::BTreeMap, process::ExitCode};

/// Show what every pod has in force, and who lags
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: burgee status -n shop")]
pub struct StatusArgs {
    /// ConfigMap of the toggles, or of their stops [default: the stops that the pods mount]
    #[arg(long, env = "BURGEE_CONFIGMAP", value_name = "NAME", value_parser = kubernetes::config_map)]
    configmap: Option<String>,
    #[command(flatten)]
    fleet: FleetArgs,
}

/// Exits 1 if a ready pod has something else than the others, or other stops than the ConfigMap says.
pub fn main(args: &StatusArgs) -> ExitCode {
    match status(args) {
        Ok(code) => code,
        Err(trouble) => output::fail(&trouble),
    }
}

fn status(args: &StatusArgs) -> Result<ExitCode, Trouble> {
    let (fleet, kubectl) = (&args.fleet, args.fleet.kubectl());
    let known = Pods::new(kubectl.clone(), fleet.selector.clone(), None).all()?;
    let name = match &args.configmap {
        Some(name) => target::stops_of(name),
        None => match target::found(&known) {
            Ok(name) => name,
            Err(why) => return Ok(output::fail(&why)),
        },
    };
    let object = object::get(&kubectl, &name)?;
    let text = object::text(object.as_ref(), STOPS);
    let wanted = stops_text::read(STOPS, text).ok();
    let mut cluster = Pods::new(kubectl, fleet.selector.clone(), Some(name.clone()));
    let pods = cluster.pods()?;
    let all: Vec<&Pod> = pods.iter().collect();
    let answers = cluster.ask(&all);
    let rows: Vec<(&Pod, Answer)> = all.into_iter().zip(answers).collect();
    let revision = most(&rows);
    let lacks = |pod: &Pod, answer: &Answer| match answer {
        _ if !pod.ready => None,
        Answer::Nothing(why) => Some(why.clone()),
        Answer::Has { stops: None, .. } => {
            Some("its burgee is older and knows no stops".to_owned())
        }
        Answer::Has { revision: has, .. } if Some(has) != revision.as_ref() => {
            Some("another revision than most".to_owned())
        }
        Answer::Has {
            stops: Some(stops), ..
        } => {
            let differs = wanted
                .as_ref()
                .is_some_and(|wanted| *wanted.revision != **stops);
            differs.then(|| format!("other stops than `{name}`"))
        }
    };
    let lagging = rows
        .iter()
        .filter(|(pod, answer)| lacks(pod, answer).is_some())
        .count();
    let ready = rows.iter().filter(|(pod, _)| pod.ready).count();
    let stopped: Vec<String> = wanted
        .iter()
        .flat_map(|stops| &stops.list)
        .map(|stop| format!("{}: {}", stop.name, stop.sentence()))
        .collect();
    if fleet.json {
        let row = |(pod, answer): &(&Pod, Answer)| {
            let (revision, stops) = match answer {
                Answer::Has {
                    revision, stops, ..
                } => (Some(revision), stops.as_ref()),
                Answer::Nothing(_) => (None, None),
            };
            json!({"pod": pod.name, "ready": pod.ready, "revision": revision, "stops": stops, "lags": lacks(pod, answer)})
        };
        let rows: Vec<_> = rows.iter().map(row).collect();
        output::say(&json!({"everywhere": lagging == 0 && ready > 0, "configmap": name, "stopped": stopped, "pods": rows}).to_string());
    } else {
        for (pod, answer) in &rows {
            let ready = if pod.ready { "ready" } else { "not ready" };
            let has = match answer {
                Answer::Has {
                    revision, stops, ..
                } => format!(
                    "revision {revision}, stops {}",
                    stops.as_deref().unwrap_or("unknown")
                ),
                Answer::Nothing(why) => why.clone(),
            };
            let lags = lacks(pod, answer).map_or(String::new(), |why| format!("  <- {why}"));
            output::say(&format!("{}  {ready}  {has}{lags}", printable(&pod.name)));
        }
        stopped.iter().for_each(|stop| output::say(stop));
        output::say(&match (ready, lagging) {
            (0, _) => format!("no ready pod reads `{name}` here"),
            (_, 0) => format!("everywhere the same, in {ready} ready pods"),
            (_, lagging) => format!("{lagging} of {ready} ready pods lag"),
        });
    }
    Ok(match lagging == 0 && ready > 0 {
        true => ExitCode::SUCCESS,
        false => exit::PROBLEMS.into(),
    })
}

/// The revision that most ready pods have.
fn most(rows: &[(&Pod, Answer)]) -> Option<String> {
    let mut counts = BTreeMap::new();
    for (pod, answer) in rows {
        if let (true, Answer::Has { revision, .. }) = (pod.ready, answer) {
            *counts.entry(revision).or_insert(0) += 1;
        }
    }
    counts
        .into_iter()
        .max_by_key(|(_, count)| *count)
        .map(|(revision, _)| revision.clone())
}
