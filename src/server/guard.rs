//! The guard of this process: it looks at what is compared, says what has become certain, and stops it where the file wants that.
//! In: the counters, each two seconds. Out: log lines; requests to the thread that publishes what is in force.

use super::clock::wall_clock;
use crate::{
    config::reload::Request,
    engine::guard::GuardAction,
    telemetry::{Metrics, Verdict},
};
use std::{
    sync::{Arc, mpsc},
    time::Duration,
};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, warn};

/// How often what is compared is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Looks, for as long as the process lives.
pub(super) async fn look(metrics: Arc<Metrics>, reloads: mpsc::Sender<Request>) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        for verdict in metrics.look(wall_clock()) {
            log(&verdict);
            if let Some(trip) = verdict.trip() {
                // the thread that reads files is gone only when the process is
                let _ = reloads.send(Request::Trip(trip));
            }
        }
    }
}

/// One line, with the numbers that made it certain.
fn log(verdict: &Verdict) {
    let Verdict { harm, counted, .. } = verdict;
    let [(requests, bad), (control_requests, control_bad)] = *counted;
    macro_rules! line {
        ($level:ident, $did:literal) => {
            $level!(
                feature = &*verdict.feature,
                rule = &*verdict.rule,
                variant = &*verdict.variant,
                measure = verdict.measure.as_str(),
                difference = harm.difference,
                at_least = harm.at_least,
                margin = verdict.margin,
                sequence = harm.span.as_str(),
                test = harm.test.as_str(),
                requests,
                bad,
                control_requests,
                control_bad,
                "{}: {}",
                $did,
                verdict.sentence
            )
        };
    }
    match verdict.action {
        GuardAction::Stop => line!(error, "the guard gives everybody the default"),
        GuardAction::Hold | GuardAction::Report => line!(warn, "the guard is certain"),
    }
}
