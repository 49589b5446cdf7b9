//! What a process uses, by the account of the system: `/proc`, which is Linux's. Elsewhere nothing is
//! known, and the tables say so.

use std::time::Duration;

/// Resident memory, in KiB.
pub(crate) fn resident_kib(pid: u32) -> Option<u64> {
    kib(pid, "VmRSS:")
}

/// The most that it was, in KiB.
pub(crate) fn most_resident_kib(pid: u32) -> Option<u64> {
    kib(pid, "VmHWM:")
}

fn kib(pid: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Processor time since its start, in user mode and in the system's.
///
/// The scheduler's account of each thread is in nanoseconds, but forgets threads that have ended; the account of the
/// process remembers them, in ticks of 10 ms. The process has used at least as much as either says.
pub(crate) fn processor(pid: u32) -> Option<Duration> {
    let of_process = ticks(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
        .map(|ticks| Duration::from_millis(ticks * MS_PER_TICK))?;
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let of_threads = threads.filter_map(|thread| {
        let schedstat = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        schedstat.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    });
    Some(of_threads.sum::<Duration>().max(of_process))
}

/// Open descriptors.
pub(crate) fn descriptors(pid: u32) -> Option<usize> {
    Some(std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count())
}

/// `utime` and `stime` of `proc_pid_stat(5)`, which stand after the name in brackets.
fn ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// `USER_HZ` is 100 on every Linux that Rust builds for.
const MS_PER_TICK: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_does_not_disturb() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 250 31 0 0 20 0 1 0 5 1 2";
        assert_eq!(ticks(stat), Some(281));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_measured() {
        let me = std::process::id();
        assert!(resident_kib(me).is_some_and(|kib| kib > 100));
        assert!(processor(me).is_some());
        assert!(descriptors(me).is_some_and(|open| open > 2));
    }
}
