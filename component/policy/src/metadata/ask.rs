//! The calls of a merging link, by what each is for, and what they wait for.

use super::account::{Account, Read};
use super::call::Caller;
use super::merge::{At, Given, Merge};
use super::service::Sought;
use crate::denial::Fault;
use crate::exchange::Stop;
use crate::protocol::{Answer, Call, CallFailure, Step};

/// A call, by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Primary,
    Secondary,
    Write,
    /// Whether the secondary still holds what was carried over.
    Again,
    /// Whether the secondary is gone because it is linked.
    Gone,
    /// Whether the link stands, after an answer that does not tell. With a status the upstream's
    /// answer is relayed if it does not.
    Stands {
        status: Option<u16>,
    },
    ApplyRead,
    ApplyWrite,
    UndoSecondary {
        status: u16,
    },
    UndoPrimary {
        status: u16,
    },
    /// Takes back, and leaves a copy aside.
    UndoWrite {
        status: u16,
    },
    /// Whether the secondary still holds what was taken back.
    UndoAgain {
        status: u16,
    },
    /// Takes the copy away.
    UndoEnd {
        status: u16,
    },
}

/// What a call does, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    ReadPrimary,
    ReadSecondary,
    WritePrimary,
}

/// Calls of one exchange. The longest way takes 13; raised, an upstream that keeps changing its mind
/// keeps an exchange.
const MAX_CALLS: u32 = 16;

/// For one call. Raised, a slow upstream holds accounts for longer.
const CALL_MS: u64 = 5000;

/// A call that could not take this long is not made.
const LEAST_MS: u64 = 100;

/// The rest after a 429 that does not say how long.
const UNSAID_REST_MS: u64 = 1000;

impl Ask {
    const fn kind(self) -> Kind {
        match self {
            Self::Secondary | Self::Again | Self::UndoSecondary { .. } | Self::UndoAgain { .. } => {
                Kind::ReadSecondary
            }
            Self::Primary
            | Self::Gone
            | Self::Stands { .. }
            | Self::ApplyRead
            | Self::UndoPrimary { .. } => Kind::ReadPrimary,
            Self::Write | Self::ApplyWrite | Self::UndoWrite { .. } | Self::UndoEnd { .. } => {
                Kind::WritePrimary
            }
        }
    }
}

impl Merge {
    /// Makes a call, or waits for what it takes to make it.
    pub(super) fn ask(&mut self, ask: Ask, given: &mut Given<'_>) -> Result<Step, Stop> {
        let step = self.call(ask, given);
        self.or_settled(ask, step, given)
    }

    fn call(&mut self, ask: Ask, given: &mut Given<'_>) -> Result<Step, Stop> {
        let left_ms = self.deadline_mono_ms.saturating_sub(given.now.mono_ms);
        if self.calls >= MAX_CALLS || left_ms < LEAST_MS {
            return Err(Fault::MetadataLate.into());
        }
        let own = match ask.kind() {
            Kind::ReadSecondary => self.secondary.token(),
            Kind::ReadPrimary | Kind::WritePrimary => self.permit.bearer().token(),
        };
        let token = match given.credentials.token(own, given.now) {
            Sought::Here(token) => token,
            Sought::Undecided(undecided) => return Err(undecided.into()),
            Sought::Later { until_mono_ms } => {
                self.at = At::Token { ask, until_mono_ms };
                return Ok(Step::Wait { until_mono_ms });
            }
        };
        // In range: capped at `CALL_MS`.
        let timeout_ms = u32::try_from(left_ms.min(CALL_MS)).unwrap_or(u32::MAX);
        let traceparent = given.record.traceparent();
        let caller = Caller { rules: given.rules, token: &token, traceparent, timeout_ms };
        let Some(call) = self.made(ask, &caller) else {
            return Err(Fault::OutOfOrder.into());
        };
        self.write_sent |= ask.kind() == Kind::WritePrimary;
        self.calls += 1;
        self.at = At::Asking(ask);
        Ok(Step::Call(call))
    }

    fn made(&self, ask: Ask, caller: &Caller<'_>) -> Option<Call> {
        match ask.kind() {
            Kind::ReadPrimary => Some(caller.read(self.permit.user_id())),
            Kind::ReadSecondary => Some(caller.read(self.secondary.id())),
            Kind::WritePrimary => caller.write(self.permit.user_id(), self.pending.clone()),
        }
    }

    /// Takes what came of a call.
    pub(super) fn answered(
        &mut self,
        ask: Ask,
        outcome: Result<Answer, CallFailure>,
        given: &mut Given<'_>,
    ) -> Result<Step, Stop> {
        let user_id = match ask.kind() {
            Kind::WritePrimary if ask == Ask::Write => return self.wrote(&outcome, given),
            Kind::WritePrimary => return self.settled(ask, &outcome, given),
            Kind::ReadPrimary => self.permit.user_id(),
            Kind::ReadSecondary => self.secondary.id(),
        };
        let read = Account::read(outcome, user_id, given.now.unix_ms);
        if let Read::Limited { wait_ms } = read {
            return self.rest(ask, wait_ms, given);
        }
        if ask.settles() { self.seen(ask, read, given) } else { self.read(ask, read, given) }
    }

    /// Waits out a 429, if the time suffices.
    pub(super) fn rest(
        &mut self,
        ask: Ask,
        wait_ms: Option<u64>,
        given: &mut Given<'_>,
    ) -> Result<Step, Stop> {
        let wait_ms = wait_ms.unwrap_or(UNSAID_REST_MS).max(LEAST_MS);
        let until_mono_ms = given.now.mono_ms.saturating_add(wait_ms);
        if until_mono_ms.saturating_add(LEAST_MS) > self.deadline_mono_ms {
            let seconds = u32::try_from(wait_ms.div_ceil(1000)).ok();
            let stop = Stop::Failed(Fault::MetadataLimited, seconds);
            return self.or_settled(ask, Err(stop), given);
        }
        self.at = At::Resting { ask, until_mono_ms };
        Ok(Step::Wait { until_mono_ms })
    }
}
