//! Entries: reserved keys, under which an account holds another one's values while a link is under way.
//!
//! ```json
//! "linkgate_<account>_<content>": {
//!   "staged":  { "theme": "dark" },        values of that account, to be settled once it is linked
//!   "against": { "theme": "0f6e…" } }      digests of the values that they may take the place of
//! "linkgate_<account>_<content>": {
//!   "kept":    { "city": "Rome" } }        values that stay beside the primary's, for good
//! ```
//!
//! INVARIANT: an entry is added or removed whole, never rewritten: its key is a digest of whose it is
//! and of what it holds. So two gateways that plan differently never replace each other's copy.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::text::json::{Json as Value, Object as Members};

/// What every reserved key begins with.
const PREFIX: &str = "linkgate_";

/// A reserved key and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: Value,
}

/// Two accounts: their ids, and what the keys of entries about each begin with.
pub(super) struct Pair {
    pub(super) user_id: String,
    pub(super) secondary_id: String,
    pub(super) primary: String,
    pub(super) secondary: String,
}

/// Values that wait in an entry.
pub(super) struct Staged<'a> {
    /// What the entry's key begins with.
    pub(super) account: &'a str,
    pub(super) key: &'a str,
    pub(super) values: &'a Members,
    against: Option<&'a Members>,
}

impl Entry {
    /// Values to be settled once the account is linked.
    pub(super) fn staged(account: &str, values: Members, against: Members) -> Self {
        let mut parts: Members = [("staged".to_owned(), Value::Object(values))].into();
        if !against.is_empty() {
            parts.insert("against".to_owned(), Value::Object(against));
        }
        Self::of(account, parts)
    }

    /// Values that stay.
    pub(super) fn kept(account: &str, values: Members) -> Self {
        Self::of(account, [("kept".to_owned(), Value::Object(values))].into())
    }

    fn of(account: &str, parts: Members) -> Self {
        let value = Value::Object(parts);
        Self { key: format!("{account}{}", hex(value.to_json().as_bytes(), 8)), value }
    }

    /// Whether metadata has it.
    pub(super) fn is_in(&self, metadata: &Members) -> bool {
        metadata.get(&self.key) == Some(&self.value)
    }

    /// As the members of a write.
    pub(super) fn into_members(self) -> Members {
        [(self.key, self.value)].into()
    }
}

impl Pair {
    pub(super) fn of(user_id: &str, secondary_id: &str) -> Self {
        Self {
            primary: about(user_id),
            secondary: about(secondary_id),
            user_id: user_id.to_owned(),
            secondary_id: secondary_id.to_owned(),
        }
    }
}

impl<'a> Staged<'a> {
    /// What waits in a value at a key, if it is an entry about one of these accounts.
    pub(super) fn of(key: &'a str, value: &'a Value, accounts: &'a [String]) -> Option<Self> {
        let account = accounts.iter().find(|account| key.starts_with(account.as_str()))?;
        let values = value.member("staged")?.as_object()?;
        let against = value.member("against").and_then(Value::as_object);
        Some(Self { account, key, values, against })
    }

    /// Whether a staged value may take the place of this one: it was planned against it.
    pub(super) fn may_replace(&self, key: &str, own: &Value) -> bool {
        self.against.and_then(|against| against.get(key)) == Some(&digest(own))
    }
}

/// What the keys of entries about an account begin with. Ids hold characters that keys may not, so it
/// has 32 hex digits of the id's SHA-256.
pub(super) fn about(id: &str) -> String {
    format!("{PREFIX}{}_", hex(id.as_bytes(), 16))
}

/// The name under which an account is held: ids stay inside the gate.
pub(super) fn account_name(id: &str) -> String {
    hex(id.as_bytes(), 32)
}

/// Whether a key is one of ours.
pub(super) fn is_reserved(key: &str) -> bool {
    key.starts_with(PREFIX)
}

/// Tells a value from others: 16 hex digits of the SHA-256 of its compact form, numbers by value.
pub(super) fn digest(value: &Value) -> Value {
    Value::Text(hex(value.to_canonical_json().as_bytes(), 8))
}

/// The first bytes of a text's SHA-256, in hexadecimal.
pub(super) fn hex(bytes: &[u8], length: usize) -> String {
    Sha256::digest(bytes).iter().take(length).fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
