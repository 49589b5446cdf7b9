//! After the link was sent: what became of it, and what is to be done about the metadata.
//!
//! ```text
//!  201 ──────────────────────────────▶ confirmed ─▶ apply what is staged ─▶ relay
//!  400, 401, 403 ─▶ surely refused ──▶ keep, or undo ──────────────────────▶ relay
//!  404, 409 ──────▶ ask the primary ─▶ linked: 201 · not: keep, relay
//!  429, not sent ─▶ not done ────────▶ keep, as before the link
//!  no answer, 5xx, 408, 3xx, … ─▶ ask the primary ─▶ linked: 201 · not: keep, 504
//! ```
//!
//! Where the outcome is not known nothing is ever taken back: a late success would have destroyed
//! the last copy.

use super::Outcome;
use super::account::{Account, Read};
use super::ask::Ask;
use super::ending::Ending;
use super::entry;
use super::merge::{Given, Merge};
use super::written::Written;
use crate::denial::Fault;
use crate::exchange::Stop;
use crate::protocol::{Answer, AnswerHead, CallFailure, Failure, Step};

/// For asking, applying and undoing together: a reserve of its own, whatever came before. Raised, a
/// client waits longer for an answer that is known.
const SETTLE_MS: u64 = 10_000;

impl Ask {
    /// Whether it is a call after the link: whatever comes of it, the exchange has an answer.
    pub(super) const fn settles(self) -> bool {
        match self {
            Self::Primary | Self::Secondary | Self::Write | Self::Again | Self::Gone => false,
            Self::Stands { .. }
            | Self::ApplyRead
            | Self::ApplyWrite
            | Self::UndoSecondary { .. }
            | Self::UndoPrimary { .. }
            | Self::UndoWrite { .. }
            | Self::UndoAgain { .. }
            | Self::UndoEnd { .. } => true,
        }
    }
}

impl Merge {
    /// The upstream's answer to the link.
    pub(super) fn linked(
        &mut self,
        answer: Result<AnswerHead, Failure>,
        given: &mut Given<'_>,
    ) -> Result<Step, Stop> {
        self.deadline_mono_ms = given.now.mono_ms + SETTLE_MS;
        let status = match answer {
            Ok(head) => head.status,
            Err(Failure::NotSent) => return Err(Fault::UpstreamUnreachable.into()),
            Err(Failure::Unknown) => return self.ask(Ask::Stands { status: None }, given),
        };
        given.record.upstream_status = Some(status);
        match status {
            201 => Ok(self.confirmed(Ending::Relay, None, given)),
            404 | 409 => self.ask(Ask::Stands { status: Some(status) }, given),
            400 | 401 | 403 if self.may_undo(given) => {
                self.ask(Ask::UndoSecondary { status }, given)
            }
            // Whatever else it means, it does not say that the link was made.
            400..=407 | 410..=499 => Ok(self.relay(status, given)),
            _ => self.ask(Ask::Stands { status: None }, given),
        }
    }

    /// A call after the link that cannot be made has an end all the same.
    pub(super) fn or_settled(
        &mut self,
        ask: Ask,
        step: Result<Step, Stop>,
        given: &mut Given<'_>,
    ) -> Result<Step, Stop> {
        match step {
            Err(_) if ask.settles() => self.seen(ask, Read::Failed, given),
            step => step,
        }
    }

