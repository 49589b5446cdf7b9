//! What a merge would carry over, and why: a pure function of two accounts' metadata and the rules.
//!
//! ```text
//!  a key of the secondary is …                     before the link    once it is confirmed
//!   not on the primary                             in the entry       added
//!   on both, with the same value                   in the entry       -
//!   on both, and the primary's wins                in the entry       dropped
//!   on both, and the outcome is another value      in the entry       written, if it still may be
//!   on both, and both values are kept              in the entry       kept in an entry, for good
//! ```
//!
//! Before the link the primary gains one entry and nothing else ([`reserved_entry`]). What the table says of
//! the time after it is done on the primary as it is then ([`crate::metadata::apply`]).

use std::collections::BTreeSet;

use super::apply::{Waiting, apply};
use super::reserved_entry::{self, Entry, Pair};
use super::value::{MAX_DEPTH, depth, is_forbidden, patched, same, size};
use crate::audit::merge::Fate;
use crate::rules::metadata::{Conflicts, MergeRules};
use crate::text::json::{Json as Value, Object as Members};
use crate::verdict::cause::Flaw;

/// What is to be written before the link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// All that is carried over; none when there is nothing.
    pub(super) entry: Option<Entry>,
    /// What becomes of each key of the secondary.
    pub(super) rows: Vec<KeyFate>,
}

/// What becomes of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyFate {
    pub(crate) key: String,
    pub(crate) fate: Fate,
}

/// Why there is no plan: nothing was written, and nothing is linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unplannable {
    /// The rule is `refuse`, and this key has different values.
    Conflict(String),
    /// A key that the API does not take.
    ForbiddenName(String),
    /// The outcome would be larger than the policy allows.
    TooLarge {
        /// Bytes of the outcome.
        bytes: usize,
        /// Bytes allowed.
        max_bytes: usize,
    },
    /// The outcome would be nested more deeply than what is read.
    TooDeep,
}

impl Unplannable {
    pub(super) fn flaw(&self) -> Flaw {
        match self {
            Self::Conflict(_) => Flaw::MetadataConflict,
            Self::ForbiddenName(_) => Flaw::MetadataKeyForbidden,
            Self::TooLarge { .. } => Flaw::MetadataTooLarge,
            Self::TooDeep => Flaw::MetadataTooDeep,
        }
    }
}

impl MergeRules {
    pub(super) fn carries(&self, key: &str) -> bool {
        self.include.as_ref().is_none_or(|include| include.contains(key))
            && !self.exclude.contains(key)
    }

    /// Whether a value can come to be beside another one, in one key. Two links into one primary may be
    /// settled at the same time, and the second write then replaces the first: so a copy is kept.
    pub(super) fn keeps_beside(&self, value: &Value) -> bool {
        match (self.conflicts, value) {
            (Conflicts::KeepBoth | Conflicts::Refuse, _) => true,
            (_, Value::Object(_)) => self.deep,
            (_, Value::List(_)) => self.unite_lists,
            _ => false,
        }
    }

    /// The value of a key that both sides have, and whether something of the secondary's is not in it.
    pub(crate) fn combine(&self, primary: &Value, secondary: &Value) -> (Value, bool) {
        match (primary, secondary) {
            (one, other) if same(one, other) => (one.clone(), false),
            (Value::Object(one), Value::Object(other)) if self.deep => {
                self.combine_members(one, other)
            }
            (Value::List(one), Value::List(other)) if self.unite_lists => {
                (Value::List(united(one, other)), false)
            }
            (_, other) if self.conflicts == Conflicts::Secondary => (other.clone(), true),
            (one, _) => (one.clone(), true),
        }
    }

    /// Whether combining these compares items of lists.
    fn unites(&self, primary: &Value, secondary: &Value) -> bool {
        match (primary, secondary) {
            (Value::List(_), Value::List(_)) => self.unite_lists,
            (Value::Object(_), Value::Object(_)) => self.unite_lists && self.deep,
            _ => false,
        }
    }

    fn combine_members(&self, one: &Members, other: &Members) -> (Value, bool) {
        let (mut members, mut conflict) = (one.clone(), false);
        for (name, value) in other {
            let combined = one.get(name).map(|own| self.combine(own, value));
            let (value, lost) = combined.unwrap_or_else(|| (value.clone(), false));
            conflict |= lost;
            members.insert(name.clone(), value);
        }
        (Value::Object(members), conflict)
    }
}

/// The items of one list, and behind them those of the other that are not in it, each once.
fn united(one: &[Value], other: &[Value]) -> Vec<Value> {
    let mut seen: BTreeSet<&Value> = one.iter().collect();
    let new = other.iter().filter(|item| seen.insert(item));
    one.iter().chain(new).cloned().collect()
}

