//! The part after the link was sent: what came of it, and what is to be done about the metadata.
//!
//! ```text
//!  201 ──────────────────────────▶ read primary: lists it ─▶ apply what is staged ─▶ relay
//!  400-403, 410, … ── refused ───▶ the entry stays ────────────────────────────────▶ relay
//!  429, not sent ──── not done ──▶ the entry stays
//!  404, 409 ─────────────────────▶ secondary gone? primary lists it? yes: apply, 201 · no: relay
//!  no answer, 5xx, 408, 3xx, … ──▶ secondary gone? primary lists it? yes: apply, 201 · no: 504
//! ```
//!
//! A 201 alone confirms nothing: something on the way may have made it. Whatever fails, nothing is taken
//! back: another gateway may be linking at this moment, and what is taken back may be the last copy.

use super::account::{Account, Read};
use super::apply::{Applied, Waiting, apply};
use super::before_link::{Before, Next};
use super::calls::Ask;
use super::plan::Terms;
use super::reserved_entry::Entry;
use super::write_outcome::Written;
use crate::audit::merge::{Fate, MergeOutcome};
use crate::http::outgoing::Failure;
use crate::text::json::Object as Members;
use crate::verdict::cause::Fault;
use crate::verdict::stop::Stop;

/// What a merge knows once its link was sent, or found.
pub(super) struct After {
    /// What was carried over.
    mine: Option<Entry>,
    /// The upstream's answer to the link; none when there was none, or none was asked for.
    status: Option<u16>,
    /// Whether the primary was read once more because its answer seemed old.
    looked_again: bool,
    /// Whether other entries than ours wait on the primary.
    others_wait: bool,
    /// Whether ours alone is applied: the API refused the write that applied all of them.
    alone: bool,
    /// The primary as it listed the secondary, though without our entry.
    listed: Option<Account>,
    /// The identities to answer with, once the link is known to be made.
    identities: Option<Vec<u8>>,
    /// What becomes of keys, as it was applied.
    pub(super) fates: Vec<(String, Fate)>,
    pub(super) outcome: MergeOutcome,
}

impl After {
    pub(super) fn new(before: Before, outcome: MergeOutcome) -> Self {
        let Before { entry, .. } = before;
        Self {
            mine: entry,
            status: None,
            looked_again: false,
            others_wait: false,
            alone: false,
            listed: None,
            identities: None,
            fates: Vec::new(),
            outcome,
        }
    }

    /// The identities for a 201 of ours; none where the upstream's own is relayed.
    pub(super) fn identities(&mut self) -> Option<Vec<u8>> {
        if self.status == Some(201) { None } else { self.identities.take() }
    }

    /// The upstream's answer to the link.
    pub(super) fn linked(&mut self, answer: Result<u16, Failure>) -> Result<Next, Stop> {
        self.status = match answer {
            Ok(status) => Some(status),
            Err(Failure::NotSent) => return Err(Fault::UpstreamUnreachable.into()),
            Err(Failure::Unknown) => None,
        };
        Ok(match self.status {
            Some(201) => Next::Ask(Ask::Listed),
            Some(404 | 408 | 409) => Next::Ask(Ask::Gone),
            // Whatever else it means, it does not say that the link was made.
            Some(status @ 400..=499) => Next::Relay(status),
            Some(_) | None => Next::Ask(Ask::Gone),
        })
    }

    /// A read after the link. What an old answer alone says is not believed: the secondary has to be
    /// gone, or the upstream to have said 201, and then the primary to list it.
    pub(super) fn read(
        &mut self,
        ask: Ask,
        read: Read,
        terms: Terms<'_>,
    ) -> Result<(Next, Members), Stop> {
        let lists = |primary: &Account| primary.lists(&terms.pair.secondary_id);
        let next = match (ask, read) {
            (Ask::Gone, Read::Absent) => Next::Ask(Ask::Listed),
            (Ask::Listed, Read::There(primary)) if lists(&primary) => {
                return Ok(self.confirmed(&primary, terms));
            }
            (Ask::Listed, Read::There(_)) if self.status == Some(201) && !self.looked_again => {
                self.looked_again = true;
                Next::Ask(Ask::Listed)
            }
            // An answer that is older than the link shows nothing of what waits.
            (Ask::Applied, Read::There(primary)) if lists(&primary) => {
                let left = self.applied(&primary, terms, self.alone).writes;
                self.outcome =
                    if left.is_empty() { MergeOutcome::Merged } else { MergeOutcome::Staged };
                Next::End
            }
            (Ask::Applied | Ask::Apply, _) => Next::End,
            // It was confirmed before; what is staged stays staged.
            _ if self.identities.is_some() => Next::End,
            _ => match self.listed.take() {
                Some(primary) => return Ok(self.confirmed(&primary, terms)),
                None => return self.unconfirmed().map(|next| (next, Members::new())),
            },
        };
        Ok((next, Members::new()))
    }

    fn unconfirmed(&self) -> Result<Next, Stop> {
        match self.status {
            Some(status @ (404 | 409)) => Ok(Next::Relay(status)),
            Some(_) | None => Err(Fault::LinkOutcomeUnknown.into()),
        }
    }

    /// The primary lists the secondary, whichever client sent the link.
    pub(super) fn confirmed(&mut self, primary: &Account, terms: Terms<'_>) -> (Next, Members) {
        let is_old = self.mine.as_ref().is_some_and(|mine| !mine.is_in(&primary.metadata));
        if is_old && !self.looked_again {
            // Another gateway may have applied it already, or the answer is older than our write.
            self.looked_again = true;
            self.listed = Some(primary.clone());
            return (Next::Ask(Ask::Listed), Members::new());
        }
        self.identities = Some(primary.identities_json());
        let Applied { writes, fates } = self.applied(primary, terms, self.alone);
        self.others_wait = !self.alone && self.applied(primary, terms, true).writes != writes;
        let nothing_carried = self.mine.is_none() && writes.is_empty();
        self.fates = fates;
        self.outcome = match (nothing_carried, writes.is_empty()) {
            (true, _) => MergeOutcome::None,
            (false, true) => MergeOutcome::Merged,
            (false, false) => MergeOutcome::Staged,
        };
        (if writes.is_empty() { Next::End } else { Next::Ask(Ask::Apply) }, writes)
    }

    /// What is written: for all that waits on the primary, or for our entry alone.
    fn applied(&self, primary: &Account, terms: Terms<'_>, alone: bool) -> Applied {
        let accounts = primary.linked_accounts(&terms.pair.user_id);
        let waiting = Waiting { mine: self.mine.as_ref(), accounts: &accounts, alone };
        apply(&primary.metadata, &waiting, terms.rules)
    }

    /// The write after the link.
    pub(super) fn wrote(&mut self, written: &Written) -> Next {
        match written {
            Written::Shown(_) => {
                self.outcome = MergeOutcome::Merged;
                Next::End
            }
            Written::Unshown => Next::Ask(Ask::Applied),
            // It may be for what another entry holds, which is not ours to judge.
            Written::Refused { status: 400 | 413 | 422 }
                if self.mine.is_some() && self.others_wait =>
            {
                self.alone = true;
                Next::Ask(Ask::Listed)
            }
            Written::Limited { .. }
            | Written::Refused { .. }
            | Written::NotSent
            | Written::Unknown => Next::End,
        }
    }
}
