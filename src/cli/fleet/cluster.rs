//! The pods of a cluster, by kubectl.
//! In: which ConfigMap they mount, or their labels. Out: who they are, and what each says of itself; many are asked at a time.

use super::{
    confirm::Cluster,
    kubectl::{Kind, Kubectl, Trouble},
    object,
    pods::{self, Answer, Pod},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

/// How many are asked at a time: each is a process.
const AT_A_TIME: usize = 16;
/// How many names a command line takes.
const NAMES: usize = 100;
/// A kubelet that was asked takes longer than this to deliver: each answer before is a process for nothing.
const DELIVERY: Duration = Duration::from_secs(1);
/// How long a pod may take to answer: one that never does must not keep us from those that do.
const ANSWER: Duration = Duration::from_secs(3);
/// Between two rounds.
const PAUSE: Duration = Duration::from_millis(250);

/// Pods that mount a ConfigMap, or have these labels.
#[derive(Debug)]
pub(super) struct Pods {
    kubectl: Kubectl,
    selector: Option<String>,
    /// only pods that mount it
    config_map: Option<String>,
    /// what was written into it: texts by their keys
    pub written: BTreeMap<String, String>,
    begun: Instant,
    interrupted: Arc<AtomicBool>,
    /// the pod proxy may not be used: `exec` instead
    by_exec: AtomicBool,
    /// what could not be done, and makes it slower
    pub notes: BTreeSet<String>,
}

impl Pods {
    /// Nobody is asked yet.
    pub(super) fn new(
        kubectl: Kubectl,
        selector: Option<String>,
        config_map: Option<String>,
    ) -> Pods {
        Pods {
            kubectl,
            selector,
            config_map,
            written: BTreeMap::new(),
            begun: Instant::now(),
            interrupted: Arc::default(),
            by_exec: AtomicBool::new(false),
            notes: BTreeSet::new(),
        }
    }

    /// What comes is timed from here: somebody was asked before, or thought about it.
    pub(super) fn restart(&mut self) {
        self.begun = Instant::now();
    }

    /// From now on, Ctrl-C ends the waiting and not the process.
    pub(super) fn catch_interrupts(&self) {
        // without the handler Ctrl-C ends the process, as it does anyway
        let _ = signal_hook::flag::register(signal_hook::consts::SIGINT, self.interrupted.clone());
    }

    /// All pods of these labels, whatever they mount.
    pub(super) fn all(&self) -> Result<Vec<Pod>, Trouble> {
        let selector = self.selector.as_ref();
        let selector = selector.map(|labels| format!("--selector={labels}"));
        let mut arguments = vec!["get", "pods", "--output=json"];
        arguments.extend(selector.as_deref());
        Ok(pods::read(&self.kubectl.json(&arguments)?))
    }

    fn one(&self, pod: &Pod) -> Answer {
        if !pod.has_burgee {
            return Answer::Nothing("it has no container called `burgee`".to_owned());
        }
        if self.by_exec.load(Ordering::Relaxed) {
            return self.exec(pod);
        }
        let name = &pod.name;
        // `--raw` takes no namespace by flag
        let path = format!(
            "--raw=/api/v1/namespaces/{}/pods/{name}:3525/proxy/ready",
            pod.namespace
        );
        match self.kubectl.run_within(ANSWER, &["get", &path], None) {
            Ok(line) => Answer::read(&String::from_utf8_lossy(&line)),
            Err(trouble) if trouble.kind == Kind::Forbidden => {
                self.by_exec.store(true, Ordering::Relaxed);
                self.exec(pod)
            }
            Err(trouble) => Answer::Nothing(format!("no answer: {trouble}")),
        }
    }

    fn exec(&self, pod: &Pod) -> Answer {
        let arguments = [
            "exec",
            &pod.name,
            "--container=burgee",
            "--",
            "/burgee",
            "reload",
        ];
        let last = |lines: &str| Answer::read(lines.lines().last().unwrap_or_default());
        match self.kubectl.run_within(ANSWER, &arguments, None) {
            Ok(lines) => last(&String::from_utf8_lossy(&lines)),
            // its toggles are broken: it says so, and then what is in force
            Err(trouble) if trouble.kind == Kind::Ended => last(&trouble.printed),
            Err(trouble) => Answer::Nothing(format!("no answer: {trouble}")),
        }
    }
}

impl Cluster for Pods {
    fn pods(&mut self) -> Result<Vec<Pod>, Trouble> {
        let mut pods = self.all()?;
        if let (Some(config_map), None) = (&self.config_map, &self.selector) {
            pods.retain(|pod| pod.config_maps.contains(config_map));
        }
        Ok(pods)
    }

    fn ask(&mut self, pods: &[&Pod]) -> Vec<Answer> {
        let (this, next) = (&*self, AtomicUsize::new(0));
        // whoever is free takes the next: a pod that never answers delays itself alone
        let some = || {
            let numbers = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
            let asked = numbers.map_while(|number| Some((number, this.one(pods.get(number)?))));
            asked.collect::<Vec<_>>()
        };
        let mut answers: Vec<(usize, Answer)> = thread::scope(|scope| {
            let asking = pods.iter().take(AT_A_TIME).map(|_| scope.spawn(some));
            let asking: Vec<_> = asking.collect();
            let answered = asking.into_iter().flat_map(thread::ScopedJoinHandle::join);
            answered.flatten().collect()
        });
        answers.sort_by_key(|(number, _)| *number);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }

    fn is_as_written(&mut self) -> Result<bool, Trouble> {
        let Some(name) = self
            .config_map
            .as_ref()
            .filter(|_| !self.written.is_empty())
        else {
            return Ok(true);
        };
        let now = object::get(&self.kubectl, name)?;
        let is_there =
            |(key, text): (&String, &String)| object::text(now.as_ref(), key) == Some(text);
        Ok(self.written.iter().all(is_there))
    }

    fn refresh(&mut self, pods: &[&Pod]) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.map_or(0, |now| now.as_millis());
        let mark = format!("burgee.dev/refresh={now}");
        for pods in pods.chunks(NAMES) {
            let names = pods.iter().map(|pod| &*pod.name);
            let arguments: Vec<&str> = ["annotate", "pods"]
                .into_iter()
                .chain(names)
                .chain([&*mark, "--overwrite"])
                .collect();
            if let Err(trouble) = self.kubectl.run(&arguments, None) {
                self.notes.insert(format!("the pods could not be asked to look at once, so kubelets deliver when they do, within 90 s: {trouble}"));
            }
        }
        thread::sleep(DELIVERY);
    }

    fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    fn pause(&mut self) -> bool {
        if !self.interrupted.load(Ordering::Relaxed) {
            thread::sleep(PAUSE);
        }
        !self.interrupted.load(Ordering::Relaxed)
    }
}