/// Plans a merge.
pub(super) fn plan(
    secondary: &Members,
    primary: &Members,
    pair: &Pair,
    rules: &MergeRules,
) -> Result<Plan, Unplannable> {
    let mut rows = Vec::new();
    let (mut values, mut against) = (Members::new(), Members::new());
    for (key, value) in secondary {
        let fate = fate(key, value, primary, pair, rules)?;
        if fate.is_carried() && !is_at_home(key, value, primary, pair) {
            values.insert(key.clone(), value.clone());
            let replaced = primary
                .get(key)
                .filter(|_| rules.conflicts == Conflicts::Secondary && fate == Fate::Staged);
            against.extend(replaced.map(|own| (key.clone(), reserved_entry::digest(own))));
        }
        rows.push(KeyFate { key: key.clone(), fate });
    }
    let entry = (!values.is_empty()).then(|| Entry::staged(&pair.secondary, values, against));
    if let Some(entry) = &entry {
        check_limits(entry, primary, pair, rules)?;
    }
    Ok(Plan { entry, rows })
}

/// What of the secondary would be carried over.
pub(super) fn carried(
    secondary: &Members,
    primary: &Members,
    pair: &Pair,
    rules: &MergeRules,
) -> Members {
    let is_carried = |key: &str, value: &Value| {
        rules.carries(key) && !value.is_null() && !is_at_home(key, value, primary, pair)
    };
    let carried = secondary.iter().filter(|(key, value)| is_carried(key, value));
    carried.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Whether it is an entry about the primary itself, of a link the other way round, and the primary has
/// all that it holds. Carried along, two such links would put each other's entries into their own, and
/// both would grow with each attempt.
fn is_at_home(key: &str, value: &Value, primary: &Members, pair: &Pair) -> bool {
    key.starts_with(&pair.primary)
        && value.member("staged").and_then(Value::as_object).is_some_and(|staged| {
            staged.iter().all(|(key, value)| primary.get(key).is_some_and(|own| same(own, value)))
        })
}

fn fate(
    key: &str,
    value: &Value,
    primary: &Members,
    pair: &Pair,
    rules: &MergeRules,
) -> Result<Fate, Unplannable> {
    if !rules.carries(key) {
        return Ok(Fate::LeftOut);
    }
    if value.is_null() {
        return Ok(Fate::Null);
    }
    if reserved_entry::is_reserved(key) {
        let at_home = is_at_home(key, value, primary, pair);
        return Ok(if at_home { Fate::Same } else { Fate::Carried });
    }
    if is_forbidden(key) {
        return Err(Unplannable::ForbiddenName(key.to_owned()));
    }
    let Some(own) = primary.get(key) else { return Ok(Fate::Added) };
    if same(own, value) {
        return Ok(Fate::Same);
    }
    if rules.unites(own, value) {
        // The value is staged whole, so its own size is the least that the outcome has.
        let (bytes, max_bytes) = (value.to_json().len(), rules.max_bytes);
        if bytes > max_bytes {
            return Err(Unplannable::TooLarge { bytes, max_bytes });
        }
    }
    let (combined, conflict) = rules.combine(own, value);
    if conflict && rules.conflicts == Conflicts::Refuse {
        return Err(Unplannable::Conflict(key.to_owned()));
    }
    if conflict && rules.conflicts == Conflicts::KeepBoth {
        return Ok(Fate::Kept);
    }
    Ok(match (combined == *own, conflict) {
        (true, true) => Fate::Dropped,
        (true, false) => Fate::Same,
        (false, _) => Fate::Staged,
    })
}

/// Size and depth are within their limits before the link, when the entry is beside what it will
/// complete, and after it.
fn check_limits(
    entry: &Entry,
    primary: &Members,
    pair: &Pair,
    rules: &MergeRules,
) -> Result<(), Unplannable> {
    let before = patched(primary, &entry.clone().into_members());
    let accounts = [pair.secondary.clone()];
    let waiting = Waiting { mine: Some(entry), accounts: &accounts, alone: false };
    let after = patched(&before, &apply(&before, &waiting, rules).writes);
    if depth(&before).max(depth(&after)) > MAX_DEPTH {
        return Err(Unplannable::TooDeep);
    }
    let (bytes, max_bytes) = (size(before).max(size(after)), rules.max_bytes);
    if bytes > max_bytes { Err(Unplannable::TooLarge { bytes, max_bytes }) } else { Ok(()) }
}
