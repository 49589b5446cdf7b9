//! What is written once a link is confirmed: a pure function of the primary as it was read then, of what
//! was staged, and of the rules.
//!
//! The write that applies an entry removes it, too: its values are then where they belong, or are kept
//! in an entry that is added in the same write.

use std::collections::BTreeSet;

use super::reserved_entry::{self, Entry, Staged};
use super::value::is_forbidden;
use crate::audit::merge::Fate;
use crate::rules::metadata::{Conflicts, MergeRules};
use crate::text::json::{Json as Value, Object as Members};

/// What is staged for the accounts that a primary lists.
pub(super) struct Waiting<'a> {
    /// What this exchange has carried over, whether or not the primary shows it.
    pub(super) mine: Option<&'a Entry>,
    /// The accounts, each by what the keys of entries about it begin with.
    pub(super) accounts: &'a [String],
    /// Whether other entries than [`Waiting::mine`] are left as they are.
    pub(super) alone: bool,
}

/// A write after the link.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Applied {
    /// Its members; empty when there is nothing to write.
    pub(super) writes: Members,
    /// What becomes of the keys of [`Waiting::mine`].
    pub(super) fates: Vec<(String, Fate)>,
}

/// Settles all that waits on a primary.
pub(super) fn apply(primary: &Members, waiting: &Waiting<'_>, rules: &MergeRules) -> Applied {
    let mine = waiting.mine.and_then(|mine| {
        Staged::of(&mine.key, &mine.value, waiting.accounts).map(|own| (own, true))
    });
    let is_mine = |key: &str| waiting.mine.is_some_and(|mine| mine.key == key);
    let others = primary
        .iter()
        .filter(|(key, _)| !waiting.alone && !is_mine(key))
        .filter_map(|(key, value)| Staged::of(key, value, waiting.accounts))
        .map(|other| (other, false));
    let mut settling = Settling { now: primary.clone(), placed: BTreeSet::new(), rules };
    let mut fates = Vec::new();
    for (staged, is_mine) in mine.into_iter().chain(others) {
        let settled = settling.settle(&staged);
        fates.extend(settled.into_iter().filter(|_| is_mine));
    }
    Applied { writes: difference(primary, &settling.now), fates }
}

/// A primary on its way.
struct Settling<'a> {
    /// As it will be.
    now: Members,
    /// Keys whose value comes from another entry that is settled here.
    placed: BTreeSet<String>,
    rules: &'a MergeRules,
}

impl Settling<'_> {
    /// Settles one entry.
    fn settle(&mut self, staged: &Staged<'_>) -> Vec<(String, Fate)> {
        let mut kept = Members::new();
        let (mut fates, mut placed) = (Vec::new(), Vec::new());
        for (key, value) in staged.values {
            let own = self.now.get(key);
            let (outcome, fate) = self.settled(staged, key, value, own);
            let keeps =
                fate == Fate::Kept || (fate != Fate::Same && self.rules.keeps_beside(value));
            if keeps && !self.is_kept(staged.account, key, value) {
                kept.insert(key.clone(), value.clone());
            }
            if let Some(outcome) = outcome.filter(|outcome| own != Some(outcome)) {
                self.now.insert(key.clone(), outcome);
                placed.push(key.clone());
            }
            fates.push((key.clone(), fate));
        }
        self.placed.extend(placed);
        self.now.remove(staged.key);
        if !kept.is_empty() {
            self.now.extend(Entry::kept(staged.account, kept).into_members());
        }
        fates
    }

    /// Whether an entry keeps a value of this account already. An exchange that cannot see whether its
    /// write took effect settles the same values again.
    fn is_kept(&self, account: &str, key: &str, value: &Value) -> bool {
        let entries = self.now.iter().filter(|(name, _)| name.starts_with(account));
        let mut kept =
            entries.filter_map(|(_, entry)| entry.member("kept").and_then(Value::as_object));
        kept.any(|kept| kept.get(key) == Some(value))
    }

    /// The value that a key gets, and what becomes of the staged one.
    fn settled(
        &self,
        staged: &Staged<'_>,
        key: &str,
        value: &Value,
        own: Option<&Value>,
    ) -> (Option<Value>, Fate) {
        // Somebody may have put an entry there by hand: it opens no way around the policy, and a name
        // that the API refuses makes it refuse no later write.
        if !self.rules.carries(key) || value.is_null() || is_forbidden(key) {
            return (None, Fate::Kept);
        }
        let Some(own) = own else {
            let reserved = reserved_entry::is_reserved(key);
            return (Some(value.clone()), if reserved { Fate::Carried } else { Fate::Added });
        };
        if own == value {
            return (None, Fate::Same);
        }
        if reserved_entry::is_reserved(key) {
            return (None, Fate::Kept);
        }
        let (outcome, conflict) = self.rules.combine(own, value);
        if outcome == *own && !conflict {
            return (None, Fate::Same);
        }
        let fate = match self.rules.conflicts {
            Conflicts::Secondary if conflict && !staged.may_replace(key, own) => {
                return (None, Fate::Kept);
            }
            // Two plans of one account: neither is the primary's own.
            _ if conflict && self.placed.contains(key) => Fate::Kept,
            Conflicts::KeepBoth | Conflicts::Refuse if conflict => Fate::Kept,
            Conflicts::Primary | Conflicts::Secondary | Conflicts::KeepBoth | Conflicts::Refuse => {
                if outcome == *own {
                    Fate::Dropped
                } else {
                    Fate::Staged
                }
            }
        };
        (Some(outcome), fate)
    }
}

/// The members of a write that makes one of the other.
fn difference(before: &Members, after: &Members) -> Members {
    let gone = before.keys().filter(|key| !after.contains_key(*key));
    let gone = gone.map(|key| (key.clone(), Value::Null));
    let new = after.iter().filter(|(key, value)| before.get(*key) != Some(*value));
    gone.chain(new.map(|(key, value)| (key.clone(), value.clone()))).collect()
}
