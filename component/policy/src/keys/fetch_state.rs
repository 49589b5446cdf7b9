//! What is fetched for everybody, attempt by attempt: one under way at most, and a rest after a failure.
//!
//! ```text
//!  Resting ─ want ─▶ Wanted ─ hand out ─▶ Asked ─ success, failure, or no answer ─▶ Resting
//! ```

use serde::{Deserialize, Serialize};

use crate::text::jitter::Jitter;
use crate::time::clock::Now;

/// The attempts at one thing.
pub(crate) struct FetchState {
    round: Round,
    pub(crate) history: History,
    pub(crate) jitter: Jitter,
    cooldown_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    Resting,
    Wanted,
    Asked { until_mono_ms: u64 },
}

/// What attempts came to. A reload takes it along, so that it lifts no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct History {
    /// Nothing that a caller sends starts an attempt before.
    pub(crate) cooldown_until_mono_ms: u64,
    /// No want does before.
    pub(crate) backoff_until_mono_ms: u64,
    /// Failures in a row.
    failures: u32,
    /// What the last one was, for the operator.
    pub(crate) last_failure: Option<String>,
}

/// The first rest after a failure; it doubles up to the cooldown. Lowered, an endpoint that is down
/// is asked more often.
pub(crate) const FIRST_BACKOFF_MS: u64 = 1000;

/// The longest rest that an endpoint can ask for with `Retry-After`. Raised, it can keep us waiting
/// for longer.
const MAX_RETRY_AFTER_MS: u64 = 300_000;

/// What a host may be late by with its own report of a timeout.
pub(crate) const GRACE_MS: u64 = 500;

impl FetchState {
    pub(crate) fn new(cooldown_ms: u64, seed: u64) -> Self {
        let jitter = Jitter::new(seed);
        Self { round: Round::Resting, history: History::default(), jitter, cooldown_ms }
    }

    pub(crate) fn round(&self) -> Round {
        self.round
    }

    /// Somebody needs it: it is asked for at the next occasion.
    pub(crate) fn want(&mut self) {
        if self.round == Round::Resting {
            self.round = Round::Wanted;
        }
    }

    /// The next part of the same round is to be asked for.
    pub(crate) fn go_on(&mut self) {
        self.round = Round::Wanted;
    }

    /// It is being asked for, for so long.
    pub(crate) fn asked(&mut self, timeout_ms: u32, now: Now) {
        let until_mono_ms = now.mono_ms + u64::from(timeout_ms) + GRACE_MS;
        self.round = Round::Asked { until_mono_ms };
    }

    /// Whether an attempt is under way without an answer: the exchange that led it may be gone.
    pub(crate) fn is_overdue(&self, now: Now) -> bool {
        matches!(self.round, Round::Asked { until_mono_ms } if now.mono_ms >= until_mono_ms)
    }

    /// When the next attempt may be handed out: at once if wanted, else not before `due`.
    pub(crate) fn next(&self, due: Option<u64>) -> Option<u64> {
        match self.round {
            Round::Wanted => Some(0),
            Round::Asked { until_mono_ms } => Some(until_mono_ms),
            Round::Resting => due.map(|due| due.max(self.history.backoff_until_mono_ms)),
        }
    }

    /// It is here. With `filled` false it is of no use, and is not asked for at every request.
    pub(crate) fn succeed(&mut self, filled: bool, now: Now) {
        let cooldown_until_mono_ms = now.mono_ms + self.cooldown_ms;
        let backoff_until_mono_ms = if filled { 0 } else { cooldown_until_mono_ms };
        self.round = Round::Resting;
        self.history =
            History { cooldown_until_mono_ms, backoff_until_mono_ms, ..History::default() };
    }

    /// It did not come. An endpoint may ask for a longer rest than ours.
    pub(crate) fn fail(&mut self, why: String, retry_after_ms: Option<u64>, now: Now) {
        let doubled = FIRST_BACKOFF_MS << self.history.failures.min(16);
        let rest = doubled.min(self.cooldown_ms).max(FIRST_BACKOFF_MS);
        let asked = retry_after_ms.unwrap_or(0).min(MAX_RETRY_AFTER_MS);
        let rest = (rest + self.jitter.below(rest / 4)).max(asked);
        self.round = Round::Resting;
        self.history = History {
            cooldown_until_mono_ms: now.mono_ms + self.cooldown_ms.max(asked),
            backoff_until_mono_ms: now.mono_ms + rest,
            failures: self.history.failures.saturating_add(1),
            last_failure: Some(why),
        };
    }
}
