//! Where the time of an exchange goes.

use std::time::Duration;

use tokio::time::Instant;

use crate::contract::Step;

/// What an exchange is busy with. It is always in one phase, so the phases of an exchange add up to
/// the whole of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// For a place among the requests in flight, for a living instance, and for other links of the same
    /// accounts.
    Wait,
    /// Calls into the instance, and turns behind other exchanges' calls.
    Policy,
    /// `read-body`: for the client's body.
    Body,
    /// `wait`: for keys that are being fetched, or until the upstream takes calls again.
    Keys,
    /// `forward` and `pass`: from connecting until the head of the upstream's answer, or its failure.
    /// `call`: likewise, until the end of the answer.
    Upstream,
    /// `relay` and `respond`: from the head of the answer to the client until its last byte.
    Answer,
}

impl Phase {
    /// All of them, in the order in which an exchange meets them.
    pub const ALL: [Self; 6] =
        [Self::Wait, Self::Policy, Self::Body, Self::Keys, Self::Upstream, Self::Answer];

    /// The phase's name in metrics and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Policy => "policy",
            Self::Body => "body",
            Self::Keys => "keys",
            Self::Upstream => "upstream",
            Self::Answer => "answer",
        }
    }
}

impl From<&Step> for Phase {
    fn from(step: &Step) -> Self {
        match step {
            Step::ReadBody(_) => Self::Body,
            Step::Wait(_) => Self::Keys,
            Step::Verify(_) => Self::Policy,
            Step::Acquire(_) => Self::Wait,
            Step::Call(_) | Step::Forward(_) | Step::Pass(_) => Self::Upstream,
            Step::Relay(_) | Step::Respond(_) => Self::Answer,
        }
    }
}

/// The host's own measure of an exchange, from the head of its request to the end of its answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    spent: [Option<Duration>; Phase::ALL.len()],
}

impl Timings {
    /// The whole of it.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.spent.iter().flatten().sum()
    }

    /// Time spent in a phase; nothing when the exchange was never in it.
    #[must_use]
    pub fn of(&self, phase: Phase) -> Option<Duration> {
        self.spent.get(phase as usize).copied().flatten()
    }

    /// These timings with `spent` more in `phase`.
    #[must_use]
    pub fn with(mut self, phase: Phase, spent: Duration) -> Self {
        if let Some(slot) = self.spent.get_mut(phase as usize) {
            *slot = Some(slot.unwrap_or_default() + spent);
        }
        self
    }
}

/// Times an exchange while it goes on.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    timings: Timings,
    phase: Phase,
    since: Instant,
}

impl Stopwatch {
    /// Started with the wait for a place.
    pub(crate) fn start() -> Self {
        Self { timings: Timings::default(), phase: Phase::Wait, since: Instant::now() }
    }

    /// Ends the present phase and begins another.
    pub(crate) fn enter(&mut self, phase: Phase) {
        self.enter_at(phase, Instant::now());
    }

    fn enter_at(&mut self, phase: Phase, now: Instant) {
        self.timings = self.timings.with(self.phase, now - self.since);
        (self.phase, self.since) = (phase, now);
    }

    pub(crate) fn stop(mut self) -> Timings {
        self.enter(self.phase);
        self.timings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_belongs_to_one_phase() {
        let mut watch = Stopwatch::start();
        for (phase, seconds) in [
            (Phase::Policy, 1),
            (Phase::Upstream, 2),
            (Phase::Policy, 4),
            (Phase::Answer, 8),
            (Phase::Answer, 16),
        ] {
            watch.enter_at(phase, watch.since + Duration::from_secs(seconds));
        }
        let timings = watch.timings;
        let spent = Phase::ALL.map(|phase| timings.of(phase).map(|spent| spent.as_secs()));
        assert_eq!(spent, [Some(1), Some(2 + 8), None, None, Some(4), Some(16)]);
        assert_eq!(timings.took(), Duration::from_secs(31));
    }

    #[test]
    fn a_phase_stands_where_the_list_of_all_has_it() {
        for (at, phase) in Phase::ALL.into_iter().enumerate() {
            assert_eq!(phase as usize, at, "{phase:?}");
        }
    }
}
