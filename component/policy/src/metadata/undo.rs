//! Taking back what was written, once the upstream has surely refused the link.
//!
//! ```text
//!  read secondary: holds it all ─▶ read primary: not linked ─▶ write: taken back, and a copy aside
//!                                    ─▶ read secondary: still holds it all ─▶ write: the copy goes
//! ```
//!
//! Whatever of it fails, what was written stays.

use super::Outcome;
use super::account::Account;
use super::ask::Ask;
use super::entry;
use super::merge::{Given, Merge, carried};
use super::value::{Members, Value};
use crate::exchange::Stop;
use crate::protocol::Step;

impl Merge {
    /// Taking back needs that nobody else links these accounts meanwhile.
    pub(super) fn may_undo(&self, given: &Given<'_>) -> bool {
        given.metadata.undo && self.serialised && self.outcome == Outcome::Kept
    }

    /// Whether the secondary still holds what was carried over.
    pub(super) fn is_held(&self, secondary: &Account, given: &Given<'_>) -> bool {
        let rules = &given.metadata.merge;
        self.held
            .as_ref()
            .is_some_and(|held| carried(held, rules).eq(carried(&secondary.metadata, rules)))
    }

    /// Takes back what still stands as it was written, and leaves a copy aside in the same write: it
    /// may take effect late, or beside another gateway's link that counts on what it takes back.
    pub(super) fn undo(
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
            .map(|(key, _)| (key.clone(), Value::Null))
            .collect();
        if let Some((written, before)) = &self.ours.entry
            && stands(&self.reserved, written)
        {
            writes.insert(self.reserved.clone(), before.clone().unwrap_or(Value::Null));
        }
        let key = entry::aside_key(self.secondary.id());
        let before = primary.metadata.get(&key);
        let copy = entry::copy(writes.keys(), &primary.metadata, before);
        if writes.is_empty() || !given.metadata.merge.fits(&primary.metadata, &writes, &copy) {
            return Ok(self.relay(status, given));
        }
        self.aside = Some((key.clone(), before.cloned().unwrap_or(Value::Null)));
        writes.insert(key, copy);
        self.pending = writes;
        self.ask(Ask::UndoWrite { status }, given)
    }

    /// The secondary holds it all, and whoever reads the primary from now on sees that it is not there:
    /// the copy is of no use any more.
    pub(super) fn end_undo(&mut self, status: u16, given: &mut Given<'_>) -> Result<Step, Stop> {
        self.pending = self.aside.take().into_iter().collect();
        self.ask(Ask::UndoEnd { status }, given)
    }
}
