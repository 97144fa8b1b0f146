//! The end of every edit: waits until each ready pod has it, and says what came of it.
//! In: what was written, and which pods are to have it. Out: what `report` prints, and the exit code.

use super::{
    FleetArgs,
    cluster::Pods,
    confirm::{Cluster as _, Wanted, confirm},
    kubectl::Trouble,
    report::{self, Progress},
};
use crate::cli::output;
use serde_json::Value;
use std::process::ExitCode;

/// `did`: `stopped checkout`. `more` goes into the JSON.
pub(super) fn prove(
    fleet: &FleetArgs,
    mut pods: Pods,
    wanted: &Wanted,
    did: &str,
    more: Value,
) -> Result<ExitCode, Trouble> {
    pods.catch_interrupts();
    let mut progress = Progress::new();
    let outcome = confirm(&mut pods, wanted, fleet.timeout, |have, ready| {
        if !fleet.json {
            progress.tell(have, ready);
        }
    });
    progress.end();
    let outcome = outcome?;
    for note in &pods.notes {
        output::fail(note);
    }
    Ok(report::outcome(
        did,
        &outcome,
        pods.elapsed(),
        fleet.json,
        more,
    ))
}
