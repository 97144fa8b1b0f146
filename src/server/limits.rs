//! How many connections fit into the pod's memory: better to refuse one client than to be killed for using too much.
//! In: the cgroup's memory limit. Out: a number of connections.

use std::{fs, path::Path};

/// The limit where memory sets none.
const MAX_CONNECTIONS: usize = 10_000;

/// The limit in the smallest pod.
const MIN_CONNECTIONS: usize = 128;

/// Memory of an idle connection, rounded up; `tests/e2e/soak/run` prints it.
const CONNECTION_BYTES: u64 = 16 * 1024;

/// As many idle connections as fit into half of the cgroup's memory; the other half is for their requests.
pub(super) fn connections() -> usize {
    let membership = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limit = limit(Path::new("/sys/fs/cgroup"), &membership);
    let fits = limit.map_or(MAX_CONNECTIONS, fitting);
    if fits < MAX_CONNECTIONS {
        tracing::info!(
            max_connections = fits,
            memory = limit,
            "the memory limit allows fewer connections than the default; --max-connections overrides it"
        );
    }
    fits
}

fn fitting(bytes: u64) -> usize {
    let count = bytes / 2 / CONNECTION_BYTES;
    usize::try_from(count).map_or(MAX_CONNECTIONS, |count| {
        count.clamp(MIN_CONNECTIONS, MAX_CONNECTIONS)
    })
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
    fn connections_fit_into_the_pod() {
        for (bytes, expected) in [
            (1 << 20, MIN_CONNECTIONS),
            (64 << 20, 2_048),
            (1 << 30, MAX_CONNECTIONS),
            (u64::MAX, MAX_CONNECTIONS),
        ] {
            assert_eq!(fitting(bytes), expected, "{bytes}");
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
