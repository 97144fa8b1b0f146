//! `burgee stop` and `burgee resume`: features that are off, or held, and the proof that they are so everywhere.
//! In: names. Out: the stops file with them, or without them; which pods have it.

use super::{
    FleetArgs, cluster::Pods, kubectl::Trouble, local, pods::Answer, proof::prove, report,
    stops_text, stored, target, words::printable,
};
use crate::{
    cli::output,
    config::{self, Problems, STOPS, phrases},
    engine::{
        Snapshot,
        model::{Allocation, Feature},
        stops::{EVERY, Stop, StopKind, Stops},
        units::Second,
    },
    exit,
    flags::{kubernetes, values},
    server::clock::wall_clock,
};
use clap::Args;
use serde_json::json;
use std::{env, fmt::Display, path::PathBuf, process::ExitCode};

/// Stop features: everybody gets their default, in every pod
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  burgee stop checkout-button --why '5xx in treatment'
  burgee stop --all -n shop --why 'pager is ringing'
  burgee stop search-v2 --hold
  burgee stop checkout-button --dir /etc/burgee/toggles

The stops are a file of their own, which neither Helm nor a GitOps controller puts back, and which works while the toggles are broken.
Exits 0 only when every ready pod has it.")]
pub struct StopArgs {
    /// Features: `checkout-button`, or `shop.checkout-button` in the namespace `shop` of the toggles
    #[arg(
        value_name = "NAME",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    names: Vec<String>,
    /// Stop every feature
    #[arg(long, env = "BURGEE_ALL", value_parser = values::switch)]
    all: bool,
    /// Hold rollouts where they are now, instead of a stop
    #[arg(long, env = "BURGEE_HOLD", value_parser = values::switch)]
    hold: bool,
    /// The reason, for whoever finds it stopped
    #[arg(long, env = "BURGEE_WHY", value_name = "TEXT", value_parser = words)]
    why: Option<String>,
    /// Who stops it [default: the user of this machine]
    #[arg(long, env = "BURGEE_BY", value_name = "NAME", value_parser = words)]
    by: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// Resume features that were stopped or held
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  burgee resume checkout-button
  burgee resume --all --yes")]
pub struct ResumeArgs {
    /// Features, as they were stopped
    #[arg(
        value_name = "NAME",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    names: Vec<String>,
    /// Resume everything that is stopped or held
    #[arg(long, env = "BURGEE_ALL", value_parser = values::switch)]
    all: bool,
    #[command(flatten)]
    place: Place,
}

/// Where the stops are.
#[derive(Args, Clone, Debug)]
struct Place {
    /// ConfigMap of the toggles, or of their stops [default: the stops that the pods mount]
    #[arg(
        long,
        env = "BURGEE_CONFIGMAP",
        value_name = "NAME",
        value_parser = kubernetes::config_map,
        conflicts_with = "dir"
    )]
    configmap: Option<String>,
    /// Directory of the toggles on this machine, instead of a cluster
    #[arg(long, env = "BURGEE_DIR", value_name = "PATH")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    fleet: FleetArgs,
}

/// What is to be changed.
enum Edit<'a> {
    Stop(Vec<Stop>),
    Resume(&'a [String], bool),
}

/// Stops.
pub fn stop(args: &StopArgs) -> ExitCode {
    let every = [EVERY.to_owned()];
    let names = if args.all { &every[..] } else { &args.names };
    if let Some(name) = names.iter().find(|name| !config::is_stoppable(name)) {
        let name = printable(name);
        return output::refuse(&format!("`{name}` is no name of a feature"));
    }
    let user = || {
        ["USER", "LOGNAME"]
            .iter()
            .find_map(|name| env::var(name).ok())
    };
    let by = args
        .by
        .clone()
        .or_else(user)
        .filter(|by| config::is_printable(by));
    let stop = |name: &String| Stop {
        name: name.as_str().into(),
        kind: if args.hold {
            StopKind::Hold
        } else {
            StopKind::Stop
        },
        at: Some(wall_clock()),
        why: args.why.as_deref().map(Into::into),
        by: by.as_deref().map(Into::into),
        line: 0,
    };
    let done = edit(&args.place, &Edit::Stop(names.iter().map(stop).collect()));
    done.unwrap_or_else(|code| code)
}

/// Resumes.
pub fn resume(args: &ResumeArgs) -> ExitCode {
    let done = edit(&args.place, &Edit::Resume(&args.names, args.all));
    done.unwrap_or_else(|code| code)
}

/// The end of a command that failed, with its sentence said.
fn failed(error: &dyn Display) -> ExitCode {
    output::fail(error)
}

fn edit(place: &Place, edit: &Edit<'_>) -> Result<ExitCode, ExitCode> {
    match &place.dir {
        Some(directory) => {
            let broken = |problems: Problems| output::bad_toggles(&problems);
            let stops = local::read(directory).map_err(broken)?;
            let toggles = config::load(directory, &config::set_elsewhere, wall_clock());
            let toggles = toggles.ok().map(|loaded| loaded.snapshot);
            let (text, did) = edited(&stops, edit, toggles.as_ref(), place.fleet.yes)?;
            local::write(directory, &text).map_err(|error| {
                failed(&format!("{}: {error}", local::file(directory).display()))
            })?;
            Ok(told_locally(&did, &text, place.fleet.json))
        }
        None => in_cluster(place, edit),
    }
}

