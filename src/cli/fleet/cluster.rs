//! The pods of a cluster, by kubectl.
//! In: which ConfigMap they mount, or their labels. Out: who they are, and what each says of itself; many are asked at a time.

use super::{
    confirm::Cluster,
    kubectl::{Kind, Kubectl, Trouble},
    pods::{self, Answer, Pod},
};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
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
/// Between two rounds.
const PAUSE: Duration = Duration::from_millis(250);

/// Pods that mount a ConfigMap, or have these labels.
#[derive(Debug)]
pub(super) struct Pods {
    kubectl: Kubectl,
    selector: Option<String>,
    /// only pods that mount it
    config_map: Option<String>,
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
            begun: Instant::now(),
            interrupted: Arc::default(),
            by_exec: AtomicBool::new(false),
            notes: BTreeSet::new(),
        }
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
        match self.kubectl.run(&["get", &path], None) {
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
        match self.kubectl.run(&arguments, None) {
            Ok(lines) => {
                let lines = String::from_utf8_lossy(&lines);
                Answer::read(lines.lines().last().unwrap_or_default())
            }
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
        let this = &*self;
        let each = pods.len().div_ceil(AT_A_TIME).max(1);
        thread::scope(|scope| {
            let some = |pods: &'_ [&Pod]| pods.iter().map(|pod| this.one(pod)).collect::<Vec<_>>();
            let asked: Vec<_> = pods
                .chunks(each)
                .map(|pods| scope.spawn(move || some(pods)))
                .collect();
            let answered = asked
                .into_iter()
                .map(|asked| asked.join().unwrap_or_default());
            answered.flatten().collect()
        })
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
