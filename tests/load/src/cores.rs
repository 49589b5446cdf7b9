//! Which core runs what: the host that is measured has one to itself.
//!
//! A request costs a host half as much again when clients and upstream take turns with it on a core: what they leave in
//! the caches is charged to the host, and the more of its own code a request goes through, the more of it.

use std::path::Path;
use std::process::{Command, Stdio};

/// The cores of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cores {
    /// The hosts' core, and the list of the others, which clients and upstream have.
    Apart { host: usize, others: String },
    /// There is only one, or no `taskset` to choose.
    Shared,
}

impl Cores {
    /// Moves this process, which is clients and upstream, off the hosts' core.
    pub(crate) fn chosen() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let Some(Self::Apart { host, others }) = Self::among(&status) else {
            return Self::Shared;
        };
        let own = std::process::id().to_string();
        let moved = Command::new("taskset")
            .args(["--all-tasks", "--cpu-list", "--pid", &others, &own])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if moved.is_ok_and(|status| status.success()) {
            Self::Apart { host, others }
        } else {
            Self::Shared
        }
    }

    /// Of those that `proc_pid_status(5)` allows: the first for the host, if there are others.
    fn among(status: &str) -> Option<Self> {
        let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
        let ranges = line.trim().split(',').map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some(first.parse::<usize>().ok()?..=last.parse().ok()?)
        });
        let cores: Vec<usize> = ranges.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
        let (host, others) = cores.split_first()?;
        let others: Vec<String> = others.iter().map(usize::to_string).collect();
        (!others.is_empty()).then(|| Self::Apart { host: *host, others: others.join(",") })
    }

    /// A command that runs on the hosts' core. Its process has the id of the one that is started.
    pub(crate) fn command(&self, program: &Path) -> Command {
        match self {
            Self::Shared => Command::new(program),
            Self::Apart { host, .. } => {
                let mut command = Command::new("taskset");
                command.args(["--cpu-list", &host.to_string()]).arg(program);
                command
            }
        }
    }

    /// For the legend.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Apart { host, others } => format!(
                "each host has one worker, on core {host}; clients and upstream are on core {others}"
            ),
            Self::Shared => {
                "hosts, clients and upstream share all cores: figures are higher for it".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_core_that_is_allowed_is_the_hosts() {
        let apart = |host, others: &str| Some(Cores::Apart { host, others: others.to_owned() });
        for (list, expected) in
            [("0-1", apart(0, "1")), ("2,4-6", apart(2, "4,5,6")), ("3", None), ("", None)]
        {
            let status = format!("Name:\tx\nCpus_allowed_list:\t{list}\n");
            assert_eq!(Cores::among(&status), expected, "{list}");
        }
    }
}
