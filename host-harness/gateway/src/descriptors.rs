//! File descriptors: as many as the system lets a process have, and connections within them.

use std::fmt;
use std::num::NonZeroUsize;

use crate::settings::Limits;

/// There are fewer descriptors than the limits of a gateway need, and the limits were lowered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooFewDescriptors {
    /// What the process may open.
    pub have: u64,
    /// A socket for each connection, of clients and to the upstream, and some for the process.
    pub need: u64,
    /// Connections of clients that there are descriptors for.
    pub connections: usize,
    /// Connections to the upstream, likewise, of each of the three kinds.
    pub upstream_connections: NonZeroUsize,
}

impl Limits {
    /// Raises the process's soft limit on descriptors to its hard limit, and lowers the limits on connections to
    /// what that suffices for: a process without a free descriptor reaches no upstream and no key endpoint, and its
    /// operator reaches neither it nor its files. Call it once, before listening.
    ///
    /// # Errors
    /// It does not suffice for the limits as they were. A gateway can serve with those that are left.
    pub fn fit_descriptors(&mut self) -> Result<(), TooFewDescriptors> {
        match rlimit::increase_nofile_limit(u64::MAX) {
            Ok(have) if cfg!(unix) => self.fit(have),
            // Elsewhere sockets are no file descriptors.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn fit(&mut self, have: u64) -> Result<(), TooFewDescriptors> {
        let upstream = self.upstream_connections.get();
        let sockets = self.connections.saturating_add(upstream.saturating_mul(UPSTREAM_POOLS));
        let need = (sockets as u64).saturating_add(PROCESS);
        if have >= need {
            return Ok(());
        }
        let room = have.saturating_sub(PROCESS.min(have / 2));
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let each = NonZeroUsize::new(room / UPSTREAM_SHARE).unwrap_or(NonZeroUsize::MIN);
        self.upstream_connections = each.min(self.upstream_connections);
        let upstream = self.upstream_connections.get().saturating_mul(UPSTREAM_POOLS);
        self.connections = room.saturating_sub(upstream).clamp(1, self.connections.max(1));
        let Self { connections, upstream_connections, .. } = *self;
        Err(TooFewDescriptors { have, need, connections, upstream_connections })
    }
}

impl fmt::Display for TooFewDescriptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { have, need, connections, upstream_connections } = self;
        write!(
            f,
            "{have} file descriptors are enough for {connections} connections of clients and \
             {upstream_connections} to the upstream of each kind, {need} are for all: raise the hard limit \
             (`ulimit -Hn`)"
        )
    }
}

impl std::error::Error for TooFewDescriptors {}

/// Each may have as many connections as [`Limits::upstream_connections`] says.
const UPSTREAM_POOLS: usize = 3;

/// An eighth of too few descriptors for each pool: clients that are between two requests need one, too, and keep five.
/// Raised, a busy gateway has requests wait for a connection to the upstream.
const UPSTREAM_SHARE: usize = 8;

/// For listeners, the operator's address, logs, the policy's files, fetches of keys, name lookups and the runtime itself.
/// Raised, fewer clients are served where descriptors are few; lowered, these fail with every client there.
const PROCESS: u64 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_as_many_as_there_are_descriptors_for() {
        let all = Limits::default();
        let need = (all.connections + 3 * all.upstream_connections.get()) as u64 + PROCESS;
        for (have, connections, upstream) in [
            (u64::MAX, all.connections, all.upstream_connections.get()),
            (need, all.connections, all.upstream_connections.get()),
            (need - 1, all.connections - 1, all.upstream_connections.get()),
            (4096, 2520, 504),
            (1024, 600, 120),
            (128, 40, 8),
            (64, 20, 4),
            (8, 1, 1),
            (0, 1, 1),
        ] {
            let mut limits = Limits::default();
            let fitted = limits.fit(have);
            assert_eq!(fitted.is_ok(), have >= need, "{have}");
            assert_eq!(limits.connections, connections, "{have}");
            assert_eq!(limits.upstream_connections.get(), upstream, "{have}");
            let used = limits.connections + 3 * limits.upstream_connections.get();
            assert!(
                have < 32 || have - used as u64 >= PROCESS.min(have / 2),
                "{have}: room is left"
            );
        }
    }

    #[test]
    fn a_pool_that_was_asked_to_be_small_leaves_its_share_to_clients() {
        let upstream_connections = NonZeroUsize::MIN;
        let mut limits = Limits { upstream_connections, ..Limits::default() };
        assert!(limits.fit(1024).is_err());
        assert_eq!((limits.connections, limits.upstream_connections.get()), (957, 1));
    }
}
