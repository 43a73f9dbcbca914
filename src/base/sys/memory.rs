//! How much memory there is: the machine's, and what the control group (version 1 or 2) leaves to us.

use std::fs;

/// Bytes of memory that the machine has; 0 when the kernel does not say.
pub fn machine_bytes() -> u64 {
    fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_of(&text)).unwrap_or(0)
}

/// Bytes that this process may use: the machine's, or the least limit of its control groups if that is less.
pub fn limit_bytes() -> u64 {
    let machine = machine_bytes();
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits = limit_files(&groups).into_iter().filter_map(|path| limit_of(&fs::read_to_string(path).ok()?));
    match (limits.min(), machine) {
        (Some(limit), 0) => limit,
        (Some(limit), machine) => limit.min(machine),
        (None, machine) => machine,
    }
}

/// `MemTotal` of `/proc/meminfo`, in bytes.
fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// The limit that a control group's file holds; `max` and the kernel's "no limit" are none.
fn limit_of(text: &str) -> Option<u64> {
    let bytes = text.trim().parse::<u64>().ok()?;
    (bytes > 0 && bytes < 1 << 62).then_some(bytes)
}

/// The files that may limit the memory of a process whose `/proc/self/cgroup` is given: its group's and those above it. In a
/// container the group's own path is often not visible, but the mount's root is the container's group.
fn limit_files(groups: &str) -> Vec<String> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let (root, name) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|controller| controller == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let mut path = path.trim_end_matches('/');
        loop {
            files.push(format!("{root}{path}/{name}"));
            match path.rfind('/') {
                Some(end) => path = &path[..end],
                None => break,
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_memory_and_we_may_use_at_most_that() {
        assert!(machine_bytes() > 1 << 20);
        assert!((1..=machine_bytes()).contains(&limit_bytes()));
        assert_eq!(total_of("MemFree: 1 kB\nMemTotal:       16384 kB\n"), Some(16384 * 1024));
    }

    #[test]
    fn limits_of_both_versions_are_found() {
        assert_eq!(limit_of("max\n"), None);
        assert_eq!(limit_of("9223372036854771712\n"), None);
        assert_eq!(limit_of("536870912\n"), Some(536_870_912));
        assert_eq!(
            limit_files("0::/system.slice/ferrodis.service\n"),
            [
                "/sys/fs/cgroup/system.slice/ferrodis.service/memory.max",
                "/sys/fs/cgroup/system.slice/memory.max",
                "/sys/fs/cgroup/memory.max"
            ]
        );
        assert_eq!(
            limit_files("5:cpu:/a\n4:blkio,memory:/docker/x\n"),
            [
                "/sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/docker/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes"
            ]
        );
        assert_eq!(limit_files("0::/\n"), ["/sys/fs/cgroup/memory.max"]);
    }
}
