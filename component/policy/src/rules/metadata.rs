//! How a secondary account's metadata is carried over.

use std::collections::BTreeSet;

/// What the policy says of merging.
pub(crate) struct MetadataRules {
    pub(crate) merge: MergeRules,
    /// The operator vouches that the upstream merges: no account's behaviour suspends all links.
    pub(crate) upstream_merges: bool,
    /// For everything before the link.
    pub(crate) timeout_ms: u64,
    /// Largest answer of the API that is read.
    pub(crate) max_answer_bytes: u32,
    /// Whether the answer to the client names the keys and their fates.
    pub(crate) show_outcome: bool,
}

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

/// Whose value a key has that is on both sides with different ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conflicts {
    Primary,
    Secondary,
    KeepBoth,
    Refuse,
}
