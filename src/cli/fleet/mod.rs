//! Stop, resume, apply, status, guard: one edit, and the proof that it is everywhere.
//! In: names, and the user's kubectl or a directory. Out: what was written, and which pods have it. 0 only when every ready pod has it.

pub mod apply;
mod cluster;
mod confirm;
pub mod guard;
mod kubectl;
mod local;
mod object;
mod pods;
pub(in crate::cli) mod prometheus;
mod proof;
mod report;
pub mod status;
pub mod stop;
mod stops_text;
mod stored;
mod target;
mod versions;
pub(super) mod words;

use crate::flags::{kubernetes, values};
use clap::Args;
use kubectl::Kubectl;
use std::{path::PathBuf, time::Duration};

/// Which pods, and how they are reached.
#[derive(Args, Clone, Debug)]
pub(super) struct FleetArgs {
    /// Namespace of the pods [default: kubectl's own]
    #[arg(short, long, env = "BURGEE_NAMESPACE", value_name = "NAME", value_parser = kubernetes::namespace)]
    namespace: Option<String>,
    /// Context of kubectl's configuration [default: kubectl's own]
    #[arg(long, env = "BURGEE_CONTEXT", value_name = "NAME", value_parser = kubernetes::context)]
    context: Option<String>,
    /// Labels of the pods [default: all that mount the ConfigMap]
    #[arg(short = 'l', long, env = "BURGEE_SELECTOR", value_name = "LABELS", value_parser = kubernetes::selector)]
    selector: Option<String>,
    /// How long to wait until every ready pod has it
    #[arg(long, env = "BURGEE_TIMEOUT", value_name = "DURATION", value_parser = values::duration, default_value = "60s")]
    timeout: Duration,
    /// Do not ask
    #[arg(short, long, env = "BURGEE_YES", value_parser = values::switch)]
    yes: bool,
    /// Print one JSON object
    #[arg(long, env = "BURGEE_JSON", value_parser = values::switch)]
    json: bool,
    /// The kubectl to use
    #[arg(
        long,
        env = "BURGEE_KUBECTL",
        value_name = "PATH",
        default_value = "kubectl"
    )]
    kubectl: PathBuf,
}

impl FleetArgs {
    fn kubectl(&self) -> Kubectl {
        let flag = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!("--{name}={value}"))
        };
        let common = [
            flag("namespace", &self.namespace),
            flag("context", &self.context),
        ];
        Kubectl {
            program: self.kubectl.clone(),
            common: common.into_iter().flatten().collect(),
        }
    }
}
