//! `burgee guard`: asks Prometheus again and again, and does what `burgee stop` does, once it is certain that a variant does harm.
//! In: what Prometheus says. Out: stops and holds in the ConfigMap, never fewer of them. Whatever goes wrong is a sentence, and the loop goes on.

use super::{
    FleetArgs,
    cluster::Pods,
    confirm::Wanted,
    kubectl::Kind,
    prometheus::{Certain, Prometheus, Said},
    proof::prove,
    stops_text, stored, target,
};
use crate::{
    cli::output,
    config::STOPS,
    engine::{
        compare::words::AtLeast,
        guard::GuardAction,
        stops::{Stop, StopKind, Stops},
    },
    flags::{kubernetes, values},
    http::client::Url,
    server::clock::wall_clock,
};
use clap::Args;
use serde_json::json;
use signal_hook::{consts, flag};
use std::{
    collections::BTreeSet,
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
    thread,
    time::Duration,
};

/// Stop a guarded feature everywhere, once it is certain that a variant does harm
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  burgee guard -n shop --prometheus http://prometheus:9090 --configmap shop-toggles

Prometheus needs the rules of deploy/alerts.yaml. Each feature's `guard` says what is done: `stop`, `hold`, or nothing but a line. It never
lifts either; `burgee resume` does. Runs until a signal ends it; two of them do no harm.")]
pub struct GuardArgs {
    /// Prometheus, which scrapes the pods and has the recording rules
    #[arg(long, env = "BURGEE_PROMETHEUS", value_name = "URL")]
    prometheus: Url,
    /// ConfigMap of the toggles, or of their stops
    #[arg(long, env = "BURGEE_CONFIGMAP", value_name = "NAME", value_parser = kubernetes::config_map)]
    configmap: String,
    /// The label `job` of the pods, where several jobs of the namespace have features of the same name
    #[arg(long, env = "BURGEE_JOB", value_name = "NAME")]
    job: Option<String>,
    /// How often to ask
    #[arg(long, env = "BURGEE_EVERY", value_name = "DURATION", value_parser = values::duration, default_value = "10s")]
    every: Duration,
    #[command(flatten)]
    fleet: FleetArgs,
}

/// Who wrote first tries again: what the other wrote is kept.
const TRIES: usize = 3;

/// Asks and acts until a signal ends the process.
pub fn main(args: &GuardArgs) -> ExitCode {
    let Some(namespace) = args.fleet.namespace.clone() else {
        return output::refuse(
            &"name the namespace with -n: Prometheus has the features of others too",
        );
    };
    // PID 1 ignores a signal that has no handler
    for signal in [consts::SIGTERM, consts::SIGINT] {
        let always = Arc::new(AtomicBool::new(true));
        if let Err(error) = flag::register_conditional_shutdown(signal, 0, always) {
            return output::fail(&error);
        }
    }
    let mut guard = Guard {
        prometheus: Prometheus {
            url: args.prometheus.clone(),
            namespace,
            job: args.job.clone(),
        },
        stops: target::stops_of(&args.configmap),
        args,
        trouble: None,
        told: BTreeSet::new(),
        disbelieved: BTreeSet::new(),
    };
    output::block_on(async {
        guard.tell(&format!(
            "guards the features of the namespace {} each {:?}; stops go to the ConfigMap {}",
            guard.prometheus.namespace, args.every, guard.stops
        ));
        loop {
            guard.look().await;
            tokio::time::sleep(args.every).await;
        }
    })
}

/// The loop, and what it has told already.
struct Guard<'a> {
    args: &'a GuardArgs,
    prometheus: Prometheus,
    stops: String,
    trouble: Option<String>,
    told: BTreeSet<String>,
    /// features and stages whose numbers were impossible once: what was summed up since cannot be told apart
    disbelieved: BTreeSet<(String, String)>,
}

