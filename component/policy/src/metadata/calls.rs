//! The calls of a merging link, by what each is for, and how many there may be.

use crate::time::clock::Now;

/// A call, by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Secondary,
    Primary,
    /// Adds the entry.
    Write,
    /// What came of a write, where its answer does not show it.
    Look,
    /// Writes back what an upstream that replaces has removed.
    WriteBack,
    /// Whether the secondary still holds what was carried over.
    Again,
    /// Whether the secondary is gone, after an answer to the link that leaves it open.
    Gone,
    /// Whether the primary lists the secondary.
    Listed,
    /// Applies what is staged.
    Apply,
    /// What came of that, where its answer does not show it.
    Applied,
}

/// What a call does, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    ReadPrimary,
    ReadSecondary,
    WritePrimary,
}

/// What an exchange may still spend: on the part before the link, then on the part after it.
pub(super) struct Budget {
    /// Calls that were made.
    pub(super) calls: u32,
    left: u32,
    deadline_mono_ms: u64,
    /// Times that the API asked for a rest.
    rests: u32,
    settles: bool,
}

/// Calls before the link. The longest way takes 10; raised, an upstream that keeps changing its mind
/// keeps an exchange.
const CALLS_BEFORE: u32 = 12;

/// Calls after the link, set aside: the longest way takes 7.
const CALLS_AFTER: u32 = 8;

/// For asking and applying together, set aside, too. Raised, a client waits longer for an answer that
/// is known.
const SETTLE_MS: u64 = 10_000;

/// For one call; and for as long again the accounts are held after a write whose outcome is unknown. Raised, a
/// slow upstream holds accounts for longer.
pub(super) const CALL_MS: u32 = 5000;

/// A call that could not take this long is not made.
const LEAST_MS: u64 = 100;

/// The first rest after a 429, whatever shorter time it names; each one doubles it. Lowered, an
/// upstream whose clock is behind is asked in vain.
const FIRST_REST_MS: u64 = 1000;

impl Ask {
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::Secondary | Self::Again | Self::Gone => Kind::ReadSecondary,
            Self::Primary | Self::Look | Self::Listed | Self::Applied => Kind::ReadPrimary,
            Self::Write | Self::WriteBack | Self::Apply => Kind::WritePrimary,
        }
    }

    /// What is asked after a wait: what was read before it may be another value by then, so that it is
    /// read again before anything is written.
    pub(super) const fn after_wait(self) -> Self {
        match self {
            Self::Secondary | Self::Primary | Self::Write | Self::Again => Self::Secondary,
            Self::Look | Self::WriteBack => Self::Look,
            Self::Listed | Self::Apply => Self::Listed,
            Self::Gone | Self::Applied => self,
        }
    }

    /// Whether the exchange has an end whatever comes of it.
    pub(super) const fn settles(self) -> bool {
        match self {
            Self::Secondary | Self::Primary | Self::Write | Self::Look | Self::Again => false,
            Self::WriteBack | Self::Gone | Self::Listed | Self::Apply | Self::Applied => true,
        }
    }
}

impl Budget {
    pub(super) fn before_link(timeout_ms: u64, now: Now) -> Self {
        Self {
            calls: 0,
            left: CALLS_BEFORE,
            deadline_mono_ms: now.mono_ms.saturating_add(timeout_ms),
            rests: 0,
            settles: false,
        }
    }

    /// From here on what was set aside may be spent, once.
    pub(super) fn settle(&mut self, now: Now) {
        if std::mem::replace(&mut self.settles, true) {
            return;
        }
        self.left = CALLS_AFTER;
        self.deadline_mono_ms = now.mono_ms.saturating_add(SETTLE_MS);
        self.rests = 0;
    }

    /// Milliseconds that the next call may take, if there may be one.
    pub(super) fn next_ms(&self, now: Now) -> Option<u32> {
        let left_ms = self.deadline_mono_ms.saturating_sub(now.mono_ms);
        let may = self.left > 0 && left_ms >= LEAST_MS;
        may.then(|| u32::try_from(left_ms).unwrap_or(u32::MAX).min(CALL_MS))
    }

    pub(super) fn spend(&mut self) {
        self.calls += 1;
        self.left = self.left.saturating_sub(1);
    }

    /// The end of a rest that the API asks for; how many milliseconds it would take, if there is no
    /// time for it.
    pub(super) fn rest(&mut self, wait_ms: Option<u64>, now: Now) -> Result<u64, u64> {
        let least_ms = FIRST_REST_MS << self.rests.min(10);
        self.rests += 1;
        let wait_ms = wait_ms.unwrap_or(0).max(least_ms);
        let until_mono_ms = now.mono_ms.saturating_add(wait_ms);
        let fits = until_mono_ms.saturating_add(LEAST_MS) <= self.deadline_mono_ms;
        if fits { Ok(until_mono_ms) } else { Err(wait_ms) }
    }
}
