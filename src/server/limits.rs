//! What fits into the pod's memory: better to refuse one client than to be killed for using too much.
//! In: the cgroup's memory limit, and what the flags say. Out: a budget for what clients send and are sent, and how many of them.

use std::{fs, path::Path};

/// The limit of connections where memory sets none.
const MAX_CONNECTIONS: usize = 10_000;

/// The limit in the smallest pod.
const MIN_CONNECTIONS: usize = 128;

/// Of the budget, for each connection: an idle one takes three quarters of that, and the rest is for their requests.
const CONNECTION_BYTES: usize = 16 * 1024;

/// What the process takes before a client comes, its program included.
const PROCESS: u64 = 8 << 20;

/// The least that a budget is: a few connections with a request have to fit into it.
const MIN_BUDGET: u64 = 1 << 20;

/// What clients may take: as the flag says, else half of the cgroup's memory, without what the process takes itself. The other
/// half is for what the kernel and the allocator take besides, and for what is estimated too low.
pub(super) fn budget(flag: Option<usize>) -> Option<usize> {
    let membership = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let memory = limit(Path::new("/sys/fs/cgroup"), &membership);
    let budget = flag.or(memory.map(of_memory));
    match budget {
        Some(bytes) => tracing::info!(
            memory_budget = bytes,
            memory,
            "most memory that all clients together may use; --memory-budget changes it"
        ),
        None => tracing::info!(
            "clients may use all memory of this machine: there is no cgroup limit; --memory-budget sets one"
        ),
    }
    budget
}

fn of_memory(bytes: u64) -> usize {
    (bytes / 2).saturating_sub(PROCESS).max(MIN_BUDGET) as usize
}

/// As many as fit into the budget, with room for requests.
pub(super) fn connections(budget: Option<usize>) -> usize {
    let fits = budget.map_or(MAX_CONNECTIONS, fitting);
    if fits < MAX_CONNECTIONS {
        tracing::info!(
            max_connections = fits,
            "the memory budget allows fewer connections than the default; --max-connections overrides it"
        );
    }
    fits
}

fn fitting(budget: usize) -> usize {
    (budget / CONNECTION_BYTES).clamp(MIN_CONNECTIONS, MAX_CONNECTIONS)
}

/// The limit of our cgroup (`0::/PATH` of version 2, `N:memory:/PATH` of version 1), or of the one that a container sees as
/// the root. `max` means no limit, and so does the huge number of version 1.
fn limit(root: &Path, membership: &str) -> Option<u64> {
    let files = membership.lines().filter_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let (folder, file) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            "memory" => (root.join("memory"), "memory.limit_in_bytes"),
            _ => return None,
        };
        Some([folder.join(path.trim_start_matches('/')), folder].map(|folder| folder.join(file)))
    });
    let limits = files.flatten().filter_map(|file| {
        let text = fs::read_to_string(file).ok()?;
        text.trim().parse().ok()
    });
    limits.min().filter(|bytes| *bytes < 1 << 50)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_and_connections_fit_into_the_pod() {
        for (memory, budget, connections) in [
            (1 << 20, 1 << 20, MIN_CONNECTIONS),
            (32 << 20, 8 << 20, 512),
            (64 << 20, 24 << 20, 1_536),
            (128 << 20, 56 << 20, 3_584),
            (256 << 20, 120 << 20, 7_680),
            (512 << 20, 248 << 20, MAX_CONNECTIONS),
            (1 << 30, 504 << 20, MAX_CONNECTIONS),
        ] {
            let found = of_memory(memory);
            assert_eq!((found, fitting(found)), (budget, connections), "{memory}");
        }
    }

    #[test]
    fn the_limit_is_found_in_either_version_and_from_within_a_container() {
        for (files, membership, expected) in [
            (
                &[("pod/memory.max", "67108864\n")][..],
                "0::/pod\n",
                Some(64 << 20),
            ),
            (&[("memory.max", "67108864\n")], "0::/\n", Some(64 << 20)),
            // the path of the host, seen from a container
            (
                &[("memory.max", "67108864\n")],
                "0::/kubepods/pod1\n",
                Some(64 << 20),
            ),
            (&[("memory.max", "max\n")], "0::/\n", None),
            (&[], "0::/\n", None),
            (&[("memory.max", "1")], "", None),
            (
                &[("memory/pod/memory.limit_in_bytes", "1048576")],
                "9:cpu:/x\n4:memory:/pod\n0::/\n",
                Some(1 << 20),
            ),
            (
                &[("memory/memory.limit_in_bytes", "9223372036854771712")],
                "4:memory:/\n",
                None,
            ),
        ] {
            let root = tempfile::tempdir().unwrap();
            for (name, text) in files {
                let file = root.path().join(name);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, text).unwrap();
            }
            assert_eq!(
                limit(root.path(), membership),
                expected,
                "{files:?} {membership:?}"
            );
        }
    }
}
