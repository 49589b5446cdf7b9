//! Carrying the secondary's `user_metadata` over to the primary before the link destroys it.
//!
//! ```text
//!  acquire ─▶ read secondary ─▶ read primary ─▶ plan ─▶ write one entry ─▶ read secondary again ─▶ link, once
//!                                    ▲                                              │ changed: once more
//!                                    └──────────────────────────────────────────────┘
//!  once it is confirmed: read primary ─▶ apply what is staged, by the rules ─▶ relay
//! ```
//!
//! Losing nothing ranks above leaving no trace. Before the link is confirmed the primary gains one
//! reserved key, with all that is carried ([`entry`]), and no key of a person's own is touched. The
//! calls are the driver's to make; nothing here waits.

mod value;
mod entry;
mod account;
mod apply;
mod plan;
mod preview;
mod service;
mod replacing;
mod call;
mod calls;
mod write_outcome;
mod before_link;
mod after_link;
mod merge;
mod ending;

#[cfg(test)]
mod plan_test;
#[cfg(test)]
mod merge_test;

pub(crate) use merge::{Given, Merge};
pub use plan::Fate;
pub(crate) use plan::{Conflicts, MergeRules};
pub(crate) use preview::preview;
pub use preview::{NoPreview, Preview, PreviewKey};
pub(crate) use replacing::Replacing;
pub(crate) use service::{Credentials, GrantRules, Granted, Service};

/// What the policy says of merging.
pub(crate) struct MetadataRules {
    pub(crate) merge: MergeRules,
    /// The operator vouches that the upstream merges: no account's behaviour suspends all links.
    pub(crate) upstream_merges: bool,
    /// For everything before the link.
    pub(crate) timeout_ms: u64,
    /// Largest answer of the API that is read.
    pub(crate) max_answer_bytes: u32,
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
    /// Not known to be linked; the entry that was written stays on the primary.
    Kept,
    /// Linked; what was staged still waits in an entry.
    Staged,
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
            Self::Unknown => "unknown",
            Self::NotMerged => "not-merged",
        }
    }
}

/// What a decision record says of a merge: names of keys, and no values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeRecord {
    /// `none`, `merged`, `kept`, `staged`, `unknown` or `not-merged`.
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
