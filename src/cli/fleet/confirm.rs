//! Whether it is everywhere: asks until every ready pod has what was written, or the time is over.
//! In: pods that come, go, lag and never answer. Out: everywhere, or who lags and why. Never "everywhere" while a ready pod differs.

use super::{
    kubectl::Trouble,
    pods::{Answer, Pod},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// What the pods are, as far as can be asked. The clock is in here, so that a test can have its own.
pub(super) trait Cluster {
    /// The pods that it is about, now.
    fn pods(&mut self) -> Result<Vec<Pod>, Trouble>;
    /// What each of them says.
    fn ask(&mut self, pods: &[&Pod]) -> Vec<Answer>;
    /// Has them look at their files now.
    fn refresh(&mut self, pods: &[&Pod]);
    /// Whether nobody has written something else since.
    fn is_as_written(&mut self) -> Result<bool, Trouble>;
    /// How long this has taken.
    fn elapsed(&self) -> Duration;
    /// Waits a moment. False: somebody wants to end it.
    fn pause(&mut self) -> bool;
}

/// What every pod is to have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// of the toggles
    pub revision: Option<String>,
    /// of the stops
    pub stops: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// ready pods that have it
    pub have: usize,
    /// ready pods
    pub ready: usize,
    /// who lags, and why
    pub laggards: Vec<(String, String)>,
    /// pods that get no traffic: they read the newest files when they become ready
    pub not_ready: Vec<String>,
    /// somebody ended it before its end
    pub interrupted: bool,
    /// somebody wrote something else meanwhile, which pods get instead
    pub overwritten: bool,
}

impl Outcome {
    /// Whether every ready pod has it, and there is one.
    pub(super) fn is_everywhere(&self) -> bool {
        self.have == self.ready && self.ready > 0 && !self.interrupted && !self.overwritten
    }
}

impl Wanted {
    /// Why this answer is not what is wanted; none where it is.
    fn lacks(&self, pod: &Pod, answer: &Answer) -> Option<String> {
        let (revision, stops) = match answer {
            Answer::Nothing(why) => return Some(why.clone()),
            Answer::Has {
                revision, stops, ..
            } => (revision, stops),
        };
        let what = match (&self.stops, stops) {
            (Some(_), None) => return Some("its burgee is older and knows no stops".to_owned()),
            (Some(wanted), Some(stops)) if wanted != stops => format!("it has the stops {stops}"),
            _ => match &self.revision {
                Some(wanted) if wanted != revision => format!("it has the revision {revision}"),
                _ => return None,
            },
        };
        Some(match pod.sub_path {
            true => format!("{what}, and mounts by subPath, which never updates"),
            false => format!("{what}; its kubelet has not delivered yet"),
        })
    }
}

/// Asks until every ready pod has what is wanted. `progress` is told how many have it, and how many are ready.
pub(super) fn confirm(
    cluster: &mut impl Cluster,
    wanted: &Wanted,
    timeout: Duration,
    mut progress: impl FnMut(usize, usize),
) -> Result<Outcome, Trouble> {
    let mut refreshed = BTreeSet::new();
    // by uid: a pod of the same name may be another one
    let mut have = BTreeSet::new();
    let mut why = BTreeMap::new();
    let mut is_over = false;
    loop {
        let pods = cluster.pods()?;
        let ready: Vec<&Pod> = pods.iter().filter(|pod| pod.ready).collect();
        // what a pod has once told it keeps, as long as nobody writes something else: none is asked twice
        if !cluster.is_as_written()? {
            let mut ended = outcome(&pods, &have, &why);
            ended.overwritten = true;
            return Ok(ended);
        }
        let lags = |pod: &&Pod| !have.contains(&pod.uid);
        let open: Vec<&Pod> = ready.iter().copied().filter(lags).collect();
        if open.is_empty() || is_over {
            return Ok(outcome(&pods, &have, &why));
        }
        let is_new = |pod: &&Pod| refreshed.insert(pod.uid.clone());
        let new: Vec<&Pod> = ready.iter().copied().filter(is_new).collect();
        if !new.is_empty() {
            cluster.refresh(&new);
        }
        for (pod, answer) in open.iter().zip(cluster.ask(&open)) {
            match wanted.lacks(pod, &answer) {
                None => {
                    have.insert(pod.uid.clone());
                }
                Some(lacks) => {
                    why.insert(pod.uid.clone(), lacks);
                }
            }
        }
        let count = ready.iter().filter(|pod| have.contains(&pod.uid)).count();
        progress(count, ready.len());
        // where all have it, one more look says whether a pod became ready meanwhile
        is_over = cluster.elapsed() >= timeout;
        if count < ready.len() && (is_over || !cluster.pause()) {
            let mut ended = outcome(&pods, &have, &why);
            ended.interrupted = !is_over;
            return Ok(ended);
        }
    }
}

