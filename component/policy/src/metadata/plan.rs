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

use std::collections::{BTreeMap, BTreeSet};

use super::apply::{Applied, Waiting, apply};
use super::reserved_entry::{self, Entry, Pair};
use super::value::{MAX_DEPTH, depth, is_forbidden, patched, size};
use crate::audit::merge::Fate;
use crate::rules::metadata::{Conflicts, MergeRules};
use crate::text::grown::grown;
use crate::text::json::{Json as Value, Object as Members};
use crate::verdict::cause::Flaw;

/// Which accounts, and by which rules.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(super) pair: &'a Pair,
    pub(super) rules: &'a MergeRules,
}

/// What is to be written before the link.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// All that is carried over; none when there is nothing.
    pub(super) entry: Option<Entry>,
    /// What becomes of each key of the secondary.
    pub(super) rows: Vec<(String, Fate)>,
    /// The primary with the entry, and what would be written then.
    pub(super) before: Members,
    pub(super) writes: Members,
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
    let mut seen: BTreeSet<&Value> = grown(one);
    let new = other.iter().filter(|item| seen.insert(item));
    one.iter().chain(new).cloned().collect()
}

/// Plans a merge: the entry, and what is applied once the link is confirmed, if nothing changes meanwhile.
pub(super) fn plan(
    secondary: &Members,
    primary: &Members,
    terms: Terms<'_>,
) -> Result<Plan, Unplannable> {
    let Terms { pair, rules } = terms;
    let values = carried(secondary, primary, terms);
    if let Some(key) = values.keys().find(|key| is_forbidden(key)) {
        return Err(Unplannable::ForbiddenName(key.clone()));
    }
    let entry = entry(values, primary, terms)?;
    let before = patched(primary, &entry.clone().map(Entry::into_members).unwrap_or_default());
    let accounts = [pair.secondary.clone()];
    let waiting = Waiting { mine: entry.as_ref(), accounts: &accounts, alone: false };
    let Applied { writes, fates } = apply(&before, &waiting, rules);
    let conflict =
        fates.iter().find(|(key, fate)| *fate == Fate::Kept && !reserved_entry::is_reserved(key));
    if let Some((key, _)) = conflict.filter(|_| rules.conflicts == Conflicts::Refuse) {
        return Err(Unplannable::Conflict(key.clone()));
    }
    if entry.is_some() {
        within_limits(&before, rules)?;
        within_limits(&patched(&before, &writes), rules)?;
    }
    let fates: BTreeMap<String, Fate> = grown(fates);
    let fate = |(key, value): (&String, &Value)| {
        let carried = fates.get(key).copied();
        let fate = carried.unwrap_or(match (rules.carries(key), value.is_null()) {
            (false, _) => Fate::LeftOut,
            (true, true) => Fate::Null,
            // It is an entry that is at home on the primary.
            (true, false) => Fate::Same,
        });
        (key.clone(), fate)
    };
    Ok(Plan { rows: secondary.iter().map(fate).collect(), entry, before, writes })
}

/// The entry with these values, and with digests of those that they may take the place of.
fn entry(
    values: Members,
    primary: &Members,
    Terms { pair, rules }: Terms<'_>,
) -> Result<Option<Entry>, Unplannable> {
    if values.is_empty() {
        return Ok(None);
    }
    // Before values are compared: a long list costs more than its size does.
    if within_limits(&values, rules).is_err() {
        let alone = Entry::staged(&pair.secondary, values.clone(), Members::new());
        within_limits(&patched(primary, &alone.into_members()), rules)?;
    }
    let replaced = |(key, value): (&String, &Value)| {
        let own = primary.get(key).filter(|_| !reserved_entry::is_reserved(key))?;
        let is_replaced = rules.combine(own, value).0 != *own;
        is_replaced.then(|| (key.clone(), reserved_entry::digest(own)))
    };
    let against = match rules.conflicts {
        Conflicts::Secondary => values.iter().filter_map(replaced).collect(),
        Conflicts::Primary | Conflicts::KeepBoth | Conflicts::Refuse => Members::new(),
    };
    Ok(Some(Entry::staged(&pair.secondary, values, against)))
}

/// What of the secondary would be carried over.
pub(super) fn carried(
    secondary: &Members,
    primary: &Members,
    Terms { pair, rules }: Terms<'_>,
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
        && value
            .member("staged")
            .and_then(Value::as_object)
            .is_some_and(|staged| staged.iter().all(|(key, value)| primary.get(key) == Some(value)))
}

/// Size and depth are within their limits.
fn within_limits(primary: &Members, rules: &MergeRules) -> Result<(), Unplannable> {
    if depth(primary) > MAX_DEPTH {
        return Err(Unplannable::TooDeep);
    }
    let (bytes, max_bytes) = (size(primary.clone()), rules.max_bytes);
    if bytes > max_bytes { Err(Unplannable::TooLarge { bytes, max_bytes }) } else { Ok(()) }
}
