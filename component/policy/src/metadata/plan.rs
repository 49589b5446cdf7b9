//! What a merge would write, and why: a pure function of two accounts' metadata and the rules.
//!
//! ```text
//!  a key of the secondary is …                     before the link          after it is confirmed
//!   not on the primary                             added
//!   on both, with the same value                   -
//!   on both, and the primary's wins                -
//!   on both, and the outcome is another value      staged                   applied, if it still may be
//!   on both, and both values are kept              kept, for good
//!   reserved: of an earlier merge                  carried, for good
//! ```
//!
//! What is staged, kept or carried stands under one reserved key of the primary, so that before the
//! link the primary only ever gains top-level keys.

use std::collections::BTreeSet;

use super::entry::{self, Entry};
use super::value::{MAX_DEPTH, Members, Value, depth, patched, size};
use crate::denial::Flaw;

/// How two accounts' metadata become one.
#[derive(Clone, Debug)]
pub(crate) struct MergeRules {
    /// The keys to carry; all of them when absent.
    pub(crate) include: Option<BTreeSet<String>>,
    pub(crate) exclude: BTreeSet<String>,
    pub(crate) conflicts: Conflicts,
    /// Whether objects on both sides are merged member by member.
    pub(crate) deep: bool,
    /// Whether lists on both sides become one, the primary's items first.
    pub(crate) unite_lists: bool,
    /// Bytes of the primary's `user_metadata` as compact JSON.
    pub(crate) max_bytes: usize,
}

/// Whose value a key has that stands on both sides with different ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conflicts {
    Primary,
    Secondary,
    KeepBoth,
    Refuse,
}

/// What is to be written before the link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Top-level keys that the primary gains.
    pub(crate) added: Members,
    /// The reserved entry, when it is another than the one that stands there.
    pub(crate) entry: Option<Value>,
    /// Whether something is left to be done once the link is confirmed.
    pub(crate) to_apply: bool,
    /// What becomes of each key of the secondary.
    pub(crate) rows: Vec<Row>,
}

impl Plan {
    /// Whether nothing is to be written before the link.
    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.entry.is_none()
    }

    /// The members of the write. Empty is never to be sent: it would wipe everything.
    pub(crate) fn writes(&self, reserved: &str) -> Members {
        let entry = self.entry.clone().map(|entry| (reserved.to_owned(), entry));
        self.added.clone().into_iter().chain(entry).collect()
    }
}

/// The key of a copy, its quotes, colon and comma.
const COPY_KEY_BYTES: usize = 60;

/// What becomes of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) key: String,
    pub(crate) fate: Fate,
}

/// What becomes of a key of the secondary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// The primary gains it.
    Added,
    /// The primary has it, with the same value.
    Same,
    /// The primary's value stands, the secondary's is dropped, as the rule says.
    Dropped,
    /// The outcome is written once the link is confirmed.
    Staged,
    /// The primary's value stands, the secondary's is kept in the reserved entry for good.
    Kept,
    /// A reserved key of the secondary: kept in the reserved entry, never interpreted.
    Carried,
    /// Left out by the policy.
    LeftOut,
    /// `null`: there is nothing to carry.
    Null,
}

