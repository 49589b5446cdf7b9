//! Carrying the secondary's `user_metadata` over to the primary before the link destroys it.
//!
//! ```text
//!  acquire ─▶ read primary ─▶ read secondary ─▶ plan ─▶ write what the primary gains ─▶ read secondary again
//!                                                ▲                                          │ changed: once more
//!                                                └──────────────────────────────────────────┤
//!                                                                                           ▼
//!  settle: relay, apply, undo, or ask what became of it ◀──────────────────────────────── link, once
//! ```
//!
//! Losing nothing ranks above leaving no trace. Before the link is confirmed the primary only ever
//! gains top-level keys it did not have; what would overwrite is staged under a reserved key and
//! applied afterwards ([`entry`]). The calls are the driver's to make; nothing here waits.

mod merge;
mod ask;
mod call;
mod account;
mod plan;
mod entry;
mod value;
mod written;
mod settle;
mod undo;
mod ending;
mod service;
mod preview;

#[cfg(test)]
mod plan_test;

pub(crate) use merge::{Given, Merge};
pub use plan::Fate;
pub(crate) use plan::{Conflicts, MergeRules};
pub(crate) use preview::preview;
pub use preview::{NoPreview, Preview, PreviewKey};
pub(crate) use service::{Credentials, GrantRules, Granted, Service};

/// What the policy says of merging.
pub(crate) struct MetadataRules {
    pub(crate) merge: MergeRules,
    /// Whether what was written is taken back when the upstream surely refuses the link.
    pub(crate) undo: bool,
    /// For everything before the link.
    pub(crate) timeout_ms: u64,
    /// Whether the answer to the client names the keys and what became of them.
    pub(crate) show_outcome: bool,
}

/// What became of the metadata, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// There was nothing to carry, or nothing was written.
    None,
    /// Linked, and everything is where it belongs.
    Merged,
    /// Not known to be linked; what was written stays on the primary.
    Kept,
    /// Linked; something staged still waits in the reserved entry.
    Staged,
    /// Not linked; what was written was taken back.
    Undone,
    /// Not linked; whether something was written is not known.
    Unknown,
    /// Let through by a policy in shadow: nothing was read or written, linked or not.
    NotMerged,
}

impl Outcome {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Merged => "merged",
            Self::Kept => "kept",
            Self::Staged => "staged",
            Self::Undone => "undone",
            Self::Unknown => "unknown",
            Self::NotMerged => "not-merged",
        }
    }
}

/// What a decision record says of a merge: names of keys, and no values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeRecord {
    /// `none`, `merged`, `kept`, `staged`, `undone`, `unknown` or `not-merged`.
    pub outcome: &'static str,
    /// Calls that were made for it.
    pub calls: u32,
    /// Each key of the secondary, escaped, and what became of it.
    pub keys: Vec<(String, Fate)>,
}

impl MergeRecord {
    /// Of a link that a policy in shadow let through.
    pub(crate) fn not_merged() -> Self {
        Self { outcome: Outcome::NotMerged.name(), calls: 0, keys: Vec::new() }
    }
}
