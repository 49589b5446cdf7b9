//! File descriptors: as many as the system lets a process have.

use std::fmt;

use crate::settings::Limits;

/// Fewer descriptors than the limits of a gateway may need: connections beyond them are not accepted
/// until others end, and upstreams are not reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooFewDescriptors {
    /// What the process may open.
    pub have: u64,
    /// A socket for each connection, of clients and to the upstream, and some for the process.
    pub need: u64,
}

impl Limits {
    /// Raises the process's soft limit on descriptors to its hard limit, and says whether that
    /// suffices. Call it once, before listening.
    ///
    /// # Errors
    /// It does not suffice. A gateway can still serve, but fewer clients than its limits say.
    pub fn raise_descriptors(&self) -> Result<u64, TooFewDescriptors> {
        let upstream = self.upstream_connections.get().saturating_mul(UPSTREAM_POOLS);
        let need = self.connections.saturating_add(upstream) as u64 + PROCESS;
        let have = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(0);
        if have < need { Err(TooFewDescriptors { have, need }) } else { Ok(have) }
    }
}

impl fmt::Display for TooFewDescriptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { have, need } = self;
        write!(
            f,
            "{have} file descriptors are too few for the connection limit: {need} are needed, \
             raise the hard limit (`ulimit -Hn`)"
        )
    }
}

impl std::error::Error for TooFewDescriptors {}

/// Each may have as many connections as [`Limits::upstream_connections`] says.
const UPSTREAM_POOLS: usize = 3;

/// For listeners, logs, name lookups and the runtime itself.
const PROCESS: u64 = 64;