fn outcome(pods: &[Pod], have: &BTreeSet<String>, why: &BTreeMap<String, String>) -> Outcome {
    let mut outcome = Outcome::default();
    for pod in pods {
        if !pod.ready {
            outcome.not_ready.push(pod.name.clone());
            continue;
        }
        outcome.ready += 1;
        if have.contains(&pod.uid) {
            outcome.have += 1;
        } else {
            let unasked = || "it was not asked in time".to_owned();
            let why = why.get(&pod.uid).cloned().unwrap_or_else(unasked);
            outcome.laggards.push((pod.name.clone(), why));
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A pod of the model: when it becomes ready, when it has the new stops, when it goes, and how it answers.
    #[derive(Clone, Debug)]
    struct Modelled {
        ready: u64,
        has: u64,
        gone: u64,
        silent: bool,
        old: bool,
    }

    struct Model {
        now: u64,
        pods: Vec<Modelled>,
        ends_at: u64,
        /// from here on pods get what somebody else wrote
        edited_at: u64,
    }

    impl Model {
        fn is_there(&self, pod: &Modelled) -> bool {
            self.now < pod.gone && self.now + 3 >= pod.ready
        }

        fn has(&self, pod: &Modelled) -> bool {
            (pod.has..self.edited_at).contains(&self.now) && !pod.silent && !pod.old
        }

        /// Whether this moment is one at which nobody may say "everywhere".
        fn differs(&self) -> bool {
            let ready = |pod: &&Modelled| self.is_there(pod) && self.now >= pod.ready;
            self.pods.iter().filter(ready).any(|pod| !self.has(pod))
        }
    }

    impl Cluster for Model {
        fn pods(&mut self) -> Result<Vec<Pod>, Trouble> {
            let there = self
                .pods
                .iter()
                .enumerate()
                .filter(|(_, pod)| self.is_there(pod));
            let pod = |(number, pod): (usize, &Modelled)| Pod {
                name: format!("pod-{number}"),
                uid: number.to_string(),
                ready: self.now >= pod.ready,
                has_burgee: true,
                ..Pod::default()
            };
            Ok(there.map(pod).collect())
        }

        fn ask(&mut self, pods: &[&Pod]) -> Vec<Answer> {
            self.now += 1;
            let answer = |pod: &&Pod| {
                let pod = &self.pods[pod.uid.parse::<usize>().unwrap()];
                let stops = if self.has(pod) { "new" } else { "before" };
                match pod.silent {
                    true => Answer::Nothing("no answer".to_owned()),
                    false => Answer::Has {
                        revision: "1".to_owned(),
                        stops: (!pod.old).then(|| stops.to_owned()),
                        version: None,
                    },
                }
            };
            pods.iter().map(answer).collect()
        }

        fn refresh(&mut self, pods: &[&Pod]) {
            for pod in pods {
                let pod = &mut self.pods[pod.uid.parse::<usize>().unwrap()];
                pod.has = pod.has.min(self.now + 5);
            }
        }

        fn is_as_written(&mut self) -> Result<bool, Trouble> {
            Ok(self.now < self.edited_at)
        }

        fn elapsed(&self) -> Duration {
            Duration::from_secs(self.now)
        }

        fn pause(&mut self) -> bool {
            self.now += 1;
            self.now < self.ends_at
        }
    }

    fn modelled() -> impl Strategy<Value = Modelled> {
        let rarely = || prop::bool::weighted(0.05);
        (0..20_u64, 0..90_u64, 5..200_u64, rarely(), rarely()).prop_map(
            |(ready, has, gone, silent, old)| Modelled {
                ready: ready.saturating_sub(10),
                has,
                gone,
                silent,
                old,
            },
        )
    }

    fn stops() -> Wanted {
        Wanted {
            stops: Some("new".to_owned()),
            revision: None,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn never_everywhere_while_one_ready_pod_differs(
            pods in prop::collection::vec(modelled(), 0..40),
            ends_at in prop_oneof![9 => Just(u64::MAX), 1 => 1..60_u64],
            edited_at in prop_oneof![Just(u64::MAX), 1..60_u64],
        ) {
            let mut model = Model { now: 0, pods, ends_at, edited_at };
            let outcome = confirm(&mut model, &stops(), Duration::from_secs(60), |_, _| {}).unwrap();
            if outcome.is_everywhere() {
                prop_assert!(!model.differs(), "{:?} at {}", model.pods, model.now);
            } else {
                let says_why = outcome.interrupted || outcome.overwritten || outcome.ready == 0;
                prop_assert!(says_why || !outcome.laggards.is_empty());
            }
        }
    }

    #[test]
    fn laggards_are_named_with_what_they_have() {
        let pod = |has, silent, old| Modelled {
            ready: 0,
            has,
            gone: 1_000,
            silent,
            old,
        };
        let pods = vec![
            pod(0, false, false),
            pod(0, true, false),
            pod(0, false, true),
        ];
        let mut model = Model {
            now: 0,
            pods,
            ends_at: u64::MAX,
            edited_at: u64::MAX,
        };
        let outcome = confirm(&mut model, &stops(), Duration::from_secs(10), |_, _| {}).unwrap();
        assert!(!outcome.is_everywhere());
        assert_eq!((outcome.have, outcome.ready), (1, 3));
        let lag = |name: &str, why: &str| (name.to_owned(), why.to_owned());
        assert_eq!(
            outcome.laggards,
            [
                lag("pod-1", "no answer"),
                lag("pod-2", "its burgee is older and knows no stops")
            ]
        );
    }
}
