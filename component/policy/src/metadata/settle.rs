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

use super::account::{Account, Read};
use super::entry;
use super::merge::{Ask, At, Given, Merge, Written, carried, is_there};
use super::plan::Row;
use super::value::{Members, Value};
use super::{Fate, Outcome};
use crate::denial::{Cause, Fault};
use crate::exchange::Stop;
use crate::path;
use crate::protocol::{Answer, AnswerHead, CallFailure, Failure, Header, HeaderEdits, Reply, Step};

/// How an exchange ends whose link stands.
pub(super) enum Ending {
    /// With the upstream's own 201.
    Relay,
    /// With a 201 of ours: these identities.
    Respond(Vec<u8>),
}

/// For asking, applying and undoing together: a reserve of its own, whatever came before. Raised, a
/// client waits longer for an answer that is known.
const SETTLE_MS: u64 = 10_000;

/// Longest value of the outcome header, in bytes. Raised, a secondary with many keys makes long heads.
const MAX_HEADER: usize = 1024;

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

    /// Taking back needs that nobody else links these accounts meanwhile.
    fn may_undo(&self, given: &Given<'_>) -> bool {
        given.metadata.undo && self.serialised && self.outcome == Outcome::Kept
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
            Read::Absent | Read::Limited { .. } | Read::Refused | Read::NotSent | Read::Failed => {
                None
            }
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
        let carried = self.rows().iter().any(|row| is_there(row.fate));
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

    /// Whether the secondary still holds what was carried over.
    fn is_held(&self, secondary: &Account, given: &Given<'_>) -> bool {
        let rules = &given.metadata.merge;
        self.held
            .as_ref()
            .is_some_and(|held| carried(held, rules).eq(carried(&secondary.metadata, rules)))
    }

    /// Takes back what still stands as it was written, and leaves a copy aside in the same write: it
    /// may take effect late, or beside another gateway's link that counts on what it takes back.
    fn undo(
        &mut self,
        status: u16,
        primary: &Account,
        given: &mut Given<'_>,
    ) -> Result<Step, Stop> {
        let stands = |key: &str, value: &Value| primary.metadata.get(key) == Some(value);
        let mut writes: Members = self
            .ours
            .added
            .iter()
            .filter(|(key, value)| stands(key, value))
            .map(|(key, _)| (key.clone(), Value::null()))
            .collect();
        if let Some((written, before)) = &self.ours.entry
            && stands(&self.reserved, written)
        {
            writes.insert(self.reserved.clone(), before.clone().unwrap_or_else(Value::null));
        }
        let key = entry::aside_key(self.secondary.id());
        let before = primary.metadata.get(&key);
        let copy = entry::copy(writes.keys(), &primary.metadata, before);
        if writes.is_empty() || !given.metadata.merge.fits(&primary.metadata, &writes, &copy) {
            return Ok(self.relay(status, given));
        }
        self.aside = Some((key.clone(), before.cloned().unwrap_or_else(Value::null)));
        writes.insert(key, copy);
        self.pending = writes;
        self.ask(Ask::UndoWrite { status }, given)
    }

    /// The secondary holds it all, and whoever reads the primary from now on sees that it is not there:
    /// the copy is of no use any more.
    fn end_undo(&mut self, status: u16, given: &mut Given<'_>) -> Result<Step, Stop> {
        self.pending = self.aside.take().into_iter().collect();
        self.ask(Ask::UndoEnd { status }, given)
    }

    /// The link stands: the upstream's 201, or one of ours.
    fn end(&mut self, given: &mut Given<'_>) -> Step {
        match self.ending.take() {
            Some(Ending::Respond(identities)) => {
                self.at = At::Linking;
                let mut headers = vec![
                    Header::new("content-type", "application/json; charset=utf-8"),
                    Header::new("cache-control", "no-store"),
                ];
                headers.extend(given.cors.headers());
                headers.extend(self.outcome_header(given));
                given.record.cause = Some(Cause::LinkFound);
                given.record.status = Some(201);
                Step::Respond(Reply { status: 201, headers, body: identities })
            }
            Some(Ending::Relay) | None => self.relay(201, given),
        }
    }

    /// The upstream's own answer.
    fn relay(&mut self, status: u16, given: &mut Given<'_>) -> Step {
        let mut edits: HeaderEdits = given.cors.edits();
        edits.remove.push(OUTCOME.to_owned());
        edits.append.extend(self.outcome_header(given));
        given.record.cause = Some(Cause::Granted);
        given.record.status = Some(status);
        Step::Relay(edits)
    }

    /// What became of the keys, by name and never by value.
    fn outcome_header(&self, given: &Given<'_>) -> Option<Header> {
        if !given.metadata.show_outcome {
            return None;
        }
        let mut text = self.outcome.name().to_owned();
        for fate in [Fate::Added, Fate::Staged, Fate::Kept, Fate::Dropped, Fate::LeftOut] {
            let fits = |row: &&Row| row.fate == fate;
            let names: Vec<String> =
                self.rows().iter().filter(fits).map(|row| encoded(&row.key)).collect();
            let parameter = format!("; {}=\"{}\"", fate.name(), names.join(" "));
            if !names.is_empty() && text.len() + parameter.len() <= MAX_HEADER {
                text.push_str(&parameter);
            }
        }
        Some(Header::new(OUTCOME, &text))
    }
}

/// The header that says what became of the metadata.
pub(crate) const OUTCOME: &str = "linkgate-metadata";

/// A key, percent-encoded: it may hold anything.
fn encoded(key: &str) -> String {
    path::encode([key]).trim_start_matches('/').to_owned()
}