fn in_cluster(place: &Place, edit: &Edit<'_>) -> Result<ExitCode, ExitCode> {
    let said = |trouble: Trouble| failed(&trouble);
    let (fleet, kubectl) = (&place.fleet, place.fleet.kubectl());
    let known = Pods::new(kubectl.clone(), fleet.selector.clone(), None)
        .all()
        .map_err(said)?;
    let name = match &place.configmap {
        Some(name) => target::stops_of(name),
        None => target::found(&known).map_err(|why| failed(&why))?,
    };
    let toggles = target::toggles(&kubectl, &known, &name, wall_clock())
        .ok()
        .flatten();
    let stored = stored::read(&kubectl, &name).map_err(|why| failed(&why))?;
    let (text, did) = edited(&stored.stops, edit, toggles.as_ref(), fleet.yes)?;
    let wanted = stored::write(&kubectl, &name, stored, &text).map_err(said)?;
    let mut pods = Pods::new(kubectl, fleet.selector.clone(), Some(name.clone()));
    pods.written = [(STOPS.to_owned(), text)].into();
    let more = json!({"configmap": name, "stops": wanted.stops});
    prove(fleet, pods, &wanted, &did, more).map_err(said)
}

/// The new text, and what it does in words.
fn edited(
    stops: &Stops,
    edit: &Edit<'_>,
    toggles: Option<&Snapshot>,
    yes: bool,
) -> Result<(String, String), ExitCode> {
    match edit {
        Edit::Stop(new) => {
            if let Some(unknown) = toggles.and_then(|toggles| unknown(new, toggles)) {
                return Err(output::refuse(&unknown));
            }
            let all = stops_text::with(stops, new);
            let names: Vec<_> = new.iter().map(|stop| called(&stop.name)).collect();
            let verb = match new.first().map(|stop| stop.kind) {
                Some(StopKind::Hold) => "held",
                _ => "stopped",
            };
            Ok((
                stops_text::write(&all),
                format!("{verb} {}", names.join(", ")),
            ))
        }
        Edit::Resume(names, all) => {
            let gone = |stop: &&Stop| *all || names.iter().any(|name| **name == *stop.name);
            if let Some(name) = names
                .iter()
                .find(|name| !stops.list.iter().any(|stop| *stop.name == ***name))
            {
                let name = printable(name);
                return Err(output::refuse(&format!(
                    "`{name}` is not stopped; `burgee status` shows what is"
                )));
            }
            let ended: Vec<&Stop> = stops.list.iter().filter(gone).collect();
            for jump in ended.iter().filter_map(|stop| jump(stop, toggles?)) {
                if !yes && !report::asks(&format!("{jump}. Resume it?")) {
                    return Err(exit::PROBLEMS.into());
                }
            }
            let rest: Vec<Stop> = stops
                .list
                .iter()
                .filter(|stop| !gone(stop))
                .cloned()
                .collect();
            let names: Vec<_> = ended.iter().map(|stop| called(&stop.name)).collect();
            Ok((
                stops_text::write(&rest),
                format!("resumed {}", names.join(", ")),
            ))
        }
    }
}

fn called(name: &str) -> &str {
    if name == EVERY { "every feature" } else { name }
}

/// The first name that no feature has, and which one was meant: a stop of nothing would look like a stop.
fn unknown(new: &[Stop], toggles: &Snapshot) -> Option<String> {
    let stops = Stops {
        list: new.into(),
        ..Stops::default()
    };
    let stopped = toggles.with_stops(&stops.into());
    let stop = stopped.unknown_stops().find(|stop| &*stop.name != EVERY)?;
    let known = toggles.features().map(|(_, _, feature)| &*feature.key);
    let meant = phrases::meant(&stop.name, known);
    Some(format!(
        "`{}` is no feature of the toggles{meant}",
        stop.name
    ))
}

/// `search: from 5% to 61%`, where the end of a hold moves people at once.
fn jump(stop: &Stop, toggles: &Snapshot) -> Option<String> {
    let (StopKind::Hold, Some(at)) = (stop.kind, stop.at) else {
        return None;
    };
    let now = wall_clock();
    let moves = |feature: &Feature| {
        let rules = feature.rules.iter().map(|rule| &rule.allocation);
        let mut all = rules.chain(&feature.fallthrough);
        all.find_map(|allocation| shares(allocation, now, at))
            .map(|shares| format!("{}: {shares}", feature.key))
    };
    let one = Stops {
        list: [stop.clone()].into(),
        ..Stops::default()
    };
    let held = toggles.with_stops(&one.into());
    let features = held
        .features()
        .filter(|(_, toggles, feature)| held.stop_of(toggles, feature).is_some());
    let jumps: Vec<String> = features
        .filter_map(|(_, _, feature)| moves(feature))
        .collect();
    (!jumps.is_empty()).then(|| jumps.join("; "))
}

fn shares(allocation: &Allocation, now: Second, hold: Second) -> Option<String> {
    let (held, free) = (
        allocation.rollout.held(now, hold),
        allocation.rollout.at(now),
    );
    (held != free).then(|| format!("from {held} to {free} at once"))
}

fn told_locally(did: &str, text: &str, json: bool) -> ExitCode {
    let wanted = stored::hash(text);
    output::block_on(async {
        let answer = local::ask().await;
        let has =
            matches!(&answer, Some(Answer::Has { stops: Some(stops), .. }) if *stops == wanted);
        let what = match (&answer, has) {
            (_, true) => "the burgee of this machine has it",
            (Some(_), false) => {
                "the burgee of this machine reads it within two seconds, or at once by `burgee reload`"
            }
            (None, _) => {
                "no burgee answers on this machine's admin port; whoever reads this directory takes it within two seconds"
            }
        };
        output::say(&match json {
            true => {
                json!({"result": "written", "did": did, "stops": wanted, "has": has}).to_string()
            }
            false => format!("{did}: {what}"),
        });
        Ok(ExitCode::SUCCESS)
    })
}

fn words(text: &str) -> Result<String, String> {
    match config::is_printable(text) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "write one line of at most {} printable characters",
            config::LONGEST_REASON
        )),
    }
}
