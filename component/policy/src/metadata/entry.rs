//! The reserved entry: where the primary keeps what must not be lost, and must not overwrite.
//!
//! ```json
//! { "staged":  { "theme": "dark" },            values of the secondary, to be applied
//!   "against": { "theme": "0f6e…" },           digests of the primary's values at that time
//!   "kept":    { "city": "Rome" },             values that lost, for good
//!   "carried": { "linkgate_…": { … } },        reserved keys of the secondary, never interpreted
//!   "earlier": { … } }                         what stood here before
//! ```

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::plan::MergeRules;
use super::value::{Members, Value};

/// What every reserved key begins with.
const PREFIX: &str = "linkgate_";

/// An entry in the making.
#[derive(Default)]
pub(super) struct Entry {
    staged: Members,
    against: Members,
    kept: Members,
    carried: Members,
}

/// The reserved key of a secondary account. Ids hold characters that keys may not, so it is a
/// digest: 32 hex digits of the id's SHA-256.
pub(super) fn reserved_key(secondary_id: &str) -> String {
    format!("{PREFIX}{}", hex(secondary_id.as_bytes(), 16))
}

/// The reserved key of what was taken back from the primary, until it is sure that the secondary has it.
pub(super) fn aside_key(secondary_id: &str) -> String {
    format!("{PREFIX}undone_{}", hex(secondary_id.as_bytes(), 16))
}

/// A copy of what stands at these keys, around what stood in its place before.
pub(super) fn copy<'a>(
    keys: impl Iterator<Item = &'a String>,
    primary: &Members,
    before: Option<&Value>,
) -> Value {
    let standing = keys.filter_map(|key| Some((key.clone(), primary.get(key)?.clone())));
    let undone = [("undone".to_owned(), Value::Object(standing.collect()))];
    let earlier = before.map(|before| ("earlier".to_owned(), before.clone()));
    Value::Object(undone.into_iter().chain(earlier).collect())
}

/// The name under which an account is held: ids stay inside the gate.
pub(super) fn account_name(id: &str) -> String {
    hex(id.as_bytes(), 32)
}

/// Whether a key is one of ours.
pub(super) fn is_reserved(key: &str) -> bool {
    key.starts_with(PREFIX)
}

impl Entry {
    /// A value to be applied while the primary's is the one that stands there now.
    pub(super) fn stage(&mut self, key: &str, value: &Value, stands: Option<&Value>) {
        self.staged.insert(key.to_owned(), value.clone());
        self.against.extend(stands.map(|own| (key.to_owned(), digest(own))));
    }

    /// A value to be kept for good beside the primary's. Members that the primary's lacks are applied,
    /// too.
    pub(super) fn keep(
        &mut self,
        key: &str,
        value: &Value,
        stands: Option<&Value>,
        rules: &MergeRules,
    ) {
        self.kept.insert(key.to_owned(), value.clone());
        if stands.is_some_and(|own| rules.combine(own, value).0 != *own) {
            self.stage(key, value, stands);
        }
    }

    pub(super) fn carry(&mut self, key: &str, value: &Value) {
        self.carried.insert(key.to_owned(), value.clone());
    }

    /// The entry as it has to stand in the place of another. Nothing when there is nothing to say, or
    /// it is said already. What stood there is kept inside: it may be the last copy of something.
    pub(super) fn over(self, stands: Option<&Value>) -> Option<Value> {
        let parts = [
            ("staged", self.staged),
            ("against", self.against),
            ("kept", self.kept),
            ("carried", self.carried),
        ];
        let mut members: Members = parts
            .into_iter()
            .filter(|(_, part)| !part.is_empty())
            .map(|(name, part)| (name.to_owned(), Value::Object(part)))
            .collect();
        if members.is_empty() {
            return None;
        }
        let without_earlier = stands.and_then(Value::as_object).map(|stands| {
            let mut stands = stands.clone();
            stands.remove("earlier");
            stands
        });
        if without_earlier.as_ref() == Some(&members) {
            return stands.cloned();
        }
        members.extend(stands.map(|stands| ("earlier".to_owned(), stands.clone())));
        Some(Value::Object(members))
    }
}

/// Whether something in an entry waits to be applied.
pub(super) fn has_staged(entry: &Value) -> bool {
    entry.member("staged").and_then(Value::as_object).is_some_and(|staged| !staged.is_empty())
}

/// What to write once the link is confirmed: the outcomes of what is staged, where the value it was
/// staged against still stands, and the entry without them. Nothing when there is nothing to do.
///
/// What no longer stands as it did stays in the entry.
pub(super) fn applied(primary: &Members, reserved: &str, rules: &MergeRules) -> Option<Members> {
    let entry = primary.get(reserved)?.as_object()?;
    let staged = entry.get("staged")?.as_object()?;
    let against = entry.get("against").and_then(Value::as_object);
    let mut writes = Members::new();
    let (mut left, mut left_against) = (Members::new(), Members::new());
    for (key, value) in staged {
        let expected = against.and_then(|against| against.get(key));
        let own = primary.get(key).filter(|own| expected == Some(&digest(own)));
        let Some(own) = own else {
            left.insert(key.clone(), value.clone());
            left_against.extend(expected.map(|digest| (key.clone(), digest.clone())));
            continue;
        };
        let (outcome, _) = rules.combine(own, value);
        // Deleting a key is never an outcome.
        if outcome != *own && !outcome.is_null() {
            writes.insert(key.clone(), outcome);
        }
    }
    if left.len() == staged.len() {
        return None;
    }
    let mut rest = entry.clone();
    for (name, part) in [("staged", left), ("against", left_against)] {
        rest.remove(name);
        if !part.is_empty() {
            rest.insert(name.to_owned(), Value::Object(part));
        }
    }
    let rest = if rest.is_empty() { Value::Null } else { Value::Object(rest) };
    writes.insert(reserved.to_owned(), rest);
    Some(writes)
}

/// Tells whether a value still stands: 16 hex digits of the SHA-256 of its compact form.
fn digest(value: &Value) -> Value {
    Value::Text(hex(value.to_json().as_bytes(), 8))
}

/// The first bytes of a text's SHA-256, in hexadecimal.
pub(super) fn hex(bytes: &[u8], length: usize) -> String {
    Sha256::digest(bytes).iter().take(length).fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