impl Guard<'_> {
    async fn look(&mut self) {
        let done = match self.prometheus.ask().await {
            Ok(said) => self.act(said),
            Err(why) => Err(why),
        };
        let trouble = done.err();
        if trouble != self.trouble {
            match &trouble {
                Some(why) => self.tell(&format!("{why}; nothing is stopped or resumed meanwhile")),
                None => self.tell("it goes on: Prometheus and kubectl answer again"),
            }
            self.trouble = trouble;
        }
    }

    fn act(&mut self, said: Said) -> Result<(), String> {
        for (feature, stage) in said.impossible {
            let named = super::words::printable(&feature);
            self.once(&format!("the counters of `{named}` are such as no pod can have: is every target of Prometheus a burgee? Until its text changes it is not stopped by this guard, and `burgee stop` stops it"));
            self.disbelieved.insert((feature, stage));
        }
        let believed = |one: &Certain| {
            let named = (one.feature.clone(), one.stage.clone());
            !self.disbelieved.contains(&named)
        };
        let certain: Vec<Certain> = said.certain.into_iter().filter(believed).collect();
        for one in &certain {
            let does = match one.action {
                GuardAction::Report => {
                    "its guard only reports; `burgee stop` gives everybody the default"
                }
                GuardAction::Hold => "its guard holds the rollout",
                GuardAction::Stop => "its guard gives everybody the default",
            };
            self.once_of(one, does);
        }
        let mut acts = certain;
        acts.retain(|one| one.action != GuardAction::Report);
        match acts.is_empty() {
            true => Ok(()),
            false => self.write(&acts),
        }
    }

    /// Writes what is not written yet.
    fn write(&mut self, acts: &[Certain]) -> Result<(), String> {
        let kubectl = self.args.fleet.kubectl();
        for _ in 0..TRIES {
            let stored = stored::read(&kubectl, &self.stops)?;
            let new = new_stops(&stored.stops, acts);
            if new.is_empty() {
                return Ok(());
            }
            let text = stops_text::write(&stops_text::with(&stored.stops, &new));
            match stored::write(&kubectl, &self.stops, stored, &text) {
                Ok(wanted) => {
                    self.confirm(&new, wanted, text);
                    return Ok(());
                }
                Err(trouble) if trouble.kind == Kind::Conflict => {}
                Err(trouble) => {
                    let name = &self.stops;
                    let make = match trouble.kind {
                        Kind::Forbidden | Kind::NotFound => {
                            format!(
                                "; where there is no such ConfigMap: `kubectl create configmap {name}`"
                            )
                        }
                        _ => String::new(),
                    };
                    return Err(format!("{trouble}{make}"));
                }
            }
        }
        Err(format!(
            "others write the ConfigMap {} all the time",
            self.stops
        ))
    }

    /// The proof takes its time, and the next feature does not wait for it.
    fn confirm(&self, new: &[Stop], wanted: Wanted, text: String) {
        let names = |kind| {
            let named = new.iter().filter(move |stop| stop.kind == kind);
            named.map(|stop| &*stop.name).collect::<Vec<_>>().join(", ")
        };
        let done = [
            ("stopped", names(StopKind::Stop)),
            ("held", names(StopKind::Hold)),
        ];
        let done = done.iter().filter(|(_, names)| !names.is_empty());
        let did: Vec<String> = done.map(|(did, names)| format!("{did} {names}")).collect();
        let did = did.join("; ");
        self.tell(&format!("{did}: it is written"));
        let fleet = self.args.fleet.clone();
        let name = self.stops.clone();
        thread::spawn(move || {
            let selector = fleet.selector.clone();
            let mut pods = Pods::new(fleet.kubectl(), selector, Some(name.clone()));
            pods.written = [(STOPS.to_owned(), text)].into();
            let more = json!({"configmap": name, "stops": wanted.stops});
            if let Err(trouble) = prove(&fleet, pods, &wanted, &did, more) {
                tell(
                    &fleet,
                    &format!(
                        "{did}: whether the pods have it could not be asked; they read it within two minutes. {trouble}"
                    ),
                );
            }
        });
    }

    fn once_of(&mut self, one: &Certain, does: &str) {
        let Certain { feature, stage, .. } = one;
        let line = format!("{feature}: {}; {does}", why(one));
        if self.told.insert(format!(
            "{feature} {stage} {} {} {does}",
            one.variant, one.measure
        )) {
            self.tell(&line);
        }
    }

    fn once(&mut self, line: &str) {
        if self.told.insert(line.to_owned()) {
            self.tell(line);
        }
    }

    fn tell(&self, line: &str) {
        tell(&self.args.fleet, line);
    }
}