    /// A read after the link.
    pub(super) fn seen(
        &mut self,
        ask: Ask,
        read: Read,
        given: &mut Given<'_>,
    ) -> Result<Step, Stop> {
        let account = match read {
            Read::There(account) => Some(account),
            Read::Absent
            | Read::Limited { .. }
            | Read::Refused
            | Read::NotSent
            | Read::TooDeep
            | Read::Failed => None,
        };
        match (ask, account) {
            // Whoever made it.
            (Ask::Stands { .. } | Ask::UndoPrimary { .. }, Some(account))
                if account.lists(self.secondary.id()) =>
            {
                Ok(self.stands(&account, given))
            }
            (Ask::Stands { status: None }, _) => Err(Fault::LinkOutcomeUnknown.into()),
            (Ask::ApplyRead, Some(account)) => self.apply(&account, given),
            // Nothing is taken back unless the secondary still holds all of it.
            (Ask::UndoSecondary { status }, Some(account)) if self.is_held(&account, given) => {
                self.ask(Ask::UndoPrimary { status }, given)
            }
            (Ask::UndoPrimary { status }, Some(account)) => self.undo(status, &account, given),
            (Ask::UndoAgain { status }, Some(account)) if self.is_held(&account, given) => {
                self.end_undo(status, given)
            }
            (
                Ask::Stands { status: Some(status) }
                | Ask::UndoSecondary { status }
                | Ask::UndoPrimary { status }
                | Ask::UndoWrite { status }
                | Ask::UndoAgain { status }
                | Ask::UndoEnd { status },
                _,
            ) => Ok(self.relay(status, given)),
            (_, _) => Ok(self.end(given)),
        }
    }

    /// The primary lists the secondary: it is linked, whoever sent the link.
    pub(super) fn stands(&mut self, primary: &Account, given: &mut Given<'_>) -> Step {
        self.deadline_mono_ms = self.deadline_mono_ms.max(given.now.mono_ms + SETTLE_MS);
        self.to_apply = primary.metadata.get(&self.reserved).is_some_and(entry::has_staged);
        let identities = primary.identities_json();
        self.confirmed(Ending::Respond(identities), Some(primary), given)
    }

    fn confirmed(
        &mut self,
        ending: Ending,
        primary: Option<&Account>,
        given: &mut Given<'_>,
    ) -> Step {
        let carried = self.rows().iter().any(|row| row.fate.is_there());
        self.outcome = match (self.to_apply, carried) {
            (true, _) => Outcome::Staged,
            (false, true) => Outcome::Merged,
            (false, false) => Outcome::None,
        };
        self.ending = Some(ending);
        if !self.to_apply {
            return self.end(given);
        }
        let next = match primary {
            Some(primary) => self.apply(primary, given),
            None => self.ask(Ask::ApplyRead, given),
        };
        next.unwrap_or_else(|_| self.end(given))
    }

    /// Writes what was staged, where it may still be written.
    fn apply(&mut self, primary: &Account, given: &mut Given<'_>) -> Result<Step, Stop> {
        let rules = &given.metadata.merge;
        let Some(writes) = entry::applied(&primary.metadata, &self.reserved, rules) else {
            return Ok(self.end(given));
        };
        // What stays in the entry is left to be seen, and logged as staged.
        self.to_apply = writes.get(&self.reserved).is_some_and(entry::has_staged);
        self.pending = writes;
        self.ask(Ask::ApplyWrite, given)
    }

    /// A write after the link.
    pub(super) fn settled(
        &mut self,
        ask: Ask,
        outcome: &Result<Answer, CallFailure>,
        given: &mut Given<'_>,
    ) -> Result<Step, Stop> {
        let done = matches!(self.written(outcome, given.now), Written::Done);
        match ask {
            Ask::UndoWrite { status } if done => self.ask(Ask::UndoAgain { status }, given),
            Ask::UndoWrite { status } => Ok(self.relay(status, given)),
            Ask::UndoEnd { status } => {
                self.outcome = if done { Outcome::Undone } else { self.outcome };
                Ok(self.relay(status, given))
            }
            Ask::Primary
            | Ask::Secondary
            | Ask::Write
            | Ask::Again
            | Ask::Gone
            | Ask::Stands { .. }
            | Ask::ApplyRead
            | Ask::ApplyWrite
            | Ask::UndoSecondary { .. }
            | Ask::UndoPrimary { .. }
            | Ask::UndoAgain { .. } => {
                self.outcome = if done && !self.to_apply { Outcome::Merged } else { self.outcome };
                Ok(self.end(given))
            }
        }
    }
}