impl Fate {
    /// The word for it, in logs and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Same => "same",
            Self::Dropped => "dropped",
            Self::Staged => "staged",
            Self::Kept => "kept",
            Self::Carried => "carried",
            Self::LeftOut => "left-out",
            Self::Null => "null",
        }
    }

    /// Whether keys with this fate stand on the primary, one way or another.
    pub(super) const fn is_there(self) -> bool {
        match self {
            Self::Added | Self::Same | Self::Staged | Self::Kept | Self::Carried => true,
            Self::Dropped | Self::LeftOut | Self::Null => false,
        }
    }
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

    /// Whether metadata keeps within the budget with these writes, and a copy of what they take away.
    pub(super) fn fits(&self, metadata: &Members, writes: &Members, copy: &Value) -> bool {
        let copied = copy.to_json().len() + COPY_KEY_BYTES;
        size(patched(metadata, writes)) + copied <= self.max_bytes
    }

    /// The value of a key that both sides have, and whether something of the secondary's is not in it.
    pub(crate) fn combine(&self, primary: &Value, secondary: &Value) -> (Value, bool) {
        match (primary, secondary) {
            (one, other) if one == other => (one.clone(), false),
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

/// What this very exchange has written on the primary before. Where it still stands, it may be
/// rewritten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ours {
    /// Keys that the primary gained.
    pub(crate) added: Members,
    /// The reserved entry as it was written, and what stood there before.
    pub(crate) entry: Option<(Value, Option<Value>)>,
}

impl Ours {
    /// Notes what a plan wrote on a primary that stood like this.
    pub(crate) fn wrote(&mut self, plan: &Plan, primary: &Members, reserved: &str) {
        self.added.extend(plan.added.clone());
        if let Some(entry) = &plan.entry {
            let before = self.before(primary, reserved).cloned();
            self.entry = Some((entry.clone(), before));
        }
    }

    /// What stood, or would stand, at the reserved key without us.
    fn before<'a>(&'a self, primary: &'a Members, reserved: &str) -> Option<&'a Value> {
        let stands = primary.get(reserved);
        match &self.entry {
            Some((written, before)) if stands == Some(written) => before.as_ref(),
            Some(_) | None => stands,
        }
    }

    /// Whether a value that stands on the primary is ours.
    fn has(&self, key: &str, stands: &Value) -> bool {
        self.added.get(key) == Some(stands)
    }
}

/// Plans a merge.
pub(crate) fn plan(
    secondary: &Members,
    primary: &Members,
    reserved: &str,
    ours: &Ours,
    rules: &MergeRules,
) -> Result<Plan, Unplannable> {
    let mut plan = Plan::default();
    let mut entry = Entry::default();
    for (key, value) in secondary {
        let stands = primary.get(key).filter(|stands| !ours.has(key, stands));
        let fate = fate(key, value, stands, rules)?;
        match fate {
            Fate::Added if primary.get(key) == Some(value) => {}
            Fate::Added => {
                plan.added.insert(key.clone(), value.clone());
            }
            Fate::Staged => entry.stage(key, value, stands),
            Fate::Kept => entry.keep(key, value, stands, rules),
            Fate::Carried => entry.carry(key, value),
            Fate::Same | Fate::Dropped | Fate::LeftOut | Fate::Null => {}
        }
        plan.rows.push(Row { key: key.clone(), fate });
    }
    let before = ours.before(primary, reserved);
    let wanted = entry.over(before).or_else(|| before.cloned());
    if wanted.as_ref() != primary.get(reserved) {
        // Only an entry of our own can be one that nobody wants any more.
        plan.entry = Some(wanted.unwrap_or(Value::Null));
    }
    let left = plan.entry.as_ref().or(primary.get(reserved));
    plan.to_apply = left.is_some_and(entry::has_staged);
    check_limits(&plan, primary, reserved, rules)?;
    Ok(plan)
}

fn fate(
    key: &str,
    value: &Value,
    stands: Option<&Value>,
    rules: &MergeRules,
) -> Result<Fate, Unplannable> {
    if entry::is_reserved(key) {
        return Ok(Fate::Carried);
    }
    if !rules.carries(key) {
        return Ok(Fate::LeftOut);
    }
    if value.is_null() {
        return Ok(Fate::Null);
    }
    if key.contains(['.', '$']) {
        return Err(Unplannable::ForbiddenName(key.to_owned()));
    }
    let Some(own) = stands else { return Ok(Fate::Added) };
    if own == value {
        return Ok(Fate::Same);
    }
    if rules.unites(own, value) {
        // The value would be staged whole, so its own size is the least that the outcome has.
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
    Ok(if combined == *own { Fate::Dropped } else { Fate::Staged })
}

/// Size and depth are within their limits before the link, when what is staged is beside what it will
/// replace, and after it.
fn check_limits(
    plan: &Plan,
    primary: &Members,
    reserved: &str,
    rules: &MergeRules,
) -> Result<(), Unplannable> {
    if plan.is_empty() {
        return Ok(());
    }
    let before = patched(primary, &plan.writes(reserved));
    let after = patched(&before, &entry::applied(&before, reserved, rules).unwrap_or_default());
    if depth(&before).max(depth(&after)) > MAX_DEPTH {
        return Err(Unplannable::TooDeep);
    }
    let (bytes, max_bytes) = (size(before).max(size(after)), rules.max_bytes);
    if bytes > max_bytes { Err(Unplannable::TooLarge { bytes, max_bytes }) } else { Ok(()) }
}
