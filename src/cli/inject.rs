//! `burgee inject`: adds the sidecar to Kubernetes YAML, for clusters and pipelines without the policy and the charts.
//! In: YAML on standard input. Out: YAML on standard output, and a line for each workload on standard error.

use super::output;
use crate::{
    flags::{kubernetes, run::OnBadStart},
    inject::{Defaults, inject},
};
use clap::Args;
use std::{
    io::{self, Read as _, Write as _},
    process::ExitCode,
};

/// Add the sidecar to Kubernetes YAML, from stdin to stdout
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Deployments, StatefulSets, DaemonSets, ReplicaSets, Jobs, CronJobs, Pods and lists of them get burgee; everything else, and every \
                  comment, stays as it is. A pod that already has burgee, is labelled burgee.dev/inject: \"false\", or uses the host's \
                  network is left alone. The annotations burgee.dev/toggles-configmap, burgee.dev/on-bad-start, burgee.dev/take-port, \
                  burgee.dev/upstream-port and burgee.dev/cpu-request, memory-request, cpu-limit and memory-limit of a pod win over the flags.\n\n\
                  Examples:\n  \
                  kubectl get deployment shop -o yaml | burgee inject --toggles-configmap shop-toggles | kubectl apply -f -\n  \
                  kubectl kustomize . | burgee inject | kubectl apply -f -"
)]
pub struct InjectArgs {
    /// Image of burgee
    #[arg(long, env = "BURGEE_IMAGE", value_name = "IMAGE", default_value = concat!(env!("BURGEE_REPOSITORY"), ":", env!("CARGO_PKG_VERSION")))]
    image: String,
    /// ConfigMap that holds the toggles, in the pod's namespace
    #[arg(
        long,
        env = "BURGEE_TOGGLES_CONFIGMAP",
        value_name = "NAME",
        value_parser = kubernetes::config_map,
        default_value = "burgee-toggles"
    )]
    toggles_configmap: String,
    /// What a pod does that starts with a bad toggles file: `unready:15m` is not ready for that time, and then without features;
    /// `unready`, `forward` or `refuse`
    #[arg(
        long,
        env = "BURGEE_ON_BAD_START",
        value_name = "WHAT",
        default_value = "unready:15m",
        value_parser = on_bad_start
    )]
    on_bad_start: String,
    /// Named port that burgee takes over: the Service's targetPort
    #[arg(
        long,
        env = "BURGEE_PORT_NAME",
        value_name = "NAME",
        default_value = "http"
    )]
    port_name: String,
    /// The application's port, for pods in which no port has that name
    #[arg(long, env = "BURGEE_UPSTREAM_PORT", value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    upstream_port: Option<u16>,
}

fn on_bad_start(text: &str) -> Result<String, String> {
    text.parse::<OnBadStart>().map(|_| text.to_owned())
}

/// Reads, injects, writes. Writes nothing if anything fails, so that a pipe into `kubectl apply` gets all or nothing.
pub fn main(args: InjectArgs) -> ExitCode {
    let defaults = Defaults {
        image: args.image,
        toggles_config_map: args.toggles_configmap,
        on_bad_start: args.on_bad_start,
        port_name: args.port_name,
        upstream_port: args.upstream_port,
    };
    let mut text = String::new();
    if let Err(error) = io::stdin().read_to_string(&mut text) {
        return output::fail(&format!("standard input: {error}"));
    }
    let injected = match inject(&text, &defaults) {
        Ok(injected) => injected,
        Err(problem) => return output::fail(&problem),
    };
    if injected.notes.is_empty() {
        let _ = writeln!(io::stderr(), "no workload found; the input is unchanged");
    }
    for note in injected.notes {
        let _ = writeln!(io::stderr(), "{note}");
    }
    match io::stdout().write_all(injected.text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::fail(&error),
    }
}