fn tell(fleet: &FleetArgs, line: &str) {
    output::say(&match fleet.json {
        true => json!({"said": line}).to_string(),
        false => line.to_owned(),
    });
}

/// Those that nobody has written yet. A hold is made a stop where the file wants one; neither is ever lifted.
fn new_stops(stops: &Stops, acts: &[Certain]) -> Vec<Stop> {
    let mut new: Vec<Stop> = Vec::new();
    for one in acts {
        let kind = match one.action {
            GuardAction::Stop => StopKind::Stop,
            _ => StopKind::Hold,
        };
        let is_done = stops
            .of(&[&one.feature])
            .is_some_and(|stop| stop.kind == StopKind::Stop || stop.kind == kind);
        if is_done || new.iter().any(|stop| *stop.name == *one.feature) {
            continue;
        }
        new.push(Stop {
            name: one.feature.as_str().into(),
            kind,
            at: Some(wall_clock()),
            why: Some(why(one).into()),
            by: Some("burgee guard".into()),
            line: 0,
        });
    }
    new
}

/// `treatment fails at least 5.1 points more often than its control, in the last 10m`
fn why(one: &Certain) -> String {
    let bad = match &*one.measure {
        "slow" => "is slow",
        _ => "fails",
    };
    let variant: String = super::words::printable(&one.variant)
        .chars()
        .take(64)
        .collect();
    let window: String = super::words::printable(&one.window)
        .chars()
        .take(8)
        .collect();
    let least = AtLeast(one.at_least);
    format!("{variant} {bad} at least {least} more often than its control, in the last {window}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn certain(action: GuardAction) -> Certain {
        Certain {
            feature: "shop.checkout".to_owned(),
            stage: "0a".to_owned(),
            variant: "treatment".to_owned(),
            measure: "errors".to_owned(),
            window: "10m".to_owned(),
            at_least: 0.0519,
            action,
        }
    }

    fn kinds(there: &str, action: GuardAction) -> Vec<StopKind> {
        let there = stops_text::read("", Some(&format!("version: 1\nstops: {{{there}}}\n")));
        let new = new_stops(&there.unwrap(), &[certain(action), certain(action)]);
        new.iter().map(|stop| stop.kind).collect()
    }

    #[test]
    fn what_somebody_has_stopped_is_left_alone_and_a_hold_becomes_a_stop() {
        use GuardAction::{Hold, Stop};
        for (there, action, expected) in [
            ("", Stop, &[StopKind::Stop][..]),
            ("", Hold, &[StopKind::Hold]),
            ("other: {why: x}", Stop, &[StopKind::Stop]),
            ("shop.checkout: {why: x}", Stop, &[]),
            ("shop.checkout: {why: x}", Hold, &[]),
            ("\"*\": {why: x}", Stop, &[]),
            ("shop.checkout: {hold: 2026-01-01}", Hold, &[]),
            ("shop.checkout: {hold: 2026-01-01}", Stop, &[StopKind::Stop]),
        ] {
            assert_eq!(kinds(there, action), expected, "{there} and {action:?}");
        }
    }

    #[test]
    fn the_reason_is_one_that_the_stops_file_takes() {
        let mut one = certain(GuardAction::Stop);
        let expected =
            "treatment fails at least 5.1 points more often than its control, in the last 10m";
        assert_eq!(why(&one), expected);
        one.variant = "\u{1b}[2J\n".repeat(100);
        one.window = "x".repeat(1_000);
        assert!(config::is_printable(&why(&one)), "{}", why(&one));
    }
}
