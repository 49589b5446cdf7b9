//! What a decision record says of a merge.

/// The outcome of the metadata, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MergeOutcome {
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

impl MergeOutcome {
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
    /// Each key of the secondary, escaped, and its fate.
    pub keys: Vec<(String, Fate)>,
}

impl MergeRecord {
    /// Of a link that a policy in shadow let through.
    pub(crate) fn not_merged() -> Self {
        Self { outcome: MergeOutcome::NotMerged.name(), calls: 0, keys: Vec::new() }
    }
}

/// The fate of a key of the secondary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// The primary gains it.
    Added,
    /// The primary has it, with the same value.
    Same,
    /// The primary's value stays, the secondary's is dropped, as the rule says.
    Dropped,
    /// The outcome is written once the link is confirmed.
    Staged,
    /// The primary's value stays, the secondary's is kept in the reserved entry for good.
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
}
