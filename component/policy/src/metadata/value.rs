//! Metadata as JSON that comes out as it went in ([`crate::text::json`]).

use crate::text::json;

pub(crate) use crate::text::json::{Json as Value, Object as Members};

/// Lists and objects inside each other in an account's metadata, itself counted: what the reader takes
/// of an answer, in which metadata is a member. Whatever is written has to be readable again.
pub(super) const MAX_DEPTH: usize = json::MAX_DEPTH - 1;

/// Metadata as the API leaves it after a write: first level only, and `null` deletes.
pub(super) fn patched(metadata: &Members, writes: &Members) -> Members {
    let mut after = metadata.clone();
    after.extend(writes.clone());
    after.retain(|_, value| !value.is_null());
    after
}

/// Whether the API refuses this name of a key (Auth0 docs, "Metadata Field Names and Data Types").
pub(super) fn is_forbidden(key: &str) -> bool {
    key.contains(['.', '$'])
}

/// Bytes of metadata as compact JSON.
pub(super) fn size(metadata: Members) -> usize {
    Value::Object(metadata).to_json().len()
}

/// Lists and objects inside each other in metadata, itself counted.
pub(super) fn depth(metadata: &Members) -> usize {
    1 + metadata.values().map(Value::depth).max().unwrap_or_default()
}
