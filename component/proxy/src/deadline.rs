//! The end of a wait.

use wasi::clocks::monotonic_clock;
use wasi::io::poll::{Pollable, poll};

use crate::gate::NANOS_IN_MS;

/// A moment at which a wait ends, whatever else happened.
pub(crate) struct Deadline(Pollable);

impl Deadline {
    /// So many milliseconds from now.
    pub(crate) fn after(milliseconds: u32) -> Self {
        let nanoseconds = u64::from(milliseconds).saturating_mul(NANOS_IN_MS);
        Self(monotonic_clock::subscribe_duration(nanoseconds))
    }

    /// At this monotonic time in milliseconds.
    pub(crate) fn at(mono_ms: u64) -> Self {
        Self(monotonic_clock::subscribe_instant(mono_ms.saturating_mul(NANOS_IN_MS)))
    }

    /// Waits until one of these is ready. `false` when the deadline came first.
    pub(crate) fn wait(&self, any_of: &[&Pollable]) -> bool {
        let all: Vec<&Pollable> = any_of.iter().copied().chain([&self.0]).collect();
        poll(&all)
            .iter()
            .any(|ready| usize::try_from(*ready).is_ok_and(|ready| ready < any_of.len()))
    }

    /// Waits it out.
    pub(crate) fn pass(&self) {
        self.0.block();
    }
}
